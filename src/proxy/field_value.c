#include "proxy/field_value.h"

#include "base/text.h"
#include "crypt/peer.h"
#include "proxy/generation.h"

enum { VALUE_MAX = 16 * 1024 }; /* one field must not become many times the head that it came with */

struct value_part *value_parts_keep(struct exchange *x, struct image_rows rows)
{
    const struct image *rules = &x->generation->rules;
    struct value_part *parts = arena_array(&x->arena, struct value_part, rows.count), *at = parts;
    IMAGE_FOR(rules, RULES_VALUE_PART, struct rules_value_part, row, rows)
    *at++ = (struct value_part){(enum rules_operator)row->is,
                                arena_bytes(&x->arena, image_text(rules, row->text)),
                                arena_bytes(&x->arena, image_text(rules, row->other)), row->max};
    return parts;
}

/* 10.0.0.1:80, [::1]:80, or an address alone. */
static struct bytes ip_of(struct bytes text)
{
    size_t colon = bytes_find(text, ':');
    if (bytes_starts(text, BYTES("[")))
        return bytes_part(text, 1, bytes_find(text, ']'));
    return bytes_find_last(text, ':') == colon ? bytes_part(text, 0, colon) : text;
}

static struct bytes port_of(struct bytes text)
{
    return bytes_part(text, bytes_find_last(text, ':') + 1, text.len);
}

static bool request_pseudo(const struct exchange *x, struct bytes name, struct bytes *value)
{
    const struct {
        struct bytes name, value;
    } all[] = {{BYTES(":method"), x->request.method},
               {BYTES(":path"), x->request.path},
               {BYTES(":scheme"), x->request.scheme},
               {BYTES(":authority"), x->request.authority},
               {BYTES("host"), x->request.authority}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (bytes_equal(all[i].name, name)) {
            *value = all[i].value;
            return value->len > 0;
        }
    return false;
}

static struct bytes field_of(struct exchange *x, const struct http_fields *fields,
                             const struct value_part *part)
{
    const struct bytes names[] = {part->text, part->other};
    struct bytes value = {0};
    bool found = false;
    for (size_t i = 0; i < 2 && !found; i++)
        found = names[i].len && ((fields == &x->request.fields && request_pseudo(x, names[i], &value)) ||
                                 http_fields_join(fields, names[i], &x->arena, &value));
    return part->max ? bytes_part(value, 0, part->max < value.len ? part->max : value.len) : value;
}

static struct bytes trace_id(struct exchange *x)
{
    struct text text;
    text_init_arena(&text, &x->arena);
    text_add_hex(&text, bytes_make(x->trace.id, sizeof x->trace.id));
    return text_bytes(&text);
}

static struct bytes part_value(struct exchange *x, const struct value_part *part)
{
    static const struct bytes versions[] = {BYTES_INIT("HTTP/1.0"), BYTES_INIT("HTTP/1.1"),
                                            BYTES_INIT("HTTP/2")};
    const struct client_facts *facts = x->facts;
    const struct bytes none = {0};
    struct bytes remote = x->remote_text.len ? x->remote_text : facts->address_text;
    struct bytes direct = facts->direct_text.len ? facts->direct_text : facts->address_text;
    switch (part->is) {
    case OPERATOR_NONE:
        return part->text;
    case OPERATOR_REQUEST_FIELD:
        return field_of(x, &x->request.fields, part);
    case OPERATOR_RESPONSE_FIELD:
        return field_of(x, &x->response.fields, part);
    case OPERATOR_STATUS:
        return arena_format(&x->arena, "%u", x->response.status);
    case OPERATOR_PROTOCOL:
        return versions[x->request.minor];
    case OPERATOR_REMOTE:
        return remote;
    case OPERATOR_REMOTE_IP:
        return ip_of(remote);
    case OPERATOR_DIRECT:
        return direct;
    case OPERATOR_DIRECT_IP:
        return ip_of(direct);
    case OPERATOR_LOCAL:
        return facts->local_text;
    case OPERATOR_LOCAL_IP:
        return ip_of(facts->local_text);
    case OPERATOR_LOCAL_PORT:
        return port_of(facts->local_text);
    case OPERATOR_TLS_VERSION:
        return bytes_of(facts->tls_version);
    case OPERATOR_PEER_URI:
        return facts->peer ? facts->peer->uri : none;
    case OPERATOR_SERVER_NAME:
        return facts->sni;
    case OPERATOR_UPSTREAM_HOST: /* frozen: the record knows what was */
        return x->endpoint ? image_text(&x->generation->endpoints, x->endpoint->text)
                           : x->record.upstream_host;
    case OPERATOR_ROUTE_NAME:
        return x->choice.route ? image_text(&x->generation->rules, x->choice.route->name) : x->record.route;
    case OPERATOR_TRACE_ID:
        return trace_id(x);
    case OPERATOR_COUNT:
        break;
    }
    return none;
}

struct bytes field_value_make(struct exchange *x, const struct value_part *parts, uint32_t count)
{
    struct text text;
    text_init_arena(&text, &x->arena);
    for (uint32_t i = 0; i < count && text.len <= VALUE_MAX; i++)
        text_add(&text, part_value(x, &parts[i]));
    struct bytes value = bytes_trim(text_bytes(&text));
    return value.len <= VALUE_MAX ? value : (struct bytes){0};
}
