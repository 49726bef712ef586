/*
 * cors: what browsers are told about pages of other origins (Fetch standard 3.2;
 * a VirtualService's corsPolicy as Envoy's filter has it).
 */
#ifndef RULES_DECIDE_CORS_H
#define RULES_DECIDE_CORS_H

#include "rules/decide/route.h"

enum cors_verdict {
    CORS_PASSES,    /* nothing to say: no origin, or one that is not allowed */
    CORS_ALLOWED,   /* the response names the origin */
    CORS_PREFLIGHT, /* answered at once, with all that is allowed */
    CORS_IGNORED,   /* a preflight of another origin, answered at once with nothing */
};

struct cors_answer {
    enum cors_verdict verdict;
    struct bytes origin; /* to be named; as the request has it */
};

struct cors_answer cors_judge(const struct image *rules, const struct route_regexes *regexes,
                              const struct rules_cors *cors, const struct http_request *request);
/* The fields of the response of that verdict, in place of those that the upstream may have set. */
void cors_fields(const struct image *rules, const struct rules_cors *cors, const struct cors_answer *answer,
                 struct http_fields *fields);

#endif
