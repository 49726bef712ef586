#include "control/pieces.h"

void piece_write(struct text *out, struct bytes piece)
{
    uint32_t len = (uint32_t)piece.len;
    text_add(out, bytes_make(&len, sizeof len));
    text_add(out, piece);
}

bool piece_read(struct bytes *in, struct bytes *out)
{
    uint32_t len;
    if (in->len < sizeof len)
        return false;
    memcpy(&len, in->at, sizeof len);
    if (in->len - sizeof len < len)
        return false;
    *out = bytes_part(*in, sizeof len, sizeof len + len);
    *in = bytes_part(*in, sizeof len + len, in->len);
    return true;
}
