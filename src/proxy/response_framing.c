#include "proxy/response_framing.h"

/* RFC 9112 6.3. */
static bool has_no_body(const struct exchange *x)
{
    unsigned status = x->response.status;
    return status == 204 || status == 304 || bytes_equal(x->request.method, BYTES("HEAD"));
}

struct http1_write response_framing(struct exchange *x, bool whole, size_t len)
{
    struct http1_write how = {.body = HTTP1_BODY_CHUNKED};
    if (x->response_tunnel) {
        how.body = HTTP1_BODY_NONE;
        how.upgrade = x->upgrade;
    } else if (has_no_body(x)) {
        how.body = HTTP1_BODY_NONE;
        if (x->response_sized && x->response.status != 204)
            http_fields_add_known(&x->response.fields, HTTP_CONTENT_LENGTH,
                                  arena_format(&x->arena, "%llu", (unsigned long long)x->response_length));
    } else if (whole || x->response_sized) {
        how.body = HTTP1_BODY_LENGTH;
        how.length = whole ? len : x->response_length;
    } else if (x->request.minor == 0) {
        how.body = HTTP1_BODY_CLOSE;
    }
    return how;
}
