/*
 * response_framing: how a response's body is marked off towards an HTTP/1 client.
 */
#ifndef PROXY_RESPONSE_FRAMING_H
#define PROXY_RESPONSE_FRAMING_H

#include "proxy/exchange.h"
#include "wire/http1.h"

/*
 * By length where it is known, else in chunks, else (HTTP/1.0) by the connection's
 * end. `whole`: the body is all there, `len` bytes. A length that frames nothing
 * (HEAD, 304) is put among the fields of x->response.
 */
struct http1_write response_framing(struct exchange *x, bool whole, size_t len);

#endif
