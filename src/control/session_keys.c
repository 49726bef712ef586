#include "control/session_keys.h"

#include "base/heap.h"
#include "base/log.h"
#include "control/seal_file.h"

enum { RETRY_S = 60 };

static void keys_make(struct envelope_keys *keys, const struct seal_key *seal, uint64_t period)
{
    /* The one that seals, the one before it, and that of a node whose clock is ahead. */
    const uint64_t periods[ENVELOPE_KEYS_MAX] = {period, period - 1, period + 1};
    for (size_t i = 0; i < ENVELOPE_KEYS_MAX; i++) {
        keys->at[i].id = periods[i];
        envelope_key_derive(seal, &keys->at[i]);
    }
    keys->count = ENVELOPE_KEYS_MAX;
}

bool session_keys_step(struct session_keys *keys, const struct settings *settings, int64_t now_s)
{
    struct seal_key seal;
    struct fail why;
    uint64_t period = (uint64_t)now_s / (uint64_t)(settings->session_keys_ms / 1000);
    if ((keys->keys.count && keys->keys.at[0].id == period) ||
        (keys->failed_s && (uint64_t)now_s < keys->failed_s + RETRY_S))
        return false;
    if (!seal_key_obtain(settings, settings->state, &seal, &why)) {
        keys->failed_s = (uint64_t)now_s;
        log_warning("nobody can log in: %s", why.text);
        return false;
    }
    keys_make(&keys->keys, &seal, period);
    heap_wipe(&seal, sizeof seal);
    keys->failed_s = 0;
    log_info("a new key seals sessions of browsers");
    return true;
}
