#include "rules/kind/request_authentication.h"

#include "wire/json.h"

static const char *const presence_choices[] = {"OPTIONAL", "REQUIRED", NULL};

static const struct field jwt_header_fields[] = {
    {"name", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, offsetof(struct jwt_header, name),
     .help = "the header"},
    {"prefix", FIELD_TEXT, 0, offsetof(struct jwt_header, prefix), .help = "what stands before the token"},
};
static FIELD_TABLE(jwt_header, struct jwt_header);

static const struct field claim_to_header_fields[] = {
    {"header", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, offsetof(struct claim_to_header, header),
     .help = "the header to set"},
    {"claim", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, offsetof(struct claim_to_header, claim),
     .help = "the claim, a.b for one inside another"},
};
static FIELD_TABLE(claim_to_header, struct claim_to_header);

static const struct field jwt_rule_fields[] = {
    {"issuer", FIELD_TEXT, 0, offsetof(struct jwt_rule, issuer), .help = "who signs the tokens"},
    {"audiences", FIELD_TEXT, FIELD_LIST | FIELD_FILLED, offsetof(struct jwt_rule, audiences),
     .help = "audiences of which a token must name one"},
    {"jwksUri", FIELD_TEXT, FIELD_FILLED, offsetof(struct jwt_rule, jwks_uri), .max = 2048, .oneof = 1,
     .help = "where the issuer's keys are; found by discovery when absent"},
    {"jwks_uri", FIELD_TEXT, FIELD_FILLED, offsetof(struct jwt_rule, jwks_uri), .max = 2048, .oneof = 1,
     .help = "the same as jwksUri"},
    {"jwks", FIELD_TEXT, 0, offsetof(struct jwt_rule, jwks), .max = 1 << 20, .oneof = 1,
     .help = "the keys themselves"},
    {"fromHeaders", FIELD_GROUP, FIELD_LIST, offsetof(struct jwt_rule, from_headers), &jwt_header_table,
     .help = "headers with the token, instead of Authorization"},
    {"fromParams", FIELD_TEXT, FIELD_LIST | FIELD_FILLED, offsetof(struct jwt_rule, from_params),
     .help = "query parameters with the token"},
    {"fromCookies", FIELD_TEXT, FIELD_LIST | FIELD_FILLED, offsetof(struct jwt_rule, from_cookies),
     .help = "cookies with the token"},
    {"outputPayloadToHeader", FIELD_TEXT, 0, offsetof(struct jwt_rule, output_payload_to_header),
     .help = "header that gets the verified payload in base64url"},
    {"forwardOriginalToken", FIELD_BOOL, 0, offsetof(struct jwt_rule, forward_original_token),
     .help = "leave the token in the request"},
    {"outputClaimToHeaders", FIELD_GROUP, FIELD_LIST, offsetof(struct jwt_rule, output_claim_to_headers),
     &claim_to_header_table, .help = "headers that get claims"},
    {"timeout", FIELD_DURATION, 0, offsetof(struct jwt_rule, timeout_ms), .min = 1, .preset = "5s",
     .help = "longest time to fetch keys"},
    {"spaceDelimitedClaims", FIELD_TEXT, FIELD_LIST | FIELD_FILLED,
     offsetof(struct jwt_rule, space_delimited_claims), .count_max = 64,
     .help = "claims that are lists in one text"},
    {"presence", FIELD_CHOICE, FIELD_NOT_YET, .choices = presence_choices,
     .help = "whether a token must be there"},
};
static FIELD_TABLE(jwt_rule, struct jwt_rule);

static const struct field request_authentication_fields[] = {
    {"selector", FIELD_GROUP, 0, offsetof(struct request_authentication, selector), &selector_table,
     .oneof = 1, .help = "the workloads meant; all of the namespace when absent"},
    {"targetRef", FIELD_GROUP, 0, offsetof(struct request_authentication, target_ref), &target_ref_table,
     .oneof = 1, .help = "a gateway meant"},
    {"targetRefs", FIELD_GROUP, FIELD_LIST, offsetof(struct request_authentication, target_refs),
     &target_ref_table, .count_max = 16, .oneof = 1, .help = "gateways meant"},
    {"jwtRules", FIELD_GROUP, FIELD_LIST, offsetof(struct request_authentication, jwt_rules), &jwt_rule_table,
     .count_max = 4096, .help = "issuers that are believed"},
};
static FIELD_TABLE(request_authentication, struct request_authentication);

/* The host may be followed by :PORT, and nothing in an address is a control character. */
static bool is_url(struct bytes url)
{
    struct bytes scheme = bytes_starts_nocase(url, BYTES("https://")) ? BYTES("https://") : BYTES("http://");
    struct bytes rest = bytes_part(url, scheme.len, url.len), host;
    uint64_t port;
    if (!bytes_starts_nocase(url, scheme))
        return false;
    for (size_t i = 0; i < url.len; i++)
        if ((unsigned char)url.at[i] < ' ' || url.at[i] == 0x7F)
            return false;
    bytes_cut(&rest, '/', &host);
    if (bytes_find(host, ' ') < host.len)
        return false;
    size_t colon = bytes_find_last(host, ':');
    return colon >= host.len - 1 || host.at[host.len - 1] == ']' ||
           bytes_to_u64(bytes_part(host, colon + 1, host.len), UINT64_MAX, &port);
}

/* What RFC 7518 6 demands of a key of its kind. */
static bool is_key(const json_t *key)
{
    static const struct {
        const char *kind;
        const char *members[3];
    } kinds_of_keys[] = {
        {"RSA", {"n", "e", NULL}},
        {"EC", {"crv", "x", "y"}},
        {"OKP", {"crv", "x", NULL}},
        {"oct", {"k", NULL, NULL}},
    };
    const char *kind = json_string_value(json_object_get(key, "kty"));
    for (size_t i = 0; kind && i < sizeof kinds_of_keys / sizeof kinds_of_keys[0]; i++) {
        bool whole = strcmp(kind, kinds_of_keys[i].kind) == 0;
        for (size_t k = 0; k < 3 && kinds_of_keys[i].members[k]; k++)
            whole = whole && json_string_value(json_object_get(key, kinds_of_keys[i].members[k]));
        if (whole)
            return true;
    }
    return false;
}

static void check_key_set(const struct jwt_rule *rule, struct report *report)
{
    struct fail why;
    const struct yaml_node *node = group_node(&rule->group, "jwks");
    json_t *set = json_read(rule->jwks, 1 << 20, &why);
    const json_t *keys = json_object_get(set, "keys"), *key;
    size_t i;
    if (!json_is_array(keys) && is_key(set))
        report_own_rule(report, node, "is a single key; a JSON object with a list keys belongs here");
    else if (!json_is_array(keys))
        report_error(report, node, "is no key set: a JSON object with a list keys");
    json_array_foreach(keys, i, key)
    {
        if (!is_key(key))
            report_error(report, node, "key %zu has no kty RSA, EC, OKP or oct with all its members", i + 1);
    }
    json_decref(set);
}

static void check_keys(const struct jwt_rule *rule, struct report *report)
{
    if (rule->jwks_uri.len > 0 && !is_url(rule->jwks_uri))
        report_error(report, group_node(&rule->group, "jwksUri"), "'%.*s' is no http or https URL",
                     BYTES_FMT(rule->jwks_uri));
    if (rule->jwks.len > 0)
        check_key_set(rule, report);
    /* Istio would take the tokens of any issuer whose keys these are. */
    if (rule->issuer.len == 0 && rule->jwks_uri.len > 0)
        report_own_rule(report, group_node(&rule->group, "issuer"), "issuer is missing");
    else if (rule->issuer.len == 0)
        report_error(report, group_node(&rule->group, "issuer"), "issuer is missing");
}

static bool is_plain_header(struct bytes name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!ascii_is_alpha(name.at[i]) && !ascii_is_digit(name.at[i]) && name.at[i] != '-' &&
            name.at[i] != '_')
            return false;
    return true;
}

static void check_headers(const struct jwt_rule *rule, struct report *report)
{
    if (rule->output_payload_to_header.len > 0)
        check_header_made(report, group_node(&rule->group, "outputPayloadToHeader"),
                          rule->output_payload_to_header);
    for (size_t i = 0; i < rule->from_headers.count; i++) {
        const struct jwt_header *from = &rule->from_headers.at[i];
        if (!header_is_name(from->name))
            report_own_rule(report, group_node(&from->group, "name"), "'%.*s' is no name of a header",
                            BYTES_FMT(from->name));
    }
    for (size_t i = 0; i < rule->output_claim_to_headers.count; i++) {
        const struct claim_to_header *to = &rule->output_claim_to_headers.at[i];
        const struct yaml_node *node = group_node(&to->group, "header");
        if (!is_plain_header(to->header))
            report_error(report, node, "'%.*s' is no name of a header", BYTES_FMT(to->header));
        else
            check_header_made(report, node, to->header);
    }
}

static void check(struct resource *resource, struct report *report)
{
    const struct request_authentication *request = resource->spec;
    check_attachment(report, request->selector, request->target_ref, &request->target_refs);
    check_only_gateways(report, request->target_ref, &request->target_refs);
    for (size_t i = 0; i < request->jwt_rules.count; i++) {
        check_keys(&request->jwt_rules.at[i], report);
        check_headers(&request->jwt_rules.at[i], report);
    }
}

const struct kind request_authentication_kind = {
    .id = KIND_REQUEST_AUTHENTICATION,
    .name = "RequestAuthentication",
    .group = "security.istio.io",
    .versions = "v1 v1beta1",
    .security = true,
    .table = &request_authentication_table,
    .check = check,
    .help = "Whose tokens are believed, where they stand and what becomes of them.",
};
