/* The part of publish that is about browsers' logins: what workers ask about them, and what ended. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/heap.h"
#include "control/login_clients.h"
#include "control/publish.h"

struct known_login { /* what discovery has told about a login's provider */
    struct link link;
    uint64_t id;
    struct bytes authorization_endpoint; /* heap */
    struct bytes end_session_endpoint;
    bool says_issuer;
};

static void text_free(struct bytes text)
{
    free((char *)(uintptr_t)text.at);
}

static void known_free(struct known_login *known)
{
    list_remove(&known->link);
    text_free(known->authorization_endpoint);
    text_free(known->end_session_endpoint);
    free(known);
}

static struct known_login *known_of(struct link *link)
{
    return container_of(link, struct known_login, link);
}

static struct known_login *known_find(const struct publish *publish, uint64_t id)
{
    list_for(item, &publish->logins)
    {
        if (known_of(item)->id == id)
            return known_of(item);
    }
    return NULL;
}

void publish_logins_done(struct publish *publish)
{
    list_for_safe(item, after, &publish->logins) known_free(known_of(item));
    for (size_t i = 0; i < FRAME_WORKERS_MAX; i++)
        parcel_done(&publish->asks[i]);
    ended_sessions_done(&publish->ended);
    heap_wipe(&publish->sessions, sizeof publish->sessions);
}

static bool is_wanted(const struct publish *publish, uint64_t id)
{
    const struct edition *const editions[] = {publish->current, publish->before};
    for (size_t e = 0; e < 2; e++)
        for (size_t i = 0; editions[e] && i < editions[e]->result.login_count; i++)
            if (editions[e]->result.logins[i].id == id)
                return true;
    return false;
}

void publish_logins_want(struct publish *publish)
{
    const struct compile_result *result = &publish->current->result;
    list_for_safe(item, after, &publish->logins)
    {
        if (!is_wanted(publish, known_of(item)->id))
            known_free(known_of(item));
    }
    if (publish->login_clients)
        login_clients_order(publish->login_clients, result->logins, result->login_count);
}

bool publish_logins_any(const struct publish *publish)
{
    return publish->current && publish->current->result.login_count;
}

size_t publish_logins_fill(const struct publish *publish, struct arena *arena, struct keys_login_source **out)
{
    size_t count = 0;
    list_for(item, &publish->logins) count++;
    *out = arena_array(arena, struct keys_login_source, count + 1);
    count = 0;
    list_for(item, &publish->logins)
    {
        const struct known_login *known = known_of(item);
        (*out)[count++] = (struct keys_login_source){known->id, known->authorization_endpoint,
                                                     known->end_session_endpoint, known->says_issuer};
    }
    return count;
}

static struct bytes heap_bytes(struct bytes text)
{
    return bytes_make(heap_text(text), text.len);
}

void publish_login_provider(struct publish *publish, struct login_provider_letter *take)
{
    struct known_login *known = known_find(publish, take->id);
    bool news = take->authorization_endpoint.len && is_wanted(publish, take->id);
    if (news && known)
        known_free(known);
    if (news) {
        known = heap_new(struct known_login);
        known->id = take->id;
        known->authorization_endpoint = heap_bytes(take->authorization_endpoint);
        known->end_session_endpoint = heap_bytes(take->end_session_endpoint);
        known->says_issuer = take->says_issuer;
        list_push_back(&publish->logins, &known->link);
        publish->keys_stale = true;
    }
    letter_free(&take->letter);
}

void publish_login_answer(struct publish *publish, struct login_answer_letter *take)
{
    struct worker *worker = &publish->workers.at[take->worker];
    struct frame frame = {.type = FRAME_LOGIN_ANSWER, .index = take->worker, .id = take->id};
    size_t at = 0;
    while (worker->live && parcel_next(take->answer, &at, &frame))
        channel_send(&worker->channel, &frame, -1);
    heap_wipe(&frame, sizeof frame);
    letter_free(&take->letter);
}

void publish_login_ask(struct publish *publish, uint32_t index, const struct frame *frame)
{
    struct bytes ask;
    if (publish->login_clients && parcel_take(&publish->asks[index], frame, &ask))
        login_clients_ask(publish->login_clients, index, frame->id, ask);
}

/* ---- what ended ---- */

static void ended_send(struct publish *publish, uint32_t index, const struct ended *at, size_t count)
{
    struct frame frame = {.type = FRAME_ENDED_ALL, .index = index};
    struct worker *worker = &publish->workers.at[index];
    for (size_t went = 0; worker->live && went < count;) {
        went += ended_pack(at + went, count - went, &frame);
        channel_send(&worker->channel, &frame, -1);
    }
}

void publish_ended_tell(struct publish *publish, uint32_t index)
{
    ended_sessions_read(&publish->ended, publish->settings, clock_wall_s());
    ended_send(publish, index, publish->ended.at, publish->ended.count);
}

void publish_ended(struct publish *publish, const struct frame *frame)
{
    struct ended all[ENDED_IN_FRAME];
    size_t count = ended_unpack(frame, all);
    ended_sessions_read(&publish->ended, publish->settings, clock_wall_s());
    for (size_t i = 0; i < count; i++)
        ended_sessions_add(&publish->ended, &all[i], clock_wall_s());
    for (uint32_t i = 0; i < FRAME_WORKERS_MAX; i++)
        ended_send(publish, i, all, count);
}
