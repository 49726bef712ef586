/*
 * Time of one authorization decision among 10 and among 1,000 policies, of which
 * the last allows and none denies.
 *
 *     build/bench/decide_bench [ROUNDS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "rules/compile/compile.h"
#include "rules/decide/authz.h"

static double cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void set_fill(struct resource_set *set, struct arena *arena, unsigned policies)
{
    struct text text;
    text_init_arena(&text, arena);
    text_add_s(&text, "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: s, namespace: n}\n"
                      "spec: {ingress: [{port: {number: 80, protocol: HTTP, name: h}, "
                      "defaultEndpoint: '127.0.0.1:81'}]}\n");
    for (unsigned i = 0; i < policies; i++)
        text_format(
            &text,
            "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n"
            "metadata: {name: p%u, namespace: n}\nspec:\n  action: %s\n  rules:\n  - from:\n"
            "    - source: {principals: ['td/ns/n%u/sa/a'], requestPrincipals: ['https://i/*']}\n    to:\n"
            "    - operation: {methods: [GET, POST], paths: ['/api/v%u/*', '/other/%u']}\n",
            i, i % 2 ? "ALLOW" : "DENY", i, i, i);
    resource_set_add_file(set, "bench.yaml", text_bytes(&text));
}

static double decisions(unsigned policies, unsigned rounds)
{
    static const struct bytes domain = BYTES_INIT("td");
    struct compile_node node = {.name = BYTES("b"),
                                .role = ROLE_SIDECAR,
                                .name_space = BYTES("n"),
                                .account = BYTES("a"),
                                .root_namespace = BYTES("istio-system"),
                                .trust_domains = &domain,
                                .trust_domain_count = 1,
                                .cluster_domain = BYTES("cluster.local")};
    struct resource_set set;
    struct arena arena;
    struct compile_result result;
    struct image rules;
    struct fail why = {0};
    resource_set_init(&set);
    arena_init(&arena);
    set_fill(&set, &arena, policies);
    if (!resource_set_finish(&set) || !compile(&set, &node, 1, &arena, &result, &why) ||
        !image_open(result.rules, result.rules_size, &rules_schema, &rules, &why)) {
        fprintf(stderr, "decide_bench: the policies are not compiled: %s\n", why.text);
        exit(1);
    }
    json_t *claims = json_pack("{s:s,s:s}", "iss", "https://i", "sub", "alice");
    struct facts facts = {
        .http = true, .method = fact_known(BYTES("GET")), .claims_state = FACT_KNOWN, .claims = claims};
    facts.path = fact_known(arena_format(&arena, "/api/v%u/x?q=1", policies - 1));
    facts.principal = fact_known(arena_format(&arena, "td/ns/n%u/sa/a", policies - 1));
    const struct rules_listener *listener =
        image_row(&rules, RULES_LISTENER, image_all(&rules, RULES_LISTENER), 0);
    unsigned allowed = 0;
    double began = cpu_s();
    for (unsigned i = 0; i < rounds; i++)
        allowed += authz_decide(&rules, listener, &facts, &arena).verdict == DECISION_ALLOW;
    double took = (cpu_s() - began) / rounds * 1e9;
    printf("%5u policies: %8.0f ns a decision (%u of %u allowed)\n", policies, took, allowed, rounds);
    json_decref(claims);
    compile_result_done(&result);
    arena_done(&arena);
    resource_set_done(&set);
    return took;
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 20000;
    double few = decisions(10, rounds), many = decisions(1000, rounds);
    printf("1,000 take %.1f times as long as 10\n", many / few);
    return 0;
}
