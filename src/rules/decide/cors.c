#include "rules/decide/cors.h"

static struct bytes field_value(const struct http_request *request, struct bytes name)
{
    const struct http_field *field = http_fields_find_name(&request->fields, name);
    return field ? field->value : (struct bytes){0};
}

static bool is_preflight(const struct http_request *request)
{
    return bytes_equal(request->method, BYTES("OPTIONS")) &&
           field_value(request, BYTES("access-control-request-method")).len;
}

/* As Envoy has it, a match that takes the text "*" takes every origin. */
static bool origin_allowed(const struct image *rules, const struct route_regexes *regexes,
                           const struct rules_cors *cors, struct bytes origin)
{
    IMAGE_FOR(rules, RULES_FIELD_MATCH, struct rules_field_match, allowed, cors->origins)
    if (route_text_holds(rules, regexes, &allowed->value, BYTES("*")) ||
        route_text_holds(rules, regexes, &allowed->value, origin))
        return true;
    return false;
}

struct cors_answer cors_judge(const struct image *rules, const struct route_regexes *regexes,
                              const struct rules_cors *cors, const struct http_request *request)
{
    struct cors_answer answer = {.origin = field_value(request, BYTES("origin"))};
    bool preflight = is_preflight(request);
    if (!answer.origin.len)
        return answer;
    if (origin_allowed(rules, regexes, cors, answer.origin))
        answer.verdict = preflight ? CORS_PREFLIGHT : CORS_ALLOWED;
    else if (preflight && !cors->forwards_unmatched)
        answer.verdict = CORS_IGNORED;
    return answer;
}

static void field_set(struct http_fields *fields, struct bytes name, struct bytes value)
{
    if (value.len)
        http_fields_set(fields, name, value);
}

void cors_fields(const struct image *rules, const struct rules_cors *cors, const struct cors_answer *answer,
                 struct http_fields *fields)
{
    if (answer->verdict != CORS_ALLOWED && answer->verdict != CORS_PREFLIGHT)
        return;
    field_set(fields, BYTES("access-control-allow-origin"), answer->origin);
    if (cors->credentials)
        field_set(fields, BYTES("access-control-allow-credentials"), BYTES("true"));
    field_set(fields, BYTES("access-control-expose-headers"), image_text(rules, cors->expose));
    if (answer->verdict != CORS_PREFLIGHT)
        return;
    field_set(fields, BYTES("access-control-allow-methods"), image_text(rules, cors->methods));
    field_set(fields, BYTES("access-control-allow-headers"), image_text(rules, cors->headers));
    field_set(fields, BYTES("access-control-max-age"), image_text(rules, cors->max_age));
}
