#include "control/resolver.h"

#include <ares.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/text.h"

enum {
    TIMEOUT_MS = 2000, /* of the first try at each server; twice as much of the second */
    TRIES = 2,
    ASKING_MAX = 64, /* names at once */
    WAIT_MS = 60 * 1000,
};

struct asked;

struct question { /* what c-ares hands back */
    struct asked *asked;
    enum name_family family;
};

struct asked {
    struct link link;
    struct resolver *resolver;
    char *text;
    struct name name;
    struct question questions[NAME_FAMILIES];
    bool wanted; /* else it goes when nobody asks for it any more */
    bool told;   /* that it cannot be asked for */
};

struct resolver {
    pthread_t thread;
    struct mailbox inbox;
    struct mailbox *out;
    const struct bytes *servers;
    size_t server_count;
    ares_channel channel; /* NULL: it could not be set up */
    bool failed;          /* an attempt, since the channel was set up */
    bool ending;
    size_t asking; /* questions under way */
    struct link list;
    struct map by_name;
};

static struct asked *asked_of(struct link *link)
{
    return container_of(link, struct asked, link);
}

/* ---- the channel ---- */

static char *servers_text(const struct resolver *resolver)
{
    struct text text;
    struct arena arena;
    arena_init(&arena);
    text_init_arena(&text, &arena);
    for (size_t i = 0; i < resolver->server_count; i++)
        text_format(&text, "%s%.*s", i ? "," : "", BYTES_FMT(resolver->servers[i]));
    char *all = heap_text(text_bytes(&text));
    arena_done(&arena);
    return all;
}

/* Reads what the system says about name servers, too: it may have changed. */
static void channel_set_up(struct resolver *resolver)
{
    struct ares_options options = {.flags = ARES_FLAG_NOSEARCH, .timeout = TIMEOUT_MS, .tries = TRIES};
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_DOMAINS;
    resolver->failed = false;
    if (resolver->channel)
        ares_destroy(resolver->channel);
    resolver->channel = NULL;
    int status = ares_init_options(&resolver->channel, &options, mask);
    if (status == ARES_SUCCESS && resolver->server_count) {
        char *servers = servers_text(resolver);
        status = ares_set_servers_ports_csv(resolver->channel, servers);
        free(servers);
    }
    if (status != ARES_SUCCESS)
        log_error("names cannot be resolved: %s", ares_strerror(status));
}

/* ---- what an attempt ends in ---- */

/* Whether the system would know where to send to; nothing is sent. */
static bool has_route(const struct address *address)
{
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(53)};
    memcpy(&to.sin6_addr, address->at, sizeof to.sin6_addr);
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool routed = connect(fd, (const struct sockaddr *)&to, sizeof to) == 0;
    close(fd);
    return routed;
}

static void failure_tell(struct asked *asked)
{
    if (asked->name.retry_ms && !asked->told)
        log_warning("%s: %s; what is known of it stays", asked->text, asked->name.problem);
    if (!asked->name.retry_ms && asked->told)
        log_info("%s is answered for again", asked->text);
    asked->told = asked->name.retry_ms > 0;
}

static void name_post(const struct asked *asked)
{
    struct name_letter *letter = letter_new(LETTER_NAME, sizeof *letter);
    struct arena *arena = &letter->letter.arena;
    const struct name *name = &asked->name;
    letter->name = arena_bytes(arena, bytes_of(asked->text));
    letter->at = arena_array(arena, struct address, 2 * (size_t)NAME_ADDRESSES_MAX);
    letter->count = name_addresses(name, has_route, letter->at);
    letter->ended = !name_is_asking(name);
    letter->failed = letter->ended && name->retry_ms;
    letter->ttl_s = name->ttl_s;
    letter->problem = arena_bytes(arena, bytes_of(name->problem));
    mailbox_post(asked->resolver->out, &letter->letter);
}

static void asked_free(struct asked *asked)
{
    map_take(&asked->resolver->by_name, bytes_of(asked->text));
    list_remove(&asked->link);
    free(asked->text);
    free(asked);
}

static void answer_take(struct question *question, const struct name_answer *answer)
{
    struct asked *asked = question->asked;
    name_take(&asked->name, question->family, answer, clock_ms());
    asked->resolver->failed |= answer->outcome == NAME_FAILED;
    if (!name_is_asking(&asked->name))
        failure_tell(asked);
    if (asked->wanted && (answer->outcome == NAME_FOUND || !name_is_asking(&asked->name)))
        name_post(asked);
    if (!asked->wanted && !name_is_asking(&asked->name))
        asked_free(asked);
}

static const char *problem_of(int status)
{
    switch (status) {
    case ARES_ETIMEOUT:
        return "no name server answers in time";
    case ARES_ECONNREFUSED:
        return "no name server can be reached, or each says that it failed"; /* c-ares tells no more */
    default:
        return ares_strerror(status);
    }
}

static struct address address_of(const struct sockaddr *socket)
{
    struct address address;
    address_of_socket(socket, &address, NULL);
    return address;
}

/* The shortest life of all records that led to the addresses; 0 for those of /etc/hosts. */
static int64_t ttl_of(const struct ares_addrinfo *info)
{
    int64_t ttl_s = NAME_TTL_MAX_S;
    for (const struct ares_addrinfo_node *node = info->nodes; node; node = node->ai_next)
        if (node->ai_ttl < ttl_s)
            ttl_s = node->ai_ttl;
    for (const struct ares_addrinfo_cname *name = info->cnames; name; name = name->next)
        if (name->ttl < ttl_s)
            ttl_s = name->ttl;
    return ttl_s;
}

static void found_take(struct question *question, const struct ares_addrinfo *info)
{
    struct address at[NAME_ADDRESSES_MAX];
    struct name_answer answer = {.at = at, .ttl_s = ttl_of(info)};
    for (const struct ares_addrinfo_node *node = info->nodes; node && answer.count < NAME_ADDRESSES_MAX;
         node = node->ai_next)
        at[answer.count++] = address_of(node->ai_addr);
    answer.outcome = answer.count ? NAME_FOUND : NAME_NONE;
    answer_take(question, &answer);
}

static void on_answer(void *of, int status, int timeouts, struct ares_addrinfo *info)
{
    struct question *question = of;
    struct resolver *resolver = question->asked->resolver;
    (void)timeouts;
    resolver->asking--;
    if (!resolver->ending && status == ARES_SUCCESS)
        found_take(question, info);
    else if (!resolver->ending && (status == ARES_ENOTFOUND || status == ARES_ENODATA))
        answer_take(question, &(struct name_answer){.outcome = NAME_NONE});
    else if (!resolver->ending)
        answer_take(question, &(struct name_answer){.outcome = NAME_FAILED, .problem = problem_of(status)});
    if (info)
        ares_freeaddrinfo(info);
}

/* ---- attempts ---- */

/* The answer may come at once, and the name then goes if it is no longer wanted. */
static void ask(struct resolver *resolver, struct asked *asked)
{
    static const int families[NAME_FAMILIES] = {AF_INET, AF_INET6};
    const struct name_answer none = {.outcome = NAME_FAILED, .problem = "there is no resolver"};
    name_ask(&asked->name);
    for (int i = 0; i < NAME_FAMILIES; i++) {
        const struct ares_addrinfo_hints hints = {.ai_family = families[i], .ai_flags = ARES_AI_NOSORT};
        if (!resolver->channel) {
            answer_take(&asked->questions[i], &none);
            continue;
        }
        resolver->asking++;
        ares_getaddrinfo(resolver->channel, asked->text, NULL, &hints, on_answer, &asked->questions[i]);
    }
}

static void due_ask(struct resolver *resolver)
{
    uint64_t now_ms = clock_ms();
    if (!resolver->asking && (resolver->failed || !resolver->channel))
        channel_set_up(resolver);
    list_for_safe(item, after, &resolver->list)
    {
        struct asked *asked = asked_of(item);
        if (resolver->asking >= ASKING_MAX * NAME_FAMILIES)
            return;
        if (asked->wanted && !name_is_asking(&asked->name) && asked->name.next_ms <= now_ms)
            ask(resolver, asked);
    }
}

static int64_t due_wait_ms(const struct resolver *resolver)
{
    uint64_t now_ms = clock_ms(), next_ms = now_ms + WAIT_MS;
    if (resolver->asking >= ASKING_MAX * NAME_FAMILIES)
        return WAIT_MS; /* an answer comes first */
    list_for(item, &resolver->list)
    {
        const struct asked *asked = asked_of(item);
        if (!name_is_asking(&asked->name) && asked->name.next_ms < next_ms)
            next_ms = asked->name.next_ms;
    }
    return next_ms > now_ms ? (int64_t)(next_ms - now_ms) : 0;
}

/* ---- orders ---- */

static void want(struct resolver *resolver, struct bytes text)
{
    struct asked *asked = map_get(&resolver->by_name, text);
    if (!asked) {
        asked = heap_new(struct asked);
        asked->resolver = resolver;
        asked->text = heap_text(text);
        for (int i = 0; i < NAME_FAMILIES; i++)
            asked->questions[i] = (struct question){asked, (enum name_family)i};
        list_push_back(&resolver->list, &asked->link);
        map_put(&resolver->by_name, bytes_of(asked->text), asked);
    }
    asked->wanted = true;
}

static void order_take(struct resolver *resolver, const struct names_order *order)
{
    list_for(item, &resolver->list) asked_of(item)->wanted = false;
    for (size_t i = 0; i < order->count; i++)
        want(resolver, order->at[i]);
    list_for_safe(item, after, &resolver->list)
    {
        if (!asked_of(item)->wanted && !name_is_asking(&asked_of(item)->name))
            asked_free(asked_of(item));
    }
}

static bool inbox_read(struct resolver *resolver)
{
    struct letter *letter;
    bool stop = false;
    while ((letter = mailbox_take(&resolver->inbox))) {
        stop |= letter->kind == LETTER_STOP;
        if (letter->kind == LETTER_NAMES)
            order_take(resolver, (const struct names_order *)letter);
        letter_free(letter);
    }
    return !stop;
}

/* ---- the thread ---- */

static size_t sockets_fill(const struct resolver *resolver, ares_socket_t *sockets, struct pollfd *fds)
{
    size_t count = 0;
    /* Readable ones in the lower half, writable ones in the upper; c-ares' own macros shift a signed 1. */
    unsigned bits =
        resolver->channel ? (unsigned)ares_getsock(resolver->channel, sockets, ARES_GETSOCK_MAXNUM) : 0;
    for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
        bool in = bits >> i & 1, out = bits >> (i + ARES_GETSOCK_MAXNUM) & 1;
        if (in || out)
            fds[count++] =
                (struct pollfd){.fd = sockets[i], .events = (short)((in ? POLLIN : 0) | (out ? POLLOUT : 0))};
    }
    return count;
}

static int wait_ms(const struct resolver *resolver)
{
    int64_t due_ms = due_wait_ms(resolver);
    struct timeval most = {due_ms / 1000, due_ms % 1000 * 1000}, room;
    if (resolver->channel)
        most = *ares_timeout(resolver->channel, &most, &room);
    return (int)(most.tv_sec * 1000 + (most.tv_usec + 999) / 1000);
}

static void turn(struct resolver *resolver)
{
    ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
    struct pollfd fds[ARES_GETSOCK_MAXNUM + 1];
    size_t count = sockets_fill(resolver, sockets, fds);
    fds[count] = (struct pollfd){.fd = resolver->inbox.event, .events = POLLIN};
    poll(fds, count + 1, wait_ms(resolver));
    if (!resolver->channel)
        return;
    for (size_t i = 0; i < count; i++)
        ares_process_fd(resolver->channel,
                        fds[i].revents & (POLLIN | POLLERR | POLLHUP) ? fds[i].fd : ARES_SOCKET_BAD,
                        fds[i].revents & POLLOUT ? fds[i].fd : ARES_SOCKET_BAD);
    ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* what is late */
}

static void *resolver_run(void *of)
{
    struct resolver *resolver = of;
    channel_set_up(resolver);
    while (inbox_read(resolver)) {
        due_ask(resolver);
        turn(resolver);
    }
    resolver->ending = true;
    if (resolver->channel)
        ares_destroy(resolver->channel);
    list_for_safe(item, after, &resolver->list) asked_free(asked_of(item));
    arena_stock_drop();
    return NULL;
}

struct resolver *resolver_start(const struct bytes *servers, size_t count, struct mailbox *out)
{
    struct resolver *resolver = heap_new(struct resolver);
    resolver->servers = servers;
    resolver->server_count = count;
    resolver->out = out;
    list_init(&resolver->list);
    map_init(&resolver->by_name);
    mailbox_init(&resolver->inbox);
    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS ||
        pthread_create(&resolver->thread, NULL, resolver_run, resolver) != 0)
        abort();
    return resolver;
}

void resolver_order_post(struct resolver *resolver, struct names_order *take)
{
    mailbox_post(&resolver->inbox, &take->letter);
}

void resolver_stop(struct resolver *resolver)
{
    if (!resolver)
        return;
    mailbox_post(&resolver->inbox, letter_new(LETTER_STOP, sizeof(struct letter)));
    pthread_join(resolver->thread, NULL);
    mailbox_done(&resolver->inbox);
    map_done(&resolver->by_name);
    ares_library_cleanup();
    free(resolver);
}
