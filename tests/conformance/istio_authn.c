/*
 * istio/authn: tokens on the whole way, as a workload behind a sidecar gets them:
 * the status that the client sees, and the headers that the workload does.
 */
#include <stdio.h>

#include "sets.h"
#include "way_play.h"

/* Named as it is: with a query behind it (?delay=500ms) the source's server answers too late. */
static bool names(struct bytes resources, struct bytes uri)
{
    size_t at = bytes_find_text(resources, uri), end = at + uri.len;
    return at < resources.len && (end == resources.len || resources.at[end] != '?');
}

/* The key set that the policies name, when it is one that can be fetched. */
static const char *keys_of(const struct set *set, struct arena *arena)
{
    struct bytes uri, file, keys;
    if (!json_member_text(set->meta, "jwks_uri", &uri) || !names(set->resources, uri))
        return NULL;
    bool there = json_member_text(set->meta, "jwks", &file) &&
                 set_file(set->folder, arena_text(arena, file), arena, &keys);
    return there ? keys.at : way_istio_jwks;
}

static const char *yaml_of(const struct set *set, struct bytes name_space, struct arena *arena)
{
    return arena_format(arena,
                        "%.*s\n---\napiVersion: networking.istio.io/v1\nkind: Sidecar\n"
                        "metadata: {name: conformance, namespace: '%.*s'}\n"
                        "spec: {ingress: [{port: {number: 80, protocol: HTTP, name: http}, "
                        "defaultEndpoint: '127.0.0.1:" WAY_PORT "'}]}\n",
                        BYTES_FMT(set->resources), BYTES_FMT(name_space))
        .at;
}

static bool absent_check(struct bytes head, const json_t *names, struct fail *why)
{
    size_t i;
    const json_t *name;
    bool ok = true;
    json_t *none = json_object();
    json_array_foreach(names, i, name) json_object_set_new(none, json_string_value(name), json_string(""));
    ok = way_fields_check(head, none, why);
    json_decref(none);
    return ok;
}

static enum row_verdict judge(const struct set *set, const json_t *row, struct arena *arena, struct fail *why)
{
    const json_t *workload = json_object_get(set->meta, "workload"), *expect = json_object_get(row, "expect");
    struct bytes name_space;
    struct way_answer answer;
    json_member_text(workload, "namespace", &name_space);
    struct way_set way = {.yaml = yaml_of(set, name_space, arena),
                          .role = ROLE_SIDECAR,
                          .name_space = name_space,
                          .jwks = keys_of(set, arena)};
    way.labels = way_labels(json_object_get(workload, "labels"), &way.label_count, arena);
    struct bytes request = way_request(json_object_get(row, "request"), (struct bytes){0}, arena);
    if (!way_play(&way, request, arena, &answer, why))
        return ROW_FAILED;
    unsigned status = (unsigned)json_integer_value(json_object_get(expect, "status"));
    if (answer.status != status) {
        fail(why, FAIL_SELF, "status %u, not %u", answer.status, status);
        return ROW_FAILED;
    }
    bool ok = way_fields_check(answer.upstream, json_object_get(expect, "upstream_headers"), why) &&
              absent_check(answer.upstream, json_object_get(expect, "upstream_headers_absent"), why);
    return ok ? ROW_PASSED : ROW_FAILED;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    return sets_play("istio/authn", argv[1], "policies.yaml", judge);
}
