/*
 * trace: the first filter in and the last out. The correlation id, the span, and
 * the one record that every exchange ends with.
 */
#include <string.h>

#include "base/clock.h"
#include "proxy/client.h"
#include "proxy/front.h"
#include "proxy/login.h"
#include "proxy/record_write.h"
#include "proxy/upstream.h"
#include "wire/grpc.h"
#include "wire/path.h"

enum { REQUEST_ID_MAX = 128 };

/* ---- ids -------------------------------------------------------------------- */

/* RFC 9562 5.4: version 4. */
static struct bytes id_new(struct exchange *x)
{
    unsigned char r[16];
    char room[33];
    struct io *io = x->worker->loop.io;
    io->random(io, r, sizeof r);
    r[6] = (unsigned char)((r[6] & 0x0F) | 0x40);
    r[8] = (unsigned char)((r[8] & 0x3F) | 0x80);
    struct text text;
    text_init_fixed(&text, room, sizeof room);
    text_add_hex(&text, bytes_make(r, sizeof r));
    struct bytes hex = text_bytes(&text), dash = BYTES("-");
    const struct bytes parts[] = {bytes_part(hex, 0, 8),   dash, bytes_part(hex, 8, 12),  dash,
                                  bytes_part(hex, 12, 16), dash, bytes_part(hex, 16, 20), dash,
                                  bytes_part(hex, 20, 32)};
    return arena_join(&x->arena, parts, sizeof parts / sizeof parts[0]);
}

static bool id_fine(struct bytes id)
{
    for (size_t i = 0; i < id.len; i++)
        if (id.at[i] <= ' ' || id.at[i] >= 0x7F || id.at[i] == '"')
            return false;
    return id.len > 0 && id.len <= REQUEST_ID_MAX;
}

static void request_id_choose(struct exchange *x)
{
    const struct http_field *given = http_fields_find(&x->request.fields, HTTP_X_REQUEST_ID);
    bool believed = x->http && given && id_fine(given->value) && (x->trusted_proxy || x->facts->mesh);
    x->request_id = believed ? given->value : id_new(x);
}

static void trace_choose(struct exchange *x)
{
    struct bytes given;
    struct io *io = x->worker->loop.io;
    uint8_t random[TRACE_RANDOM_SIZE];
    struct trace parent;
    io->random(io, random, sizeof random);
    /* Two of them are none: joined they do not parse. */
    if (x->http && http_fields_join(&x->request.fields, BYTES("traceparent"), &x->arena, &given) &&
        trace_parse(given, &parent)) {
        trace_child(&parent, random, &x->trace);
        struct text span;
        text_init_arena(&span, &x->arena);
        text_add_hex(&span, bytes_make(parent.span, sizeof parent.span));
        x->record.parent_span_id = text_bytes(&span);
        if (http_fields_join(&x->request.fields, BYTES("tracestate"), &x->arena, &given) &&
            trace_state_ok(given))
            x->trace_state = given;
    } else {
        trace_start(random, true, &x->trace);
    }
    x->trace_parent = trace_text(&x->trace, arena_raw(&x->arena, TRACE_TEXT_SIZE));
}

static enum turn trace_enter(struct exchange *x)
{
    x->began_us = (uint64_t)x->worker->loop.io->wall_us(x->worker->loop.io);
    x->record.start_us = (int64_t)x->began_us;
    x->began_clock_us = clock_us();
    x->trusted_proxy = front_trusted(x);
    request_id_choose(x);
    trace_choose(x);
    if (x->http) {
        http_fields_remove(&x->request.fields, HTTP_X_REQUEST_ID);
        http_fields_remove(&x->request.fields, HTTP_TRACEPARENT);
        http_fields_remove(&x->request.fields, HTTP_TRACESTATE);
    }
    return NEXT;
}

static void trace_reply(struct exchange *x)
{
    if (!x->http)
        return;
    http_fields_set(&x->response.fields, BYTES("x-request-id"), x->request_id);
    http_fields_set(&x->response.fields, BYTES("traceparent"), x->trace_parent);
}

/* ---- the record ---------------------------------------------------------------- */

static struct bytes field_value(const struct exchange *x, enum http_known known)
{
    const struct http_field *field = http_fields_find(&x->request.fields, known);
    return field ? field->value : (struct bytes){0};
}

/* What a login is completed with, at the one path where it comes. */
static bool is_login_secret(const struct exchange *x, struct bytes name)
{
    return x->login_work && x->login_work->place == LOGIN_CALLBACK &&
           (bytes_equal(name, BYTES("code")) || bytes_equal(name, BYTES("state")));
}

static bool is_token(struct bytes name, struct bytes value)
{
    /* RFC 6750 2.3; and what is a JWT by its look, whatever it is called. */
    return bytes_equal_nocase(name, BYTES("access_token")) || bytes_equal_nocase(name, BYTES("id_token")) ||
           (bytes_starts(value, BYTES("eyJ")) && bytes_find(value, '.') < value.len);
}

/* A token in the query is a secret: the record has dots in its place. */
static struct bytes without_tokens(struct exchange *x, struct bytes path)
{
    struct bytes query = bytes_part(path, path_only(path).len + 1, path.len), pair, name;
    struct text text;
    if (bytes_find(query, '=') == query.len)
        return path;
    text_init_arena(&text, &x->arena);
    text_add(&text, path_only(path));
    for (char before = '?'; query.len; before = '&') {
        bytes_cut(&query, '&', &pair);
        struct bytes value = pair;
        bytes_cut(&value, '=', &name);
        text_add_c(&text, before);
        bool secret = is_token(name, value) || is_login_secret(x, name);
        text_add(&text, secret ? bytes_part(pair, 0, name.len + 1) : pair);
        text_add_s(&text, secret ? "..." : "");
    }
    return text_bytes(&text);
}

static void record_http(struct exchange *x, struct record *r)
{
    r->method = x->request.method;
    r->path = without_tokens(x, x->request.path);
    if (!bytes_equal(x->original_path, x->request.path))
        r->original_path = without_tokens(x, x->original_path);
    static const struct bytes versions[] = {BYTES_INIT("HTTP/1.0"), BYTES_INIT("HTTP/1.1"),
                                            BYTES_INIT("HTTP/2")};
    r->version = versions[x->request.minor];
    r->authority = x->request.authority;
    r->user_agent = field_value(x, HTTP_USER_AGENT);
    r->forwarded_for = field_value(x, HTTP_X_FORWARDED_FOR);
    r->status = x->replied ? x->response.status : 0;
    if (!r->details.len && x->replied)
        r->details = x->response_whole ? BYTES("direct_response") : BYTES("via_upstream");
}

static struct bytes grpc_number(const struct http_fields *fields)
{
    const struct http_field *field = http_fields_find_name(fields, BYTES("grpc-status"));
    uint64_t number;
    bool good = field && bytes_to_u64(field->value, GRPC_STATUS_MAX, &number);
    return good ? field->value : (struct bytes){0};
}

void trace_trailers(struct exchange *x, const struct http_fields *trailers)
{
    if (exchange_is_grpc(x))
        x->record.grpc_status = arena_bytes(&x->arena, grpc_number(trailers));
}

/* Without trailers the head has it; where neither does, as when the upstream broke, there is none. */
static void record_grpc(const struct exchange *x, struct record *r)
{
    r->protocol = RECORD_GRPC;
    if (!r->grpc_status.len && x->replied)
        r->grpc_status = grpc_number(&x->response.fields);
}

static void record_client(struct exchange *x, struct record *r)
{
    const struct client_facts *facts = x->facts;
    r->local = facts->local_text;
    r->remote = x->remote_text.len ? x->remote_text : facts->address_text;
    r->direct = facts->direct_text;
    r->server_name = facts->sni;
    r->tls_version = bytes_of(facts->tls_version);
    r->mutual_tls = facts->mesh && facts->peer;
    if (facts->peer)
        r->source_principal = facts->peer->uri;
}

static void record_decision(struct exchange *x, struct record *r)
{
    const struct image *rules = &x->generation->rules;
    if (!x->decided)
        return;
    r->decision = x->decision.verdict == DECISION_ALLOW ? BYTES("allow") : BYTES("deny");
    r->policy = authz_rule_name(rules, x->decision.policy, x->decision.rule, &x->arena);
    if (x->decision.audit)
        r->audit = authz_rule_name(rules, x->decision.audit, x->decision.audit_rule, &x->arena);
}

/* A label of the provider's making must not look like two, nor like another rule's. */
static void label_write(struct text *text, struct bytes label)
{
    for (size_t i = 0; i < label.len; i++) {
        if (label.at[i] == ',' || label.at[i] == '<' || label.at[i] == '%')
            text_format(text, "%%%02X", (unsigned)(unsigned char)label.at[i]);
        else
            text_add_c(text, label.at[i]);
    }
}

static void record_groups(struct exchange *x, struct record *r)
{
    struct text text;
    text_init_arena(&text, &x->arena);
    for (size_t i = 0; i < x->groups.count; i++) {
        if (i)
            text_add_c(&text, ',');
        label_write(&text, x->groups.groups[i].label);
        text_add_c(&text, '<');
        text_add(&text, x->groups.groups[i].rule);
    }
    if (x->groups.cut)
        text_add_s(&text, ",..."); /* there were more than can be */
    r->groups = text_bytes(&text);
}

static void record_destination(struct exchange *x, struct record *r)
{
    const struct generation *generation = x->generation;
    const struct image *rules = &generation->rules;
    if (x->choice.route)
        r->route = image_text(rules, x->choice.route->name);
    if (x->cluster) {
        r->upstream_cluster = image_text(rules, x->cluster->name);
        r->destination_service = image_text(rules, x->cluster->host);
        r->destination_service_name = image_text(rules, x->cluster->service_name);
        r->destination_service_namespace = image_text(rules, x->cluster->service_namespace);
    }
    if (x->endpoint) {
        r->upstream_host = image_text(&generation->endpoints, x->endpoint->text);
        r->destination_workload = image_text(&generation->endpoints, x->endpoint->workload);
    }
}

static void keep_text(struct exchange *x, struct bytes *text)
{
    *text = arena_bytes(&x->arena, *text);
}

void trace_freeze(struct exchange *x)
{
    struct record *r = &x->record;
    record_decision(x, r);
    record_destination(x, r);
    keep_text(x, &r->route);
    keep_text(x, &r->upstream_cluster);
    keep_text(x, &r->destination_service);
    keep_text(x, &r->destination_service_name);
    keep_text(x, &r->destination_service_namespace);
    keep_text(x, &r->upstream_host);
    keep_text(x, &r->destination_workload);
    for (size_t i = 0; i < x->groups.count; i++) {
        keep_text(x, &x->groups.groups[i].label);
        keep_text(x, &x->groups.groups[i].rule);
        x->group_labels[i] = x->groups.groups[i].label;
    }
}

static void trace_leave(struct exchange *x)
{
    struct record *r = &x->record;
    const struct generation *generation = x->generation;
    struct text hex;
    r->duration_us = clock_us() - x->began_clock_us;
    r->role = generation->node->role;
    r->direction = x->listener->direction;
    r->protocol = x->http ? RECORD_HTTP : RECORD_TCP;
    r->worker = x->worker->index;
    r->node = image_text(&generation->rules, generation->node->name);
    r->revision = bytes_of(generation->revision);
    r->request_id = x->request_id;
    text_init_arena(&hex, &x->arena);
    text_add_hex(&hex, bytes_make(x->trace.id, sizeof x->trace.id));
    text_add_hex(&hex, bytes_make(x->trace.span, sizeof x->trace.span));
    r->trace_id = bytes_part(text_bytes(&hex), 0, 32);
    r->span_id = bytes_part(text_bytes(&hex), 32, 48);
    if (x->http)
        record_http(x, r);
    if (x->http && exchange_is_grpc(x))
        record_grpc(x, r);
    record_client(x, r);
    record_decision(x, r);
    if (x->groups.count)
        record_groups(x, r);
    record_destination(x, r);
    record_write(x->worker, r);
}

const struct filter filter_trace = {
    .name = "trace", .enter = trace_enter, .reply = trace_reply, .leave = trace_leave};

/* ---- writing ---------------------------------------------------------------------- */

void record_write(struct worker *worker, const struct record *record)
{
    char buffer[RECORD_BYTES_MAX];
    struct text text;
    worker->requests++;
    if (!worker->has_ring)
        return;
    text_init_fixed(&text, buffer, sizeof buffer);
    record_encode(&text, record);
    ring_write(&worker->ring, text_bytes(&text));
}

void record_refused(const struct client *client, enum record_flag flag, const char *details,
                    const struct fail *why)
{
    const struct generation *generation = client->worker->generation;
    struct record r = {
        .start_us = client->worker->loop.io->wall_us(client->worker->loop.io),
        .flags = flag,
        .role = generation->node->role,
        .direction = client->listen->row ? client->listen->row->direction : DIRECTION_INBOUND,
        .protocol = 1,
        .worker = client->worker->index,
        .node = image_text(&generation->rules, generation->node->name),
        .details = bytes_of(details),
        .termination = bytes_of(why->text),
        .local = client->facts.local_text,
        .remote = client->facts.address_text,
        .direct = client->facts.direct_text,
        .decision = BYTES("deny"),
        .revision = bytes_of(generation->revision),
    };
    r.server_name = client->connection.tls ? tls_sni(client->connection.tls) : client->facts.sni;
    const struct peer *peer = client->connection.tls ? tls_peer(client->connection.tls) : NULL;
    if (peer)
        r.source_principal = peer->uri;
    record_write(client->worker, &r);
}

void record_turned_away(struct listen *listen, struct bytes remote, enum record_flag flag,
                        struct bytes details)
{
    enum { PAUSE_MS = 1000 };
    struct worker *worker = listen->worker;
    const struct generation *generation = worker->generation;
    uint64_t now_ms = worker->loop.now_ms;
    if (worker->turned_away_ms && now_ms < worker->turned_away_ms + PAUSE_MS)
        return;
    worker->turned_away_ms = now_ms;
    struct record r = {
        .start_us = worker->loop.io->wall_us(worker->loop.io),
        .flags = (uint32_t)flag,
        .role = generation->node->role,
        .direction = listen->row->direction,
        .protocol = 1,
        .worker = worker->index,
        .node = image_text(&generation->rules, generation->node->name),
        .details = details,
        .local = image_text(&generation->rules, listen->row->name),
        .remote = remote,
        .decision = BYTES("deny"),
        .revision = bytes_of(generation->revision),
    };
    record_write(worker, &r);
}
