#include "proxy/front.h"

#include <string.h>

#include "crypt/peer.h"
#include "proxy/generation.h"
#include "rules/decide/condition.h"
#include "wire/address.h"

/* Removed by prefix, whoever sends them. */
static const struct bytes prefixes[] = {
    BYTES_INIT("x-envoy-"),
    BYTES_INIT("x-selvage-"),
    BYTES_INIT("x-forwarded-"),
};

/* Removed by name. */
static const struct bytes names[] = {
    BYTES_INIT("forwarded"),      BYTES_INIT("x-real-ip"),      BYTES_INIT("x-client-ip"),
    BYTES_INIT("true-client-ip"), BYTES_INIT("x-original-uri"), BYTES_INIT("x-original-url"),
    BYTES_INIT("x-rewrite-url"),  BYTES_INIT("x-request-id"),
};

/* Of these, what a trusted proxy may say. */
static const struct bytes kept_from_trusted[] = {
    BYTES_INIT("x-forwarded-for"),
    BYTES_INIT("x-forwarded-proto"),
    BYTES_INIT("x-forwarded-host"),
    BYTES_INIT("x-forwarded-port"),
};

static bool certificate_trusted(const struct exchange *x)
{
    const struct generation *generation = x->generation;
    const struct peer *peer = x->facts->peer;
    if (!peer)
        return false;
    IMAGE_FOR(&generation->rules, RULES_NAME, struct rules_name, name, generation->node->proxy_names)
    {
        struct bytes text = image_text(&generation->rules, name->text);
        if (bytes_equal(text, peer->uri) || (peer->dns.len && bytes_equal_nocase(text, peer->dns)))
            return true;
    }
    return false;
}

bool front_has_address(const struct generation *generation, const unsigned char address[16])
{
    return networks_hold(&generation->rules, generation->node->proxy_networks, address);
}

bool front_trusted(const struct exchange *x)
{
    return x->listener->direction == DIRECTION_OUTBOUND || certificate_trusted(x) ||
           front_has_address(x->generation, x->facts->address_bytes);
}

/* Both lower case; "_" in what came stands for "-". */
static bool same_name(struct bytes came, struct bytes name)
{
    if (came.len != name.len)
        return false;
    for (size_t i = 0; i < came.len; i++)
        if (came.at[i] != name.at[i] && !(came.at[i] == '_' && name.at[i] == '-') &&
            !(came.at[i] == '-' && name.at[i] == '_'))
            return false;
    return true;
}

static bool among(struct bytes came, const struct bytes *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (same_name(came, list[i]))
            return true;
    return false;
}

static bool claims_identity(const struct exchange *x, struct bytes name)
{
    const struct generation *generation = x->generation;
    const struct rules_node *node = generation->node;
    /* Nearly every ordinary name is done with here. */
    char first = name.len ? name.at[0] : ' ';
    if (first == 'x' || first == 'f' || first == 't') {
        for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
            if (same_name(bytes_part(name, 0, prefixes[i].len), prefixes[i]))
                return true;
        if (among(name, names, sizeof names / sizeof names[0]))
            return true;
    }
    if (node->proxy_token_field.len &&
        same_name(name, image_text(&generation->rules, node->proxy_token_field)))
        return true;
    IMAGE_FOR(&generation->rules, RULES_NAME, struct rules_name, stripped, node->stripped)
    {
        if (same_name(name, image_text(&generation->rules, stripped->text)))
            return true;
    }
    return false;
}

static bool kept(const struct exchange *x, struct bytes name)
{
    return x->trusted_proxy && bytes_find(name, '_') == name.len &&
           among(name, kept_from_trusted, sizeof kept_from_trusted / sizeof kept_from_trusted[0]);
}

void front_strip(const struct exchange *x, struct http_fields *fields)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < fields->count; i++) {
        struct bytes name = fields->at[i].name;
        if (claims_identity(x, name) && !kept(x, name))
            continue;
        fields->at[left++] = fields->at[i];
    }
    fields->count = left;
}

/* The rightmost address that is not a trusted proxy's own: what stands left of it anybody may have written.
 */
static bool forwarded_client(struct exchange *x, struct bytes list, struct address *out)
{
    bool found = false;
    while (list.len) {
        size_t comma = bytes_find_last(list, ',');
        bool more = comma < list.len;
        struct bytes one = bytes_trim(bytes_part(list, more ? comma + 1 : 0, list.len));
        struct address address;
        unsigned char mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
        if (!address_parse(one, &address))
            return found;
        *out = address;
        found = true;
        if (address.family == ADDRESS_V4)
            memcpy(mapped + 12, address.at, 4);
        else
            memcpy(mapped, address.at, 16);
        memcpy(x->remote_bytes, mapped, 16);
        if (!front_has_address(x->generation, mapped))
            return true;
        list = bytes_part(list, 0, more ? comma : 0);
    }
    return found;
}

void front_remote(struct exchange *x)
{
    struct bytes list;
    struct address address;
    char text[ADDRESS_TEXT_SIZE];
    memcpy(x->remote_bytes, x->facts->address_bytes, 16);
    x->remote_text = x->facts->address_text;
    if (!x->trusted_proxy ||
        !http_fields_join(&x->request.fields, BYTES("x-forwarded-for"), &x->arena, &list))
        return;
    if (forwarded_client(x, list, &address))
        x->remote_text = arena_bytes(&x->arena, address_text(&address, text));
}

static struct bytes peer_ip(const struct exchange *x)
{
    struct bytes text = x->facts->address_text;
    struct bytes ip = bytes_part(text, 0, bytes_find_last(text, ':'));
    if (ip.len > 2 && ip.at[0] == '[')
        ip = bytes_part(ip, 1, ip.len - 1);
    return ip;
}

/* Envoy's form; SANITIZE_SET at gateways and before workloads: one element, ours. */
static struct bytes client_certificate(struct exchange *x)
{
    const struct generation *generation = x->generation;
    const struct peer *peer = x->facts->peer;
    struct text text;
    text_init_arena(&text, &x->arena);
    text_add_s(&text, "By=spiffe://");
    text_add(&text, image_text(&generation->rules, generation->node->principal));
    text_add_s(&text, ";Hash=");
    text_add_hex(&text, bytes_make(peer->sha256, sizeof peer->sha256));
    text_add_s(&text, ";Subject=\"");
    text_add_shown(&text, peer->subject, 256);
    text_add_s(&text, "\";URI=");
    text_add(&text, peer->uri);
    return text_bytes(&text);
}

void front_set(struct exchange *x, struct http_fields *fields)
{
    struct bytes before;
    struct bytes ip = peer_ip(x);
    if (x->listener->direction == DIRECTION_OUTBOUND)
        return;
    if (http_fields_join(fields, BYTES("x-forwarded-for"), &x->arena, &before))
        ip = arena_join(&x->arena, (const struct bytes[]){before, BYTES(", "), ip}, 3);
    http_fields_set(fields, BYTES("x-forwarded-for"), ip);
    if (!http_fields_find(fields, HTTP_X_FORWARDED_PROTO))
        http_fields_add_known(fields, HTTP_X_FORWARDED_PROTO, x->request.scheme);
    if (x->facts->mesh && x->facts->peer)
        http_fields_add_known(fields, HTTP_X_FORWARDED_CLIENT_CERT, client_certificate(x));
}
