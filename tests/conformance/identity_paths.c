/*
 * identity/paths: Istio's levels, Envoy's single steps of them, and paths of
 * AuthorizationPolicies with and without templates.
 */
#include "runner.h"

#include <string.h>

#include "wire/path.h"
#include "wire/path_template.h"

static enum verdict compare(struct bytes out, struct bytes wanted, struct fail *why)
{
    if (bytes_equal(out, wanted))
        return PASSED;
    return case_failed(why, "became '%.*s', must be '%.*s'", BYTES_FMT(out), BYTES_FMT(wanted));
}

static enum verdict judge_level(const json_t *item, struct bytes in, enum path_level level,
                                struct arena *arena, struct fail *why)
{
    struct bytes out;
    bool refused = json_object_get(item, "reject") != NULL;
    if (!path_normalize(in, level, arena, &out, why))
        return refused ? PASSED : FAILED;
    if (refused)
        return case_failed(why, "became '%.*s', must be refused", BYTES_FMT(out));
    return compare(out, case_text(item, "expect"), why);
}

/* A step in place on the path, the query as it was. */
static enum verdict judge_step(const json_t *item, size_t (*step)(char *, size_t), struct arena *arena,
                               struct fail *why)
{
    struct bytes in = case_text(item, "input"), path = path_only(in);
    struct bytes rest = bytes_part(in, path.len, in.len);
    char *at = arena_raw(arena, in.len + 1);
    memcpy(at, path.at, path.len);
    size_t len = step(at, path.len);
    memcpy(at + len, rest.at, rest.len);
    return compare(bytes_make(at, len + rest.len), case_text(item, "expect"), why);
}

static enum verdict judge_op(const json_t *item, struct bytes op, struct arena *arena, struct fail *why)
{
    struct bytes in = case_text(item, "input");
    if (bytes_equal(op, BYTES("normalize_path"))) {
        /* Envoy's function adds the slash that a request target always has */
        bool relative = in.len == 0 || in.at[0] != '/';
        in = relative ? arena_format(arena, "/%.*s", BYTES_FMT(in)) : in;
        return judge_level(item, in, PATH_BASE, arena, why);
    }
    if (bytes_equal(op, BYTES("merge_slashes")))
        return judge_step(item, path_merge_slashes, arena, why);
    if (bytes_equal(op, BYTES("unescape_slashes")))
        return judge_step(item, path_unescape_slashes, arena, why);
    if (bytes_equal(op, BYTES("remove_query_and_fragment")))
        return compare(path_only(in), case_text(item, "expect"), why);
    if (bytes_equal(op, BYTES("remove_path_parameters")))
        return judge_step(item, path_remove_parameters, arena, why);
    return case_failed(why, "no such step");
}

/* AuthorizationPolicy's operation.paths: exact, prefix*, *suffix, * and templates. */
static bool path_allowed(struct bytes rule, struct bytes path)
{
    struct fail why;
    if (path_template_is(rule))
        return path_template_check(rule, &why) && path_template_match(rule, path);
    if (bytes_equal(rule, BYTES("*")))
        return path.len > 0;
    if (bytes_ends(rule, BYTES("*")))
        return bytes_starts(path, bytes_part(rule, 0, rule.len - 1));
    if (bytes_starts(rule, BYTES("*")))
        return bytes_ends(path, bytes_part(rule, 1, rule.len));
    return bytes_equal(rule, path);
}

static enum verdict judge_allow(const json_t *item, enum path_level level, struct arena *arena,
                                struct fail *why)
{
    size_t i;
    const json_t *rule;
    struct bytes out;
    bool allowed = false, wanted = json_is_true(json_object_get(item, "allow"));
    if (!path_normalize(case_text(item, "input"), level, arena, &out, why))
        return wanted ? FAILED : PASSED;
    out = path_only(out);
    json_array_foreach(json_object_get(item, "policy_paths"), i, rule)
    {
        allowed |= path_allowed(bytes_of(json_string_value(rule)), out);
    }
    if (allowed == wanted)
        return PASSED;
    return case_failed(why, "'%.*s' is %s", BYTES_FMT(out), allowed ? "allowed" : "denied");
}

static enum verdict judge(const json_t *item, struct arena *arena, struct fail *why)
{
    enum path_level level;
    struct bytes op = case_text(item, "op");
    if (json_object_get(item, "options")) {
        case_failed(why, "Envoy's universal header validator is none of Istio's levels");
        return SKIPPED;
    }
    if (op.len)
        return judge_op(item, op, arena, why);
    if (!path_level_parse(case_text(item, "mode"), &level))
        return case_failed(why, "no such level");
    if (json_object_get(item, "policy_paths"))
        return judge_allow(item, level, arena, why);
    return judge_level(item, case_text(item, "input"), level, arena, why);
}

int main(int argc, char **argv)
{
    return conformance_run("identity/paths", judge, argc, argv);
}
