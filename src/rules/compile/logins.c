#include "rules/compile/logins.h"

#include "base/hash.h"
#include "rules/compile/authn.h"
#include "rules/kind/login.h"
#include "rules/kind/secret.h"

static struct bytes scope_of(struct work *work, const struct text_list *scopes)
{
    struct text text;
    text_init_arena(&text, work->arena);
    text_add_s(&text, "openid");
    for (size_t i = 0; i < scopes->count; i++)
        if (!bytes_equal(scopes->at[i], BYTES("openid")))
            text_format(&text, " %.*s", BYTES_FMT(scopes->at[i]));
    return text_bytes(&text);
}

static struct image_rows pairs_of(struct work *work, const struct text_map *map)
{
    struct rows rows = rows_of(sizeof(struct rules_name));
    for (size_t i = 0; i < map->count; i++) {
        rows_add(work, &rows, &(struct rules_name){work_text(work, map->keys[i])});
        rows_add(work, &rows, &(struct rules_name){work_text(work, map->at[i])});
    }
    return rows_put(work, RULES_NAME, &rows);
}

static struct image_rows hosts_of(struct work *work, const struct text_list *hosts)
{
    struct rows rows = rows_of(sizeof(struct rules_name));
    for (size_t i = 0; i < hosts->count; i++)
        rows_add(work, &rows, &(struct rules_name){work_text(work, lower(work, hosts->at[i]))});
    return rows_put(work, RULES_NAME, &rows);
}

static uint32_t seconds(int64_t ms)
{
    return (uint32_t)((ms + 999) / 1000);
}

static struct rules_login login_row(struct work *work, const struct login *login,
                                    const struct compile_login *client)
{
    const struct login_session *session = login->session;
    return (struct rules_login){
        .id = client->id,
        .key_set = key_set_of_issuer(work, login->issuer),
        .name = work_text(work, client->name),
        .hosts = hosts_of(work, &login->hosts),
        .paths = work_list(work, &login->paths),
        .public_paths = work_list(work, &login->public_paths),
        .issuer = work_text(work, login->issuer),
        .client_id = work_text(work, login->client_id),
        .scope = work_text(work, scope_of(work, &login->scopes)),
        .parameters = pairs_of(work, &login->parameters),
        .cookie = work_text(work, arena_format(work->arena, "__Host-%.*s", BYTES_FMT(login->cookie_name))),
        .callback_path = work_text(work, login->callback_path),
        .logout_path = work_text(work, login->logout_path),
        .backchannel_path = work_text(work, login->backchannel_path),
        .after_logout = work_text(work, login->after_logout),
        .redirect_hosts = work_list(work, &login->redirect_hosts),
        .idle_s = session ? seconds(session->idle_ms) : LOGIN_IDLE_S,
        .lifetime_s = session ? seconds(session->lifetime_ms) : LOGIN_LIFETIME_S,
        .refresh_s = session ? seconds(session->refresh_ms) : 0,
        .forward_id_token = login->forward_id_token,
    };
}

/* What is missing closes the login and nothing else: the provider refuses a client without its secret. */
static void secret_fill(struct work *work, const struct resource *resource, struct compile_login *client)
{
    const struct login *login = resource->spec;
    const struct login_secret *from = login->client_secret;
    client->has_secret = from != NULL;
    if (!from || from->file.len) {
        client->secret_file = from ? from->file : (struct bytes){0};
        return;
    }
    struct resource *secret = resource_find(work->set, KIND_SECRET, resource->namespace, from->name);
    if (!secret)
        work_warn(work, resource, group_node(&from->group, "name"), FINDING_REFERENCE,
                  "there is no Secret '%.*s' in namespace '%.*s': nobody can log in", BYTES_FMT(from->name),
                  BYTES_FMT(resource->namespace));
    else if (!secret_entry(secret->spec, arena_text(work->arena, from->key), work->arena, &client->secret))
        work_warn(work, resource, group_node(&from->group, "key"), FINDING_REFERENCE,
                  "Secret '%.*s' has no entry '%.*s': nobody can log in", BYTES_FMT(from->name),
                  BYTES_FMT(from->key));
}

static struct compile_login client_of(struct work *work, const struct resource *resource)
{
    const struct login *login = resource->spec;
    struct compile_login client = {
        .name =
            arena_format(work->arena, "%.*s/%.*s", BYTES_FMT(resource->namespace), BYTES_FMT(resource->name)),
        .issuer = login->issuer,
        .client_id = login->client_id,
    };
    client.id = hash_stable(arena_format(work->arena, "%.*s|%.*s|%.*s", BYTES_FMT(client.name),
                                         BYTES_FMT(login->issuer), BYTES_FMT(login->client_id)));
    secret_fill(work, resource, &client);
    return client;
}

struct image_rows logins_compile(struct work *work)
{
    struct rows rows = rows_of(sizeof(struct rules_login));
    size_t count;
    struct resource **all = work_kind(work, KIND_LOGIN, &count);
    for (size_t i = 0; i < count; i++) {
        const struct login *login = all[i]->spec;
        if (!node_attached(work, all[i], login->selector) || work->node->role == ROLE_SIDECAR)
            continue; /* browsers come to an edge or a gateway */
        struct compile_login client = client_of(work, all[i]);
        struct rules_login row = login_row(work, login, &client);
        rows_add(work, &work->logins, &client);
        rows_add(work, &rows, &row);
    }
    return rows_put(work, RULES_LOGIN, &rows);
}
