/*
 * route_answer: what a route answers by itself: redirects, fixed responses, faults
 * on purpose, and what browsers ask about pages of other origins.
 */
#ifndef PROXY_ROUTE_ANSWER_H
#define PROXY_ROUTE_ANSWER_H

#include "proxy/exchange.h"

/* A random number. */
uint64_t route_draw(struct exchange *x);
/* The route's delay falls to this exchange, and is now waited for. */
bool route_delay(struct exchange *x);
/* REPLY: the exchange fails on purpose, or asks what pages of other origins may do. Whatever is answered,
 * what the response says to such a page is in x->cors from now on. */
enum turn route_interrupt(struct exchange *x);
/* REPLY: the route redirects, or has a fixed response. */
enum turn route_answer(struct exchange *x);
/* Every host of this listener is served by https only. */
enum turn route_to_https(struct exchange *x);

#endif
