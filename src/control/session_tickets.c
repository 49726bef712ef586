#include "control/session_tickets.h"

#include <string.h>
#include <unistd.h>

#include "base/heap.h"
#include "base/log.h"
#include "control/seal_file.h"
#include "control/state_file.h"
#include "crypt/digest.h"

#define PURPOSE BYTES("selvage session-tickets 1")

static const char *file_path(const struct settings *settings, struct arena *arena)
{
    return path_join(arena, settings->state, "session-tickets");
}

/* ---- at rest: the keys as they are, one behind the other ------------------------------ */

static bool kept_write(const struct session_tickets *tickets, const struct settings *settings,
                       struct arena *arena, struct fail *why)
{
    struct seal_key seal;
    if (!seal_key_obtain(settings, settings->state, &seal, why))
        return false;
    bool done = seal_file_write(file_path(settings, arena), &seal, PURPOSE,
                                bytes_make(tickets->at, tickets->count * sizeof tickets->at[0]), why);
    heap_wipe(&seal, sizeof seal);
    return done;
}

static bool kept_read(struct session_tickets *tickets, const struct settings *settings, struct arena *arena,
                      struct fail *why)
{
    struct seal_key seal;
    struct bytes plain;
    if (!seal_key_obtain(settings, settings->state, &seal, why))
        return false;
    bool opened =
        seal_file_read(file_path(settings, arena), &seal, PURPOSE, sizeof tickets->at, arena, &plain, why);
    heap_wipe(&seal, sizeof seal);
    if (!opened)
        return false;
    bool fits = plain.len % sizeof tickets->at[0] == 0 && plain.len <= sizeof tickets->at;
    if (fits && plain.len) {
        memcpy(tickets->at, plain.at, plain.len);
        tickets->count = plain.len / sizeof tickets->at[0];
    }
    heap_wipe((char *)(uintptr_t)plain.at, plain.len);
    return fits || fail(why, FAIL_INPUT, "%zu bytes are no keys", plain.len);
}

static void read_once(struct session_tickets *tickets, const struct settings *settings, struct arena *arena)
{
    struct fail why;
    if (tickets->read)
        return;
    tickets->read = true;
    if (access(file_path(settings, arena), F_OK) == 0 && !kept_read(tickets, settings, arena, &why))
        log_warning("the keys of session tickets are made anew: %s", why.text);
}

/* ---- time ------------------------------------------------------------------------------- */

/* A clock that was set back by more than a lifetime would keep a key for ever. */
static bool is_within(const struct session_ticket_key *key, int64_t now_s, int64_t age_s)
{
    return now_s < key->from_s + age_s && now_s >= key->from_s - age_s;
}

static void forget(struct session_tickets *tickets, int64_t now_s, int64_t lifetime_s)
{
    while (tickets->count && !is_within(&tickets->at[tickets->count - 1], now_s, 2 * lifetime_s))
        heap_wipe(&tickets->at[--tickets->count], sizeof tickets->at[0]);
}

static void make(struct session_tickets *tickets, int64_t now_s)
{
    tickets->count += tickets->count < TICKET_KEYS_MAX;
    memmove(&tickets->at[1], &tickets->at[0], (tickets->count - 1) * sizeof tickets->at[0]);
    tickets->at[0].from_s = now_s;
    random_bytes(tickets->at[0].key, TICKET_KEY_SIZE);
}

bool session_tickets_step(struct session_tickets *tickets, const struct settings *settings, int64_t now_s)
{
    struct arena arena;
    struct fail why;
    int64_t lifetime_s = settings->ticket_keys_ms / 1000;
    size_t before = tickets->count;
    arena_init(&arena);
    read_once(tickets, settings, &arena);
    forget(tickets, now_s, lifetime_s);
    bool due = tickets->wanted || !tickets->count || !is_within(&tickets->at[0], now_s, lifetime_s);
    if (due)
        make(tickets, now_s);
    tickets->wanted = false;
    if (due && !kept_write(tickets, settings, &arena, &why))
        log_warning("TLS sessions will not be resumed after a restart: %s", why.text);
    if (due)
        log_info("a new key seals TLS session tickets");
    arena_done(&arena);
    return due || tickets->count != before;
}
