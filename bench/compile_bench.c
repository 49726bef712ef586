/*
 * What 100, 1,000 and 10,000 resources cost from text to images: reading and checking, compiling, and the
 * check by which a worker opens what it is given; and how large the images are.
 *
 *     build/bench/compile_bench [ROUNDS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "rules/compile/compile.h"
#include "rules/decide/route.h"

enum { PARTS = 3, MAX = 10000, PER_FILE = 100 };
static const char *const parts[PARTS] = {"read", "compile", "open"};

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* A service of two endpoints, its route, its traffic policy and who may use it: four resources. */
static void service_add(struct text *out, unsigned i)
{
    text_format(
        out,
        "---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: s%u, namespace: n}\n"
        "spec: {hosts: [s%u.example.com], location: MESH_INTERNAL, resolution: STATIC,\n"
        "  ports: [{number: 80, name: http, protocol: HTTP}],\n"
        "  endpoints: [{address: 10.0.0.1, ports: {http: 8080}}, {address: 10.0.0.2, ports: {http: "
        "8080}}]}\n",
        i, i);
    text_format(
        out,
        "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v%u, namespace: n}\n"
        "spec: {hosts: [s%u.example.com], gateways: [g], http: [{name: api, match: [{uri: {prefix: "
        "/api/%u}}],\n"
        "  timeout: 5s, route: [{destination: {host: s%u.example.com, port: {number: 80}}}]},\n"
        "  {name: rest, route: [{destination: {host: s%u.example.com, port: {number: 80}}}]}]}\n",
        i, i, i, i, i);
    text_format(
        out,
        "---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: d%u, namespace: "
        "n}\n"
        "spec: {host: s%u.example.com, trafficPolicy: {connectionPool: {tcp: {maxConnections: 100}},\n"
        "  outlierDetection: {consecutive5xxErrors: 5}}}\n",
        i, i);
    text_format(out,
                "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: p%u, "
                "namespace: n}\n"
                "spec: {rules: [{from: [{source: {requestPrincipals: ['https://i/*']}}],\n"
                "  to: [{operation: {hosts: [s%u.example.com], methods: [GET, POST], paths: ['/api/%u/*', "
                "/health]}}]}]}\n",
                i, i, i);
}

static void die(const struct fail *why)
{
    fprintf(stderr, "compile_bench: %s\n", why->text);
    exit(1);
}

/* Each of these is a file. */
struct yaml_files {
    struct text at[MAX / PER_FILE + 1];
    unsigned count;
};

static void round_take(const struct yaml_files *files, double took[PARTS], size_t sizes[2])
{
    static const struct bytes domain = BYTES_INIT("td");
    struct compile_node node = {.name = BYTES("b"),
                                .role = ROLE_GATEWAY,
                                .name_space = BYTES("n"),
                                .account = BYTES("a"),
                                .root_namespace = BYTES("istio-system"),
                                .trust_domains = &domain,
                                .trust_domain_count = 1,
                                .cluster_domain = BYTES("cluster.local")};
    struct resource_set set;
    struct arena arena;
    struct compile_result result;
    struct image rules, endpoints;
    struct fail why = {.text = "there are errors in the resources"};
    double began = now_ms();
    resource_set_init(&set);
    arena_init(&arena);
    for (unsigned i = 0; i < files->count; i++) {
        char name[40];
        snprintf(name, sizeof name, "bench-%u.yaml", i);
        resource_set_add_file(&set, name, text_bytes(&files->at[i]));
    }
    if (!resource_set_finish(&set))
        die(&why);
    double read = now_ms();
    if (!compile(&set, &node, 1, &arena, &result, &why))
        die(&why);
    double compiled = now_ms();
    if (!image_open(result.rules, result.rules_size, &rules_schema, &rules, &why) ||
        !image_open(result.endpoints, result.endpoints_size, &endpoints_schema, &endpoints, &why))
        die(&why);
    route_regexes_free(route_regexes_new(&rules, &why));
    double opened = now_ms();
    const double times[PARTS] = {read - began, compiled - read, opened - compiled};
    for (int i = 0; i < PARTS; i++)
        took[i] = took[i] <= 0 || times[i] < took[i] ? times[i] : took[i];
    sizes[0] = result.rules_size;
    sizes[1] = result.endpoints_size;
    compile_result_done(&result);
    resource_set_done(&set);
    arena_done(&arena);
}

static void files_make(struct yaml_files *files, unsigned resources, struct arena *arena)
{
    files->count = 0;
    for (unsigned i = 0; i < resources / 4; i++) {
        if (i % (PER_FILE / 4) == 0)
            text_init_arena(&files->at[files->count++], arena);
        service_add(&files->at[files->count - 1], i);
    }
    text_init_arena(&files->at[files->count], arena);
    text_add_s(&files->at[files->count++],
               "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g, namespace: n}\n"
               "spec: {servers: [{port: {number: 80, protocol: HTTP, name: h}, hosts: ['*']}]}\n");
}

static void resources_take(unsigned resources, unsigned rounds)
{
    static struct yaml_files files;
    struct arena arena;
    double took[PARTS] = {0};
    size_t sizes[2] = {0}, text = 0;
    arena_init(&arena);
    files_make(&files, resources, &arena);
    for (unsigned i = 0; i < rounds; i++)
        round_take(&files, took, sizes);
    for (unsigned i = 0; i < files.count; i++)
        text += files.at[i].len;
    printf("%6u resources, %zu KB of text:", resources, text >> 10);
    for (int i = 0; i < PARTS; i++)
        printf(" %s %.1f ms,", parts[i], took[i]);
    printf(" images %zu KB rules and %zu KB endpoints\n", sizes[0] >> 10, sizes[1] >> 10);
    arena_done(&arena);
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 5;
    resources_take(100, rounds);
    resources_take(1000, rounds);
    resources_take(MAX, rounds);
    return 0;
}
