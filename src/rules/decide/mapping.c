#include "rules/decide/mapping.h"

struct mapping {
    const struct image *rules;
    const struct rules_mapping *rule;
    struct arena *arena;
    struct mapping_result *out;
};

const json_t *claim_at(const struct image *rules, const json_t *claims, struct image_rows path)
{
    const json_t *at = path.count ? claims : NULL;
    IMAGE_FOR(rules, RULES_NAME, struct rules_name, step, path)
    {
        struct bytes name = image_text(rules, step->text);
        at = json_is_object(at) ? json_object_getn(at, name.at, name.len) : NULL;
    }
    return at;
}

static struct bytes json_bytes(const json_t *text)
{
    return bytes_make(json_string_value(text), json_string_length(text));
}

/* A label travels in a header and in lists between commas. */
static bool label_is_clean(struct bytes label)
{
    for (size_t i = 0; i < label.len; i++)
        if ((unsigned char)label.at[i] < 0x20 || label.at[i] == 0x7F)
            return false;
    return label.len > 0;
}

static void group_add(struct mapping *mapping, struct bytes label)
{
    struct mapping_result *out = mapping->out;
    if (!label_is_clean(label))
        return;
    for (size_t i = 0; i < out->count; i++)
        if (bytes_equal(out->groups[i].label, label))
            return;
    if (out->count == MAPPING_GROUPS_MAX) {
        out->cut = true;
        return;
    }
    out->groups[out->count++] =
        (struct mapping_group){label, image_text(mapping->rules, mapping->rule->name)};
}

static void groups_add(struct mapping *mapping)
{
    IMAGE_FOR(mapping->rules, RULES_NAME, struct rules_name, name, mapping->rule->groups)
    group_add(mapping, image_text(mapping->rules, name->text));
}

static bool listed(const struct mapping *mapping, struct bytes value, bool prefixes)
{
    IMAGE_FOR(mapping->rules, RULES_NAME, struct rules_name, name, mapping->rule->list)
    {
        struct bytes want = image_text(mapping->rules, name->text);
        if (bytes_equal(want, value))
            return true;
        if (prefixes && bytes_ends(want, BYTES("*")) &&
            bytes_starts(value, bytes_part(want, 0, want.len - 1)))
            return true;
    }
    return false;
}

static void value_pass(struct mapping *mapping, struct bytes value, struct bytes prefix)
{
    if (!value.len || !listed(mapping, value, true))
        return;
    const struct bytes parts[] = {prefix, value};
    group_add(mapping, arena_join(mapping->arena, parts, 2));
}

static void value_apply(struct mapping *mapping, struct bytes value)
{
    struct bytes text = image_text(mapping->rules, mapping->rule->text);
    bool matches = false;
    switch ((enum rules_mapping_match)mapping->rule->match) {
    case MAPPING_EXACT:
        matches = bytes_equal(value, text);
        break;
    case MAPPING_PREFIX:
        matches = bytes_starts(value, text);
        break;
    case MAPPING_SUFFIX:
        matches = bytes_ends(value, text);
        break;
    case MAPPING_IN:
        matches = listed(mapping, value, false);
        break;
    case MAPPING_PASS:
        value_pass(mapping, value, text);
        break;
    case MAPPING_MATCH_COUNT:
        break;
    }
    if (matches)
        groups_add(mapping);
}

static bool issuer_fits(const struct mapping *mapping, const json_t *claims)
{
    struct bytes issuer = image_text(mapping->rules, mapping->rule->issuer);
    const json_t *is = json_object_get(claims, "iss");
    return !issuer.len || (json_is_string(is) && bytes_equal(json_bytes(is), issuer));
}

static bool is_email(const struct mapping *mapping)
{
    const struct rules_name *step = image_row(mapping->rules, RULES_NAME, mapping->rule->claim, 0);
    return mapping->rule->claim.count == 1 &&
           bytes_equal(image_text(mapping->rules, step->text), BYTES("email"));
}

/*
 * An address speaks for its domain only when it has one, "a@evil.com@good.com" has two,
 * and when the provider does not say that nobody has verified it (OpenID Connect Core
 * 5.1; some write the truth value as a text).
 */
static bool email_fits(const json_t *claims)
{
    const json_t *verified = json_object_get(claims, "email_verified");
    struct bytes email = {0}, said = {0};
    json_member_text(claims, "email", &email);
    size_t at = bytes_find(email, '@');
    bool one = at > 0 && at + 1 < email.len && at == bytes_find_last(email, '@');
    return one && (!verified || json_is_true(verified) ||
                   (json_text(verified, &said) && bytes_equal(said, BYTES("true"))));
}

static void rule_apply(struct mapping *mapping, const json_t *claims)
{
    if (!issuer_fits(mapping, claims) || (is_email(mapping) && !email_fits(claims)))
        return;
    const json_t *claim = claim_at(mapping->rules, claims, mapping->rule->claim);
    if (json_is_string(claim))
        value_apply(mapping, json_bytes(claim));
    if (!json_is_array(claim))
        return;
    for (size_t i = 0; i < json_array_size(claim); i++)
        if (!json_is_string(json_array_get(claim, i)))
            return; /* not a list of texts: never matches, not even in part */
    for (size_t i = 0; i < json_array_size(claim); i++)
        value_apply(mapping, json_bytes(json_array_get(claim, i)));
}

void mapping_apply(const struct image *rules, const json_t *claims, struct arena *arena,
                   struct mapping_result *out)
{
    const struct rules_node *node = image_row(rules, RULES_NODE, image_all(rules, RULES_NODE), 0);
    struct mapping mapping = {rules, NULL, arena, out};
    *out = (struct mapping_result){0};
    if (!claims || !node->mapping.count)
        return;
    out->groups = arena_room(arena, MAPPING_GROUPS_MAX * sizeof *out->groups); /* filled as they are found */
    IMAGE_FOR(rules, RULES_MAPPING, struct rules_mapping, rule, node->mapping)
    {
        mapping.rule = rule;
        rule_apply(&mapping, claims);
    }
}
