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
    {"issuer", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, offsetof(struct jwt_rule, issuer),
     .help = "who signs the tokens"},
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
    {"targetRef", FIELD_GROUP, FIELD_NOT_YET, .group = &target_ref_table, .oneof = 1,
     .help = "a gateway meant"},
    {"targetRefs", FIELD_GROUP, FIELD_LIST | FIELD_NOT_YET, .group = &target_ref_table, .count_max = 16,
     .oneof = 1, .help = "gateways meant"},
    {"jwtRules", FIELD_GROUP, FIELD_LIST, offsetof(struct request_authentication, jwt_rules), &jwt_rule_table,
     .count_max = 4096, .help = "issuers that are believed"},
};
static FIELD_TABLE(request_authentication, struct request_authentication);

static void check_keys(const struct jwt_rule *rule, struct report *report)
{
    struct bytes uri = rule->jwks_uri;
    if (uri.len > 0 && !bytes_starts(uri, BYTES("https://")) && !bytes_starts(uri, BYTES("http://")))
        report_error(report, group_node(&rule->group, "jwksUri"), "'%.*s' is no http or https URL",
                     BYTES_FMT(uri));
    if (rule->jwks.len == 0)
        return;
    struct fail why;
    json_t *set = json_read(rule->jwks, 1 << 20, &why);
    if (!set || !json_is_array(json_object_get(set, "keys")))
        report_error(report, group_node(&rule->group, "jwks"),
                     "is no key set: a JSON object with a list keys");
    json_decref(set);
}

static void check_rule(const struct jwt_rule *rule, struct report *report)
{
    check_keys(rule, report);
    if (rule->output_payload_to_header.len > 0)
        check_header_made(report, group_node(&rule->group, "outputPayloadToHeader"),
                          rule->output_payload_to_header);
    for (size_t i = 0; i < rule->from_headers.count; i++) {
        const struct jwt_header *from = &rule->from_headers.at[i];
        check_header_name(report, group_node(&from->group, "name"), from->name);
    }
    for (size_t i = 0; i < rule->output_claim_to_headers.count; i++) {
        const struct claim_to_header *to = &rule->output_claim_to_headers.at[i];
        check_header_made(report, group_node(&to->group, "header"), to->header);
    }
}

static void check(struct resource *resource, struct report *report)
{
    const struct request_authentication *request = resource->spec;
    struct bytes dry_run;
    check_selector(report, request->selector);
    if (text_map_get(&resource->annotations, "istio.io/dry-run", &dry_run))
        report_error(report, resource->node,
                     "the annotation istio.io/dry-run belongs to an AuthorizationPolicy");
    for (size_t i = 0; i < request->jwt_rules.count; i++)
        check_rule(&request->jwt_rules.at[i], report);
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
