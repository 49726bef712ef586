#include "wire/record.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/clock.h"

static const char *const roles[] = {"edge", "gateway", "sidecar", NULL};
static const char *const directions[] = {"gateway", "inbound", "outbound", NULL};
static const char *const retry_ends[] = {"-", "limit", "overflow", "body", NULL};
static const char *const protocols[] = {"http", "tcp", "grpc", NULL};

/* The name alone, and as it stands before its value in JSON. */
#define NAMED(name) name, BYTES_INIT(",\"" name "\":")

const struct record_field record_fields[] = {
    {NAMED("start_time"), RECORD_TIME, offsetof(struct record, start_us), NULL,
     "when the exchange began, wall time"},
    {NAMED("duration"), RECORD_MS, offsetof(struct record, duration_us), NULL,
     "milliseconds from its first byte to its last"},
    {NAMED("bytes_received"), RECORD_NUMBER, offsetof(struct record, bytes_received), NULL,
     "body bytes from the client"},
    {NAMED("bytes_sent"), RECORD_NUMBER, offsetof(struct record, bytes_sent), NULL,
     "body bytes to the client"},
    {NAMED("upstream_service_time"), RECORD_MS, offsetof(struct record, upstream_us), NULL,
     "milliseconds until the upstream answered"},
    {NAMED("response_code"), RECORD_STATUS, offsetof(struct record, status), NULL,
     "status of the answer, 0 when there was none"},
    {NAMED("response_flags"), RECORD_FLAGS, offsetof(struct record, flags), NULL,
     "how it ended when not well: Envoy's flags"},
    {NAMED("role"), RECORD_CHOICE, offsetof(struct record, role), roles, "role of the node"},
    {NAMED("direction"), RECORD_CHOICE, offsetof(struct record, direction), directions,
     "which way through the node"},
    {NAMED("request_protocol"), RECORD_CHOICE, offsetof(struct record, protocol), protocols,
     "protocol family"},
    {NAMED("mutual_tls"), RECORD_NUMBER, offsetof(struct record, mutual_tls), NULL,
     "1 when the client showed a mesh certificate"},
    {NAMED("upstream_mutual_tls"), RECORD_NUMBER, offsetof(struct record, upstream_mutual_tls), NULL,
     "1 when the upstream did"},
    {NAMED("upstream_request_attempt_count"), RECORD_NUMBER, offsetof(struct record, attempts), NULL,
     "how often the request was sent, or was to be"},
    {NAMED("retry_end"), RECORD_CHOICE, offsetof(struct record, retry_end), retry_ends,
     "why it was not tried once more: limit, overflow, body"},
    {NAMED("ejected"), RECORD_NUMBER, offsetof(struct record, ejected), NULL,
     "1 when its end made the endpoint be left out for a time"},
    {NAMED("worker"), RECORD_NUMBER, offsetof(struct record, worker), NULL, "which worker of the node"},
    {NAMED("node"), RECORD_TEXT, offsetof(struct record, node), NULL, "name of the node"},
    {NAMED("request_id"), RECORD_TEXT, offsetof(struct record, request_id), NULL,
     "the correlation id: the same from edge to workload"},
    {NAMED("trace_id"), RECORD_TEXT, offsetof(struct record, trace_id), NULL, "trace of traceparent"},
    {NAMED("span_id"), RECORD_TEXT, offsetof(struct record, span_id), NULL, "this node's span"},
    {NAMED("parent_span_id"), RECORD_TEXT, offsetof(struct record, parent_span_id), NULL,
     "the span that called"},
    {NAMED("method"), RECORD_TEXT, offsetof(struct record, method), NULL, "request method"},
    {NAMED("path"), RECORD_TEXT, offsetof(struct record, path), NULL,
     "path as decided on and sent, with its query"},
    {NAMED("original_path"), RECORD_TEXT, offsetof(struct record, original_path), NULL,
     "path as it came, when it was changed"},
    {NAMED("protocol"), RECORD_TEXT, offsetof(struct record, version), NULL, "HTTP version of the client"},
    {NAMED("authority"), RECORD_TEXT, offsetof(struct record, authority), NULL, "host asked for"},
    {NAMED("response_code_details"), RECORD_TEXT, offsetof(struct record, details), NULL, "why this answer"},
    {NAMED("grpc_status"), RECORD_TEXT, offsetof(struct record, grpc_status), NULL,
     "how a gRPC call ended: 0 is well"},
    {NAMED("connection_termination_details"), RECORD_TEXT, offsetof(struct record, termination), NULL,
     "why the connection was ended"},
    {NAMED("upstream_transport_failure_reason"), RECORD_TEXT, offsetof(struct record, failure), NULL,
     "what went wrong towards the upstream"},
    {NAMED("x_forwarded_for"), RECORD_TEXT, offsetof(struct record, forwarded_for), NULL,
     "addresses the request came along"},
    {NAMED("user_agent"), RECORD_TEXT, offsetof(struct record, user_agent), NULL, "user agent"},
    {NAMED("upstream_host"), RECORD_TEXT, offsetof(struct record, upstream_host), NULL,
     "address of the upstream"},
    {NAMED("upstream_cluster"), RECORD_TEXT, offsetof(struct record, upstream_cluster), NULL,
     "cluster of the upstream"},
    {NAMED("upstream_local_address"), RECORD_TEXT, offsetof(struct record, upstream_local), NULL,
     "own address towards the upstream"},
    {NAMED("downstream_local_address"), RECORD_TEXT, offsetof(struct record, local), NULL,
     "own address towards the client"},
    {NAMED("downstream_remote_address"), RECORD_TEXT, offsetof(struct record, remote), NULL,
     "address of the client"},
    {NAMED("downstream_direct_remote_address"), RECORD_TEXT, offsetof(struct record, direct), NULL,
     "the proxy that said by a PROXY header who the client is"},
    {NAMED("requested_server_name"), RECORD_TEXT, offsetof(struct record, server_name), NULL, "SNI"},
    {NAMED("route_name"), RECORD_TEXT, offsetof(struct record, route), NULL, "route taken"},
    {NAMED("tls_version"), RECORD_TEXT, offsetof(struct record, tls_version), NULL,
     "TLS version of the client"},
    {NAMED("source_principal"), RECORD_TEXT, offsetof(struct record, source_principal), NULL,
     "SPIFFE id of the client's certificate"},
    {NAMED("destination_principal"), RECORD_TEXT, offsetof(struct record, upstream_principal), NULL,
     "SPIFFE id of the upstream's certificate"},
    {NAMED("request_principal"), RECORD_TEXT, offsetof(struct record, request_principal), NULL,
     "issuer/subject of the verified token"},
    {NAMED("groups"), RECORD_TEXT, offsetof(struct record, groups), NULL,
     "groups, and the rule that gave each"},
    {NAMED("login_id"), RECORD_TEXT, offsetof(struct record, login_id), NULL,
     "request id of the request that began the browser's login"},
    {NAMED("token_id"), RECORD_TEXT, offsetof(struct record, token_id), NULL, "jti of the assertion"},
    {NAMED("decision"), RECORD_TEXT, offsetof(struct record, decision), NULL, "allow or deny"},
    {NAMED("policy"), RECORD_TEXT, offsetof(struct record, policy), NULL, "policy and rule that decided"},
    {NAMED("audit"), RECORD_TEXT, offsetof(struct record, audit), NULL, "AUDIT policies that matched"},
    {NAMED("destination_service"), RECORD_TEXT, offsetof(struct record, destination_service), NULL,
     "service called"},
    {NAMED("destination_service_name"), RECORD_TEXT, offsetof(struct record, destination_service_name), NULL,
     "its name"},
    {NAMED("destination_service_namespace"), RECORD_TEXT,
     offsetof(struct record, destination_service_namespace), NULL, "its namespace"},
    {NAMED("destination_workload"), RECORD_TEXT, offsetof(struct record, destination_workload), NULL,
     "workload called"},
    {NAMED("revision"), RECORD_TEXT, offsetof(struct record, revision), NULL,
     "revision of the rules that judged"},
};
const size_t record_field_count = sizeof record_fields / sizeof record_fields[0];

static const struct {
    uint32_t flag;
    const char *name;
} flag_names[] = {
    {RECORD_NR, "NR"},   {RECORD_NC, "NC"},     {RECORD_UH, "UH"},   {RECORD_UF, "UF"}, {RECORD_UC, "UC"},
    {RECORD_UT, "UT"},   {RECORD_UO, "UO"},     {RECORD_URX, "URX"}, {RECORD_DC, "DC"}, {RECORD_DPE, "DPE"},
    {RECORD_UPE, "UPE"}, {RECORD_UAEX, "UAEX"}, {RECORD_SI, "SI"},   {RECORD_DT, "DT"}, {RECORD_LR, "LR"},
    {RECORD_UR, "UR"},   {RECORD_DI, "DI"},     {RECORD_FI, "FI"},   {RECORD_OM, "OM"},
};

enum {
    NUMBERS_SIZE = offsetof(struct record, node),
    TEXT_MAX = 1024,
};

static bool is_text(const struct record_field *field)
{
    return field->type == RECORD_TEXT;
}

static struct bytes *text_of(const struct record *record, const struct record_field *field)
{
    return (struct bytes *)(uintptr_t)((const char *)record + field->offset);
}

void record_encode(struct text *out, const struct record *record)
{
    assert(out->room - out->len > NUMBERS_SIZE + 2 * record_field_count);
    char *at = out->at + out->len;
    const char *end = out->at + out->room - 1 - 2 * record_field_count; /* all lengths fit behind it */
    memcpy(at, record, NUMBERS_SIZE);
    at += NUMBERS_SIZE;
    for (size_t i = 0; i < record_field_count; i++) {
        if (!is_text(&record_fields[i]))
            continue;
        struct bytes text = *text_of(record, &record_fields[i]);
        uint16_t len = text.len < TEXT_MAX ? (uint16_t)text.len : TEXT_MAX;
        if (len > end - at)
            len = 0;
        memcpy(at, &len, sizeof len);
        at += sizeof len;
        if (len)
            memcpy(at, text.at, len);
        at += len;
    }
    *at = '\0';
    out->len = (size_t)(at - out->at);
}

bool record_decode(struct bytes in, struct record *out, struct fail *why)
{
    struct record record;
    if (in.len < NUMBERS_SIZE)
        return fail(why, FAIL_INPUT, "record: %zu bytes are too few", in.len);
    memcpy(&record, in.at, NUMBERS_SIZE);
    if (record.role > 2 || record.direction > 2 || record.protocol > 2 ||
        record.retry_end > RECORD_RETRY_BODY)
        return fail(why, FAIL_INPUT, "record: a choice is out of range");
    in = bytes_part(in, NUMBERS_SIZE, in.len);
    for (size_t i = 0; i < record_field_count; i++) {
        uint16_t len;
        if (!is_text(&record_fields[i]))
            continue;
        if (in.len < sizeof len)
            return fail(why, FAIL_INPUT, "record: it ends before %s", record_fields[i].name);
        memcpy(&len, in.at, sizeof len);
        in = bytes_part(in, sizeof len, in.len);
        if (in.len < len)
            return fail(why, FAIL_INPUT, "record: it ends inside %s", record_fields[i].name);
        *text_of(&record, &record_fields[i]) = bytes_part(in, 0, len);
        in = bytes_part(in, len, in.len);
    }
    if (in.len)
        return fail(why, FAIL_INPUT, "record: %zu bytes too many", in.len);
    *out = record;
    return true;
}

void record_flags_text(struct text *out, uint32_t flags)
{
    bool first = true;
    for (size_t i = 0; i < sizeof flag_names / sizeof flag_names[0]; i++) {
        if (!(flags & flag_names[i].flag))
            continue;
        if (!first)
            text_add_c(out, ',');
        text_add_s(out, flag_names[i].name);
        first = false;
    }
    if (first)
        text_add_c(out, '-');
}

static uint64_t number_of(const struct record *record, const struct record_field *field)
{
    const char *at = (const char *)record + field->offset;
    uint64_t wide;
    uint32_t narrow;
    if (field->offset < offsetof(struct record, status)) {
        memcpy(&wide, at, sizeof wide);
        return wide;
    }
    memcpy(&narrow, at, sizeof narrow);
    return narrow;
}

/* What needs no escapes. */
static void quoted(struct text *out, const char *plain)
{
    text_add_c(out, '"');
    text_add_s(out, plain);
    text_add_c(out, '"');
}

static void thousandths(struct text *out, uint64_t number)
{
    const char part[] = {'.', (char)('0' + number / 100 % 10), (char)('0' + number / 10 % 10),
                         (char)('0' + number % 10)};
    text_add_u64(out, number / 1000);
    text_add(out, bytes_make(part, sizeof part));
}

static void value_json(struct text *out, const struct record *record, const struct record_field *field)
{
    uint64_t number = is_text(field) ? 0 : number_of(record, field);
    char when[CLOCK_TEXT_SIZE];
    switch (field->type) {
    case RECORD_TEXT:
        text_add_json(out, *text_of(record, field));
        return;
    case RECORD_TIME:
        clock_text((int64_t)number, when);
        quoted(out, when);
        return;
    case RECORD_MS:
        thousandths(out, number);
        return;
    case RECORD_FLAGS:
        text_add_c(out, '"');
        record_flags_text(out, (uint32_t)number);
        text_add_c(out, '"');
        return;
    case RECORD_CHOICE:
        quoted(out, field->choices[number]);
        return;
    case RECORD_NUMBER:
    case RECORD_STATUS:
        text_add_u64(out, number);
        return;
    }
}

void record_json(struct text *out, const struct record *record)
{
    size_t start = out->len;
    for (size_t i = 0; i < record_field_count; i++) {
        const struct record_field *field = &record_fields[i];
        if (is_text(field) && !text_of(record, field)->len)
            continue;
        text_add(out, field->json_name);
        value_json(out, record, field);
    }
    if (out->len > start)
        out->at[start] = '{'; /* where the first comma stood */
    text_add_c(out, '}');
}
