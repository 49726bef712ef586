#include "control/binds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/log.h"

void binds_init(struct binds *binds, enum frame_type ask, struct channel *supervisor)
{
    binds->count = 0;
    binds->ask = ask;
    binds->supervisor = supervisor;
}

static void bind_forget(struct bind *bind)
{
    free((char *)(uintptr_t)bind->address.at);
}

void binds_done(struct binds *binds)
{
    for (size_t i = 0; i < binds->count; i++)
        bind_forget(&binds->at[i]);
    binds->count = 0;
}

static struct bind *bind_find(struct binds *binds, uint64_t id)
{
    for (size_t i = 0; i < binds->count; i++)
        if (binds->at[i].id == id)
            return &binds->at[i];
    return NULL;
}

static void bind_ask(struct binds *binds, struct bind *bind)
{
    struct frame frame = {.type = binds->ask, .id = bind->id, .number = bind->port};
    frame_text_set(&frame, bind->address);
    bind->state = BIND_ASKED;
    bind->asked_ms = clock_ms();
    if (channel_send(binds->supervisor, &frame, -1))
        return;
    bind->state = BIND_FAILED;
    bind->error = EPIPE;
}

bool binds_want(struct binds *binds, uint64_t id, struct bytes address, uint32_t port)
{
    struct bind *bind = bind_find(binds, id);
    if (bind) {
        bind->wanted = true;
        return true;
    }
    if (binds->count == BINDS_MAX)
        return false;
    bind = &binds->at[binds->count++];
    *bind =
        (struct bind){.id = id, .address = {heap_text(address), address.len}, .port = port, .wanted = true};
    bind_ask(binds, bind);
    return true;
}

const struct bind *binds_bound(struct binds *binds, uint64_t id, int error)
{
    struct bind *bind = bind_find(binds, id);
    if (!bind)
        return NULL;
    if (error)
        log_error("%.*s:%u cannot be listened on: %s; it is tried again", BYTES_FMT(bind->address),
                  bind->port, strerror(error));
    else if (bind->state != BIND_HELD)
        log_info("listening on %.*s:%u", BYTES_FMT(bind->address), bind->port);
    bind->state = error ? BIND_FAILED : BIND_HELD;
    bind->error = error;
    return bind;
}

bool binds_waiting(const struct binds *binds)
{
    for (size_t i = 0; i < binds->count; i++)
        if (binds->at[i].state == BIND_ASKED)
            return true;
    return false;
}

void binds_tick(struct binds *binds, uint64_t now_ms)
{
    for (size_t i = 0; i < binds->count; i++) {
        struct bind *bind = &binds->at[i];
        if (bind->state == BIND_ASKED && now_ms >= bind->asked_ms + BIND_ANSWER_MS)
            binds_bound(binds, bind->id, ETIMEDOUT);
        else if (bind->state == BIND_FAILED && now_ms >= bind->asked_ms + BIND_RETRY_MS)
            bind_ask(binds, bind);
    }
}

void binds_keep_none(struct binds *binds)
{
    for (size_t i = 0; i < binds->count; i++)
        binds->at[i].wanted = false;
}

void binds_keep(struct binds *binds, uint64_t id)
{
    struct bind *bind = bind_find(binds, id);
    if (bind)
        bind->wanted = true;
}

void binds_drop(struct binds *binds)
{
    size_t kept = 0;
    for (size_t i = 0; i < binds->count; i++) {
        struct bind *bind = &binds->at[i];
        if (bind->wanted) {
            binds->at[kept++] = *bind;
            continue;
        }
        struct frame frame = {.type = FRAME_UNBIND, .id = bind->id};
        channel_send(binds->supervisor, &frame, -1);
        log_info("no longer listening on %.*s:%u", BYTES_FMT(bind->address), bind->port);
        bind_forget(bind);
    }
    binds->count = kept;
}
