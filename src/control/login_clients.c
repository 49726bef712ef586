#include "control/login_clients.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/log.h"
#include "control/login_call.h"
#include "control/state_file.h"

enum {
    DISCOVERY_MS = 5000,
    DISCOVER_AGAIN_MS = 60 * 60 * 1000,
    RETRY_MIN_MS = 1000,
    RETRY_MAX_MS = 60 * 1000,
    REMEMBER_MS = 60 * 1000, /* an answer to a refresh */
    CALLS_MAX = 1024,        /* under way or remembered */
    SECRET_MAX = 4096,
};

struct login_client {
    struct link link;
    struct compile_login login; /* texts on the heap, in `arena` */
    struct arena arena;
    struct login_provider provider; /* token_endpoint empty: not known yet */
    struct arena provider_arena;
    struct fetch *discovery;
    uint64_t next_ms;
    uint64_t retry_ms;
    bool wanted;
};

struct login_clients {
    pthread_t thread;
    struct mailbox inbox;
    struct mailbox *out;
    struct fetch_trust trust;
    CURLM *multi;
    struct link list;
    struct link calls;
    size_t call_count;
};

static struct login_client *client_of(struct link *link)
{
    return container_of(link, struct login_client, link);
}

static struct login_call *call_of(struct link *link)
{
    return container_of(link, struct login_call, link);
}

/* ---- clients ------------------------------------------------------------------------------ */

static void secret_wipe(struct bytes secret)
{
    if (secret.len)
        heap_wipe((char *)(uintptr_t)secret.at, secret.len);
}

static void client_free(struct login_clients *clients, struct login_client *client)
{
    if (client->discovery)
        curl_multi_remove_handle(clients->multi, client->discovery->easy);
    fetch_free(client->discovery);
    secret_wipe(client->login.secret);
    arena_done(&client->arena);
    arena_done(&client->provider_arena);
    list_remove(&client->link);
    free(client);
}

static struct login_client *client_find(const struct login_clients *clients, uint64_t id)
{
    list_for(item, &clients->list)
    {
        if (client_of(item)->login.id == id)
            return client_of(item);
    }
    return NULL;
}

static void login_copy(struct compile_login *to, const struct compile_login *from, struct arena *arena)
{
    *to = *from;
    to->name = arena_bytes(arena, from->name);
    to->issuer = arena_bytes(arena, from->issuer);
    to->client_id = arena_bytes(arena, from->client_id);
    to->secret = arena_bytes(arena, from->secret);
    to->secret_file = arena_bytes(arena, from->secret_file);
}

static void client_want(struct login_clients *clients, const struct compile_login *login)
{
    struct login_client *client = client_find(clients, login->id);
    if (!client) {
        client = heap_new(struct login_client);
        arena_init(&client->arena);
        arena_init(&client->provider_arena);
        list_push_back(&clients->list, &client->link);
    } else {
        secret_wipe(client->login.secret);
        arena_reset(&client->arena);
    }
    login_copy(&client->login, login, &client->arena);
    client->wanted = true;
}

static void order_take(struct login_clients *clients, const struct logins_order *order)
{
    list_for(item, &clients->list) client_of(item)->wanted = false;
    for (size_t i = 0; i < order->count; i++)
        client_want(clients, &order->at[i]);
    list_for_safe(item, after, &clients->list)
    {
        if (!client_of(item)->wanted)
            client_free(clients, client_of(item));
    }
}

/* ---- discovery ---------------------------------------------------------------------------- */

static void provider_post(struct login_clients *clients, const struct login_client *client,
                          const char *problem)
{
    struct login_provider_letter *letter = letter_new(LETTER_LOGIN_PROVIDER, sizeof *letter);
    struct arena *arena = &letter->letter.arena;
    letter->id = client->login.id;
    letter->problem = arena_bytes(arena, bytes_of(problem));
    if (!letter->problem.len) {
        letter->authorization_endpoint = arena_bytes(arena, client->provider.authorization_endpoint);
        letter->end_session_endpoint = arena_bytes(arena, client->provider.end_session_endpoint);
        letter->says_issuer = client->provider.says_issuer;
    }
    mailbox_post(clients->out, &letter->letter);
}

static void discovery_fail(struct login_clients *clients, struct login_client *client, const struct fail *why)
{
    log_warning("login %.*s: %s: %s", BYTES_FMT(client->login.name), client->login.issuer.at, why->text);
    client->retry_ms = client->retry_ms ? client->retry_ms * 2 : RETRY_MIN_MS;
    if (client->retry_ms > RETRY_MAX_MS)
        client->retry_ms = RETRY_MAX_MS;
    client->next_ms = clock_ms() + client->retry_ms;
    provider_post(clients, client, why->text);
}

static void discovery_begin(struct login_clients *clients, struct login_client *client)
{
    struct fail why;
    struct arena arena;
    struct bytes issuer = client->login.issuer;
    if (bytes_ends(issuer, BYTES("/")))
        issuer.len--;
    arena_init(&arena);
    client->discovery =
        fetch_new(arena_format(&arena, "%.*s/.well-known/openid-configuration", BYTES_FMT(issuer)),
                  DISCOVERY_MS, &clients->trust, &client->discovery, &why);
    if (client->discovery)
        curl_multi_add_handle(clients->multi, client->discovery->easy);
    else
        discovery_fail(clients, client, &why);
    arena_done(&arena);
}

static void discovery_take(struct login_clients *clients, struct login_client *client, CURLcode code)
{
    struct arena arena;
    struct login_provider provider;
    struct bytes body;
    struct fail why;
    arena_init(&arena);
    bool read = fetch_judge(client->discovery, code, &body, &why) &&
                login_discovery_read(body, client->login.issuer, &arena, &provider, &why);
    curl_multi_remove_handle(clients->multi, client->discovery->easy);
    fetch_free(client->discovery);
    client->discovery = NULL;
    if (!read) {
        arena_done(&arena);
        discovery_fail(clients, client, &why); /* what was known goes on being used */
        return;
    }
    arena_done(&client->provider_arena);
    client->provider_arena = arena;
    client->provider = provider;
    client->retry_ms = 0;
    client->next_ms = clock_ms() + DISCOVER_AGAIN_MS;
    provider_post(clients, client, "");
}

/* ---- calls -------------------------------------------------------------------------------- */

static void letter_wipe(struct letter *letter)
{
    if (letter->kind == LETTER_LOGIN_ANSWER)
        secret_wipe(((struct login_answer_letter *)letter)->answer);
    if (letter->kind == LETTER_LOGIN_ASK)
        secret_wipe(((struct login_ask_letter *)letter)->ask);
    struct logins_order *order = (struct logins_order *)letter;
    for (size_t i = 0; letter->kind == LETTER_LOGINS && i < order->count; i++)
        secret_wipe(order->at[i].secret);
}

static void answer_post(struct login_clients *clients, const struct login_waiter *to, struct bytes packed)
{
    struct login_answer_letter *letter = letter_new(LETTER_LOGIN_ANSWER, sizeof *letter);
    letter->letter.wipe = letter_wipe;
    letter->worker = to->worker;
    letter->id = to->id;
    letter->answer = arena_bytes(&letter->letter.arena, packed);
    mailbox_post(clients->out, &letter->letter);
}

static void failure_post(struct login_clients *clients, const struct login_waiter *to, const char *problem)
{
    struct arena arena;
    struct login_answer answer = {.outcome = LOGIN_FAILED, .problem = bytes_of(problem)};
    arena_init(&arena);
    answer_post(clients, to, login_answer_pack(&answer, &arena));
    arena_done(&arena);
}

static void call_forget(struct login_clients *clients, struct login_call *call)
{
    if (call->fetch)
        curl_multi_remove_handle(clients->multi, call->fetch->easy);
    login_call_free(call);
    clients->call_count--;
}

static void call_over(struct login_clients *clients, struct login_call *call, CURLcode code)
{
    struct arena arena;
    struct login_answer answer;
    arena_init(&arena);
    struct bytes packed = login_call_answer(call, code, &arena);
    for (size_t i = 0; i < call->waiter_count; i++)
        answer_post(clients, &call->waiters[i], packed);
    call->waiter_count = 0;
    curl_multi_remove_handle(clients->multi, call->fetch->easy);
    fetch_free(call->fetch);
    call->fetch = NULL;
    bool kept =
        call->wish == LOGIN_REFRESH && login_answer_unpack(packed, &answer) && answer.outcome != LOGIN_FAILED;
    if (kept) {
        call->answer = heap_text(packed);
        call->answer_len = packed.len;
        call->over_ms = clock_ms();
    }
    secret_wipe(packed);
    arena_done(&arena);
    if (!kept)
        call_forget(clients, call);
}

static void calls_forget(struct login_clients *clients, uint64_t now_ms)
{
    list_for_safe(item, after, &clients->calls)
    {
        struct login_call *call = call_of(item);
        if (!call->fetch && now_ms >= call->over_ms + REMEMBER_MS)
            call_forget(clients, call);
    }
}

/* Somebody asked with this very token already: his answer is this one's too. */
static bool call_join(struct login_clients *clients, const struct login_ask *ask, const struct digest *token,
                      const struct login_waiter *waiter)
{
    list_for(item, &clients->calls)
    {
        struct login_call *call = call_of(item);
        if (ask->wish != LOGIN_REFRESH || call->wish != LOGIN_REFRESH || call->login != ask->login ||
            memcmp(&call->token, token, sizeof *token) != 0)
            continue;
        if (!call->fetch)
            answer_post(clients, waiter, bytes_make(call->answer, call->answer_len));
        else if (call->waiter_count == LOGIN_WAITERS_MAX)
            failure_post(clients, waiter, "too many wait for the same answer");
        else
            call->waiters[call->waiter_count++] = *waiter;
        return true;
    }
    return false;
}

static bool secret_read(const struct compile_login *login, struct arena *arena, struct bytes *out,
                        struct fail *why)
{
    const char *path;
    *out = login->secret;
    if (!login->secret_file.len)
        return !login->has_secret || login->secret.len > 0 ||
               fail(why, FAIL_SELF, "its client secret is missing");
    if (login->secret_file.at[0] == '/')
        path = arena_text(arena, login->secret_file);
    else if (getenv("CREDENTIALS_DIRECTORY"))
        path = path_join(arena, bytes_of(getenv("CREDENTIALS_DIRECTORY")),
                         arena_text(arena, login->secret_file));
    else
        return fail(why, FAIL_SELF, "there are no credentials of systemd's");
    if (!file_read(path, SECRET_MAX, arena, out, why))
        return false;
    while (out->len && (out->at[out->len - 1] == '\n' || out->at[out->len - 1] == '\r'))
        out->len--;
    return out->len > 0 || fail(why, FAIL_SELF, "%s: it is empty", path);
}

static struct login_call *call_new(struct login_clients *clients, struct login_client *client,
                                   const struct login_ask *ask, struct fail *why)
{
    struct login_call *call = heap_new(struct login_call);
    struct arena arena;
    struct bytes secret;
    arena_init(&arena);
    if (secret_read(&client->login, &arena, &secret, why))
        call->fetch = login_call_fetch(ask, &client->login, secret, &client->provider, &clients->trust,
                                       &call->fetch, why);
    if (client->login.secret_file.len)
        secret_wipe(secret);
    arena_done(&arena);
    if (!call->fetch) {
        free(call);
        return NULL;
    }
    call->wish = ask->wish;
    call->login = ask->login;
    list_push_back(&clients->calls, &call->link);
    clients->call_count++;
    curl_multi_add_handle(clients->multi, call->fetch->easy);
    return call;
}

static void ask_take(struct login_clients *clients, const struct login_ask_letter *letter)
{
    struct login_waiter waiter = {letter->worker, letter->id};
    struct login_ask ask;
    struct fail why;
    if (!login_ask_unpack(letter->ask, &ask)) {
        failure_post(clients, &waiter, "the question was not understood");
        return;
    }
    struct login_client *client = client_find(clients, ask.login);
    struct digest token = digest_of(ask.token);
    if (call_join(clients, &ask, &token, &waiter))
        return;
    bool revoke = ask.wish == LOGIN_REVOKE;
    if (!client || !client->provider.token_endpoint.len ||
        (revoke && !client->provider.revocation_endpoint.len) || clients->call_count >= CALLS_MAX) {
        failure_post(clients, &waiter,
                     clients->call_count >= CALLS_MAX ? "too many logins are under way"
                                                      : "the provider is not known yet");
        return;
    }
    struct login_call *call = call_new(clients, client, &ask, &why);
    if (!call) {
        log_warning("login %.*s: %s", BYTES_FMT(client->login.name), why.text);
        failure_post(clients, &waiter, why.text);
        return;
    }
    call->token = token;
    call->waiters[call->waiter_count++] = waiter;
}

/* ---- the thread --------------------------------------------------------------------------- */

static bool inbox_read(struct login_clients *clients)
{
    struct letter *letter;
    bool stop = false;
    while ((letter = mailbox_take(&clients->inbox))) {
        stop |= letter->kind == LETTER_STOP;
        if (letter->kind == LETTER_LOGINS)
            order_take(clients, (const struct logins_order *)letter);
        if (letter->kind == LETTER_LOGIN_ASK)
            ask_take(clients, (const struct login_ask_letter *)letter);
        letter_free(letter);
    }
    return !stop;
}

/* Answers how long nothing has to be done by the clock. */
static int due_begin(struct login_clients *clients)
{
    uint64_t now_ms = clock_ms(), next_ms = now_ms + 10 * 1000;
    list_for(item, &clients->list)
    {
        struct login_client *client = client_of(item);
        if (!client->discovery && client->next_ms <= now_ms)
            discovery_begin(clients, client);
        if (!client->discovery && client->next_ms < next_ms)
            next_ms = client->next_ms;
    }
    calls_forget(clients, now_ms);
    return next_ms > now_ms ? (int)(next_ms - now_ms) : 0;
}

static void transfer_end(struct login_clients *clients, const struct fetch *fetch, CURLcode code)
{
    list_for_safe(item, after, &clients->list)
    {
        if (client_of(item)->discovery == fetch) {
            discovery_take(clients, client_of(item), code);
            return;
        }
    }
    list_for_safe(item, after, &clients->calls)
    {
        if (call_of(item)->fetch == fetch) {
            call_over(clients, call_of(item), code);
            return;
        }
    }
}

static void transfers_take(struct login_clients *clients)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(clients->multi, &left))) {
        struct fetch *const *fetch = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &fetch);
        transfer_end(clients, *fetch, code);
    }
}

static void *clients_run(void *of)
{
    struct login_clients *clients = of;
    while (inbox_read(clients)) {
        int running;
        int wait_ms = due_begin(clients);
        curl_multi_perform(clients->multi, &running);
        transfers_take(clients);
        struct curl_waitfd inbox = {.fd = clients->inbox.event, .events = CURL_WAIT_POLLIN};
        curl_multi_poll(clients->multi, &inbox, 1, wait_ms, NULL);
    }
    arena_stock_drop();
    return NULL;
}

struct login_clients *login_clients_start(struct bytes extra_root_cas, struct mailbox *out, struct fail *why)
{
    struct fetch_trust trust;
    if (!fetch_trust_load(&trust, extra_root_cas, why))
        return NULL;
    struct login_clients *clients = heap_new(struct login_clients);
    clients->trust = trust;
    clients->out = out;
    list_init(&clients->list);
    list_init(&clients->calls);
    mailbox_init(&clients->inbox);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    clients->multi = curl_multi_init();
    if (!clients->multi || pthread_create(&clients->thread, NULL, clients_run, clients) != 0)
        abort();
    return clients;
}

void login_clients_order(struct login_clients *clients, const struct compile_login *logins, size_t count)
{
    struct logins_order *order = letter_new(LETTER_LOGINS, sizeof *order);
    order->letter.wipe = letter_wipe;
    order->at = arena_array(&order->letter.arena, struct compile_login, count ? count : 1);
    order->count = count;
    for (size_t i = 0; i < count; i++)
        login_copy(&order->at[i], &logins[i], &order->letter.arena);
    mailbox_post(&clients->inbox, &order->letter);
}

void login_clients_ask(struct login_clients *clients, uint32_t worker, uint64_t id, struct bytes ask)
{
    struct login_ask_letter *letter = letter_new(LETTER_LOGIN_ASK, sizeof *letter);
    letter->letter.wipe = letter_wipe;
    letter->worker = worker;
    letter->id = id;
    letter->ask = arena_bytes(&letter->letter.arena, ask);
    mailbox_post(&clients->inbox, &letter->letter);
}

void login_clients_stop(struct login_clients *clients)
{
    if (!clients)
        return;
    mailbox_post(&clients->inbox, letter_new(LETTER_STOP, sizeof(struct letter)));
    pthread_join(clients->thread, NULL);
    list_for_safe(item, after, &clients->calls) call_forget(clients, call_of(item));
    list_for_safe(item, after, &clients->list) client_free(clients, client_of(item));
    mailbox_done(&clients->inbox);
    curl_multi_cleanup(clients->multi);
    fetch_trust_done(&clients->trust);
    free(clients);
}
