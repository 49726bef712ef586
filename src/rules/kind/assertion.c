#include "rules/kind/assertion.h"

#define MINUTE_MS (60 * (int64_t)1000)
#define DAY_MS (24 * 60 * MINUTE_MS)

static const struct field assertion_fields[] = {
    {"selector", FIELD_GROUP, 0, offsetof(struct assertion, selector), &selector_table,
     .help = "the nodes that sign; all of the namespace when absent"},
    {"issuer", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, offsetof(struct assertion, issuer), .max = 2048,
     .help = "the issuer named in the assertion, a URL"},
    {"audiences", FIELD_TEXT, FIELD_LIST | FIELD_FILLED, offsetof(struct assertion, audiences), .max = 1024,
     .count_max = 32, .help = "for whom it is"},
    {"header", FIELD_TEXT, FIELD_FILLED, offsetof(struct assertion, header), .max = 128,
     .preset = "x-selvage-assertion", .help = "the header that carries it"},
    {"lifetime", FIELD_DURATION, 0, offsetof(struct assertion, lifetime_ms), .min = 1000,
     .max = 10 * MINUTE_MS, .preset = "60s", .help = "how long it holds"},
    {"keySetPath", FIELD_TEXT, FIELD_FILLED, offsetof(struct assertion, key_set_path), .max = 1024,
     .preset = "/.well-known/selvage/jwks.json", .help = "where the public keys can be fetched"},
    {"rotateEvery", FIELD_DURATION, 0, offsetof(struct assertion, rotate_every_ms), .min = 10 * 1000,
     .max = 30 * DAY_MS, .preset = "24h", .help = "how often there is a new key"},
    {"publishAhead", FIELD_DURATION, 0, offsetof(struct assertion, publish_ahead_ms), .max = 7 * DAY_MS,
     .preset = "31m", .help = "how long a key is published before it signs"},
    /* 60 s of skew, 20 min until istiod refreshes, 10 min until Envoy does */
    {"keepPublished", FIELD_DURATION, 0, offsetof(struct assertion, keep_published_ms), .max = 7 * DAY_MS,
     .preset = "31m", .help = "how long a key is published after its last assertion has ended"},
    {"subjectPrefix", FIELD_TEXT, FIELD_MAP, offsetof(struct assertion, subject_prefix), .max = 256,
     .count_max = 256, .help = "what stands for an issuer in front of its subjects; the issuer when absent"},
    {"claims", FIELD_TEXT, FIELD_LIST | FIELD_FILLED, offsetof(struct assertion, claims), .max = 256,
     .count_max = 64, .help = "claims copied from the user's token"},
    {"resign", FIELD_BOOL, 0, offsetof(struct assertion, resign),
     .help = "verify the assertion that comes and sign a new one that names its signer in act"},
};
static FIELD_TABLE(assertion, struct assertion);

/* What the signer itself decides cannot be copied from somebody else's token. */
static const char *const own_claims[] = {"iss", "sub", "aud", "exp", "nbf",
                                         "iat", "jti", "act", "cnf", "groups"};

static void check_claims(const struct assertion *assertion, struct report *report)
{
    const struct yaml_node *list = yaml_get(assertion->group.node, "claims");
    for (size_t i = 0; i < assertion->claims.count; i++) {
        for (size_t k = 0; k < sizeof(own_claims) / sizeof(own_claims[0]); k++) {
            if (bytes_equal(assertion->claims.at[i], bytes_of(own_claims[k])))
                report_error(report, yaml_item(list, i), "%s is set by the signer and cannot be copied",
                             own_claims[k]);
        }
    }
}

static void check_prefixes(const struct assertion *assertion, struct report *report)
{
    const struct text_map *prefix = &assertion->subject_prefix;
    const struct yaml_node *map = yaml_get(assertion->group.node, "subjectPrefix");
    for (size_t i = 0; i < prefix->count; i++) {
        if (prefix->at[i].len == 0)
            report_error(report, yaml_item(map, i),
                         "must not be empty: subjects of two issuers could collide");
        for (size_t k = 0; k < i; k++) {
            if (bytes_equal(prefix->at[i], prefix->at[k]))
                report_error(report, yaml_item(map, i), "'%.*s' stands for another issuer too",
                             BYTES_FMT(prefix->at[i]));
        }
    }
}

/* Verifiers read key sets of a hundred keys at most, and several nodes may share one. */
static void check_count(const struct assertion *assertion, struct report *report)
{
    enum { AT_ONCE_MAX = 48 };
    int64_t published = assertion->publish_ahead_ms + assertion->lifetime_ms + assertion->keep_published_ms;
    int64_t count = published / (assertion->rotate_every_ms ? assertion->rotate_every_ms : 1) + 2;
    if (count > AT_ONCE_MAX)
        report_error(report, group_node(&assertion->group, "rotateEvery"),
                     "%lld keys would be published at once, of which %d are possible: make it longer, or "
                     "publishAhead and keepPublished shorter",
                     (long long)count, AT_ONCE_MAX);
}

static void check(struct resource *resource, struct report *report)
{
    const struct assertion *assertion = resource->spec;
    check_selector(report, assertion->selector);
    if (!bytes_starts(assertion->issuer, BYTES("https://")) &&
        !bytes_starts(assertion->issuer, BYTES("http://")))
        report_error(report, group_node(&assertion->group, "issuer"), "'%.*s' is no http or https URL",
                     BYTES_FMT(assertion->issuer));
    check_header_made(report, group_node(&assertion->group, "header"), assertion->header);
    if (assertion->key_set_path.at[0] != '/')
        report_error(report, group_node(&assertion->group, "keySetPath"), "a path begins with /");
    check_count(assertion, report);
    check_claims(assertion, report);
    check_prefixes(assertion, report);
}

const struct kind assertion_kind = {
    .id = KIND_ASSERTION,
    .name = "Assertion",
    .group = "selvage.dev",
    .versions = "v1",
    .security = true,
    .table = &assertion_table,
    .check = check,
    .help = "The short-lived token with which the edge vouches for a user.",
};
