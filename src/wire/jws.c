#include "wire/jws.h"

#include "wire/base64.h"

static const char *const alg_names[JWS_ALG_COUNT] = {
    [JWS_NONE_KNOWN] = "none known", [JWS_RS256] = "RS256", [JWS_RS384] = "RS384", [JWS_RS512] = "RS512",
    [JWS_PS256] = "PS256",           [JWS_PS384] = "PS384", [JWS_PS512] = "PS512", [JWS_ES256] = "ES256",
    [JWS_ES384] = "ES384",           [JWS_ES512] = "ES512", [JWS_EDDSA] = "EdDSA",
};

typedef bool part_decode(struct bytes in, struct arena *arena, struct bytes *out);

const char *jws_alg_name(enum jws_alg alg)
{
    return alg_names[(unsigned)alg < JWS_ALG_COUNT ? alg : JWS_NONE_KNOWN];
}

enum jws_alg jws_alg_find(struct bytes name)
{
    if (bytes_equal(name, BYTES("Ed25519"))) /* RFC 9864's name for the one curve of EdDSA that we know */
        return JWS_EDDSA;
    for (int i = JWS_NONE_KNOWN + 1; i < JWS_ALG_COUNT; i++)
        if (bytes_equal(name, bytes_of(alg_names[i])))
            return (enum jws_alg)i;
    return JWS_NONE_KNOWN;
}

/* header "." payload "." signature: the payload may be empty, the others not. */
static bool parts_cut(struct bytes token, struct bytes parts[3])
{
    struct bytes rest = token;
    bool two_dots = bytes_cut(&rest, '.', &parts[0]) && bytes_cut(&rest, '.', &parts[1]);
    parts[2] = rest;
    return two_dots && bytes_find(rest, '.') == rest.len && parts[0].len && rest.len;
}

static bool alg_read(const json_t *header, struct jws *out, struct fail *why)
{
    struct bytes name;
    if (!json_member_text(header, "alg", &name))
        return fail(why, FAIL_INPUT, "Jwt header [alg] field is required and must be a string");
    out->alg = jws_alg_find(name);
    return out->alg != JWS_NONE_KNOWN || fail(why, FAIL_INPUT, "Jwt header [alg] is not supported");
}

/* A member that is a string or absent, copied, since the tree it lies in is freed. */
static bool name_read(const json_t *header, const char *name, struct arena *arena, struct bytes *out,
                      struct fail *why)
{
    const json_t *value = json_object_get(header, name);
    struct bytes text;
    *out = (struct bytes){0};
    if (!value)
        return true;
    if (!json_text(value, &text))
        return fail(why, FAIL_INPUT, "Jwt header [%s] field is not a string", name);
    *out = arena_bytes(arena, text);
    if (!out->at)
        out->at = "";
    return true;
}

/* RFC 7515 4.1.11: what must be understood is not; RFC 7797 7: no JWT leaves its payload unencoded. */
static bool extensions_refuse(const json_t *header, struct fail *why)
{
    static const char *const names[] = {"crit", "b64"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (json_object_get(header, names[i]))
            return fail(why, FAIL_INPUT, "Jwt header [%s] is not supported", names[i]);
    return true;
}

static bool header_judge(const json_t *header, struct arena *arena, struct jws *out, struct fail *why)
{
    if (!json_is_object(header))
        return fail(why, FAIL_INPUT, "Jwt header is an invalid JSON");
    return alg_read(header, out, why) && name_read(header, "kid", arena, &out->kid, why) &&
           name_read(header, "typ", arena, &out->typ, why) && extensions_refuse(header, why);
}

static bool header_read(struct bytes text, struct arena *arena, struct jws *out, struct fail *why)
{
    struct fail detail;
    json_t *header = json_read(text, JWS_TOKEN_MAX, &detail);
    bool ok = header_judge(header, arena, out, why);
    json_decref(header);
    return ok;
}

static bool read_with(part_decode *decode, struct bytes token, struct arena *arena, struct jws *out,
                      struct fail *why)
{
    struct bytes parts[3], header;
    struct jws jws = {0};
    if (!token.len)
        return fail(why, FAIL_INPUT, "Jwt is missing");
    if (token.len > JWS_TOKEN_MAX)
        return fail(why, FAIL_LIMIT, "Jwt has %zu bytes; at most %d are read", token.len, JWS_TOKEN_MAX);
    if (!parts_cut(token, parts))
        return fail(why, FAIL_INPUT,
                    "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections");
    if (!decode(parts[0], arena, &header))
        return fail(why, FAIL_INPUT, "Jwt header is an invalid Base64url encoded");
    if (!header_read(header, arena, &jws, why))
        return false;
    if (!decode(parts[1], arena, &jws.payload))
        return fail(why, FAIL_INPUT, "Jwt payload is an invalid Base64url encoded");
    if (!decode(parts[2], arena, &jws.signature) || !jws.signature.len)
        return fail(why, FAIL_INPUT, "Jwt signature is an invalid Base64url encoded");
    jws.signed_part = bytes_part(token, 0, parts[0].len + 1 + parts[1].len);
    *out = jws;
    return true;
}

bool jws_read(struct bytes token, struct arena *arena, struct jws *out, struct fail *why)
{
    return read_with(base64url_decode, token, arena, out, why);
}

bool jws_read_padded(struct bytes token, struct arena *arena, struct jws *out, struct fail *why)
{
    return read_with(base64url_decode_padded, token, arena, out, why);
}

static struct bytes dotted(struct bytes left, struct bytes right, struct arena *arena)
{
    const struct bytes parts[] = {left, BYTES("."), right};
    return arena_join(arena, parts, 3);
}

struct bytes jws_signing_input(struct bytes header, struct bytes payload, struct arena *arena)
{
    return dotted(base64url_encode(header, arena), base64url_encode(payload, arena), arena);
}

struct bytes jws_join(struct bytes signing_input, struct bytes signature, struct arena *arena)
{
    return dotted(signing_input, base64url_encode(signature, arena), arena);
}
