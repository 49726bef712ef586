/*
 * token_place: where a request's tokens stand, and how they are taken out of it
 * again. RequestAuthentication's fromHeaders, fromParams, fromCookies.
 *
 * Envoy's reading for rules of the istio profile: of a repeated header, parameter or
 * cookie the first that can hold a token, the header's prefix wherever it begins. In
 * the strict profile a header begins with its prefix and every token counts.
 */
#ifndef PROXY_TOKEN_PLACE_H
#define PROXY_TOKEN_PLACE_H

#include "proxy/exchange.h"

enum { TOKENS_MAX = 8 };

struct token_found {
    struct bytes raw;
    struct bytes carrier; /* the field's value that it stood in */
    const struct rules_place *place;
};

struct tokens_found {
    struct token_found at[TOKENS_MAX];
    size_t count;
    bool confused; /* more tokens than can be meant */
};

void tokens_find(struct exchange *x, const struct rules_authn *row, struct tokens_found *out);
/*
 * The tokens that a rule found good go on only when it says so; what else came in their header
 * was not verified, and never does. Reads nothing of the request but what it changes.
 */
void tokens_pass_on(struct exchange *x, const struct rules_authn *row, const struct tokens_found *found);

#endif
