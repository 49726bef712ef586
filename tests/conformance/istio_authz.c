/*
 * istio_authz: AuthorizationPolicies through reader, compiler and decision, as a
 * workload behind a sidecar sees them, against what Istio decides.
 *
 * A folder of sets: policies.yaml, meta.json (who the workload is), cases.json.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "rules/compile/compile.h"
#include "rules/decide/authz.h"
#include "wire/address.h"
#include "wire/path.h"

#define FILE_MAX ((size_t)16 << 20)

#define REASONS_MAX 8

struct tally {
    unsigned passed, failed, skipped;
    struct {
        char text[120];
        unsigned count;
    } reasons[REASONS_MAX]; /* why cases were skipped */
};

/* One set compiled. */
struct world {
    struct arena *arena;
    struct image rules;
    const struct rules_listener *listeners[SPEAKS_COUNT];
};

static void skip(struct tally *tally, unsigned count, const char *reason)
{
    tally->skipped += count;
    for (size_t i = 0; i < REASONS_MAX; i++) {
        char *text = tally->reasons[i].text;
        if (!tally->reasons[i].count)
            snprintf(text, sizeof tally->reasons[i].text, "%s", reason);
        if (strncmp(text, reason, sizeof tally->reasons[i].text - 1) == 0 || i + 1 == REASONS_MAX) {
            tally->reasons[i].count += count;
            return;
        }
    }
}

static void tally_print(const struct tally *tally)
{
    printf("istio/authz: %u passed, %u failed", tally->passed, tally->failed);
    for (size_t i = 0; i < REASONS_MAX && tally->reasons[i].count; i++) {
        if (i == 0)
            printf(", %u skipped (", tally->skipped);
        printf("%s%u: %s", i ? "; " : "", tally->reasons[i].count, tally->reasons[i].text);
    }
    printf("%s\n", tally->skipped ? ")" : "");
}

/* ---- reading ---------------------------------------------------------- */

static bool file_read(struct arena *arena, const char *folder, const char *name, struct bytes *out)
{
    const char *path = arena_format(arena, "%s/%s", folder, name).at;
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    char *at = arena_raw(arena, FILE_MAX);
    *out = bytes_make(at, fread(at, 1, FILE_MAX, file));
    fclose(file);
    return true;
}

static json_t *json_file(struct arena *arena, const char *folder, const char *name)
{
    struct bytes content;
    json_error_t error;
    if (!file_read(arena, folder, name, &content))
        return NULL;
    return json_loadb(content.at, content.len, JSON_ALLOW_NUL, &error);
}

static struct bytes text_of(const json_t *object, const char *name)
{
    struct bytes text;
    json_member_text(object, name, &text);
    return text;
}

/* ---- facts ------------------------------------------------------------ */

static struct fact fact_of(const json_t *object, const char *name)
{
    struct bytes text;
    return json_member_text(object, name, &text) ? fact_known(text) : (struct fact){0};
}

static struct fact_address address_of(const json_t *object, const char *name)
{
    struct fact_address fact = {0};
    struct address address;
    if (!address_parse(text_of(object, name), &address))
        return fact;
    fact.state = FACT_KNOWN;
    if (address.family == ADDRESS_V4) {
        fact.bytes[10] = fact.bytes[11] = 0xFF;
        memcpy(fact.bytes + 12, address.at, 4);
    } else {
        memcpy(fact.bytes, address.at, 16);
    }
    return fact;
}

static void field_add(struct http_fields *fields, struct bytes name, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(value); i++)
        field_add(fields, name, json_array_get(value, i));
    if (json_is_string(value))
        http_fields_add(fields, name, bytes_make(json_string_value(value), json_string_length(value)));
}

static const struct http_fields *fields_of(const json_t *headers, struct arena *arena)
{
    struct http_fields *fields = arena_new(arena, struct http_fields);
    const char *key;
    json_t *value;
    http_fields_init(fields, arena);
    json_object_foreach((json_t *)(uintptr_t)headers, key, value)
    {
        struct bytes name = arena_bytes(arena, bytes_of(key));
        for (size_t i = 0; i < name.len; i++)
            ((char *)(uintptr_t)name.at)[i] = ascii_lower(name.at[i]);
        field_add(fields, name, value);
    }
    return fields;
}

static struct facts facts_of(const json_t *item, struct arena *arena)
{
    const json_t *request = json_object_get(item, "request"), *source = json_object_get(request, "source");
    const json_t *token = json_object_get(json_object_get(request, "jwt"), "claims");
    struct fail why;
    struct facts facts = {
        .http = bytes_equal(text_of(request, "protocol"), BYTES("http")),
        .principal = fact_of(source, "principal"),
        .peer = address_of(source, "ip"),
        .remote = address_of(source, "remote_ip"),
        .local = address_of(request, "destination_ip"),
        .port_state = FACT_KNOWN,
        .port = (uint32_t)json_integer_value(json_object_get(request, "port")),
        .sni = fact_of(request, "sni"),
    };
    if (!facts.http)
        return facts;
    facts.host = fact_of(request, "host");
    facts.method = fact_of(request, "method");
    facts.path = fact_of(request, "path");
    if (json_object_get(item, "requires") &&
        !path_normalize(facts.path.text, PATH_BASE, arena, &facts.path.text, &why))
        facts.path.state = FACT_ABSENT;
    facts.fields_state = FACT_KNOWN;
    facts.fields = fields_of(json_object_get(request, "headers"), arena);
    if (json_is_object(token)) {
        facts.claims_state = FACT_KNOWN;
        facts.claims = token;
    }
    return facts;
}

/* ---- judging ---------------------------------------------------------- */

/* Istio names every rule that matches; ours must be one of them. */
static bool rule_is_named(const struct world *world, const json_t *item, const char *action,
                          const struct rules_policy *policy, uint32_t rule)
{
    const json_t *names = json_object_get(json_object_get(item, "matched"), action);
    struct bytes name = authz_rule_name(&world->rules, policy, rule, world->arena);
    if (!policy)
        return json_array_size(names) == 0;
    for (size_t i = 0; i < json_array_size(names); i++)
        if (bytes_equal(name, bytes_of(json_string_value(json_array_get(names, i)))))
            return true;
    return false;
}

static const char *case_judge(const struct world *world, const json_t *item)
{
    struct facts facts = facts_of(item, world->arena);
    const struct rules_listener *listener = world->listeners[facts.http ? SPEAKS_HTTP : SPEAKS_TCP];
    struct decision decision = authz_decide(&world->rules, listener, &facts, world->arena);
    static const char *const names[] = {"allow", "deny", "unknown", "ask"};
    const char *is = names[decision.verdict];
    struct bytes expected = text_of(item, "expect");
    if (!bytes_equal(expected, bytes_of(is)))
        return arena_format(world->arena, "%s where Istio says %.*s", is, BYTES_FMT(expected)).at;
    if (json_object_get(item, "expect_source"))
        return NULL; /* from tables written by hand, which name no rules */
    const char *action = decision.verdict == DECISION_DENY ? "DENY" : "ALLOW";
    if (!rule_is_named(world, item, action, decision.policy, decision.rule))
        return "another rule decided than with Istio";
    if (!rule_is_named(world, item, "AUDIT", decision.audit, decision.audit_rule))
        return "another AUDIT rule matched than with Istio";
    return NULL;
}

static void cases_play(const struct world *world, const json_t *cases, struct tally *tally)
{
    size_t i;
    const json_t *item;
    json_array_foreach(cases, i, item)
    {
        if (bytes_equal(text_of(item, "expect"), BYTES("custom"))) {
            skip(tally, 1, "CUSTOM is not acted on yet");
            continue;
        }
        const char *wrong = case_judge(world, item);
        tally->passed += !wrong;
        tally->failed += wrong != NULL;
        if (wrong)
            printf("%.*s: %s\n", BYTES_FMT(text_of(item, "name")), wrong);
    }
}

/* ---- a set ------------------------------------------------------------ */

static void node_of(const json_t *meta, struct arena *arena, struct compile_node *node)
{
    const json_t *workload = json_object_get(meta, "workload"), *labels = json_object_get(workload, "labels");
    const json_t *domains = json_object_get(meta, "trust_domains");
    struct bytes *pairs = arena_array(arena, struct bytes, 2 * json_object_size(labels) + 1);
    struct bytes *names = arena_array(arena, struct bytes, json_array_size(domains) + 1);
    const char *key;
    json_t *value;
    *node = (struct compile_node){.name = BYTES("workload"),
                                  .role = ROLE_SIDECAR,
                                  .name_space = text_of(workload, "namespace"),
                                  .account = BYTES("default"),
                                  .labels = pairs,
                                  .root_namespace = text_of(meta, "root_namespace"),
                                  .trust_domains = names,
                                  .cluster_domain = BYTES("cluster.local")};
    json_object_foreach((json_t *)(uintptr_t)labels, key, value)
    {
        pairs[2 * node->label_count] = bytes_of(key);
        pairs[2 * node->label_count++ + 1] = bytes_of(json_string_value(value));
    }
    for (size_t i = 0; i < json_array_size(domains); i++)
        names[node->trust_domain_count++] = bytes_of(json_string_value(json_array_get(domains, i)));
}

/* Listeners of both kinds, so that both kinds of rules are made. */
static void sidecar_add(struct resource_set *set, struct arena *arena, struct bytes name_space)
{
    resource_set_add_file(
        set, "sidecar.yaml",
        arena_format(arena,
                     "apiVersion: networking.istio.io/v1\nkind: Sidecar\n"
                     "metadata: {name: conformance, namespace: '%.*s'}\n"
                     "spec: {ingress: [{port: {number: 1, protocol: HTTP, name: http}, "
                     "defaultEndpoint: '127.0.0.1:8080'}, {port: {number: 2, protocol: TCP, name: tcp}, "
                     "defaultEndpoint: '127.0.0.1:8081'}]}\n",
                     BYTES_FMT(name_space)));
}

/* What says more about a set: that Istio refuses it too, that we do, or that it is not acted on. */
static int weight_of(const struct finding *finding)
{
    if (finding->level != FINDING_ERROR)
        return 0;
    return strcmp(finding->code, FINDING_INVALID) == 0   ? 3
           : strcmp(finding->code, FINDING_NOT_YET) == 0 ? 1
                                                         : 2;
}

/* The first of the findings that say most, of a set that was refused. */
static const struct finding *refusal(const struct resource_set *set)
{
    const struct finding *most = &set->findings.at[0];
    for (size_t i = 1; i < set->findings.count; i++)
        if (weight_of(&set->findings.at[i]) > weight_of(most))
            most = &set->findings.at[i];
    return most;
}

static bool is_custom(struct bytes policies)
{
    return bytes_find_text(policies, BYTES("action: CUSTOM")) < policies.len;
}

static bool world_make(struct resource_set *set, const struct compile_node *node,
                       struct compile_result *result, struct world *world, struct fail *why)
{
    if (!compile(set, node, 1, world->arena, result, why))
        return false;
    if (!image_open(result->rules, result->rules_size, &rules_schema, &world->rules, why)) {
        compile_result_done(result);
        return false;
    }
    IMAGE_FOR(&world->rules, RULES_LISTENER, struct rules_listener, listener,
              image_all(&world->rules, RULES_LISTENER))
    world->listeners[listener->protocol] = listener;
    return true;
}

static void set_compile_play(struct resource_set *set, const struct compile_node *node, const char *name,
                             const json_t *cases, struct bytes policies, struct world *world,
                             struct tally *tally)
{
    struct compile_result result;
    struct fail why;
    unsigned count = (unsigned)json_array_size(cases);
    if (!resource_set_finish(set)) {
        const struct finding *found = refusal(set);
        const char *what =
            arena_format(world->arena, "%.*s: %.*s", BYTES_FMT(found->path), BYTES_FMT(found->sentence)).at;
        if (weight_of(found) == 1) {
            skip(tally, count, is_custom(policies) ? "CUSTOM is not acted on yet" : what);
            return;
        }
        /* What nobody can apply has no verdict. istio/validation judges whether it is so. */
        if (weight_of(found) == 3) {
            skip(tally, count, "Istio's own validation refuses them too");
            return;
        }
        printf("%s: refused: %s\n", name, what);
        tally->failed += count;
        return;
    }
    if (!world_make(set, node, &result, world, &why)) {
        printf("%s: %s\n", name, why.text);
        tally->failed += count;
        return;
    }
    cases_play(world, cases, tally);
    compile_result_done(&result);
}

static void set_play(const char *folder, const char *name, struct tally *tally)
{
    struct arena arena;
    struct resource_set set;
    struct compile_node node;
    struct bytes policies;
    struct world world = {.arena = &arena};
    arena_init(&arena);
    const char *path = arena_format(&arena, "%s/%s", folder, name).at;
    json_t *meta = json_file(&arena, path, "meta.json"), *cases = json_file(&arena, path, "cases.json");
    if (meta && json_is_array(cases) && file_read(&arena, path, "policies.yaml", &policies)) {
        resource_set_init(&set);
        node_of(meta, &arena, &node);
        resource_set_add_file(&set, "policies.yaml", policies);
        sidecar_add(&set, &arena, node.name_space);
        set_compile_play(&set, &node, name, cases, policies, &world, tally);
        resource_set_done(&set);
    } else {
        printf("%s: it lacks meta.json, cases.json or policies.yaml\n", name);
        tally->failed++;
    }
    json_decref(meta);
    json_decref(cases);
    arena_done(&arena);
}

static int is_set(const struct dirent *entry)
{
    return entry->d_type == DT_DIR && entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
    struct tally tally = {0};
    struct dirent **entries;
    int count = argc == 2 ? scandir(argv[1], &entries, is_set, alphasort) : -1;
    if (count < 0) {
        fprintf(stderr, "usage: conformance-istio-authz DIR (a folder of sets)\n");
        return 2;
    }
    for (int i = 0; i < count; i++) {
        set_play(argv[1], entries[i]->d_name, &tally);
        free(entries[i]);
    }
    free(entries);
    tally_print(&tally);
    arena_stock_drop();
    return tally.failed || !tally.passed;
}
