#include "control/session_keys.h"

#include "base/heap.h"
#include "base/log.h"
#include "control/seal_file.h"
#include "wire/packed.h"

#define PURPOSE BYTES("selvage session-keys 1")
#define FILE_NAME "session-keys"

enum { RETRY_S = 60, KEPT_MAX = 1024 };

/* ---- how often it was changed on command ---------------------------------------------- */

static void changes_read(struct session_keys *keys, const struct settings *settings)
{
    struct arena arena;
    struct bytes plain;
    struct fail why;
    if (keys->read)
        return;
    keys->read = true;
    arena_init(&arena);
    if (!seal_state_read(settings, FILE_NAME, PURPOSE, KEPT_MAX, &arena, &plain, &why)) {
        log_warning("how often session keys were changed is not known any more: %s", why.text);
        plain = (struct bytes){0};
    }
    struct unpack from = {.rest = plain};
    keys->changes = plain.len ? unpack_u64(&from) : 0;
    arena_done(&arena);
}

void session_keys_change(struct session_keys *keys, const struct settings *settings)
{
    struct arena arena;
    struct text text;
    struct fail why;
    changes_read(keys, settings);
    keys->changes++;
    arena_init(&arena);
    text_init_arena(&text, &arena);
    packed_u64(&text, keys->changes);
    if (!seal_state_write(settings, FILE_NAME, PURPOSE, text_bytes(&text), &why))
        log_warning("the change of session keys will not survive a restart: %s", why.text);
    arena_done(&arena);
}

/* ---- the keys --------------------------------------------------------------------------- */

static void keys_make(struct envelope_keys *keys, const struct seal_key *seal, uint64_t number)
{
    /* The one that seals, the one before it, and that of a node whose clock is ahead. */
    const uint64_t numbers[ENVELOPE_KEYS_MAX] = {number, number - 1, number + 1};
    for (size_t i = 0; i < ENVELOPE_KEYS_MAX; i++) {
        keys->at[i].id = numbers[i];
        envelope_key_derive(seal, &keys->at[i]);
    }
    keys->count = ENVELOPE_KEYS_MAX;
}

bool session_keys_step(struct session_keys *keys, const struct settings *settings, int64_t now_s)
{
    struct seal_key seal;
    struct fail why;
    changes_read(keys, settings);
    uint64_t number = (uint64_t)now_s / (uint64_t)(settings->session_keys_ms / 1000) + keys->changes;
    if ((keys->keys.count && keys->keys.at[0].id == number) ||
        (keys->failed_s && (uint64_t)now_s < keys->failed_s + RETRY_S))
        return false;
    if (!seal_key_obtain(settings, settings->state, &seal, &why)) {
        keys->failed_s = (uint64_t)now_s;
        log_warning("nobody can log in: %s", why.text);
        return false;
    }
    keys_make(&keys->keys, &seal, number);
    heap_wipe(&seal, sizeof seal);
    keys->failed_s = 0;
    log_info("a new key seals sessions of browsers");
    return true;
}
