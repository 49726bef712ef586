#include "proxy/sealed.h"

#include <string.h>

enum {
    RECORD_MAX = 16 * 1024,
    PLAIN_MAX = 64 * 1024, /* sealed at once */
    FEW = 4096,            /* so many bytes are copied in front of the next ones rather than sealed alone */
};

/* A walk along slices that are not used up yet. */
struct place {
    const struct slices *slices;
    uint32_t n;
    size_t at;
};

static struct bytes rest_here(const struct place *place)
{
    const struct slice *slice = slices_at(place->slices, place->n);
    return bytes_make(slice->at + place->at, slice->len - place->at);
}

static void go_on(struct place *place, size_t len)
{
    place->at += len;
    if (place->at == slices_at(place->slices, place->n)->len) {
        place->n++;
        place->at = 0;
    }
}

/* The content of the next record: where it lies, or copied together. */
static struct bytes record_next(struct place *place, struct block *copy)
{
    struct bytes here = rest_here(place);
    bool last = place->n + 1 == place->slices->count;
    if (here.len > FEW || last) {
        here = bytes_part(here, 0, RECORD_MAX);
        go_on(place, here.len);
        return here;
    }
    size_t len = 0;
    while (place->n < place->slices->count && len < RECORD_MAX) {
        here = bytes_part(rest_here(place), 0, RECORD_MAX - len);
        memcpy(copy->data + len, here.at, here.len);
        len += here.len;
        go_on(place, here.len);
    }
    return bytes_make(copy->data, len);
}

enum tls_turn sealed_make(struct sealed *sealed, struct tls_session *tls, const struct slices *out,
                          struct fail *why)
{
    struct place place = {.slices = out};
    struct block *copy = block_must();
    enum tls_turn turn = TLS_DONE;
    sealed->making = true;
    while (turn == TLS_DONE && place.n < out->count && sealed->plain < PLAIN_MAX) {
        struct bytes record = record_next(&place, copy);
        turn = tls_write(tls, record.at, &record.len, why);
        sealed->plain += record.len;
    }
    sealed->making = false;
    block_unref(copy);
    return turn;
}

size_t sealed_gone(struct sealed *sealed)
{
    size_t plain = sealed->plain;
    sealed_drop(sealed);
    return plain;
}

void sealed_drop(struct sealed *sealed)
{
    slices_drop(&sealed->records);
    *sealed = (struct sealed){0};
}
