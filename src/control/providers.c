#include "control/providers.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/log.h"
#include "control/fetch.h"
#include "crypt/bundle.h"
#include "wire/jwk.h"

enum {
    TIMEOUT_MS = 5000,
    OLD_MS = 24 * 60 * 60 * 1000,
    WELL_KNOWN_MAX = 4096,
};

const struct provider_times provider_times_default = {60 * 1000, 20 * 60 * 1000, 1000, 60 * 1000, 60 * 1000};

struct provider {
    struct link link;
    uint64_t id;
    char *issuer;
    char *jwks_uri; /* NULL: by discovery */
    int64_t timeout_ms;
    bool bundle;
    char *spiffe_id;     /* NULL: the web's authorities vouch for the server */
    char *roots;         /* PEM, with spiffe_id: the newest that are known */
    struct fetch *fetch; /* under way, or NULL */
    bool discovering;    /* it is the discovery document's */
    bool need;           /* a worker waits for the end of this attempt */
    bool wanted;         /* while an order is read */
    bool good;           /* was read once at least */
    uint64_t next_ms;
    int64_t retry_ms;
    uint64_t needed_ms; /* when a need last triggered; 0: never */
    uint64_t fetched_ms;
    uint64_t warned_ms;
};

struct providers {
    pthread_t thread;
    struct mailbox inbox;
    struct mailbox *out;
    struct provider_times times;
    struct fetch_trust trust;
    CURLM *multi;
    struct link list;
};

static struct provider *provider_of(struct link *link)
{
    return container_of(link, struct provider, link);
}

/* ---- what an attempt ends in ---- */

static void fetch_drop(struct providers *providers, struct provider *provider)
{
    if (!provider->fetch)
        return;
    curl_multi_remove_handle(providers->multi, provider->fetch->easy);
    fetch_free(provider->fetch);
    provider->fetch = NULL;
}

static void result_post(struct providers *providers, struct provider *provider, bool tried, struct bytes text,
                        const char *problem)
{
    struct key_set_letter *letter = letter_new(LETTER_KEY_SET, sizeof *letter);
    letter->id = provider->id;
    letter->tried = tried;
    letter->answer = provider->need;
    letter->text = arena_bytes(&letter->letter.arena, text);
    letter->problem = arena_bytes(&letter->letter.arena, bytes_of(problem));
    letter->fetched_s = clock_wall_s();
    provider->need = false;
    mailbox_post(providers->out, &letter->letter);
}

static void age_warn(struct provider *provider, uint64_t now_ms)
{
    if (!provider->good || now_ms < provider->fetched_ms + OLD_MS || now_ms < provider->warned_ms + OLD_MS)
        return;
    provider->warned_ms = now_ms;
    log_warning("the key set of %s is more than a day old: its issuer cannot be read", provider->issuer);
}

static void attempt_fail(struct providers *providers, struct provider *provider, const struct fail *why)
{
    uint64_t now_ms = clock_ms();
    log_warning("key set of %s: %s", provider->issuer, why->text);
    fetch_drop(providers, provider);
    provider->retry_ms = provider->retry_ms ? provider->retry_ms * 2 : providers->times.retry_min_ms;
    if (provider->retry_ms > providers->times.retry_max_ms)
        provider->retry_ms = providers->times.retry_max_ms;
    provider->next_ms = now_ms + (uint64_t)provider->retry_ms;
    age_warn(provider, now_ms);
    result_post(providers, provider, true, (struct bytes){0}, why->text);
}

static int64_t refresh_ms(const struct provider_times *times, int64_t max_age_s)
{
    if (max_age_s < 0 || max_age_s > times->refresh_max_ms / 1000)
        return times->refresh_max_ms;
    return max_age_s * 1000 < times->refresh_min_ms ? times->refresh_min_ms : max_age_s * 1000;
}

/* The newest roots vouch for the server from now on. */
static bool bundle_judge(struct provider *provider, struct bytes body, struct arena *arena, struct fail *why)
{
    struct bytes roots;
    struct bundle bundle;
    if (!bundle_roots(body, arena, &roots, why))
        return false;
    if (bundle_read(body, arena, &bundle, why) && bundle.refresh_hint_s)
        provider->fetch->max_age_s = bundle.refresh_hint_s;
    if (provider->spiffe_id) {
        free(provider->roots);
        provider->roots = heap_text(roots);
    }
    return true;
}

static bool set_judge(const struct provider *provider, struct bytes body, struct arena *arena,
                      struct fail *why)
{
    struct jwk_set set;
    if (!jwk_set_read(body, arena, &set, why))
        return false;
    if (set.left_out)
        log_warning("key set of %s: %u keys are left out: %.*s", provider->issuer, set.left_out,
                    BYTES_FMT(set.remark));
    return set.count > 0 || fail(why, FAIL_PEER, "no key in it can be used");
}

static void set_take(struct providers *providers, struct provider *provider, struct bytes body)
{
    struct arena arena;
    struct fail why;
    arena_init(&arena);
    bool good = provider->bundle ? bundle_judge(provider, body, &arena, &why)
                                 : set_judge(provider, body, &arena, &why);
    if (good) {
        provider->retry_ms = 0;
        provider->good = true;
        provider->fetched_ms = clock_ms();
        provider->next_ms =
            provider->fetched_ms + (uint64_t)refresh_ms(&providers->times, provider->fetch->max_age_s);
        result_post(providers, provider, true, body, "");
        fetch_drop(providers, provider);
    } else {
        attempt_fail(providers, provider, &why);
    }
    arena_done(&arena);
}

/* ---- an attempt ---- */

static void fetch_begin(struct providers *providers, struct provider *provider, struct bytes url)
{
    struct fail why;
    struct fetch *fetch = fetch_new(url, provider->timeout_ms, &providers->trust, provider, &why);
    if (fetch && provider->spiffe_id &&
        !fetch_demand(fetch, bytes_of(provider->roots), bytes_of(provider->spiffe_id), &why)) {
        fetch_free(fetch);
        fetch = NULL;
    }
    provider->fetch = fetch;
    if (fetch)
        curl_multi_add_handle(providers->multi, fetch->easy);
    else
        attempt_fail(providers, provider, &why);
}

static void attempt_begin(struct providers *providers, struct provider *provider)
{
    char url[WELL_KNOWN_MAX];
    struct bytes issuer = bytes_of(provider->issuer);
    provider->discovering = provider->jwks_uri == NULL;
    if (!provider->discovering) {
        fetch_begin(providers, provider, bytes_of(provider->jwks_uri));
        return;
    }
    if (bytes_ends(issuer, BYTES("/")))
        issuer.len--;
    struct text text;
    text_init_fixed(&text, url, sizeof url);
    text_format(&text, "%.*s/.well-known/openid-configuration", BYTES_FMT(issuer));
    fetch_begin(providers, provider, text_bytes(&text));
}

static void discovery_take(struct providers *providers, struct provider *provider, struct bytes body)
{
    struct arena arena;
    struct bytes jwks_uri;
    struct fail why;
    arena_init(&arena);
    if (discovery_read(body, bytes_of(provider->issuer), &arena, &jwks_uri, &why)) {
        fetch_drop(providers, provider);
        provider->discovering = false;
        fetch_begin(providers, provider, jwks_uri);
    } else {
        attempt_fail(providers, provider, &why);
    }
    arena_done(&arena);
}

static void on_transfer_end(struct providers *providers, struct provider *provider, CURLcode code)
{
    struct bytes body;
    struct fail why;
    if (!fetch_judge(provider->fetch, code, &body, &why))
        attempt_fail(providers, provider, &why);
    else if (provider->discovering)
        discovery_take(providers, provider, body);
    else
        set_take(providers, provider, body);
}

/* ---- orders ---- */

static bool is_same(const struct provider *provider, const struct provider_wanted *wanted)
{
    return provider->id == wanted->id && bytes_equal(bytes_of(provider->issuer), wanted->issuer) &&
           bytes_equal(bytes_of(provider->jwks_uri), wanted->jwks_uri);
}

static void provider_free(struct providers *providers, struct provider *provider)
{
    fetch_drop(providers, provider);
    list_remove(&provider->link);
    free(provider->issuer);
    free(provider->jwks_uri);
    free(provider->spiffe_id);
    free(provider->roots);
    free(provider);
}

/* They were checked with the resource. */
static char *roots_first(struct bytes text)
{
    struct arena arena;
    struct bytes pem = {0};
    struct fail ignored;
    arena_init(&arena);
    bundle_roots(text, &arena, &pem, &ignored);
    char *roots = heap_text(pem);
    arena_done(&arena);
    return roots;
}

static void provider_want(struct providers *providers, const struct provider_wanted *wanted)
{
    struct provider *provider = NULL;
    list_for(item, &providers->list)
    {
        if (is_same(provider_of(item), wanted))
            provider = provider_of(item);
    }
    if (!provider) {
        provider = heap_new(struct provider);
        provider->id = wanted->id;
        provider->issuer = heap_text(wanted->issuer);
        provider->jwks_uri = wanted->jwks_uri.len ? heap_text(wanted->jwks_uri) : NULL;
        provider->bundle = wanted->bundle;
        if (wanted->spiffe_id.len) {
            provider->spiffe_id = heap_text(wanted->spiffe_id);
            provider->roots = roots_first(wanted->roots);
        }
        list_push_back(&providers->list, &provider->link);
    }
    provider->wanted = true;
    provider->timeout_ms = wanted->timeout_ms ? wanted->timeout_ms : TIMEOUT_MS;
}

static void order_take(struct providers *providers, const struct providers_order *order)
{
    list_for(item, &providers->list) provider_of(item)->wanted = false;
    for (size_t i = 0; i < order->count; i++)
        provider_want(providers, &order->at[i]);
    list_for_safe(item, after, &providers->list)
    {
        if (!provider_of(item)->wanted)
            provider_free(providers, provider_of(item));
    }
}

static void need_take(struct providers *providers, uint64_t id)
{
    uint64_t now_ms = clock_ms();
    list_for(item, &providers->list)
    {
        struct provider *provider = provider_of(item);
        if (provider->id != id)
            continue;
        provider->need = true;
        if (provider->fetch)
            return;
        if (provider->needed_ms && now_ms < provider->needed_ms + (uint64_t)providers->times.need_every_ms) {
            result_post(providers, provider, false, (struct bytes){0}, "");
            return;
        }
        provider->needed_ms = now_ms;
        provider->next_ms = 0;
        return;
    }
    result_post(providers, &(struct provider){.id = id, .need = true}, false, (struct bytes){0}, "");
}

/* ---- the thread ---- */

static bool inbox_read(struct providers *providers)
{
    struct letter *letter;
    bool stop = false;
    while ((letter = mailbox_take(&providers->inbox))) {
        stop |= letter->kind == LETTER_STOP;
        if (letter->kind == LETTER_WANTED)
            order_take(providers, (const struct providers_order *)letter);
        if (letter->kind == LETTER_NEED)
            need_take(providers, ((const struct need_letter *)letter)->id);
        letter_free(letter);
    }
    return !stop;
}

static void due_begin(struct providers *providers)
{
    uint64_t now_ms = clock_ms();
    list_for(item, &providers->list)
    {
        struct provider *provider = provider_of(item);
        if (!provider->fetch && provider->next_ms <= now_ms)
            attempt_begin(providers, provider);
    }
}

static int64_t due_wait_ms(const struct providers *providers)
{
    uint64_t now_ms = clock_ms(), next_ms = now_ms + 60 * 1000;
    list_for(item, &providers->list)
    {
        const struct provider *provider = provider_of(item);
        if (!provider->fetch && provider->next_ms < next_ms)
            next_ms = provider->next_ms;
    }
    return next_ms > now_ms ? (int64_t)(next_ms - now_ms) : 0;
}

static void transfers_take(struct providers *providers)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(providers->multi, &left))) {
        struct provider *provider = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &provider);
        on_transfer_end(providers, provider, code);
    }
}

static void *providers_run(void *of)
{
    struct providers *providers = of;
    while (inbox_read(providers)) {
        int running;
        due_begin(providers);
        curl_multi_perform(providers->multi, &running);
        transfers_take(providers);
        struct curl_waitfd inbox = {.fd = providers->inbox.event, .events = CURL_WAIT_POLLIN};
        curl_multi_poll(providers->multi, &inbox, 1, (int)due_wait_ms(providers), NULL);
    }
    arena_stock_drop();
    return NULL;
}

struct providers *providers_start(struct bytes extra_root_cas, const struct provider_times *times,
                                  struct mailbox *out, struct fail *why)
{
    struct fetch_trust trust;
    if (!fetch_trust_load(&trust, extra_root_cas, why))
        return NULL;
    struct providers *providers = heap_new(struct providers);
    providers->trust = trust;
    providers->times = *times;
    providers->out = out;
    list_init(&providers->list);
    mailbox_init(&providers->inbox);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    providers->multi = curl_multi_init();
    if (!providers->multi || pthread_create(&providers->thread, NULL, providers_run, providers) != 0)
        abort();
    return providers;
}

void providers_order_post(struct providers *providers, struct providers_order *take)
{
    mailbox_post(&providers->inbox, &take->letter);
}

void providers_need(struct providers *providers, uint64_t id)
{
    struct need_letter *letter = letter_new(LETTER_NEED, sizeof *letter);
    letter->id = id;
    mailbox_post(&providers->inbox, &letter->letter);
}

void providers_stop(struct providers *providers)
{
    if (!providers)
        return;
    mailbox_post(&providers->inbox, letter_new(LETTER_STOP, sizeof(struct letter)));
    pthread_join(providers->thread, NULL);
    list_for_safe(item, after, &providers->list) provider_free(providers, provider_of(item));
    mailbox_done(&providers->inbox);
    curl_multi_cleanup(providers->multi);
    fetch_trust_done(&providers->trust);
    free(providers);
}
