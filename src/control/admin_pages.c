#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/admin.h"
#include "control/config_dump.h"
#include "control/key_list.h"
#include "wire/path.h"

#define TYPE_JSON "application/json"
#define TYPE_TEXT "text/plain; charset=utf-8"
#define TYPE_METRICS "text/plain; version=0.0.4; charset=utf-8"

enum {
    ON_ADMIN = 1 << ADMIN_ADMIN,
    ON_STATUS = 1 << ADMIN_STATUS,
    ON_METRICS = 1 << ADMIN_METRICS,
    ON_MERGED = 1 << ADMIN_MERGED
};

struct call {
    const struct admin_world *world;
    const struct http_request *request;
    struct arena *arena;
    struct bytes query;
};

typedef void page_write(const struct call *call, struct admin_reply *reply);

static void alive_write(const struct call *call, struct admin_reply *reply)
{
    (void)call;
    text_add_s(&reply->body, "live\n");
}

static void ready_write(const struct call *call, struct admin_reply *reply)
{
    struct bytes reason;
    if (board_ready(call->world->board, call->arena, &reason)) {
        text_add_s(&reply->body, "ready\n");
        return;
    }
    reply->status = 503;
    text_format(&reply->body, "not ready: %.*s\n", BYTES_FMT(reason));
}

static void metrics_page(const struct call *call, struct admin_reply *reply)
{
    reply->type = TYPE_METRICS;
    metrics_write(call->world->metrics, &reply->body);
    text_add(&reply->body, board_get(call->world->board, BOARD_METRICS, call->arena));
    metrics_head(&reply->body, "selvage_uptime_seconds", "gauge", "Since the control process began.");
    text_format(&reply->body, "selvage_uptime_seconds %llu\n",
                (unsigned long long)((clock_ms() - call->world->started_ms) / 1000));
}

static void snapshot_page(const struct call *call, struct admin_reply *reply)
{
    reply->type = TYPE_JSON;
    text_add(&reply->body, board_get(call->world->board, BOARD_SNAPSHOT, call->arena));
}

static void certs_page(const struct call *call, struct admin_reply *reply)
{
    reply->type = TYPE_JSON;
    text_add(&reply->body, board_get(call->world->board, BOARD_CERTS, call->arena));
}

static void config_page(const struct call *call, struct admin_reply *reply)
{
    struct config_dump dump;
    struct fail why;
    int rules, endpoints;
    board_images_get(call->world->board, &rules, &endpoints);
    if (!config_dump_open(&dump, rules, endpoints, call->world->commons, &why)) {
        reply->status = 503;
        text_format(&reply->body, "%s\n", why.text);
    } else {
        reply->type = TYPE_JSON;
        if (!config_dump_write(&dump, call->query, &reply->body)) {
            reply->status = 400;
            reply->type = TYPE_TEXT;
            text_add_s(&reply->body,
                       "ask for one of ?listeners, ?routes, ?clusters, ?endpoints, ?policies\n");
        }
        config_dump_close(&dump);
    }
    if (rules >= 0)
        close(rules);
    if (endpoints >= 0)
        close(endpoints);
}

static void logging_page(const struct call *call, struct admin_reply *reply)
{
    enum log_level level;
    if (!bytes_starts(call->query, BYTES("level=")) ||
        !log_level_parse(arena_text(call->arena, bytes_part(call->query, 6, call->query.len)), &level)) {
        reply->status = 400;
        text_add_s(&reply->body, "level is one of error, warning, info, debug\n");
        return;
    }
    struct level_letter *letter = letter_new(LETTER_LOG_LEVEL, sizeof *letter);
    letter->level = (int)level;
    mailbox_post(call->world->out, &letter->letter);
    text_format(&reply->body, "level %s\n", log_level_name(level));
}

static void keys_page(const struct call *call, struct admin_reply *reply)
{
    reply->type = TYPE_JSON;
    text_add(&reply->body, board_get(call->world->board, BOARD_KEYS, call->arena));
}

static void purposes_write(struct text *out)
{
    text_add_s(out, "purpose is one of");
    for (enum key_purpose i = 0; i < KEY_PURPOSES; i++)
        text_format(out, "%s %s", i ? "," : "", key_purpose_name(i));
    text_add_s(out, ", or all\n");
}

/* Of all, those that are not ours to rotate are only told. */
static void rotate_page(const struct call *call, struct admin_reply *reply)
{
    bool named = bytes_starts(call->query, BYTES("purpose="));
    struct bytes name = bytes_part(call->query, named ? 8 : call->query.len, call->query.len);
    bool all = bytes_equal(name, BYTES("all"));
    if (!all && key_purpose_find(name) == KEY_PURPOSES) {
        reply->status = 400;
        purposes_write(&reply->body);
        return;
    }
    for (enum key_purpose i = 0; i < KEY_PURPOSES; i++) {
        const char *about;
        if (!all && key_purpose_find(name) != i)
            continue;
        bool ours = key_rotate_check(call->world->settings, i, &about);
        text_format(&reply->body, "%s: %s\n", key_purpose_name(i), about);
        reply->status = ours || all ? 200 : 409;
        if (!ours)
            continue;
        struct rotate_letter *letter = letter_new(LETTER_ROTATE, sizeof *letter);
        letter->purpose = i;
        mailbox_post(call->world->out, &letter->letter);
    }
}

static page_write help_page;

static const struct page {
    const char *path;
    const char *method;
    unsigned servers;
    page_write *write;
    const char *help;
} pages[] = {
    {"/help", "GET", ON_ADMIN, help_page, "this list"},
    {"/healthz", "GET", ON_ADMIN, alive_write, "the control process is alive"},
    {"/ready", "GET", ON_ADMIN, ready_write, "rules are in force in every worker"},
    {"/healthz/ready", "GET", ON_ADMIN | ON_STATUS | ON_MERGED, ready_write, "the same"},
    {"/stats/prometheus", "GET", ON_ADMIN | ON_METRICS | ON_MERGED, metrics_page, "metrics"},
    {"/metrics", "GET", ON_MERGED, metrics_page, "metrics"},
    {"/snapshot", "GET", ON_ADMIN, snapshot_page, "rules, findings, workers, key sets, listeners"},
    {"/config_dump", "GET", ON_ADMIN, config_page, "?listeners|routes|clusters|endpoints|policies in force"},
    {"/certs", "GET", ON_ADMIN, certs_page, "certificates and when they end"},
    {"/keys", "GET", ON_ADMIN, keys_page, "every key: purpose, state, id, times"},
    {"/keys/rotate", "POST", ON_ADMIN, rotate_page, "?purpose=NAME|all: new keys now"},
    {"/logging", "POST", ON_ADMIN, logging_page, "?level=error|warning|info|debug"},
};

static void help_page(const struct call *call, struct admin_reply *reply)
{
    (void)call;
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        if (pages[i].servers & ON_ADMIN)
            text_format(&reply->body, "%-5s %-20s %s\n", pages[i].method, pages[i].path, pages[i].help);
}

static const struct page *page_find(enum admin_server server, struct bytes path)
{
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        if ((pages[i].servers & 1u << server) && bytes_equal(path, bytes_of(pages[i].path)))
            return &pages[i];
    return NULL;
}

/* A page of another site whose name was made to resolve to us says its own name in Host. */
static bool host_is_ours(struct bytes authority)
{
    struct bytes host = authority;
    if (bytes_starts(host, BYTES("[")))
        host = bytes_part(host, 0, bytes_find(host, ']') + 1);
    else
        host = bytes_part(host, 0, bytes_find(host, ':'));
    return bytes_equal_nocase(host, BYTES("localhost")) || bytes_equal(host, BYTES("[::1]")) ||
           bytes_equal(host, BYTES("127.0.0.1"));
}

static const char *refusal_of(const struct admin_world *world, const struct page *page,
                              const struct http_request *request, unsigned *status)
{
    const struct http_field *asked = http_fields_find_name(&request->fields, BYTES("x-selvage-admin"));
    *status = 403;
    if (world->loopback && !host_is_ours(request->authority))
        return "the host must be localhost or a loopback address\n";
    *status = 404;
    if (!page)
        return "there is no such page; see /help\n";
    *status = 405;
    bool head = bytes_equal(request->method, BYTES("HEAD")) && page->method[0] == 'G';
    if (!head && !bytes_equal(request->method, bytes_of(page->method)))
        return "this page wants another method; see /help\n";
    *status = 403;
    if (page->method[0] == 'P' && (!asked || !bytes_equal(asked->value, BYTES("1"))))
        return "the header x-selvage-admin: 1 is missing\n";
    return NULL;
}

void admin_answer(const struct admin_world *world, enum admin_server server,
                  const struct http_request *request, struct arena *arena, struct admin_reply *reply)
{
    unsigned status;
    struct bytes path = path_only(request->path);
    struct call call = {.world = world, .request = request, .arena = arena};
    call.query = bytes_part(request->path, path.len + 1, request->path.len);
    *reply = (struct admin_reply){.status = 200, .type = TYPE_TEXT};
    text_init_arena(&reply->body, arena);
    const struct page *page = page_find(server, path);
    const char *refusal = refusal_of(world, page, request, &status);
    if (!refusal) {
        page->write(&call, reply);
        return;
    }
    reply->status = status;
    text_add_s(&reply->body, refusal);
}
