/* What a provider answers: whatever is taken can be printed and asked again. */
#include <assert.h>

#include "wire/oauth.h"

static void check_text(struct bytes text)
{
    assert(text.len <= OAUTH_TOKEN_MAX);
    for (size_t i = 0; i < text.len; i++)
        assert(text.at[i] > ' ' && text.at[i] < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_make(data, size), issuer = BYTES("http://127.0.0.1");
    struct oauth_provider provider;
    struct oauth_device device;
    struct oauth_tokens tokens;
    struct arena arena;
    struct fail why;
    arena_init(&arena);
    oauth_issuer_check(text, &why);
    oauth_error_read(text, &why);
    if (oauth_provider_read(text, issuer, &arena, &provider, &why))
        check_text(provider.token_endpoint);
    if (oauth_device_read(text, issuer, &arena, &device, &why)) {
        check_text(device.user_code);
        check_text(device.verification_uri);
        assert(device.interval_s >= 1 && device.lifetime_s >= 1);
    }
    if (oauth_tokens_read(text, &arena, &tokens, &why))
        check_text(tokens.access_token);
    arena_done(&arena);
    return 0;
}
