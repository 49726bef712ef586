/*
 * istio_validation: resources through reader and checks, against what Istio's (and the Gateway API's)
 * validation says of them.
 *
 * A case is a whole resource, or a fragment of one, which the case itself or a template here puts into a
 * resource. Judged is Istio's verdict alone: what this version merely does not act on (SEL0002) or refuses
 * for reasons of its own (SEL0007) says nothing about it.
 */
#include "analyzer_case.h"
#include "runner.h"

#include <string.h>

#include "rules/resource.h"
#include "wire/json.h"

#define VIRTUAL_SERVICE(spec)                                                                                \
    "{\"apiVersion\": \"networking.istio.io/v1\", \"kind\": \"VirtualService\", \"metadata\": {\"name\": "   \
    "\"test\", \"namespace\": \"default\"}, \"spec\": " spec "}"
#define GATEWAY(server)                                                                                      \
    "{\"apiVersion\": \"networking.istio.io/v1\", \"kind\": \"Gateway\", \"metadata\": {\"name\": "          \
    "\"test\", \"namespace\": \"default\"}, \"spec\": {\"servers\": [" server "]}}"
#define K8S(api, kind, spec)                                                                                 \
    "{\"apiVersion\": \"gateway.networking." api "\", \"kind\": \"" kind                                     \
    "\", \"metadata\": {\"name\": \"test\"}, \"spec\": {\"targetRefs\": [{\"group\": \"\", \"kind\": "       \
    "\"Service\", \"name\": \"a\"}], " spec "}}"
#define TLS_POLICY(spec) K8S("k8s.io/v1", "BackendTLSPolicy", spec)
#define TRAFFIC_POLICY(spec) K8S("x-k8s.io/v1alpha1", "XBackendTrafficPolicy", spec)
#define TO_A "\"route\": [{\"destination\": {\"host\": \"foo.baz\"}}]"

/* Where a fragment stands in a resource, for its % sign; for a & its members alone. A type may have several
 * places: it is valid when it is so at one of them. */
static const struct {
    const char *type;
    const char *resource;
} templates[] = {
    {"Port", GATEWAY("{\"hosts\": [\"foo.bar\"], \"port\": %}")},
    {"Port", GATEWAY("{\"hosts\": [\"foo.bar\"], \"tls\": {\"mode\": \"PASSTHROUGH\"}, \"port\": %}")},
    {"ServerTLSSettings",
     GATEWAY("{\"hosts\": [\"foo.bar\"], \"port\": {\"number\": 443, \"name\": \"https\", "
             "\"protocol\": \"HTTPS\"}, \"tls\": %}")},
    {"HTTPRoute (delegate)", VIRTUAL_SERVICE("{\"http\": [%]}")},
    {"HTTPRoute (root of a delegate chain)", VIRTUAL_SERVICE("{\"hosts\": [\"foo.bar\"], \"http\": [%]}")},
    {"VirtualService header name",
     VIRTUAL_SERVICE("{\"hosts\": [\"foo.bar\"], \"http\": [{\"match\": [{\"headers\": {%: {\"exact\": "
                     "\"a\"}}}], " TO_A "}]}")},
    {"[]RouteDestination", VIRTUAL_SERVICE("{\"hosts\": [\"foo.bar\"], \"tcp\": [{\"route\": %}]}")},
    {"header value (envoy format)",
     VIRTUAL_SERVICE("{\"hosts\": [\"foo.bar\"], \"http\": [{\"headers\": {\"request\": {\"set\": {\"x-a\": "
                     "%}}}, " TO_A "}]}")},
    {"http status",
     VIRTUAL_SERVICE("{\"hosts\": [\"foo.bar\"], \"http\": [{\"fault\": {\"abort\": {\"httpStatus\": %, "
                     "\"percentage\": {\"value\": 1}}}, " TO_A "}]}")},
    {"port name", "{\"apiVersion\": \"networking.istio.io/v1\", \"kind\": \"ServiceEntry\", \"metadata\": "
                  "{\"name\": \"test\"}, \"spec\": {\"hosts\": [\"foo.bar\"], \"resolution\": \"DNS\", "
                  "\"ports\": [{\"number\": 80, \"protocol\": \"HTTP\", \"name\": %}]}}"},
    {"strict header name",
     "{\"apiVersion\": \"security.istio.io/v1\", \"kind\": \"RequestAuthentication\", \"metadata\": "
     "{\"name\": \"test\"}, \"spec\": {\"jwtRules\": [{\"issuer\": \"a\", \"outputClaimToHeaders\": "
     "[{\"claim\": \"a\", \"header\": %}]}]}}"},
    {"policyValidation", TLS_POLICY("\"validation\": %")},
    {"sessionPersistence", TRAFFIC_POLICY("\"sessionPersistence\": %")},
    {"retryConstraint", TRAFFIC_POLICY("\"retryConstraint\": %")},
    {"retryConstraint/sessionPersistence", TRAFFIC_POLICY("&")},
};

/* Reads one resource. PASSED: Istio would take it; FAILED: not, and *why says what is wrong; SKIPPED: it is
 * of no kind that is read. */
static enum verdict read_one(struct bytes text, struct fail *why)
{
    struct resource_set set;
    enum verdict verdict = PASSED;
    resource_set_init(&set);
    resource_set_add_file(&set, "case", text);
    resource_set_finish(&set);
    for (size_t i = 0; i < set.findings.count && verdict == PASSED; i++) {
        const struct finding *found = &set.findings.at[i];
        struct text out;
        text_init_fixed(&out, why->text, sizeof why->text);
        if (strcmp(found->code, FINDING_UNKNOWN_KIND) == 0)
            verdict = SKIPPED;
        else if (found->level == FINDING_ERROR && strcmp(found->code, FINDING_NOT_YET) != 0 &&
                 strcmp(found->code, FINDING_OWN_RULE) != 0)
            verdict = FAILED;
        finding_write(found, &out);
    }
    resource_set_done(&set);
    return verdict;
}

static struct bytes text_of(const json_t *value, struct arena *arena)
{
    struct text text;
    text_init_arena(&text, arena);
    json_write(&text, value);
    return text_bytes(&text);
}

/* `fragment` without its braces when the place wants its members. */
static bool place_cut(struct bytes *rest, struct bytes *head, struct bytes *fragment)
{
    if (bytes_find(*rest, '&') == rest->len)
        return bytes_cut(rest, '%', head);
    if (fragment->len >= 2)
        *fragment = bytes_part(*fragment, 1, fragment->len - 1);
    return bytes_cut(rest, '&', head);
}

static enum verdict read_fragment(const json_t *item, struct arena *arena, struct fail *why)
{
    struct bytes type = case_text(item, "fragment_type");
    struct bytes fragment = text_of(json_object_get(item, "fragment"), arena);
    enum verdict verdict = SKIPPED;
    case_failed(why, "no resource is known for a fragment %.*s", BYTES_FMT(type));
    for (size_t i = 0; i < sizeof templates / sizeof templates[0] && verdict != PASSED; i++) {
        struct bytes rest = bytes_of(templates[i].resource), head;
        if (!bytes_equal(bytes_of(templates[i].type), type))
            continue;
        place_cut(&rest, &head, &fragment);
        verdict = read_one(
            arena_format(arena, "%.*s%.*s%.*s", BYTES_FMT(head), BYTES_FMT(fragment), BYTES_FMT(rest)), why);
    }
    return verdict;
}

/* Its title speaks of an annotation, which the resource in the row does not have. */
static bool lacks_its_subject(const json_t *item, const json_t *resource)
{
    struct bytes title = case_text(item, "title");
    return resource && bytes_find_text(title, BYTES("annotation")) < title.len &&
           !json_object_get(json_object_get(resource, "metadata"), "annotations");
}

static enum verdict judge_case(const json_t *item, struct arena *arena, struct fail *why)
{
    const json_t *resource = json_object_get(item, "resource");
    const json_t *wrapped = json_object_get(item, "wrapped");
    const json_t *whole = resource ? resource : wrapped;
    enum verdict verdict;
    if (json_is_array(json_object_get(item, "expect_messages")))
        return analyzer_row_judge(item, why);
    if (lacks_its_subject(item, resource)) {
        case_failed(why, "the annotation that the case is about is not in the row");
        return SKIPPED;
    }
    verdict = whole ? read_one(text_of(whole, arena), why) : read_fragment(item, arena, why);
    if (verdict == SKIPPED)
        return SKIPPED;
    if (verdict == FAILED)
        return json_is_true(json_object_get(item, "valid")) ? FAILED : PASSED;
    return json_is_true(json_object_get(item, "valid")) ? PASSED : case_failed(why, "accepted");
}

int main(int argc, char **argv)
{
    return conformance_run("istio/validation", judge_case, argc, argv);
}
