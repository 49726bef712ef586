#include "rules/limits.h"

#include <string.h>

#define AT(member) .offset = offsetof(struct limits_group, is.member)

enum {
    MINUTE_MS = 60 * 1000,
    HOUR_MS = 60 * MINUTE_MS,
    EDGE_BODY_BYTES = 10 << 20,
    EDGE_ADDRESS_CONNECTIONS = 1000,
    PRESET_MEMORY_BYTES = 1 << 30,
};

static const char *const underscores_choices[] = {"ALLOW", "REJECT_REQUEST", NULL};

#define COUNT_FIELD(text, member, low, high, number, sentence)                                               \
    {                                                                                                        \
        .name = text, .type = FIELD_INT, AT(member), .min = low, .max = high, .preset = number,              \
        .help = sentence                                                                                     \
    }
#define TIME_FIELD(text, member, low, high, number, sentence)                                                \
    {                                                                                                        \
        .name = text, .type = FIELD_DURATION, AT(member), .min = low, .max = high, .preset = number,         \
        .help = sentence                                                                                     \
    }

static const struct field request_fields[] = {
    COUNT_FIELD("lineBytes", line_bytes, 64, 32 * 1024, "8192", "request line; beyond it 414"),
    COUNT_FIELD("headBytes", head_bytes, 128, 32 * 1024, "32768", "the whole head; beyond it 431"),
    COUNT_FIELD("fields", fields, 1, 1000, "100",
                "header fields, each cookie of its own counted; beyond it 431"),
    COUNT_FIELD("fieldNameBytes", name_bytes, 16, 8 * 1024, "256", "one field's name; beyond it 431"),
    {.name = "underscores",
     .type = FIELD_CHOICE,
     AT(underscores),
     .choices = underscores_choices,
     .preset = "ALLOW",
     .help = "whether a field's name may hold '_', which many a server takes for '-'; if not 400"},
    TIME_FIELD("headTimeout", head_ms, 10, HOUR_MS, "10s",
               "from a head's first byte to its last; late is 408"),
    COUNT_FIELD("bodyBytes", body_bytes, 0, INT64_C(1) << 40, NULL,
                "a request's body, beyond it 413; 0 is no limit; when absent 10485760 at the edge, else 0"),
    TIME_FIELD("bodyIdleTimeout", body_idle_ms, 10, HOUR_MS, "30s",
               "without a byte of a body that we wait for, or without the client taking one; late is 408"),
    COUNT_FIELD("bodyBytesPerSecond", body_rate, 0, 1 << 30, "240",
                "least average while we wait for the client, either way; 0 is no limit; too slow is 408"),
    TIME_FIELD(
        "answerIdleTimeout", answer_idle_ms, 10, 24 * HOUR_MS, "5m",
        "without a byte of an answer that the upstream owes, on routes without a timeout; late is 504"),
    TIME_FIELD("bodyGrace", body_grace_ms, 0, HOUR_MS, "10s", "waiting before that average counts"),
    COUNT_FIELD("retainedBytes", retained_bytes, 0, 64 * 1024, "65536",
                "of a body, kept so that the request can be sent again"),
    COUNT_FIELD("interimAnswers", interim_answers, 0, 1000, "8", "1xx before an answer; beyond it 502"),
};
static FIELD_TABLE(request, struct limits_group);

static const struct field connection_fields[] = {
    TIME_FIELD("tlsHandshakeTimeout", handshake_ms, 10, HOUR_MS, "5s", "the whole TLS handshake"),
    TIME_FIELD("idleTimeout", idle_ms, 10, 24 * HOUR_MS, "60s", "between two requests"),
    TIME_FIELD(
        "tunnelIdleTimeout", tunnel_idle_ms, 10, 24 * HOUR_MS, "1h",
        "without a byte either way, of upgraded connections; TCP goes by its destination's connectionPool"),
    COUNT_FIELD("requests", requests, 0, INT32_MAX - 1, "10000", "on one connection; 0 is no limit"),
    TIME_FIELD("maxAge", age_ms, 0, INT64_C(30) * 24 * HOUR_MS, "1h",
               "after which no further request is taken, up to a tenth less at random; 0s is no limit"),
    COUNT_FIELD("bufferBytes", buffer_bytes, 4096, 1 << 20, "32768", "under way in each direction"),
    COUNT_FIELD("perListener", listener_connections, 0, 10 * 1000 * 1000, "10000",
                "at a time on one listener, an equal share in each worker; 0 is no limit"),
    COUNT_FIELD(
        "perAddress", address_connections, 0, 10 * 1000 * 1000, NULL,
        "at a time of one client address (IPv6: of a /64), an equal share in each worker; 0 is no limit; "
        "when absent 1000 at the edge, else 0; front proxies are not counted"),
};
static FIELD_TABLE(connection, struct limits_group);

static const struct field http2_fields[] = {
    COUNT_FIELD("concurrentStreams", streams, 1, 100000, "100", "open at a time on one connection"),
    COUNT_FIELD("newStreams", new_streams, 1, 100000, "200", "begun by what one read brings"),
    COUNT_FIELD("resets", resets, 1, 1000 * 1000, "200",
                "streams reset in a period before their answer began, where they are more than half of all"),
    TIME_FIELD("resetPeriod", reset_period_ms, 1000, HOUR_MS, "30s", "that period"),
    COUNT_FIELD("floodBytes", flood_bytes, 4096, 1 << 30, "1048576",
                "of frames beyond eight times the payload that they brought"),
    COUNT_FIELD("owedFrames", owed_frames, 1, 100000, "1000", "answers owed to SETTINGS and PING frames"),
    COUNT_FIELD("emptyFrames", empty_frames, 1, 100000, "100", "DATA frames in a row without data or an end"),
    COUNT_FIELD("uselessFrames", useless_frames, 10, 100000, "1000",
                "in a row that ask for nothing: PRIORITY, PRIORITY_UPDATE, GOAWAY, unknown ones"),
    COUNT_FIELD("continuationFrames", continuation_frames, 0, 1000, "8", "of one head"),
    COUNT_FIELD("continuationBytes", continuation_bytes, 0, 1 << 20, "32768", "of one head"),
    COUNT_FIELD("streamWindowBytes", stream_window, 16 * 1024, INT32_MAX - 1, "65536",
                "of one request's body"),
    COUNT_FIELD("connectionWindowBytes", connection_window, 64 * 1024, INT32_MAX - 1, "1048576",
                "of all bodies of a connection"),
    COUNT_FIELD("tableBytes", table_bytes, 0, 64 * 1024, "4096", "HPACK's dynamic table"),
};
static FIELD_TABLE(http2, struct limits_group);

static const struct field memory_fields[] = {
    COUNT_FIELD(
        "maximumBytes", memory_bytes, 32 << 20, INT64_C(1) << 44, NULL,
        "that the node may use; when absent what its control group, its resource limits or the machine has"),
    COUNT_FIELD("shedPercent", shed_percent, 1, 100, "95",
                "of the workers' part: new requests are answered with 503, idle connections end"),
    COUNT_FIELD("refusePercent", refuse_percent, 1, 100, "98",
                "of the workers' part: new connections are closed at once"),
};
static FIELD_TABLE(memory, struct limits_group);

#define GROUP_FIELD(text, member, sentence)                                                                  \
    {                                                                                                        \
        .name = text, .type = FIELD_GROUP, .offset = offsetof(struct limits, member),                        \
        .group = &member##_table, .help = sentence                                                           \
    }

static const struct field limits_fields[] = {
    GROUP_FIELD("request", request, "heads and bodies"),
    GROUP_FIELD("connection", connection, "connections of clients"),
    GROUP_FIELD("http2", http2, "HTTP/2 frames and streams"),
    GROUP_FIELD("memory", memory, "when to shed load"),
};
FIELD_TABLE(limits, struct limits);

/* ---- reading ---- */

static void group_complete(struct limits_group **group, const struct field_table *table,
                           struct report *report)
{
    if (!*group)
        *group = field_read(table, NULL, report);
}

void limits_complete(struct limits *limits, struct report *report)
{
    group_complete(&limits->request, &request_table, report);
    group_complete(&limits->connection, &connection_table, report);
    group_complete(&limits->http2, &http2_table, report);
    group_complete(&limits->memory, &memory_table, report);
    const struct rules_limits *memory = &limits->memory->is, *http2 = &limits->http2->is;
    if (memory->shed_percent > memory->refuse_percent)
        report_error(report, group_node(&limits->memory->group, "shedPercent"),
                     "%lld is above refusePercent, which is %lld", (long long)memory->shed_percent,
                     (long long)memory->refuse_percent);
    if (http2->stream_window > http2->connection_window)
        report_error(report, group_node(&limits->http2->group, "streamWindowBytes"),
                     "%lld is above connectionWindowBytes, which is %lld", (long long)http2->stream_window,
                     (long long)http2->connection_window);
}

/* ---- resolving ---- */

static void group_copy(const struct field_table *table, const struct limits_group *group,
                       struct rules_limits *out)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct field *field = &table->fields[i];
        size_t size = field->type == FIELD_CHOICE ? sizeof(uint32_t) : sizeof(int64_t);
        memcpy((char *)out + (field->offset - offsetof(struct limits_group, is)),
               (const char *)group + field->offset, size);
    }
}

/* Rounded up, so that no share becomes 0, which would be no limit. */
static int64_t share(int64_t whole, int64_t workers)
{
    return (whole + workers - 1) / workers;
}

void limits_resolve(const struct limits *limits, enum rules_role role, int64_t workers, int64_t memory_bytes,
                    struct rules_limits *out)
{
    *out = (struct rules_limits){0};
    group_copy(&request_table, limits->request, out);
    group_copy(&connection_table, limits->connection, out);
    group_copy(&http2_table, limits->http2, out);
    group_copy(&memory_table, limits->memory, out);
    if (role == ROLE_EDGE && !group_has(&limits->request->group, "bodyBytes"))
        out->body_bytes = EDGE_BODY_BYTES;
    if (role == ROLE_EDGE && !group_has(&limits->connection->group, "perAddress"))
        out->address_connections = EDGE_ADDRESS_CONNECTIONS;
    if (!out->memory_bytes)
        out->memory_bytes = memory_bytes;
    /* A quarter is for control and the supervisor. */
    out->memory_bytes = out->memory_bytes / 4 * 3 / workers;
    out->listener_connections = share(out->listener_connections, workers);
    out->address_connections = share(out->address_connections, workers);
}

void limits_preset(enum rules_role role, struct rules_limits *out)
{
    struct arena arena;
    struct findings findings;
    arena_init(&arena);
    findings_init(&findings, &arena);
    struct report report = {.findings = &findings, .file = ""};
    struct limits *limits = field_read(&limits_table, NULL, &report);
    limits_complete(limits, &report);
    limits_resolve(limits, role, 1, PRESET_MEMORY_BYTES, out);
    arena_done(&arena);
}
