/* X.509-SVIDs and SPIFFE trust bundles: their shape. */
#include "runner.h"

#include "crypt/bundle.h"
#include "crypt/certificate.h"

static bool judge_text(const json_t *item, struct arena *arena, struct fail *why)
{
    struct bundle bundle;
    if (json_object_get(item, "pem"))
        return certificate_shape_check(case_text(item, "pem"), why);
    return bundle_read(case_text(item, "bundle"), arena, &bundle, why);
}

static enum verdict judge_case(const json_t *item, struct arena *arena, struct fail *why)
{
    bool good = judge_text(item, arena, why);
    if (good == json_is_true(json_object_get(item, "valid")))
        return PASSED;
    return good ? case_failed(why, "accepted") : FAILED;
}

int main(int argc, char **argv)
{
    return conformance_run("identity/certs", judge_case, argc, argv);
}
