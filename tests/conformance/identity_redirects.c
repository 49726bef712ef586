/*
 * identity/redirects: where may a browser be sent after a login?
 *
 * What must be allowed is allowed. What must be refused is, or the browser would
 * stay: on this host, as the row's WHATWG verdict says, or on an allowed one, for
 * the rows of a source that judges queries too (`strict`).
 */
#include "runner.h"

#include "wire/redirect_target.h"

enum { ALLOWED_MAX = 64 };

static struct bytes target_of(const json_t *item, struct arena *arena)
{
    struct bytes hex = case_text(item, "url_bytes_hex");
    if (!hex.len)
        return case_text(item, "url");
    char *at = arena_raw(arena, hex.len / 2 + 1);
    for (size_t i = 0; i + 1 < hex.len; i += 2)
        at[i / 2] = (char)(ascii_hex(hex.at[i]) * 16 + ascii_hex(hex.at[i + 1]));
    return bytes_make(at, hex.len / 2);
}

static bool stays(const json_t *item)
{
    return bytes_equal(case_text(item, "whatwg_from_www_example_com"), BYTES("same-origin host")) ||
           json_is_true(json_object_get(item, "strict"));
}

static enum verdict judge(const json_t *item, struct arena *arena, struct fail *why)
{
    struct bytes allowed[ALLOWED_MAX], own = case_text(item, "own_host");
    struct redirect_scope scope = {own.len ? own : BYTES("www.example.com"), allowed, 0};
    const json_t *host;
    size_t i;
    json_array_foreach(json_object_get(item, "allowed_domains"), i, host)
    {
        if (i == ALLOWED_MAX)
            return case_failed(why, "more than %d allowed hosts", ALLOWED_MAX);
        allowed[scope.allowed_count++] = bytes_of(json_string_value(host));
        if (!redirect_allowed_check(allowed[i], why))
            return FAILED;
    }
    bool ok = redirect_target_check(target_of(item, arena), &scope, why);
    if (json_is_true(json_object_get(item, "expect")))
        return ok ? PASSED : FAILED;
    return !ok || stays(item) ? PASSED : case_failed(why, "is allowed, must be refused");
}

int main(int argc, char **argv)
{
    return conformance_run("identity/redirects", judge, argc, argv);
}
