#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/echo.h"
#include "wire/base64.h"
#include "wire/jws.h"

#define ASSERTION BYTES("x-selvage-assertion")

/* What cannot be JSON text is shown with \xNN. */
static json_t *shown(struct bytes text)
{
    struct arena arena;
    struct text out;
    arena_init(&arena);
    text_init_arena(&out, &arena);
    text_add_shown(&out, text, 64 * 1024);
    json_t *value = json_stringn(out.at, out.len);
    arena_done(&arena);
    return value;
}

static json_t *fields_list(const struct http_fields *fields)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < fields->count; i++) {
        json_t *pair = json_array();
        json_array_append_new(pair, shown(fields->at[i].name));
        json_array_append_new(pair, shown(fields->at[i].value));
        json_array_append_new(list, pair);
    }
    return list;
}

/* The claims of what looks like a token, or NULL. */
static json_t *claims_decode(struct bytes token, struct arena *arena)
{
    struct bytes header, payload, text;
    struct fail why;
    if (!bytes_cut(&token, '.', &header) || !bytes_cut(&token, '.', &payload) ||
        payload.len > JWS_TOKEN_MAX || !base64url_decode(payload, arena, &text))
        return NULL;
    json_t *claims = json_read(text, JWS_TOKEN_MAX, &why);
    if (json_is_object(claims))
        return claims;
    json_decref(claims);
    return NULL;
}

static json_t *token_of(const struct http_fields *fields, struct bytes name, struct bytes scheme,
                        struct arena *arena)
{
    const struct http_field *field = http_fields_find_name(fields, name);
    if (!field || !bytes_starts_nocase(field->value, scheme))
        return NULL;
    return claims_decode(bytes_trim(bytes_part(field->value, scheme.len, field->value.len)), arena);
}

/* The few claims that say who it is, of the assertion before the user's own token. */
static json_t *identity_summary(json_t *claims, const char *from)
{
    static const char *const names[] = {"sub", "groups", "act", "iss"};
    static const char *const shown_as[] = {"subject", "groups", "act", "issuer"};
    json_t *summary = json_object();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        json_t *value = json_object_get(claims, names[i]);
        if (value)
            json_object_set(summary, shown_as[i], value);
    }
    json_object_set_new(summary, "from", json_string(from));
    return summary;
}

static void identity_add(json_t *root, const struct http_fields *fields, struct arena *arena)
{
    json_t *assertion = token_of(fields, ASSERTION, (struct bytes){0}, arena);
    json_t *token = token_of(fields, BYTES("authorization"), BYTES("Bearer "), arena);
    json_t *said = assertion ? assertion : token;
    json_object_set_new(root, "identity",
                        said ? identity_summary(said, assertion ? "x-selvage-assertion" : "authorization")
                             : json_null());
    if (said)
        json_object_set_new(root, "note", json_string("tokens are decoded here, not verified"));
    if (assertion)
        json_object_set_new(root, "assertion", assertion);
    if (token)
        json_object_set_new(root, "authorization", token);
}

static void body_add(json_t *root, const struct serving *serving)
{
    char hex[17];
    struct text text;
    text_init_fixed(&text, hex, sizeof hex);
    text_add_hex(&text, bytes_make(serving->body_digest.bytes, 8));
    json_t *body = json_object();
    json_object_set_new(body, "length", json_integer((json_int_t)serving->body_len));
    json_object_set_new(body, "sha256", json_string(hex));
    json_object_set_new(root, "body", body);
}

static void value_write(const json_t *value, struct text *out)
{
    char *dump = json_dumps(value, JSON_ENCODE_ANY | JSON_PRESERVE_ORDER);
    text_add_s(out, dump ? dump : "null");
    free(dump);
}

/* For people to read: a line each, also for the items of headers. */
static void members_write(json_t *root, struct text *out)
{
    const char *name, *between = "{\n  ";
    json_t *value;
    json_object_foreach(root, name, value)
    {
        text_format(out, "%s\"%s\": ", between, name);
        between = ",\n  ";
        if (!json_is_array(value)) {
            value_write(value, out);
            continue;
        }
        text_add_c(out, '[');
        for (size_t i = 0; i < json_array_size(value); i++) {
            text_add_s(out, i ? ",\n    " : "\n    ");
            value_write(json_array_get(value, i), out);
        }
        text_add_c(out, ']');
    }
    text_add_s(out, "\n}\n");
}

void echo_describe(const struct echo *echo, struct serving *serving, struct text *out)
{
    const struct http_request *request = &serving->request;
    char host[256] = "";
    json_t *root = json_object();
    json_object_set_new(root, "service", json_string(echo->name));
    if (echo->hostname && gethostname(host, sizeof host - 1) == 0)
        json_object_set_new(root, "hostname", json_string(host));
    json_object_set_new(root, "method", shown(request->method));
    json_object_set_new(root, "path", shown(request->path));
    json_object_set_new(root, "authority", shown(request->authority));
    identity_add(root, &request->fields, &serving->arena);
    json_object_set_new(root, "headers", fields_list(&request->fields));
    body_add(root, serving);
    members_write(root, out);
    json_decref(root);
}
