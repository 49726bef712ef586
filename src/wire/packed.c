#include "wire/packed.h"

enum { NUMBER_SIZE = 8, LENGTH_SIZE = 4 };

static void number_add(struct text *out, uint64_t number, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        text_add_c(out, (char)(unsigned char)(number >> (8 * i)));
}

void packed_u64(struct text *out, uint64_t number)
{
    number_add(out, number, NUMBER_SIZE);
}

void packed_text(struct text *out, struct bytes text)
{
    number_add(out, (uint32_t)text.len, LENGTH_SIZE);
    text_add(out, text);
}

static uint64_t number_take(struct unpack *from, unsigned size)
{
    uint64_t number = 0;
    from->bad |= from->rest.len < size;
    if (from->bad)
        return 0;
    for (unsigned i = size; i-- > 0;)
        number = number << 8 | (unsigned char)from->rest.at[i];
    from->rest = bytes_part(from->rest, size, from->rest.len);
    return number;
}

uint64_t unpack_u64(struct unpack *from)
{
    return number_take(from, NUMBER_SIZE);
}

struct bytes unpack_text(struct unpack *from)
{
    size_t len = number_take(from, LENGTH_SIZE);
    from->bad |= len > from->rest.len;
    if (from->bad)
        return (struct bytes){0};
    struct bytes text = bytes_part(from->rest, 0, len);
    from->rest = bytes_part(from->rest, len, from->rest.len);
    return text;
}

bool unpack_end(const struct unpack *from)
{
    return !from->bad && !from->rest.len;
}
