#include "wire/claim_route.h"

#define PREFIX BYTES("@request.auth.claims")

bool claim_route_is(struct bytes name)
{
    return bytes_starts_nocase(name, PREFIX);
}

static bool steps_cut(struct bytes rest, struct bytes mark, struct claim_route *out)
{
    out->count = 0;
    while (out->count < CLAIM_ROUTE_DEPTH_MAX) {
        size_t at = bytes_find_text(rest, mark);
        out->steps[out->count++] = bytes_part(rest, 0, at);
        if (at == rest.len)
            return true;
        rest = bytes_part(rest, at + mark.len, rest.len);
    }
    return false;
}

/* Istio's reading (its pkg/jwt): any text between the marks is a step, also one with dots and brackets. */
bool claim_route_read(struct bytes name, struct claim_route *out)
{
    if (!claim_route_is(name))
        return false;
    struct bytes rest = bytes_part(name, PREFIX.len, name.len);
    if (rest.len > 1 && rest.at[0] == '.')
        return steps_cut(bytes_part(rest, 1, rest.len), BYTES("."), out);
    if (rest.len > 2 && rest.at[0] == '[' && rest.at[rest.len - 1] == ']')
        return steps_cut(bytes_part(rest, 1, rest.len - 1), BYTES("]["), out);
    return false;
}
