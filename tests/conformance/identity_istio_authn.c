/*
 * identity/istio_authn: Istio's own end-to-end rows of authentication, on the whole
 * way through a sidecar, and the header names that mean claims.
 */
#include "runner.h"

#include <string.h>

#include "base/text.h"
#include "rows.h"
#include "way_play.h"
#include "wire/claim_route.h"

/* ---- names of claims --------------------------------------------------------- */

static enum verdict judge_name(const json_t *item, struct fail *why)
{
    struct claim_route route = {.count = 0};
    const json_t *claims = json_object_get(item, "claims"), *claim;
    size_t i;
    bool is = claim_route_read(case_text(item, "header_name"), &route);
    if (is != json_is_true(json_object_get(item, "match")))
        return case_failed(why, is ? "is taken for a claim" : "is taken for none");
    if (route.count != json_array_size(claims))
        return case_failed(why, "%zu steps, not %zu", route.count, json_array_size(claims));
    json_array_foreach(claims, i, claim)
    {
        if (!bytes_equal(route.steps[i], bytes_of(json_string_value(claim))))
            return case_failed(why, "step %zu is '%.*s'", i, BYTES_FMT(route.steps[i]));
    }
    return PASSED;
}

/* ---- requests ------------------------------------------------------------------ */

/*
 * Rows of a key server that answers later than `timeout` come with keys that stand in
 * for its address; here the address is put back, and nothing can be fetched from it.
 */
static void policies_add(struct text *out, struct bytes policies)
{
    bool slow = bytes_find_text(policies, BYTES("timeout:")) < policies.len, more = true;
    struct bytes line;
    while (more) {
        more = bytes_cut(&policies, '\n', &line);
        size_t at = bytes_find_text(line, BYTES("jwks:"));
        if (slow && at < line.len) {
            text_add(out, bytes_part(line, 0, at));
            text_add_s(out, "jwksUri: https://slow.example/keys");
        } else {
            text_add(out, line);
        }
        text_add_c(out, '\n');
    }
}

static const char *yaml_of(struct bytes policies, struct arena *arena)
{
    struct text text;
    text_init_arena(&text, arena);
    policies_add(&text, policies);
    text_add_s(&text, "---\napiVersion: networking.istio.io/v1\nkind: Sidecar\n"
                      "metadata: {name: conformance}\n"
                      "spec: {ingress: [{port: {number: 80, protocol: HTTP, name: http}, "
                      "defaultEndpoint: '127.0.0.1:" WAY_PORT "'}]}\n");
    return text_bytes(&text).at;
}

static enum verdict judge_request(const json_t *item, const json_t *policies, struct arena *arena,
                                  struct fail *why)
{
    static const struct bytes labels[] = {BYTES_INIT("app"), BYTES_INIT("dst"), BYTES_INIT("istio"),
                                          BYTES_INIT("ingressgateway")};
    struct bytes ref = case_text(item, "policy_ref");
    struct way_answer answer;
    struct way_set way = {.role = ROLE_SIDECAR,
                          .name_space = BYTES("default"),
                          .labels = labels,
                          .label_count = 2,
                          .yaml = yaml_of(case_text(policies, ref.at), arena)};
    struct bytes request = way_request(item, case_text(item, "token"), arena);
    if (!way_play(&way, request, arena, &answer, why))
        return FAILED;
    unsigned status = (unsigned)json_integer_value(json_object_get(item, "status"));
    if (answer.status != status)
        return case_failed(why, "status %u, not %u", answer.status, status);
    return way_fields_check(answer.upstream, json_object_get(item, "upstream_headers"), why) ? PASSED
                                                                                             : FAILED;
}

static enum verdict judge(const json_t *item, const json_t *file, struct arena *arena, struct fail *why)
{
    if (json_object_get(item, "header_name"))
        return judge_name(item, why);
    return judge_request(item, json_object_get(file, "policies"), arena, why);
}

int main(int argc, char **argv)
{
    return conformance_run_files("identity/istio_authn", judge, argc, argv);
}
