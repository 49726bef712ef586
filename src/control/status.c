#include "control/status.h"

#include <fcntl.h>
#include <string.h>

#include "base/clock.h"
#include "control/key_list.h"
#include "control/metrics.h"
#include "crypt/certificate.h"
#include "rules/kind/secret.h"

/* Values are written where they belong; commas take care of themselves. */
static void comma(struct text *out)
{
    if (out->len && out->at[out->len - 1] != '{' && out->at[out->len - 1] != '[')
        text_add_c(out, ',');
}

static void name(struct text *out, const char *key)
{
    comma(out);
    text_format(out, "\"%s\":", key);
}

static void put_text(struct text *out, const char *key, struct bytes value)
{
    if (!value.len)
        return;
    name(out, key);
    text_add_json(out, value);
}

static void put_number(struct text *out, const char *key, uint64_t value)
{
    name(out, key);
    text_add_u64(out, value);
}

static void put_truth(struct text *out, const char *key, bool value)
{
    name(out, key);
    text_add_s(out, value ? "true" : "false");
}

static void put_time(struct text *out, const char *key, int64_t wall_us)
{
    char when[CLOCK_TEXT_SIZE];
    clock_text(wall_us, when);
    put_text(out, key, bytes_of(when));
}

static void put_hex(struct text *out, const char *key, const void *at, size_t size)
{
    name(out, key);
    text_add_c(out, '"');
    text_add_hex(out, bytes_make(at, size));
    text_add_c(out, '"');
}

/* ---- the snapshot page ---- */

static void node_write(const struct publish *publish, struct text *out)
{
    static const char *const roles[] = {"edge", "gateway", "sidecar"};
    const struct settings *settings = publish->settings;
    name(out, "node");
    text_add_c(out, '{');
    put_text(out, "name", settings->node);
    put_text(out, "role", bytes_of(roles[settings->role]));
    put_text(out, "namespace", settings->name_space);
    put_text(out, "serviceAccount", settings->account);
    put_text(out, "trustDomain", settings->trust_domain);
    put_text(out, "version", BYTES(SELVAGE_VERSION));
    text_add_c(out, '}');
}

static void resources_write(const struct edition *edition, struct text *out)
{
    name(out, "resources");
    text_add_c(out, '[');
    for (size_t i = 0; edition && i < edition->set.count; i++) {
        const struct resource *resource = edition->set.at[i];
        comma(out);
        text_add_c(out, '{');
        put_text(out, "kind", bytes_of(resource->kind->name));
        put_text(out, "namespace", resource->namespace);
        put_text(out, "name", resource->name);
        put_text(out, "file", bytes_of(resource->file));
        put_number(out, "line", resource->line);
        text_add_c(out, '}');
    }
    text_add_c(out, ']');
}

static void findings_write(const char *key, const struct findings *findings, struct text *out)
{
    name(out, key);
    text_add_c(out, '[');
    for (size_t i = 0; findings && i < findings->count; i++) {
        const struct finding *finding = &findings->at[i];
        comma(out);
        text_add_c(out, '{');
        put_text(out, "level", bytes_of(finding_level_name(finding->level)));
        put_text(out, "code", bytes_of(finding->code));
        put_text(out, "file", bytes_of(finding->file));
        put_number(out, "line", finding->line);
        put_number(out, "column", finding->column);
        put_text(out, "path", finding->path);
        put_text(out, "message", finding->sentence);
        text_add_c(out, '}');
    }
    text_add_c(out, ']');
}

/* istioctl's words. */
static const char *step_of(const struct publish *publish, const struct worker *worker, int kind)
{
    uint64_t newest = publish->workers.generation[kind];
    if (!worker->sent[kind])
        return "NOT SENT";
    if (worker->loaded[kind] == newest)
        return "SYNCED";
    return worker->refused[kind] == newest ? "REFUSED" : "STALE";
}

static void steps_write(const struct publish *publish, const struct worker *worker, struct text *out)
{
    static const char *const steps[IMAGE_KINDS] = {"", "rulesStep", "endpointsStep", "keysStep"};
    static const char *const times[IMAGE_KINDS] = {"", "rulesSince", "endpointsSince", "keysSince"};
    const struct edition *const editions[] = {publish->current, publish->before};
    for (int kind = IMAGE_RULES; kind < IMAGE_KINDS; kind++) {
        put_text(out, steps[kind], bytes_of(step_of(publish, worker, kind)));
        if (worker->loaded_us[kind])
            put_time(out, times[kind], worker->loaded_us[kind]);
    }
    for (int i = 0; i < 2; i++)
        if (editions[i] && editions[i]->generation == worker->loaded[IMAGE_RULES])
            put_hex(out, "revision", editions[i]->set.revision.bytes, 6);
}

static void workers_write(const struct publish *publish, struct text *out)
{
    static const char *const images[IMAGE_KINDS] = {"", "rules", "endpoints", "keys"};
    name(out, "workers");
    text_add_c(out, '[');
    for (uint32_t i = 0; i < FRAME_WORKERS_MAX; i++) {
        const struct worker *worker = &publish->workers.at[i];
        if (!worker->live)
            continue;
        comma(out);
        text_add_c(out, '{');
        put_number(out, "index", i);
        put_number(out, "pid", worker->pid);
        for (int kind = IMAGE_RULES; kind < IMAGE_KINDS; kind++)
            put_number(out, images[kind], worker->loaded[kind]);
        steps_write(publish, worker, out);
        put_text(out, "refused", bytes_of(worker->why));
        text_add_c(out, '}');
    }
    text_add_c(out, ']');
}

static void key_sets_write(const struct publish *publish, struct text *out)
{
    int64_t now_s = clock_wall_s();
    name(out, "keySets");
    text_add_c(out, '[');
    list_for(item, &publish->keys.list)
    {
        const struct key_entry *entry = container_of(item, struct key_entry, link);
        comma(out);
        text_add_c(out, '{');
        put_text(out, "issuer", bytes_of(entry->issuer));
        put_truth(out, "read", entry->text.len > 0);
        if (entry->text.len)
            put_number(out, "ageSeconds",
                       (uint64_t)(now_s > entry->fetched_s ? now_s - entry->fetched_s : 0));
        put_text(out, "problem", bytes_of(entry->problem));
        text_add_c(out, '}');
    }
    text_add_c(out, ']');
}

static void names_write(const struct publish *publish, struct text *out)
{
    name(out, "names");
    text_add_c(out, '[');
    list_for(item, &publish->names.list)
    {
        const struct name_entry *entry = container_of(item, struct name_entry, link);
        comma(out);
        text_add_c(out, '{');
        put_text(out, "name", bytes_of(entry->name));
        name(out, "addresses");
        text_add_c(out, '[');
        for (size_t i = 0; i < entry->count; i++) {
            char room[ADDRESS_TEXT_SIZE];
            comma(out);
            text_add_json(out, address_text(&entry->at[i], room));
        }
        text_add_c(out, ']');
        if (entry->answered_s)
            put_time(out, "answeredAt", entry->answered_s * 1000000);
        put_number(out, "ttlSeconds", (uint64_t)entry->ttl_s);
        put_text(out, "problem", bytes_of(entry->problem));
        text_add_c(out, '}');
    }
    text_add_c(out, ']');
}

static void binds_write(const struct publish *publish, struct text *out)
{
    static const char *const states[] = {"asked", "listening", "failed"};
    name(out, "listeners");
    text_add_c(out, '[');
    for (size_t i = 0; i < publish->binds.count; i++) {
        const struct bind *bind = &publish->binds.at[i];
        comma(out);
        text_add_c(out, '{');
        put_text(out, "address", bind->address);
        put_number(out, "port", bind->port);
        put_text(out, "state", bytes_of(states[bind->state]));
        if (bind->state == BIND_FAILED)
            put_text(out, "problem", bytes_of(strerror(bind->error)));
        text_add_c(out, '}');
    }
    text_add_c(out, ']');
}

void status_snapshot_write(const struct publish *publish, struct text *out)
{
    const struct edition *current = publish->current;
    struct edition *told = publish->rejected ? publish->rejected : publish->current;
    text_add_c(out, '{');
    node_write(publish, out);
    if (current) {
        put_hex(out, "revision", current->set.revision.bytes, sizeof current->set.revision.bytes);
        put_number(out, "generation", publish->workers.generation[IMAGE_RULES]);
        put_time(out, "readAt", current->read_us);
        put_truth(out, "refusesEverything", current->deny_all);
        put_truth(out, "fromLastGood", publish->from_last_good);
    }
    put_truth(out, "newerHasErrors", publish->rejected != NULL);
    put_text(out, "problem",
             publish->rejected ? publish->rejected->problem
             : current         ? current->problem
                               : (struct bytes){0});
    put_text(out, "sourceProblem", bytes_of(publish->source_problem));
    binds_write(publish, out);
    workers_write(publish, out);
    key_sets_write(publish, out);
    names_write(publish, out);
    findings_write("findings", told ? &told->set.findings : NULL, out);
    findings_write("analysis", told ? edition_analysis(told) : NULL, out);
    resources_write(current, out);
    text_add_s(out, "}\n");
}

/* ---- certificates ---- */

static void certificate_write(struct text *out, const char *use, struct bytes chain)
{
    struct certificate_facts facts;
    struct fail why;
    if (!chain.len || !certificate_facts(chain, out->arena, &facts, &why))
        return;
    comma(out);
    text_add_c(out, '{');
    put_text(out, "use", bytes_of(use));
    put_text(out, "uri", facts.uri);
    put_text(out, "subject", facts.subject);
    put_text(out, "serial", facts.serial);
    put_time(out, "notBefore", facts.not_before_s * 1000000);
    put_time(out, "notAfter", facts.not_after_s * 1000000);
    text_add_c(out, '}');
}

void status_certs_write(const struct publish *publish, struct text *out)
{
    const struct edition *current = publish->current;
    text_add_s(out, "{\"certificates\":[");
    if (publish->identity) {
        certificate_write(out, "identity", publish->identity->pem.chain);
        certificate_write(out, "root", publish->identity->pem.roots);
    }
    for (size_t i = 0; current && i < current->result.credential_count; i++) {
        const struct compile_credential *credential = &current->result.credentials[i];
        const struct secret *secret = credential->secret ? credential->secret->spec : NULL;
        if (secret)
            certificate_write(out, arena_text(out->arena, credential->name), secret->certificate);
    }
    text_add_c(out, ']');
    put_text(out, "problem", bytes_of(publish->identity_problem));
    text_add_s(out, "}\n");
}

/* ---- metrics ---- */

static void gauge(struct text *out, const char *metric, const char *help, uint64_t value)
{
    metrics_head(out, metric, "gauge", help);
    text_format(out, "%s %llu\n", metric, (unsigned long long)value);
}

static void counter(struct text *out, const char *metric, const char *help, uint64_t value)
{
    metrics_head(out, metric, "counter", help);
    text_format(out, "%s %llu\n", metric, (unsigned long long)value);
}

static void rules_metrics(const struct publish *publish, struct text *out)
{
    const struct edition *current = publish->current;
    const struct findings *findings = publish->rejected ? &publish->rejected->set.findings
                                      : current         ? &current->set.findings
                                                        : NULL;
    metrics_head(out, "selvage_rules_info", "gauge", "Revision of the rules in force.");
    if (current) {
        text_add_s(out, "selvage_rules_info{revision=\"");
        text_add_hex(out, bytes_make(current->set.revision.bytes, 6));
        text_add_s(out, "\"} 1\n");
    }
    gauge(out, "selvage_rules_deny_all", "1 when every request is refused.", current && current->deny_all);
    gauge(out, "selvage_rules_source_lost", "1 when the directory of the rules cannot be read.",
          publish->source_problem[0] != '\0');
    gauge(out, "selvage_rules_rejected", "1 when newer rules have errors.", publish->rejected != NULL);
    counter(out, "selvage_rules_loads_total", "Sets of rules put in force.", publish->editions);
    counter(out, "selvage_rules_rejections_total", "Sets of rules refused.", publish->rejections);
    metrics_head(out, "selvage_findings", "gauge", "Findings about the newest resources, by level.");
    text_format(out, "selvage_findings{level=\"error\"} %zu\n", findings ? findings->errors : 0);
    text_format(out, "selvage_findings{level=\"warning\"} %zu\n", findings ? findings->warnings : 0);
    text_format(out, "selvage_findings{level=\"info\"} %zu\n", findings ? findings->infos : 0);
}

static void key_set_metric(const struct publish *publish, struct text *out, const char *metric,
                           const char *type, const char *help, uint64_t (*value)(const struct key_entry *))
{
    metrics_head(out, metric, type, help);
    list_for(item, &publish->keys.list)
    {
        const struct key_entry *entry = container_of(item, struct key_entry, link);
        text_format(out, "%s{issuer=", metric);
        metrics_label_value(out, bytes_of(entry->issuer));
        text_format(out, ",set=\"%016llx\"} %llu\n", (unsigned long long)entry->id,
                    (unsigned long long)value(entry));
    }
}

static void name_metric(const struct publish *publish, struct text *out, const char *metric, const char *type,
                        const char *help, uint64_t (*value)(const struct name_entry *))
{
    metrics_head(out, metric, type, help);
    list_for(item, &publish->names.list)
    {
        const struct name_entry *entry = container_of(item, struct name_entry, link);
        text_format(out, "%s{host=", metric);
        metrics_label_value(out, bytes_of(entry->name));
        text_format(out, "} %llu\n", (unsigned long long)value(entry));
    }
}

static uint64_t addresses_of(const struct name_entry *entry)
{
    return entry->count;
}

static uint64_t lookups_of(const struct name_entry *entry)
{
    return entry->lookups;
}

static uint64_t lookup_failures_of(const struct name_entry *entry)
{
    return entry->failures;
}

static uint64_t answered_of(const struct name_entry *entry)
{
    return (uint64_t)entry->answered_s;
}

static void names_metrics(const struct publish *publish, struct text *out)
{
    name_metric(publish, out, "selvage_dns_addresses", "gauge",
                "Addresses of a name that endpoints are given by.", addresses_of);
    name_metric(publish, out, "selvage_dns_lookups_total", "counter", "Look-ups that were answered.",
                lookups_of);
    name_metric(publish, out, "selvage_dns_failures_total", "counter", "Look-ups that failed.",
                lookup_failures_of);
    name_metric(publish, out, "selvage_dns_answered_timestamp_seconds", "gauge",
                "When the name was answered for last; 0 is never.", answered_of);
}

static uint64_t fetches_of(const struct key_entry *entry)
{
    return entry->fetches;
}

static uint64_t failures_of(const struct key_entry *entry)
{
    return entry->failures;
}

static uint64_t fetched_of(const struct key_entry *entry)
{
    return (uint64_t)entry->fetched_s;
}

void status_metrics_write(const struct publish *publish, struct text *out)
{
    rules_metrics(publish, out);
    key_set_metric(publish, out, "selvage_key_set_fetches_total", "counter", "Key sets read.", fetches_of);
    key_set_metric(publish, out, "selvage_key_set_failures_total", "counter", "Attempts that failed.",
                   failures_of);
    key_set_metric(publish, out, "selvage_key_set_fetched_timestamp_seconds", "gauge",
                   "When the key set in use was read; 0 is never.", fetched_of);
    names_metrics(publish, out);
    gauge(out, "selvage_certificate_expiry_timestamp_seconds", "End of the node's certificate; 0 is none.",
          publish->identity ? (uint64_t)publish->identity->not_after_s : 0);
    gauge(out, "selvage_workers", "Live workers.", workers_live(&publish->workers));
    counter(out, "selvage_worker_starts_total", "Workers started.", publish->workers.starts);
    counter(out, "selvage_worker_ends_total", "Workers that ended.", publish->workers.ends);
}

/* ---- all of it ---- */

static const char *unready_reason(const struct publish *publish)
{
    if (publish->draining)
        return "draining";
    if (!publish->current)
        return "no rules yet";
    if (publish->current->deny_all)
        return "there are no valid rules: every request is refused";
    if (!publish->ready)
        return "workers have not loaded the rules yet";
    return NULL;
}

static void page_put(const struct publish *publish, struct board *board, enum board_page page,
                     void (*write)(const struct publish *, struct text *))
{
    struct arena arena;
    struct text text;
    arena_init(&arena);
    text_init_arena(&text, &arena);
    write(publish, &text);
    board_put(board, page, text_bytes(&text));
    arena_done(&arena);
}

void status_update(const struct publish *publish, struct board *board)
{
    const char *reason = unready_reason(publish);
    page_put(publish, board, BOARD_SNAPSHOT, status_snapshot_write);
    page_put(publish, board, BOARD_CERTS, status_certs_write);
    page_put(publish, board, BOARD_KEYS, key_list_write);
    page_put(publish, board, BOARD_METRICS, status_metrics_write);
    board_images_put(board, fcntl(publish->workers.image[IMAGE_RULES], F_DUPFD_CLOEXEC, 0),
                     fcntl(publish->workers.image[IMAGE_ENDPOINTS], F_DUPFD_CLOEXEC, 0));
    board_ready_set(board, reason == NULL, reason ? reason : "");
}
