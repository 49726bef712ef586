/* Any text as a token; what is read strictly is read the same with padding allowed, and joins to itself. */
#include <assert.h>

#include "rules/decide/claims.h"
#include "wire/jws.h"

static void claims_fuzz(struct bytes payload)
{
    static const struct bytes names[] = {BYTES_INIT("a"), BYTES_INIT("http://b/")};
    struct claims_profile strict = claims_profile_strict(names, names, 2);
    struct claims_profile istio = claims_profile_istio(names, names, 2);
    enum claims_fault fault;
    struct fail why;
    json_t *claims = json_read(payload, JWS_TOKEN_MAX, &why);
    if (!claims)
        return;
    assert(claims_judge(claims, &strict, 1700000000, &fault, &why) == (fault == CLAIMS_GOOD));
    assert(claims_judge(claims, &istio, INT64_MAX, &fault, &why) == (fault == CLAIMS_GOOD));
    json_decref(claims);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct jws jws, loose;
    struct fail why = {0};
    struct bytes token = bytes_make(data, size);
    arena_init(&arena);
    if (jws_read(token, &arena, &jws, &why)) {
        assert(jws.alg != JWS_NONE_KNOWN && jws.signature.len);
        assert(jws_read_padded(token, &arena, &loose, &why));
        assert(bytes_equal(jws_join(jws.signed_part, jws.signature, &arena), token));
        claims_fuzz(jws.payload);
    } else {
        assert(why.kind != FAIL_NONE);
    }
    claims_fuzz(token);
    arena_done(&arena);
    return 0;
}
