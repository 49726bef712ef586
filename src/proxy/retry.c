#include "proxy/retry.h"

enum { PAUSE_TIMES_MAX = 10, GRPC_STATUS_MAX = 16 };

/* What no response at all counts for. */
static bool fits_failure(const struct rules_retry *retry, const struct try_facts *facts)
{
    const uint32_t any = RETRY_RESET | RETRY_5XX | RETRY_GATEWAY_ERROR;
    bool unconnected = facts->end == TRY_UNCONNECTED || facts->end == TRY_CONNECT_LATE;
    if (facts->end == TRY_OVERFLOW)
        return false;
    if (retry->on & any)
        return true;
    if (facts->stale)
        return (retry->on & (RETRY_CONNECT_FAILURE | RETRY_RESET_BEFORE_REQUEST)) != 0;
    return ((retry->on & RETRY_RESET_BEFORE_REQUEST) && !facts->sent) ||
           ((retry->on & RETRY_CONNECT_FAILURE) && unconnected) ||
           ((retry->on & RETRY_REFUSED_STREAM) && facts->end == TRY_REFUSED);
}

static bool listed(const struct image *rules, const struct rules_retry *retry, unsigned status)
{
    IMAGE_FOR(rules, RULES_NUMBER, struct rules_number, number, retry->statuses)
    {
        if (number->number == status)
            return true;
    }
    return false;
}

bool retry_grpc_status(const struct http_response *response, uint32_t *status)
{
    const struct http_field *field = http_fields_find_name(&response->fields, BYTES("grpc-status"));
    uint64_t number;
    if (!field || !bytes_to_u64(bytes_trim(field->value), GRPC_STATUS_MAX, &number))
        return false;
    *status = (uint32_t)number;
    return true;
}

static bool fits_response(const struct image *rules, const struct rules_retry *retry,
                          const struct http_response *response)
{
    unsigned status = response->status;
    uint32_t grpc;
    bool wanted = ((retry->on & RETRY_5XX) && status >= 500 && status <= 599) ||
                  ((retry->on & RETRY_GATEWAY_ERROR) && status >= 502 && status <= 504) ||
                  ((retry->on & RETRY_4XX) && status == 409) ||
                  ((retry->on & RETRY_STATUSES) && listed(rules, retry, status)) ||
                  (retry->grpc && retry_grpc_status(response, &grpc) && (retry->grpc >> grpc & 1));
    bool known = (retry->on & RETRY_RATE_LIMITED) != 0;
    /* Who limits rates says so: then only those who know about it come again. */
    if ((wanted || known) && http_fields_find_name(&response->fields, BYTES("x-envoy-ratelimited")))
        return known;
    return wanted;
}

bool retry_fits(const struct image *rules, const struct rules_retry *retry, const struct try_facts *facts)
{
    if (facts->end == TRY_ANSWERED)
        return fits_response(rules, retry, facts->response);
    return fits_failure(retry, facts);
}

uint64_t retry_pause_ms(const struct rules_retry *retry, uint32_t number, uint64_t random)
{
    uint64_t times = number < 4 ? (1u << number) - 1 : PAUSE_TIMES_MAX;
    uint64_t most = retry->back_off_ms * (times < PAUSE_TIMES_MAX ? times : PAUSE_TIMES_MAX);
    return most ? random % most : 0;
}

bool retry_idempotent(struct bytes method)
{
    static const struct bytes methods[] = {BYTES_INIT("GET"),    BYTES_INIT("HEAD"),    BYTES_INIT("PUT"),
                                           BYTES_INIT("DELETE"), BYTES_INIT("OPTIONS"), BYTES_INIT("TRACE")};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (bytes_equal(method, methods[i]))
            return true;
    return false;
}
