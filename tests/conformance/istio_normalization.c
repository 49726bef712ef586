/* istio/normalization: what a path becomes at each of Istio's four levels. */
#include "runner.h"

#include "wire/path.h"

static enum verdict judge(const json_t *item, struct arena *arena, struct fail *why)
{
    enum path_level level;
    struct bytes in = case_text(item, "in"), wanted = case_text(item, "out"), out;
    bool refused = json_object_get(item, "status") != NULL;
    if (!path_level_parse(case_text(item, "mode"), &level))
        return case_failed(why, "no such level");
    if (!path_normalize(in, level, arena, &out, why))
        return refused ? PASSED : FAILED;
    if (refused)
        return case_failed(why, "became '%.*s', must be refused", BYTES_FMT(out));
    if (!bytes_equal(out, wanted))
        return case_failed(why, "became '%.*s', must be '%.*s'", BYTES_FMT(out), BYTES_FMT(wanted));
    return PASSED;
}

int main(int argc, char **argv)
{
    return conformance_run("istio/normalization", judge, argc, argv);
}
