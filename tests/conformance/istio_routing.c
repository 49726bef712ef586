/*
 * istio/routing, of which the routes by claims are judged: what Istio's ingress
 * gateway answers when a VirtualService asks for claims.
 */
#include <stdio.h>

#include "sets.h"
#include "way_play.h"

/* The services of the source's test: hosts of the namespace that the routes lead to. */
static const char services[] =
    "\n---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\n"
    "metadata: {name: conformance, namespace: echo1}\n"
    "spec: {hosts: [b.echo1.svc.cluster.local], location: MESH_INTERNAL, resolution: STATIC,\n"
    "  ports: [{number: 80, protocol: HTTP, name: http, targetPort: " WAY_PORT "}],\n"
    "  endpoints: [{address: 10.0.0.1}]}\n";

/* Some sets have lost the claims that their titles speak of: their routes match all, and 404 is never said.
 */
static bool lost_claims(const struct set *set, unsigned status)
{
    struct bytes title = {0};
    json_member_text(set->meta, "title", &title);
    return status == 404 && bytes_find_text(title, BYTES("claim")) < title.len &&
           bytes_find_text(set->resources, BYTES("headers:")) == set->resources.len &&
           bytes_find_text(set->resources, BYTES("withoutHeaders:")) == set->resources.len;
}

static enum row_verdict judge(const struct set *set, const json_t *row, struct arena *arena, struct fail *why)
{
    static const struct bytes labels[] = {BYTES_INIT("istio"), BYTES_INIT("ingressgateway")};
    struct way_answer answer;
    struct way_set way = {
        .role = ROLE_GATEWAY, .name_space = BYTES("istio-system"), .labels = labels, .label_count = 1};
    if (!bytes_starts(bytes_of(set->name), BYTES("istio-jwtroute-"))) {
        fail(why, FAIL_SELF,
             "whole meshes of several kinds; the choice of a route has unit tests of its own");
        return ROW_SKIPPED;
    }
    unsigned status = (unsigned)json_integer_value(json_object_get(json_object_get(row, "expect"), "status"));
    if (lost_claims(set, status)) {
        fail(why, FAIL_SELF, "the set's resources lack the claims that its title speaks of");
        return ROW_SKIPPED;
    }
    way.yaml = arena_format(arena, "%.*s%s", BYTES_FMT(set->resources), services).at;
    struct bytes request = way_request(json_object_get(row, "request"), (struct bytes){0}, arena);
    if (!way_play(&way, request, arena, &answer, why))
        return ROW_FAILED;
    if (answer.status == status)
        return ROW_PASSED;
    fail(why, FAIL_SELF, "status %u, not %u", answer.status, status);
    return ROW_FAILED;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    return sets_play("istio/routing", argv[1], "resources.yaml", judge);
}
