#include "proxy/token_place.h"

#include "proxy/generation.h"
#include "wire/cookie.h"
#include "wire/query.h"

static void token_found(struct tokens_found *found, const struct rules_place *place, struct bytes raw,
                        struct bytes carrier)
{
    if (found->count == TOKENS_MAX)
        found->confused = true;
    else
        found->at[found->count++] = (struct token_found){raw, carrier, place};
}

/* ---- finding ---------------------------------------------------------------------- */

static bool is_token_char(char c)
{
    return ascii_is_alpha(c) || ascii_is_digit(c) || c == '-' || c == '_' || c == '.';
}

/* The first run of what tokens are made of; without one the value is no token, and is judged as such. */
static struct bytes token_run(struct bytes value)
{
    size_t from = 0, to;
    while (from < value.len && !is_token_char(value.at[from]))
        from++;
    if (from == value.len)
        return value;
    for (to = from; to < value.len && is_token_char(value.at[to]);)
        to++;
    return bytes_part(value, from, to);
}

/* The scheme's letter case is free at the edge (RFC 9110 11.1); Istio's prefix is exact, but may stand
 * anywhere. */
static bool prefix_cut(bool strict, struct bytes prefix, struct bytes *value)
{
    if (strict) {
        if (!bytes_starts_nocase(*value, prefix))
            return false;
        *value = bytes_trim(bytes_part(*value, prefix.len, value->len));
        return true;
    }
    size_t at = bytes_find_text(*value, prefix);
    if (!prefix.len)
        return true;
    if (at + prefix.len > value->len)
        return false;
    *value = token_run(bytes_part(*value, at + prefix.len, value->len));
    return true;
}

static void tokens_in_field(const struct exchange *x, bool strict, const struct rules_place *place,
                            struct tokens_found *found)
{
    const struct image *rules = &x->generation->rules;
    struct bytes name = image_text(rules, place->name), prefix = image_text(rules, place->prefix);
    size_t fields = 0, before = found->count;
    for (uint32_t i = 0; i < x->request.fields.count; i++) {
        const struct http_field *field = &x->request.fields.at[i];
        struct bytes value = field->value;
        if (!bytes_equal(field->name, name))
            continue;
        fields++;
        if ((strict || found->count == before) && prefix_cut(strict, prefix, &value))
            token_found(found, place, value, field->value);
    }
    /* Beside a token no other credential: whoever reads behind us might take that one. Without a prefix the
     * values of a repeated field would be one text, and no token. */
    found->confused |= fields > 1 && found->count > before && (strict || !prefix.len);
}

static void token_in_query(struct exchange *x, const struct rules_place *place, struct tokens_found *found)
{
    struct bytes name = image_text(&x->generation->rules, place->name), value;
    if (query_value(x->request.path, name, &x->arena, &value) && value.len)
        token_found(found, place, value, (struct bytes){0});
}

/* RFC 6265 4.1.1: a value may stand in double quotes. */
static struct bytes unquoted(struct bytes value)
{
    bool quoted = value.len > 1 && value.at[0] == '"' && value.at[value.len - 1] == '"';
    return quoted ? bytes_part(value, 1, value.len - 1) : value;
}

static void tokens_in_cookies(const struct exchange *x, bool strict, const struct rules_place *place,
                              struct tokens_found *found)
{
    struct bytes name = image_text(&x->generation->rules, place->name);
    struct cookie_walk walk = {0};
    struct cookie cookie;
    size_t before = found->count;
    while ((strict || found->count == before) && cookie_next(&x->request.fields, &walk, &cookie))
        if (bytes_equal(cookie.name, name) && cookie.value.len)
            token_found(found, place, unquoted(cookie.value), (struct bytes){0});
}

/* A front proxy's own field, when it may speak for clients. */
static void token_of_proxy(const struct exchange *x, struct tokens_found *found)
{
    struct bytes field = image_text(&x->generation->rules, x->generation->node->proxy_token_field);
    const struct http_field *token =
        field.len && x->trusted_proxy ? http_fields_find_name(&x->request.fields, field) : NULL;
    if (token && !found->count)
        token_found(found, NULL, token->value, token->value);
}

void tokens_find(struct exchange *x, const struct rules_authn *row, struct tokens_found *out)
{
    out->count = 0;
    out->confused = false;
    IMAGE_FOR(&x->generation->rules, RULES_TOKEN_PLACE, struct rules_place, place, row->places)
    {
        switch ((enum rules_token_place)place->place) {
        case PLACE_FIELD:
            tokens_in_field(x, row->strict, place, out);
            break;
        case PLACE_QUERY:
            token_in_query(x, place, out);
            break;
        case PLACE_COOKIE:
            tokens_in_cookies(x, row->strict, place, out);
            break;
        case PLACE_COUNT:
            break;
        }
    }
    if (row->strict)
        token_of_proxy(x, out);
}

/* ---- taking out ---------------------------------------------------------------------- */

static void cookie_remove(struct exchange *x, struct bytes name)
{
    const struct bytes forms[] = {
        arena_join(&x->arena, (const struct bytes[]){name, BYTES("=")}, 2),
        arena_join(&x->arena, (const struct bytes[]){name, BYTES(" ")}, 2),
        arena_join(&x->arena, (const struct bytes[]){name, BYTES("\t")}, 2),
    };
    cookies_strip(&x->request.fields, forms, 3, &x->arena);
}

static void place_clear(struct exchange *x, const struct rules_place *place, bool forward)
{
    struct bytes name = image_text(&x->generation->rules, place->name);
    if (place->place == PLACE_FIELD)
        http_fields_remove_name(&x->request.fields, name);
    else if (place->place == PLACE_QUERY && !forward)
        x->request.path = query_without(x->request.path, name, &x->arena);
    else if (place->place == PLACE_COOKIE && !forward)
        cookie_remove(x, name);
}

/* At the edge no other credential of its headers goes on beside the token that was verified. */
static void credentials_clear(struct exchange *x, const struct rules_authn *row)
{
    IMAGE_FOR(&x->generation->rules, RULES_TOKEN_PLACE, struct rules_place, place, row->places)
    {
        if (place->place == PLACE_FIELD)
            place_clear(x, place, row->forward);
    }
}

static bool carried_before(const struct tokens_found *found, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (found->at[k].carrier.at == found->at[i].carrier.at)
            return true;
    return false;
}

void tokens_pass_on(struct exchange *x, const struct rules_authn *row, const struct tokens_found *found)
{
    const struct image *rules = &x->generation->rules;
    if (row->strict)
        credentials_clear(x, row);
    for (size_t i = 0; i < found->count; i++)
        if (found->at[i].place)
            place_clear(x, found->at[i].place, row->forward);
    for (size_t i = 0; row->forward && i < found->count; i++) {
        const struct token_found *token = &found->at[i];
        if (token->place && token->place->place == PLACE_FIELD && !carried_before(found, i))
            http_fields_add(&x->request.fields, image_text(rules, token->place->name), token->carrier);
    }
}
