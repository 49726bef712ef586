/* Names of workloads and trust domains: SPIFFE's grammar and Istio's readings of it. */
#include "runner.h"

#include "wire/spiffe_id.h"

static bool same(const json_t *item, const char *name, struct bytes got, struct fail *why)
{
    if (!json_object_get(item, name) || bytes_equal(case_text(item, name), got))
        return true;
    case_failed(why, "%s is '%.*s'", name, BYTES_FMT(got));
    return false;
}

/* Compares outcome, then parts. */
static enum verdict compare(const json_t *item, const char *verdict_name, bool good,
                            const struct spiffe_id *id, struct fail *why)
{
    bool expected = json_is_true(json_object_get(item, verdict_name));
    if (good != expected)
        return good ? case_failed(why, "accepted") : FAILED;
    return !good || (same(item, "trust_domain", id->trust_domain, why) && same(item, "path", id->path, why) &&
                     same(item, "namespace", id->name_space, why) &&
                     same(item, "service_account", id->account, why))
               ? PASSED
               : FAILED;
}

static enum verdict judge_id(const json_t *item, struct fail *why)
{
    struct spiffe_id id;
    bool good = spiffe_id_parse(case_text(item, "id"), &id, why);
    return compare(item, "valid", good, &id, why);
}

static enum verdict judge_istio(const json_t *item, struct fail *why)
{
    struct spiffe_id id;
    bool good = spiffe_istio_parse(case_text(item, "id"), &id, why);
    return compare(item, "istio_valid", good, &id, why);
}

static enum verdict judge_trust_domain(const json_t *item, struct fail *why)
{
    struct spiffe_id id = {0};
    bool good = spiffe_trust_domain_parse(case_text(item, "trust_domain_input"), &id.trust_domain, why);
    return compare(item, "valid", good, &id, why);
}

static enum verdict judge_format(const json_t *item, struct arena *arena, struct fail *why)
{
    struct bytes made = spiffe_id_format(arena, case_text(item, "trust_domain"), case_text(item, "namespace"),
                                         case_text(item, "service_account"));
    return bytes_equal(made, case_text(item, "expect_uri"))
               ? PASSED
               : case_failed(why, "made '%.*s'", BYTES_FMT(made));
}

static struct bytes *texts(const json_t *array, struct arena *arena)
{
    struct bytes *out = arena_array(arena, struct bytes, json_array_size(array));
    size_t i;
    const json_t *value;
    json_array_foreach(array, i, value) out[i] =
        bytes_make(json_string_value(value), json_string_length(value));
    return out;
}

static enum verdict judge_aliases(const json_t *item, struct arena *arena, struct fail *why)
{
    const json_t *uris = json_object_get(item, "uris");
    const json_t *aliases = json_object_get(item, "trust_domain_aliases");
    const json_t *expect = json_object_get(item, "expect");
    const struct bytes *right = texts(expect, arena);
    size_t count;
    struct bytes *got = spiffe_aliases_expand(arena, texts(uris, arena), json_array_size(uris),
                                              texts(aliases, arena), json_array_size(aliases), &count);
    if (count != json_array_size(expect))
        return case_failed(why, "%zu ids instead of %zu", count, json_array_size(expect));
    for (size_t i = 0; i < count; i++)
        if (!bytes_equal(got[i], right[i]))
            return case_failed(why, "id %zu is '%.*s'", i + 1, BYTES_FMT(got[i]));
    return PASSED;
}

static enum verdict judge_case(const json_t *item, struct arena *arena, struct fail *why)
{
    if (json_object_get(item, "uris"))
        return judge_aliases(item, arena, why);
    if (json_object_get(item, "trust_domain_input"))
        return judge_trust_domain(item, why);
    if (json_object_get(item, "istio_valid"))
        return judge_istio(item, why);
    return json_object_get(item, "id") ? judge_id(item, why) : judge_format(item, arena, why);
}

int main(int argc, char **argv)
{
    return conformance_run("identity/spiffe_ids", judge_case, argc, argv);
}
