#include "cli/provider.h"

#include "crypt/key_set.h"
#include "rules/decide/id_token.h"
#include "wire/form.h"

#define DEVICE_GRANT BYTES("urn:ietf:params:oauth:grant-type:device_code")

enum { ANSWER_MS = 15000 };

/* ---- one question ------------------------------------------------------------ */

/* `form` at NULL: a GET. *status is 200, or 400 or 401 with the provider's error. */
static bool ask(struct provider *provider, struct bytes url, struct bytes form, struct bytes *body,
                long *status, struct fail *why)
{
    struct fetch *fetch = fetch_new(url, ANSWER_MS, &provider->trust, NULL, why);
    struct bytes answer;
    if (!fetch)
        return false;
    if (form.at)
        fetch_post(fetch, form, (struct bytes){0}, (struct bytes){0});
    bool ok = fetch_judge(fetch, curl_easy_perform(fetch->easy), &answer, why);
    if (ok)
        *body = arena_bytes(provider->arena, answer);
    *status = fetch->status;
    fetch_free(fetch);
    return ok || fail_in(why, "%.*s", BYTES_FMT(url));
}

static struct text form_begin(struct provider *provider)
{
    struct text form;
    text_init_arena(&form, provider->arena);
    form_add(&form, "client_id", provider->person->client);
    return form;
}

static void form_add_known(struct text *form, const char *name, struct bytes value)
{
    if (value.len)
        form_add(form, name, value);
}

/* ---- metadata ---------------------------------------------------------------- */

static bool metadata_read(struct provider *provider, struct fail *why)
{
    struct bytes issuer = provider->person->issuer, body;
    long status;
    const char *slash = bytes_ends(issuer, BYTES("/")) ? "" : "/";
    struct bytes url =
        arena_format(provider->arena, "%.*s%s.well-known/openid-configuration", BYTES_FMT(issuer), slash);
    return ask(provider, url, (struct bytes){0}, &body, &status, why) &&
           oauth_provider_read(body, issuer, provider->arena, &provider->about, why);
}

bool provider_open(struct provider *provider, const struct person *person, struct arena *arena,
                   struct fail *why)
{
    *provider = (struct provider){.arena = arena, .person = person};
    if (!oauth_issuer_check(person->issuer, why) || !fetch_trust_load(&provider->trust, person->roots, why))
        return false;
    if (metadata_read(provider, why))
        return true;
    provider_close(provider);
    return false;
}

void provider_close(struct provider *provider)
{
    fetch_trust_done(&provider->trust);
}

/* ---- grants ------------------------------------------------------------------ */

bool provider_device(struct provider *provider, struct oauth_device *out, struct fail *why)
{
    struct text form = form_begin(provider);
    struct bytes body;
    long status;
    if (!provider->about.device_endpoint.len)
        return fail(why, FAIL_PEER, "the provider has no sign-in for terminals (RFC 8628)");
    form_add_known(&form, "scope", provider->person->scope);
    form_add_known(&form, "resource", provider->person->resource);
    if (!ask(provider, provider->about.device_endpoint, text_bytes(&form), &body, &status, why))
        return false;
    if (status != 200) {
        oauth_error_read(body, why);
        return false;
    }
    return oauth_device_read(body, provider->person->issuer, provider->arena, out, why);
}

static bool tokens_ask(struct provider *provider, struct text *form, struct oauth_tokens *out,
                       enum oauth_error *error, struct fail *why)
{
    struct bytes body;
    long status;
    *error = OAUTH_OTHER;
    form_add_known(form, "resource", provider->person->resource);
    if (!ask(provider, provider->about.token_endpoint, text_bytes(form), &body, &status, why))
        return false;
    if (status == 200)
        return oauth_tokens_read(body, provider->arena, out, why);
    *error = oauth_error_read(body, why);
    return false;
}

bool provider_device_tokens(struct provider *provider, struct bytes device_code, struct oauth_tokens *out,
                            enum oauth_error *error, struct fail *why)
{
    struct text form = form_begin(provider);
    form_add(&form, "grant_type", DEVICE_GRANT);
    form_add(&form, "device_code", device_code);
    return tokens_ask(provider, &form, out, error, why);
}

bool provider_refresh(struct provider *provider, struct oauth_tokens *out, enum oauth_error *error,
                      struct fail *why)
{
    struct text form = form_begin(provider);
    form_add(&form, "grant_type", BYTES("refresh_token"));
    form_add(&form, "refresh_token", provider->person->refresh_token);
    return tokens_ask(provider, &form, out, error, why);
}

bool provider_revoke(struct provider *provider, struct bytes token, const char *hint, struct fail *why)
{
    struct text form = form_begin(provider);
    struct bytes body;
    long status;
    if (!provider->about.revocation_endpoint.len)
        return fail(why, FAIL_PEER, "the provider takes no tokens back (RFC 7009)");
    form_add(&form, "token", token);
    form_add(&form, "token_type_hint", bytes_of(hint));
    if (!ask(provider, provider->about.revocation_endpoint, text_bytes(&form), &body, &status, why))
        return false;
    if (status == 200)
        return true;
    oauth_error_read(body, why);
    return false;
}

/* ---- the ID token -------------------------------------------------------------- */

static bool signature_judge(struct provider *provider, const struct jws *jws, struct fail *why)
{
    struct jwk_set read;
    struct bytes body;
    long status;
    if (!provider->about.jwks_uri.len)
        return fail(why, FAIL_PEER, "the provider's metadata names no jwks_uri");
    if (!ask(provider, provider->about.jwks_uri, (struct bytes){0}, &body, &status, why) ||
        !jwk_set_read(body, provider->arena, &read, why))
        return false;
    struct key_set *set = key_set_new(&read);
    bool ok = key_set_verify(set, jws, why) == KEY_SET_VERIFIED;
    key_set_free(set);
    return ok;
}

json_t *provider_claims(struct provider *provider, struct bytes id_token, int64_t now_s, struct fail *why)
{
    const struct id_token_scope scope = {.issuer = provider->person->issuer,
                                         .client_id = provider->person->client};
    enum claims_fault fault;
    struct jws jws;
    if (!jws_read(id_token, provider->arena, &jws, why) || !signature_judge(provider, &jws, why))
        return NULL;
    json_t *claims = json_read(jws.payload, JWS_TOKEN_MAX, why);
    if (claims && id_token_judge(claims, &scope, now_s, &fault, why))
        return claims;
    json_decref(claims);
    return NULL;
}
