#include "rules/kind/retry_word.h"

#include "rules/snapshot.h"
#include "wire/http.h"

static const struct {
    const char *name;
    uint32_t on;
    uint32_t grpc;
} known_words[] = {
    {"connect-failure", RETRY_CONNECT_FAILURE, 0},
    {"refused-stream", RETRY_REFUSED_STREAM, 0},
    {"reset", RETRY_RESET, 0},
    {"reset-before-request", RETRY_RESET_BEFORE_REQUEST, 0},
    {"gateway-error", RETRY_GATEWAY_ERROR, 0},
    {"5xx", RETRY_5XX, 0},
    {"retriable-4xx", RETRY_4XX, 0},
    {"retriable-status-codes", RETRY_STATUSES, 0},
    {"envoy-ratelimited", RETRY_RATE_LIMITED, 0},
    {"cancelled", 0, 1u << 1},
    {"deadline-exceeded", 0, 1u << 4},
    {"resource-exhausted", 0, 1u << 8},
    {"internal", 0, 1u << 13},
    {"unavailable", 0, 1u << 14},
    /* Need headers that Istio cannot name, and HTTP/3: known, and never the case. */
    {"retriable-headers", 0, 0},
    {"http3-post-connect-failure", 0, 0},
};

/* As Go knows them, with two that are no longer registered. */
static bool is_known(uint64_t status)
{
    return status == 418 || status == 510 || strcmp(http_reason((unsigned)status), "Unknown") != 0;
}

static bool status_read(struct bytes word, struct retry_words *words)
{
    uint64_t status;
    if (!bytes_to_u64(word, 599, &status) || status < 100 || words->status_count == RETRY_STATUSES_MAX ||
        !is_known(status))
        return false;
    words->on |= RETRY_STATUSES;
    words->statuses[words->status_count++] = (uint32_t)status;
    return true;
}

bool retry_word_read(struct bytes word, struct retry_words *words)
{
    for (size_t i = 0; i < sizeof known_words / sizeof known_words[0]; i++) {
        if (!bytes_equal(word, bytes_of(known_words[i].name)))
            continue;
        words->on |= known_words[i].on;
        words->grpc |= known_words[i].grpc;
        return true;
    }
    return status_read(word, words);
}
