#include "control/metrics_labels.h"

#include "rules/snapshot.h"
#include "wire/spiffe_id.h"

static const char *const protocol_names[] = {"http", "tcp", "grpc"};

/* One end of the exchange as the labels see it. */
struct side {
    struct bytes workload;
    struct bytes name_space;
    struct bytes app;
    struct bytes version;
    struct bytes principal;
    struct bytes cluster;
};

static void label(struct text *out, const char *name, struct bytes value)
{
    if (out->len)
        text_add_c(out, ',');
    text_add_s(out, name);
    text_add_c(out, '=');
    metrics_label_value(out, value.len ? value : BYTES("unknown"));
}

static void side_write(struct text *out, const char *prefix, const struct side *side)
{
    const struct {
        const char *name;
        struct bytes value;
    } labels[] = {
        {"workload", side->workload},
        {"workload_namespace", side->name_space},
        {"principal", side->principal},
        {"app", side->app},
        {"version", side->version},
        {"cluster", side->cluster},
        {"canonical_service", side->workload},
        {"canonical_revision", side->version},
    };
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        char name[64];
        struct text text;
        text_init_fixed(&text, name, sizeof name);
        text_add_s(&text, prefix);
        text_add_s(&text, labels[i].name);
        label(out, name, labels[i].value);
    }
}

static struct side own_side(const struct metrics_node *node)
{
    return (struct side){node->workload, node->name_space, node->app,
                         node->version,  node->principal,  node->cluster};
}

/* All that is known of the other end is its certificate's name. */
static struct side other_side(struct bytes principal)
{
    struct side side = {.principal = principal};
    struct spiffe_id id;
    struct fail why;
    if (principal.len && spiffe_id_parse(principal, &id, &why))
        side.name_space = id.name_space;
    return side;
}

void metrics_labels_write(struct text *out, const struct metrics_node *node, const struct record *record)
{
    bool destination = record->direction == DIRECTION_INBOUND;
    struct side own = own_side(node);
    struct side other = other_side(destination ? record->source_principal : record->upstream_principal);
    if (!destination) {
        other.workload = record->destination_workload;
        other.name_space = other.name_space.len ? other.name_space : record->destination_service_namespace;
    }
    label(out, "reporter", destination ? BYTES("destination") : BYTES("source"));
    side_write(out, "source_", destination ? &other : &own);
    side_write(out, "destination_", destination ? &own : &other);
    label(out, "destination_service", record->destination_service);
    label(out, "destination_service_name", record->destination_service_name);
    label(out, "destination_service_namespace", record->destination_service_namespace);
    label(out, "request_protocol", bytes_of(protocol_names[record->protocol]));
    if (record->protocol != RECORD_TCP) {
        char status[16];
        struct text text;
        text_init_fixed(&text, status, sizeof status);
        text_add_u64(&text, record->status);
        label(out, "response_code", text_bytes(&text));
    }
    if (record->protocol == RECORD_GRPC)
        label(out, "grpc_response_status", record->grpc_status);
    char flags[64];
    struct text text;
    text_init_fixed(&text, flags, sizeof flags);
    record_flags_text(&text, record->flags);
    label(out, "response_flags", text_bytes(&text));
    label(out, "connection_security_policy",
          !destination         ? BYTES("unknown")
          : record->mutual_tls ? BYTES("mutual_tls")
                               : BYTES("none"));
}

/* Whatever metrics_labels_write looks at, and nothing that differs from one request to the next. */
void metrics_labels_facts(struct text *out, const struct record *record)
{
    const uint32_t numbers[] = {record->direction, record->protocol, record->status, record->flags,
                                record->mutual_tls};
    const struct bytes texts[] = {
        record->source_principal,    record->upstream_principal,       record->destination_workload,
        record->destination_service, record->destination_service_name, record->destination_service_namespace,
        record->grpc_status,
    };
    text_add(out, bytes_make(numbers, sizeof numbers));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uint32_t len = (uint32_t)texts[i].len;
        text_add(out, bytes_make(&len, sizeof len));
        text_add(out, texts[i]);
    }
}
