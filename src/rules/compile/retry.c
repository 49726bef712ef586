#include "rules/compile/retry.h"

#include "rules/kind/retry_word.h"

enum { ATTEMPTS = 2, BACK_OFF_MS = 25, GRPC_CANCELLED = 1, GRPC_UNAVAILABLE = 14 };

/* Istio 1.24 and later: no status is tried again, since the request may have had its effect. */
static const struct rules_retry outbound = {
    .attempts = ATTEMPTS,
    .on = RETRY_CONNECT_FAILURE | RETRY_REFUSED_STREAM | RETRY_STATUSES,
    .grpc = 1u << GRPC_CANCELLED | 1u << GRPC_UNAVAILABLE,
    .back_off_ms = BACK_OFF_MS,
    .other_hosts = 1,
    .preset = 1,
};
static const struct rules_retry to_workload = {
    .attempts = ATTEMPTS,
    .on = RETRY_RESET_BEFORE_REQUEST,
    .back_off_ms = BACK_OFF_MS,
    .preset = 1,
};

struct image_rows retry_preset(struct work *work, bool inbound)
{
    struct image_rows *known = &work->retry_presets[inbound];
    if (!known->count)
        *known = image_build_rows(&work->rules, RULES_RETRY, inbound ? &to_workload : &outbound, 1);
    return *known;
}

static struct retry_words words_of(struct bytes written)
{
    struct retry_words words = {0};
    struct bytes word;
    while (written.len) {
        bytes_cut(&written, ',', &word);
        retry_word_read(bytes_trim(word), &words); /* the kind has checked it */
    }
    return words;
}

static struct image_rows statuses_of(struct work *work, const struct retry_words *words)
{
    struct rows rows = rows_of(sizeof(struct rules_number));
    for (uint32_t i = 0; i < words->status_count; i++)
        rows_add(work, &rows, &(struct rules_number){words->statuses[i]});
    return rows_put(work, RULES_NUMBER, &rows);
}

static uint32_t milliseconds(int64_t ms)
{
    return ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
}

struct image_rows retry_of(struct work *work, const struct http_retry *retry)
{
    struct rules_retry row = outbound;
    if (!retry)
        return retry_preset(work, false);
    if (retry->retry_on.len) {
        struct retry_words words = words_of(retry->retry_on);
        row.on = words.on;
        row.grpc = words.grpc;
        row.statuses = statuses_of(work, &words);
    }
    row.preset = 0;
    row.attempts = (uint32_t)retry->attempts;
    row.per_try_timeout_ms = milliseconds(retry->per_try_timeout_ms);
    row.back_off_ms = milliseconds(retry->back_off_ms);
    row.other_hosts = retry->other_hosts || !group_has(&retry->group, "retryIgnorePreviousHosts");
    return image_build_rows(&work->rules, RULES_RETRY, &row, retry->attempts > 0);
}
