#include "control/login_call.h"

#include <stdlib.h>

#include "base/heap.h"
#include "wire/form.h"
#include "wire/json.h"

enum { TIMEOUT_MS = 8000, TOKEN_MAX = 12 * 1024, EXPIRES_MAX_S = 30 * 24 * 60 * 60 };

static void form_fill(struct text *form, const struct login_ask *ask, const struct compile_login *client)
{
    switch (ask->wish) {
    case LOGIN_EXCHANGE: /* RFC 6749 4.1.3, RFC 7636 4.5 */
        form_add(form, "grant_type", BYTES("authorization_code"));
        form_add(form, "code", ask->token);
        form_add(form, "redirect_uri", ask->redirect_to);
        form_add(form, "code_verifier", ask->verifier);
        break;
    case LOGIN_REFRESH: /* RFC 6749 6 */
        form_add(form, "grant_type", BYTES("refresh_token"));
        form_add(form, "refresh_token", ask->token);
        break;
    default: /* RFC 7009 2.1 */
        form_add(form, "token", ask->token);
        form_add(form, "token_type_hint", BYTES("refresh_token"));
        break;
    }
    if (!client->has_secret)
        form_add(form, "client_id", client->client_id);
}

static struct bytes escaped(struct bytes text, struct arena *arena)
{
    struct text out;
    text_init_arena(&out, arena);
    form_escape(&out, text);
    return text_bytes(&out);
}

struct fetch *login_call_fetch(const struct login_ask *ask, const struct compile_login *client,
                               struct bytes secret, const struct login_provider *provider,
                               const struct fetch_trust *trust, void *owner, struct fail *why)
{
    struct arena arena;
    struct text form;
    struct bytes user = {0};
    bool revoke = ask->wish == LOGIN_REVOKE;
    struct fetch *fetch = fetch_new(revoke ? provider->revocation_endpoint : provider->token_endpoint,
                                    TIMEOUT_MS, trust, owner, why);
    if (!fetch)
        return NULL;
    arena_init(&arena);
    text_init_arena(&form, &arena);
    form_fill(&form, ask, client);
    if (client->has_secret && provider->takes_basic) { /* RFC 6749 2.3.1: both escaped */
        user = escaped(client->client_id, &arena);
        secret = escaped(secret, &arena);
    } else if (client->has_secret) {
        form_add(&form, "client_id", client->client_id);
        form_add(&form, "client_secret", secret);
    }
    fetch_post(fetch, text_bytes(&form), user, secret);
    heap_wipe(form.at, form.len);
    arena_done(&arena);
    return fetch;
}

static struct login_answer failed(struct bytes problem)
{
    return (struct login_answer){.outcome = LOGIN_FAILED, .problem = problem};
}

/* What may be shown of the provider's words: its code, not its prose. */
static struct login_answer refused(const json_t *root, struct arena *arena)
{
    struct bytes error;
    struct text shown;
    if (!json_member_text(root, "error", &error))
        return failed(BYTES("the token endpoint refused without an error code"));
    text_init_arena(&shown, arena);
    text_add_s(&shown, "the token endpoint answered ");
    text_add_shown(&shown, error, 64);
    bool ours =
        bytes_equal(error, BYTES("invalid_client")) || bytes_equal(error, BYTES("unauthorized_client"));
    return (struct login_answer){.outcome = ours ? LOGIN_FAILED : LOGIN_DENIED,
                                 .problem = text_bytes(&shown)};
}

static struct login_answer granted(const struct login_call *call, const json_t *root)
{
    struct login_answer answer = {.outcome = LOGIN_DONE};
    const json_t *expires = json_object_get(root, "expires_in");
    json_member_text(root, "id_token", &answer.id_token);
    json_member_text(root, "refresh_token", &answer.refresh_token);
    if (json_is_integer(expires) && json_integer_value(expires) > 0)
        answer.expires_s = (uint64_t)json_integer_value(expires) < EXPIRES_MAX_S
                               ? (uint64_t)json_integer_value(expires)
                               : EXPIRES_MAX_S;
    if (answer.id_token.len + answer.refresh_token.len > TOKEN_MAX)
        return failed(BYTES("the tokens are longer than a browser can keep"));
    if (call->wish == LOGIN_EXCHANGE && !answer.id_token.len)
        return failed(BYTES("the token endpoint gave no ID token"));
    return answer;
}

struct bytes login_call_answer(const struct login_call *call, CURLcode code, struct arena *arena)
{
    struct bytes body;
    struct fail why;
    if (!fetch_judge(call->fetch, code, &body, &why)) {
        struct login_answer answer = failed(bytes_of(why.text));
        return login_answer_pack(&answer, arena);
    }
    if (call->wish == LOGIN_REVOKE) { /* its answer has nothing in it */
        struct login_answer answer = {.outcome = call->fetch->status == 200 ? LOGIN_DONE : LOGIN_DENIED};
        return login_answer_pack(&answer, arena);
    }
    json_t *root = json_read(body, FETCH_BODY_MAX, &why);
    struct login_answer answer = !json_is_object(root)
                                     ? failed(BYTES("the token endpoint's answer is no JSON object"))
                                 : call->fetch->status != 200 ? refused(root, arena)
                                                              : granted(call, root);
    struct bytes packed = login_answer_pack(&answer, arena);
    json_decref(root);
    return packed;
}

void login_call_free(struct login_call *call)
{
    fetch_free(call->fetch);
    if (call->answer)
        heap_wipe(call->answer, call->answer_len);
    free(call->answer);
    list_remove(&call->link);
    free(call);
}
