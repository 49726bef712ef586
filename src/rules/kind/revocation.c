#include "rules/kind/revocation.h"

enum { DIGITS_MAX = 40 };

static const struct field revocation_fields[] = {
    {"serials", FIELD_TEXT, FIELD_LIST | FIELD_REQUIRED | FIELD_FILLED, offsetof(struct revocation, serials),
     .max = 80, .count_max = FIELD_COUNT_MAX,
     .help = "serial numbers in hex, as `selvage keys list` or `openssl x509 -serial` shows them"},
    {"reason", FIELD_TEXT, 0, offsetof(struct revocation, reason), .max = 256,
     .help = "why, for whoever lists the keys"},
};
static FIELD_TABLE(revocation, struct revocation);

static bool is_hex(char c)
{
    return ascii_is_digit(c) || (c >= 'a' && c <= 'f');
}

bool revocation_serial(struct bytes text, struct arena *arena, struct bytes *out)
{
    char *at = arena_raw(arena, text.len + 2);
    size_t len = 1;
    for (size_t i = 0; i < text.len; i++) {
        char c = ascii_lower(text.at[i]);
        if (c == ':' && i > 0 && i + 1 < text.len)
            continue;
        if (!is_hex(c))
            return false;
        if (len > 1 || c != '0')
            at[len++] = c;
    }
    at[0] = '0'; /* bytes have two digits */
    size_t from = len % 2;
    *out = bytes_make(at + from, len - from);
    return len > 1 && len - 1 <= DIGITS_MAX;
}

static void check(struct resource *resource, struct report *report)
{
    const struct revocation *revocation = resource->spec;
    const struct yaml_node *list = group_node(&revocation->group, "serials");
    struct bytes serial;
    for (size_t i = 0; i < revocation->serials.count; i++)
        if (!revocation_serial(revocation->serials.at[i], report->findings->arena, &serial))
            report_error(report, yaml_item(list, i),
                         "'%.*s' is no serial number such as 4a2f03 or 4A:2F:03, of at most 20 bytes",
                         BYTES_FMT(revocation->serials.at[i]));
}

const struct kind revocation_kind = {
    .id = KIND_REVOCATION,
    .name = "Revocation",
    .group = "selvage.dev",
    .versions = "v1",
    .security = true,
    .table = &revocation_table,
    .check = check,
    .help = "Certificates that are refused from now on, also where they are known already.",
};
