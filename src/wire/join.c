#include "wire/join.h"

#include <string.h>

#include "base/heap.h"
#include "wire/base64.h"
#include "wire/json.h"

#define TOKEN_PREFIX BYTES("selvage-join-1.")

enum { REFRESH_MAX_S = 24 * 60 * 60, ERROR_MAX = 500 };

/* ---- messages -------------------------------------------------------------------------- */

bool join_head_read(const unsigned char head[JOIN_HEAD_SIZE], size_t max, size_t *len, struct fail *why)
{
    size_t length = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | (size_t)head[3];
    if (length == 0 || length > max)
        return fail(why, FAIL_INPUT, "a message of %zu bytes; 1 to %zu are right", length, max);
    *len = length;
    return true;
}

static size_t head_room(struct text *out)
{
    text_add(out, bytes_make("\0\0\0\0", JOIN_HEAD_SIZE));
    return out->len;
}

static void head_fill(struct text *out, size_t from)
{
    size_t length = out->len - from;
    for (size_t i = 0; i < JOIN_HEAD_SIZE; i++)
        out->at[from - 1 - i] = (char)(unsigned char)(length >> (8 * i));
}

static void member_write(struct text *out, const char *name, struct bytes value)
{
    if (!value.len)
        return;
    text_format(out, "%s\"%s\":", out->at[out->len - 1] == '{' ? "" : ",", name);
    text_add_json(out, value);
}

void join_request_write(const struct join_request *request, struct text *out)
{
    size_t from = head_room(out);
    text_add_c(out, '{');
    member_write(out, "csr", request->csr);
    member_write(out, "token", request->token);
    text_add_c(out, '}');
    head_fill(out, from);
}

void join_reply_write(const struct join_reply *reply, struct text *out)
{
    size_t from = head_room(out);
    text_add_c(out, '{');
    member_write(out, "error", reply->error);
    member_write(out, "chain", reply->chain);
    member_write(out, "roots", reply->roots);
    if (!reply->error.len)
        text_format(out, ",\"refresh\":%lld", (long long)reply->refresh_s);
    text_add_c(out, '}');
    head_fill(out, from);
}

/* Absent or a text. */
static bool text_read(const json_t *root, const char *name, struct arena *arena, struct bytes *out,
                      struct fail *why)
{
    const json_t *value = json_object_get(root, name);
    struct bytes text;
    *out = (struct bytes){0};
    if (!value)
        return true;
    if (!json_text(value, &text))
        return fail(why, FAIL_INPUT, "%s is no text", name);
    *out = arena_bytes(arena, text);
    return true;
}

bool join_request_read(struct bytes json, struct arena *arena, struct join_request *out, struct fail *why)
{
    struct join_request request;
    json_t *root = json_read(json, JOIN_REQUEST_MAX, why);
    if (!root)
        return false;
    bool good = json_is_object(root) || fail(why, FAIL_INPUT, "it is no object");
    good = good && text_read(root, "csr", arena, &request.csr, why) &&
           text_read(root, "token", arena, &request.token, why);
    json_decref(root);
    if (good && request.token.len && !request.csr.len)
        good = fail(why, FAIL_INPUT, "a token without a csr");
    if (good)
        *out = request;
    return good;
}

static bool refresh_read(const json_t *root, int64_t *out, struct fail *why)
{
    const json_t *value = json_object_get(root, "refresh");
    *out = json_integer_value(value);
    return (json_is_integer(value) && *out >= 1 && *out <= REFRESH_MAX_S) ||
           fail(why, FAIL_PEER, "refresh is no number of seconds from 1 to %d", REFRESH_MAX_S);
}

bool join_reply_read(struct bytes json, struct arena *arena, struct join_reply *out, struct fail *why)
{
    struct join_reply reply = {0};
    json_t *root = json_read(json, JOIN_MESSAGE_MAX, why);
    if (!root)
        return false;
    bool good = json_is_object(root) || fail(why, FAIL_PEER, "it is no object");
    good = good && text_read(root, "error", arena, &reply.error, why) &&
           text_read(root, "chain", arena, &reply.chain, why) &&
           text_read(root, "roots", arena, &reply.roots, why);
    if (good && reply.error.len)
        reply = (struct join_reply){.error = bytes_part(reply.error, 0, ERROR_MAX)};
    else if (good)
        good = (reply.roots.len || fail(why, FAIL_PEER, "roots are missing")) &&
               refresh_read(root, &reply.refresh_s, why);
    json_decref(root);
    if (good)
        *out = reply;
    return good;
}

/* ---- tokens ---------------------------------------------------------------------------- */

struct bytes join_token_write(const struct join_token *token, struct arena *arena)
{
    const struct bytes parts[] = {TOKEN_PREFIX, base64url_encode(bytes_make(token, sizeof *token), arena)};
    return arena_join(arena, parts, 2);
}

bool join_token_read(struct bytes text, struct join_token *out, struct fail *why)
{
    struct arena arena;
    struct bytes plain = {0};
    while (text.len && (text.at[text.len - 1] == '\n' || text.at[text.len - 1] == '\r'))
        text.len--;
    text = bytes_trim(text);
    arena_init(&arena);
    bool good = text.len < 200 && bytes_starts(text, TOKEN_PREFIX) &&
                base64url_decode(bytes_part(text, TOKEN_PREFIX.len, text.len), &arena, &plain) &&
                plain.len == sizeof *out;
    if (good)
        memcpy(out, plain.at, sizeof *out);
    heap_wipe((char *)(uintptr_t)plain.at, plain.len);
    arena_done(&arena);
    return good || fail(why, FAIL_INPUT,
                        "it is no join token: `selvage join-token create` at the authority's node makes one");
}
