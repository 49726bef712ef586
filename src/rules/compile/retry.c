#include "rules/compile/retry.h"

enum { ATTEMPTS = 2, BACK_OFF_MS = 25, GRPC_CANCELLED = 1, GRPC_UNAVAILABLE = 14 };

/* Istio 1.24 and later: no status is tried again, since the request may have had its effect. */
struct image_rows retry_preset(struct work *work, bool inbound)
{
    struct rules_retry row = {.attempts = ATTEMPTS, .back_off_ms = BACK_OFF_MS, .preset = 1};
    if (work->retry_presets[inbound].count)
        return work->retry_presets[inbound];
    if (inbound) {
        row.on = RETRY_RESET_BEFORE_REQUEST;
    } else {
        row.on = RETRY_CONNECT_FAILURE | RETRY_REFUSED_STREAM | RETRY_STATUSES;
        row.grpc = 1u << GRPC_CANCELLED | 1u << GRPC_UNAVAILABLE;
        row.other_hosts = 1;
    }
    work->retry_presets[inbound] = image_build_rows(&work->rules, RULES_RETRY, &row, 1);
    return work->retry_presets[inbound];
}
