#include "control/ended_sessions.h"

#include <stdlib.h>

#include "base/heap.h"
#include "base/log.h"
#include "control/seal_file.h"
#include "wire/packed.h"

#define PURPOSE BYTES("selvage ended-sessions 1")
#define FILE_NAME "ended-sessions"

enum { ENTRY_SIZE = 24, LIFE_MAX_S = 31 * 24 * 60 * 60, WARN_EVERY_S = 60 };

void ended_sessions_done(struct ended_sessions *ended)
{
    free(ended->at);
    *ended = (struct ended_sessions){0};
}

static void forget_old(struct ended_sessions *ended, int64_t now_s)
{
    size_t left = 0;
    for (size_t i = 0; i < ended->count; i++)
        if (ended->at[i].until_s > now_s)
            ended->at[left++] = ended->at[i];
    ended->count = left;
}

static size_t first_to_go(const struct ended_sessions *ended)
{
    size_t found = 0;
    for (size_t i = 1; i < ended->count; i++)
        if (ended->at[i].until_s < ended->at[found].until_s)
            found = i;
    return found;
}

static struct ended *place_for(struct ended_sessions *ended, uint64_t mark, int64_t now_s)
{
    for (size_t i = 0; i < ended->count; i++)
        if (ended->at[i].mark == mark)
            return &ended->at[i];
    if (ended->count == ENDED_SESSIONS_MAX)
        forget_old(ended, now_s);
    if (ended->count == ENDED_SESSIONS_MAX) {
        if (now_s >= ended->warned_s + WARN_EVERY_S)
            log_warning("more than %d sessions have ended before their time: the oldest are forgotten",
                        ENDED_SESSIONS_MAX);
        ended->warned_s = now_s;
        return &ended->at[first_to_go(ended)];
    }
    if (ended->count == ended->room) {
        ended->room = ended->room ? ended->room * 2 : 64;
        ended->at = heap_grow(ended->at, ended->room, sizeof *ended->at);
    }
    ended->at[ended->count] = (struct ended){0};
    return &ended->at[ended->count++];
}

void ended_sessions_add(struct ended_sessions *ended, const struct ended *one, int64_t now_s)
{
    if (one->until_s <= now_s || one->until_s > now_s + LIFE_MAX_S)
        return; /* over by itself, or nothing that a worker of ours says */
    struct ended *place = place_for(ended, one->mark, now_s);
    int64_t until_s =
        place->mark == one->mark && place->until_s > one->until_s ? place->until_s : one->until_s;
    *place = *one;
    place->until_s = until_s;
    ended->unwritten = true;
}

void ended_sessions_read(struct ended_sessions *ended, const struct settings *settings, int64_t now_s)
{
    struct arena arena;
    struct bytes plain;
    struct fail why;
    if (ended->read)
        return;
    ended->read = true;
    arena_init(&arena);
    if (!seal_state_read(settings, FILE_NAME, PURPOSE, (size_t)ENDED_SESSIONS_MAX * ENTRY_SIZE + 1024, &arena,
                         &plain, &why)) {
        log_warning("which sessions have ended before is not known any more: %s", why.text);
        plain = (struct bytes){0};
    }
    struct unpack from = {.rest = plain};
    while (from.rest.len && !from.bad) {
        struct ended one = {.mark = unpack_u64(&from)};
        one.at_s = (int64_t)unpack_u64(&from);
        one.until_s = (int64_t)unpack_u64(&from);
        if (!from.bad)
            ended_sessions_add(ended, &one, now_s);
    }
    ended->unwritten = false;
    arena_done(&arena);
}

void ended_sessions_keep(struct ended_sessions *ended, const struct settings *settings)
{
    struct arena arena;
    struct text text;
    struct fail why;
    if (!ended->unwritten)
        return;
    ended->unwritten = false;
    arena_init(&arena);
    text_init_arena(&text, &arena);
    for (size_t i = 0; i < ended->count; i++) {
        packed_u64(&text, ended->at[i].mark);
        packed_u64(&text, (uint64_t)ended->at[i].at_s);
        packed_u64(&text, (uint64_t)ended->at[i].until_s);
    }
    if (!seal_state_write(settings, FILE_NAME, PURPOSE, text_bytes(&text), &why))
        log_warning("sessions that have ended would live again after a restart: %s", why.text);
    arena_done(&arena);
}
