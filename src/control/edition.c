#include "control/edition.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/log.h"
#include "control/memory_available.h"
#include "rules/analyze/analysis.h"

enum { FINDINGS_LOGGED_MAX = 50 };

static const struct bytes *label_pairs(const struct text_map *labels, struct arena *arena)
{
    struct bytes *pairs = arena_array(arena, struct bytes, labels->count * 2);
    for (size_t i = 0; i < labels->count; i++) {
        pairs[2 * i] = labels->keys[i];
        pairs[2 * i + 1] = labels->at[i];
    }
    return pairs;
}

static const struct bytes *trust_domains(const struct settings *settings, struct arena *arena)
{
    const struct text_list *aliases = &settings->trust_domain_aliases;
    struct bytes *all = arena_array(arena, struct bytes, aliases->count + 1);
    all[0] = settings->trust_domain;
    for (size_t i = 0; i < aliases->count; i++)
        all[i + 1] = aliases->at[i];
    return all;
}

static struct bytes lower(struct bytes text, struct arena *arena)
{
    char *at = arena_raw(arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++)
        at[i] = ascii_lower(text.at[i]);
    return bytes_make(at, text.len);
}

static const struct rules_limits *limits(const struct settings *settings, struct arena *arena)
{
    struct rules_limits *out = arena_new(arena, struct rules_limits);
    limits_resolve(settings->limits, (enum rules_role)settings->role, settings->workers, memory_available(),
                   out);
    return out;
}

struct compile_node edition_node(const struct settings *settings, struct arena *arena)
{
    const struct settings_front_proxies *proxies = settings->front_proxies;
    static const struct settings_proxy_protocol none;
    const struct settings_proxy_protocol *protocol =
        proxies->proxy_protocol ? proxies->proxy_protocol : &none;
    return (struct compile_node){
        .name = settings->node,
        .role = (enum rules_role)settings->role,
        .name_space = settings->name_space,
        .account = settings->account,
        .labels = label_pairs(&settings->labels, arena),
        .label_count = settings->labels.count,
        .root_namespace = settings->root_namespace,
        .trust_domains = trust_domains(settings, arena),
        .trust_domain_count = settings->trust_domain_aliases.count + 1,
        .cluster_domain = settings->cluster_domain,
        .path_level = (uint32_t)settings->path_level,
        .proxy_names = proxies->certificates.at,
        .proxy_name_count = proxies->certificates.count,
        .proxy_networks = proxies->addresses.at,
        .proxy_network_count = proxies->addresses.count,
        .protocol_networks = protocol->addresses.at,
        .protocol_network_count = protocol->addresses.count,
        .protocol_ports = protocol->ports.at,
        .protocol_port_count = protocol->ports.count,
        .proxy_token_field = lower(proxies->token_header, arena),
        .limits = limits(settings, arena),
    };
}

static struct edition *edition_new(uint64_t generation)
{
    struct edition *edition = heap_new(struct edition);
    arena_init(&edition->arena);
    resource_set_init(&edition->set);
    edition->read_us = clock_wall_us();
    edition->generation = generation;
    return edition;
}

static void unreadable_add(struct edition *edition, const struct source_file *file)
{
    struct report report = {.findings = &edition->set.findings};
    report.file = arena_text(&edition->set.arena, file->name);
    report_add(&report, FINDING_ERROR, FINDING_UNREADABLE, NULL, "%.*s", BYTES_FMT(file->error));
}

static void files_add(struct edition *edition, const struct source_files *files, struct parsed_files *parsed)
{
    edition->parsed = arena_array(&edition->arena, struct parsed_file *, files->count);
    parsed_files_begin(parsed);
    for (size_t i = 0; i < files->count; i++) {
        if (files->at[i].error.len) {
            unreadable_add(edition, &files->at[i]);
            continue;
        }
        struct parsed_file *file = parsed_files_get(parsed, &files->at[i]);
        edition->parsed[edition->parsed_count++] = file;
        resource_set_add_set(&edition->set, &file->set);
    }
    parsed_files_end(parsed);
}

static void findings_log(const struct findings *findings)
{
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < findings->count && i < FINDINGS_LOGGED_MAX; i++) {
        struct text line;
        text_init_arena(&line, &arena);
        finding_write(&findings->at[i], &line);
        if (findings->at[i].level == FINDING_ERROR)
            log_error("%s", line.at);
        else if (findings->at[i].level == FINDING_WARNING)
            log_warning("%s", line.at);
        else
            log_debug("%s", line.at);
    }
    if (findings->count > FINDINGS_LOGGED_MAX)
        log_warning("%zu more findings are not shown here", findings->count - FINDINGS_LOGGED_MAX);
    arena_done(&arena);
}

struct edition *edition_make(const struct settings *settings, const struct source_files *files,
                             struct parsed_files *parsed, uint64_t generation)
{
    struct edition *edition = edition_new(generation);
    struct compile_node node = edition_node(settings, &edition->arena);
    struct fail why;
    edition->source = source_digest(files);
    files_add(edition, files, parsed);
    if (!resource_set_finish(&edition->set))
        edition->problem =
            arena_format(&edition->arena, "%zu error%s in the resources", edition->set.findings.errors,
                         edition->set.findings.errors == 1 ? "" : "s");
    else if (compile(&edition->set, &node, generation, &edition->arena, &edition->result, &why))
        edition->compiled = true;
    else
        edition->problem = arena_bytes(&edition->arena, bytes_of(why.text));
    findings_log(&edition->set.findings);
    return edition;
}

struct edition *edition_deny(const struct settings *settings, const struct source_files *files,
                             struct parsed_files *parsed, struct bytes reason, uint64_t generation)
{
    struct edition *edition = edition_new(generation);
    struct compile_node node = edition_node(settings, &edition->arena);
    if (files)
        files_add(edition, files, parsed);
    resource_set_finish(&edition->set);
    resource_set_keep_sound(&edition->set);
    edition->problem = arena_bytes(&edition->arena, reason);
    compile_deny_all(&edition->set, &node, edition->problem, generation, &edition->arena, &edition->result);
    edition->compiled = true;
    edition->deny_all = true;
    return edition;
}

const struct findings *edition_analysis(struct edition *edition)
{
    struct analysis analysis;
    if (edition->analyzed)
        return &edition->analysis;
    edition->analyzed = true;
    findings_init(&edition->analysis, &edition->arena);
    analysis_init(&analysis, &edition->set, NULL, NULL, &edition->analysis);
    analysis_run(&analysis);
    analysis_done(&analysis);
    findings_sort(&edition->analysis);
    return &edition->analysis;
}

void edition_free(struct edition *edition)
{
    if (!edition)
        return;
    if (edition->compiled)
        compile_result_done(&edition->result);
    resource_set_done(&edition->set);
    for (size_t i = 0; i < edition->parsed_count; i++)
        parsed_file_unref(edition->parsed[i]);
    arena_done(&edition->arena);
    free(edition);
}
