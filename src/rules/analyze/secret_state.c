/* Is there a certificate with its key in a Secret, and is it valid today? */
#include "base/clock.h"
#include "crypt/certificate.h"
#include "rules/analyze/analyzers.h"
#include "wire/base64.h"

static bool value_of(const struct yaml_node *secret, const char *name, struct arena *arena, struct bytes *out)
{
    const struct yaml_node *plain = yaml_get(tree_at(secret, "stringData"), name);
    const struct yaml_node *coded = yaml_get(tree_at(secret, "data"), name);
    *out = plain ? plain->text : (struct bytes){0};
    return plain || (coded && base64_decode(coded->text, true, arena, out));
}

static bool pair_of(const struct yaml_node *secret, const char *certificate_name, const char *key_name,
                    struct arena *arena, struct bytes *certificate)
{
    struct bytes key;
    return value_of(secret, certificate_name, arena, certificate) && certificate->len &&
           value_of(secret, key_name, arena, &key) && key.len;
}

bool secret_serves(const struct yaml_node *secret, struct arena *arena, struct fail *why)
{
    struct bytes certificate;
    struct certificate_facts facts;
    if (!pair_of(secret, "cert", "key", arena, &certificate) &&
        !pair_of(secret, "tls.crt", "tls.key", arena, &certificate))
        return fail(why, FAIL_INPUT, "it holds neither tls.crt and tls.key nor cert and key");
    if (!certificate_facts(certificate, arena, &facts, why))
        return false;
    int64_t now_s = clock_wall_s();
    if (now_s < facts.not_before_s || now_s > facts.not_after_s)
        return fail(why, FAIL_INPUT, "its certificate is %s",
                    now_s > facts.not_after_s ? "expired" : "not valid yet");
    return true;
}
