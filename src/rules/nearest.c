#include "rules/nearest.h"

#define NAME_MAX_SEEN 48

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Letters to put in, take out or exchange; letter case and _ do not count. */
static size_t distance(struct bytes a, struct bytes b)
{
    size_t row[NAME_MAX_SEEN + 1];
    for (size_t k = 0; k <= b.len; k++)
        row[k] = k;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t k = 1; k <= b.len; k++) {
            size_t above = row[k];
            size_t differs = ascii_lower(a.at[i - 1]) != ascii_lower(b.at[k - 1]);
            row[k] = least(diagonal + differs, least(above, row[k - 1]) + 1);
            diagonal = above;
        }
    }
    return row[b.len];
}

/* form for from: two neighbours changed places. */
static bool is_swapped(struct bytes a, struct bytes b)
{
    size_t at = 0;
    if (a.len != b.len)
        return false;
    while (at < a.len && a.at[at] == b.at[at])
        at++;
    return at + 1 < a.len && a.at[at] == b.at[at + 1] && a.at[at + 1] == b.at[at] &&
           bytes_equal(bytes_part(a, at + 2, a.len), bytes_part(b, at + 2, b.len));
}

void nearest_init(struct nearest *nearest, struct bytes wrong)
{
    *nearest = (struct nearest){.wrong = wrong, .distance = wrong.len > 5 ? 3 : 2};
}

void nearest_try(struct nearest *nearest, const char *name)
{
    struct bytes right = bytes_of(name);
    if (nearest->wrong.len > NAME_MAX_SEEN || right.len > NAME_MAX_SEEN)
        return;
    size_t far = is_swapped(nearest->wrong, right) ? 1 : distance(nearest->wrong, right);
    if (far < nearest->distance) {
        nearest->distance = far;
        nearest->name = name;
    }
}
