#include "rules/kind/header_value.h"

#include "wire/http.h"

enum { MAX_LENGTH = 64 * 1024 };

enum takes { NOTHING, FIELD };
enum known { ALWAYS, ON_RESPONSE };

/* https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage */
static const struct {
    struct bytes name;
    enum rules_operator is;
    enum takes takes;
    enum known known;
} operators[] = {
    {BYTES_INIT("REQ"), OPERATOR_REQUEST_FIELD, FIELD, ALWAYS},
    {BYTES_INIT("RESP"), OPERATOR_RESPONSE_FIELD, FIELD, ON_RESPONSE},
    {BYTES_INIT("RESPONSE_CODE"), OPERATOR_STATUS, NOTHING, ON_RESPONSE},
    {BYTES_INIT("PROTOCOL"), OPERATOR_PROTOCOL, NOTHING, ALWAYS},
    {BYTES_INIT("DOWNSTREAM_REMOTE_ADDRESS"), OPERATOR_REMOTE, NOTHING, ALWAYS},
    {BYTES_INIT("DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT"), OPERATOR_REMOTE_IP, NOTHING, ALWAYS},
    {BYTES_INIT("DOWNSTREAM_DIRECT_REMOTE_ADDRESS"), OPERATOR_DIRECT, NOTHING, ALWAYS},
    {BYTES_INIT("DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT"), OPERATOR_DIRECT_IP, NOTHING, ALWAYS},
    {BYTES_INIT("DOWNSTREAM_LOCAL_ADDRESS"), OPERATOR_LOCAL, NOTHING, ALWAYS},
    {BYTES_INIT("DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT"), OPERATOR_LOCAL_IP, NOTHING, ALWAYS},
    {BYTES_INIT("DOWNSTREAM_LOCAL_PORT"), OPERATOR_LOCAL_PORT, NOTHING, ALWAYS},
    {BYTES_INIT("DOWNSTREAM_TLS_VERSION"), OPERATOR_TLS_VERSION, NOTHING, ALWAYS},
    {BYTES_INIT("DOWNSTREAM_PEER_URI_SAN"), OPERATOR_PEER_URI, NOTHING, ALWAYS},
    {BYTES_INIT("REQUESTED_SERVER_NAME"), OPERATOR_SERVER_NAME, NOTHING, ALWAYS},
    {BYTES_INIT("UPSTREAM_HOST"), OPERATOR_UPSTREAM_HOST, NOTHING, ON_RESPONSE},
    {BYTES_INIT("ROUTE_NAME"), OPERATOR_ROUTE_NAME, NOTHING, ALWAYS},
    {BYTES_INIT("TRACE_ID"), OPERATOR_TRACE_ID, NOTHING, ALWAYS},
};

#define KNOWN_ONES                                                                                           \
    "REQ(NAME), PROTOCOL, DOWNSTREAM_(REMOTE|DIRECT_REMOTE|LOCAL)_ADDRESS(_WITHOUT_PORT), "                  \
    "DOWNSTREAM_LOCAL_PORT, DOWNSTREAM_TLS_VERSION, DOWNSTREAM_PEER_URI_SAN, REQUESTED_SERVER_NAME, "        \
    "ROUTE_NAME, TRACE_ID; of responses also RESP(NAME), RESPONSE_CODE, UPSTREAM_HOST"

/* ---- one operator ----------------------------------------------------------------------- */

static bool field_name(struct bytes name, struct arena *arena, struct bytes *out, struct fail *why)
{
    struct bytes plain = bytes_starts(name, BYTES(":")) ? bytes_part(name, 1, name.len) : name;
    if (!http_is_token(plain))
        return fail(why, FAIL_INPUT, "'%.*s' is no name of a header", BYTES_FMT(name));
    char *lower = arena_raw(arena, name.len);
    for (size_t i = 0; i < name.len; i++)
        lower[i] = ascii_lower(name.at[i]);
    *out = bytes_make(lower, name.len);
    return true;
}

static bool fields_read(struct bytes names, struct arena *arena, struct header_part *part, struct fail *why)
{
    struct bytes first;
    bool more = bytes_cut(&names, '?', &first);
    return field_name(first, arena, &part->text, why) &&
           (!more || field_name(names, arena, &part->other, why));
}

/* NAME, or NAME(FIELD), or NAME(FIELD?OTHER), or one of the last two and :MAX. */
static bool operator_read(struct bytes text, bool on_response, struct arena *arena, struct header_part *part,
                          struct fail *why)
{
    size_t open = bytes_find(text, '('), close = bytes_find_last(text, ')');
    struct bytes name = bytes_part(text, 0, open), rest = bytes_part(text, close + 1, text.len);
    bool fields = open < text.len;
    uint64_t max = 0;
    if (fields && close == text.len)
        return fail(why, FAIL_INPUT, "'%%%.*s%%' has no closing parenthesis", BYTES_FMT(text));
    if (fields && rest.len &&
        (rest.at[0] != ':' || !bytes_to_u64(bytes_part(rest, 1, rest.len), MAX_LENGTH, &max) || !max))
        return fail(why, FAIL_INPUT, "'%%%.*s%%' ends with something other than ) or ):LENGTH",
                    BYTES_FMT(text));
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        if (!bytes_equal(operators[i].name, name) || (operators[i].takes == FIELD) != fields)
            continue;
        if (operators[i].known == ON_RESPONSE && !on_response)
            return fail(why, FAIL_INPUT, "'%%%.*s%%' is not known before there is a response",
                        BYTES_FMT(text));
        *part = (struct header_part){.is = operators[i].is, .max = (uint32_t)max};
        return !fields || fields_read(bytes_part(text, open + 1, close), arena, part, why);
    }
    return fail(why, FAIL_INPUT,
                "'%%%.*s%%' is none of the operators that are acted on (" KNOWN_ONES
                "); a percent sign is written %%%%",
                (int)(text.len < 60 ? text.len : 60), text.at);
}

/* ---- the whole -------------------------------------------------------------------------- */

static struct header_part literal(struct bytes text)
{
    return (struct header_part){.is = OPERATOR_NONE, .text = text};
}

/* What is before the next percent sign, or that sign's operator. */
static bool part_read(struct bytes *rest, bool on_response, struct arena *arena, struct header_part *part,
                      struct fail *why)
{
    size_t sign = bytes_find(*rest, '%');
    if (sign) {
        *part = literal(bytes_part(*rest, 0, sign));
        *rest = bytes_part(*rest, sign, rest->len);
        return true;
    }
    struct bytes inner = bytes_part(*rest, 1, rest->len);
    size_t end = bytes_find(inner, '%');
    if (end == inner.len)
        return fail(why, FAIL_INPUT,
                    "a percent sign is not closed by another; a percent sign is written %%%%");
    *rest = bytes_part(inner, end + 1, inner.len);
    if (end)
        return operator_read(bytes_part(inner, 0, end), on_response, arena, part, why);
    *part = literal(BYTES("%"));
    return true;
}

bool header_value_read(struct bytes value, bool on_response, struct arena *arena,
                       struct header_part parts[HEADER_PARTS_MAX], size_t *count, struct fail *why)
{
    struct bytes rest = value;
    size_t n = 0;
    for (; rest.len; n++) {
        if (n == HEADER_PARTS_MAX)
            return fail(why, FAIL_LIMIT, "a value has at most %d parts", HEADER_PARTS_MAX);
        if (!part_read(&rest, on_response, arena, &parts[n], why))
            return false;
    }
    *count = n;
    return true;
}
