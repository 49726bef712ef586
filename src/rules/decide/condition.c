#include "rules/decide/condition.h"

#include <string.h>

#include "rules/decide/subject.h"
#include "wire/path_template.h"

static enum truth truth_of(bool is)
{
    return is ? YES : NO;
}

static enum truth truth_not(enum truth truth)
{
    return (enum truth)(YES - truth);
}

/* `*` stands for any run of bytes, also none. Linear but for the restarts at the last star. */
static bool glob_matches(struct bytes glob, struct bytes text)
{
    size_t g = 0, t = 0, star = SIZE_MAX, resume = 0;
    while (t < text.len) {
        if (g < glob.len && glob.at[g] == '*') {
            star = g++;
            resume = t;
        } else if (g < glob.len && glob.at[g] == text.at[t]) {
            g++;
            t++;
        } else if (star != SIZE_MAX) {
            g = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    while (g < glob.len && glob.at[g] == '*')
        g++;
    return g == glob.len;
}

bool network_holds(const struct rules_network *network, const unsigned char address[16])
{
    uint32_t bits = network->bits <= 128 ? network->bits : 128;
    uint32_t whole = bits / 8;
    if (memcmp(network->address, address, whole) != 0)
        return false;
    if (bits % 8 == 0)
        return true;
    unsigned mask = 0xFFu << (8 - bits % 8) & 0xFFu;
    return (network->address[whole] & mask) == (address[whole] & mask);
}

bool networks_hold(const struct image *rules, struct image_rows networks, const unsigned char address[16])
{
    IMAGE_FOR(rules, RULES_NETWORK, struct rules_network, network, networks)
    {
        if (network_holds(network, address))
            return true;
    }
    return false;
}

static bool text_matches(uint32_t match, struct bytes want, struct bytes text, const struct subject *subject)
{
    switch ((enum rules_value_match)match) {
    case VALUE_EXACT:
        return subject->fold ? bytes_equal_nocase(text, want) : bytes_equal(text, want);
    case VALUE_PREFIX:
        return subject->fold ? bytes_starts_nocase(text, want) : bytes_starts(text, want);
    case VALUE_SUFFIX:
        return subject->fold ? bytes_ends_nocase(text, want) : bytes_ends(text, want);
    case VALUE_PRESENT:
        return subject->empty_counts || text.len > 0;
    case VALUE_TEMPLATE:
        return path_template_match(want, text);
    case VALUE_GLOB:
        return glob_matches(want, text);
    case VALUE_NETWORK:
    case VALUE_NUMBER:
    case VALUE_MATCH_COUNT:
        break;
    }
    return false;
}

static bool value_text_matches(const struct image *rules, const struct rules_value *value, struct bytes text,
                               const struct subject *subject)
{
    return text_matches(value->match, image_text(rules, value->text), text, subject);
}

static struct bytes json_bytes(const json_t *text)
{
    return bytes_make(json_string_value(text), json_string_length(text));
}

static bool claim_matches(const struct image *rules, const struct rules_value *value,
                          const struct subject *subject)
{
    struct claim_texts texts = subject->texts;
    struct bytes text;
    while (claim_texts_next(&texts, &text))
        if (value_text_matches(rules, value, text, subject))
            return true;
    return false;
}

static bool value_matches(const struct image *rules, const struct rules_value *value,
                          const struct subject *subject)
{
    if (value->match == VALUE_NETWORK)
        return subject->address && network_holds(&value->network, subject->address);
    if (value->match == VALUE_NUMBER)
        return subject->number == value->number;
    if (subject->listed)
        return claim_matches(rules, value, subject);
    return value_text_matches(rules, value, subject->text, subject);
}

/* ---- values ----------------------------------------------------------- */

/* Istio: spiffe://.+/ns/NS/(.+/)?sa/SA(/.+)? of which text is NS and text2 is SA. */
static bool account_tail(struct bytes rest, struct bytes account)
{
    for (size_t at = 0; at + 3 + account.len <= rest.len; at++) {
        if (at && (at < 2 || rest.at[at - 1] != '/'))
            continue;
        struct bytes tail = bytes_part(rest, at, rest.len);
        if (!bytes_starts(tail, BYTES("sa/")) || !bytes_starts(bytes_part(tail, 3, tail.len), account))
            continue;
        tail = bytes_part(tail, 3 + account.len, tail.len);
        if (!tail.len || (tail.at[0] == '/' && tail.len > 1))
            return true;
    }
    return false;
}

static bool account_matches(const struct image *rules, const struct rules_value *value,
                            struct bytes principal)
{
    struct bytes name_space = image_text(rules, value->text), account = image_text(rules, value->text2);
    for (size_t at = 1; at + 5 + name_space.len <= principal.len; at++) {
        struct bytes rest = bytes_part(principal, at, principal.len);
        if (!bytes_starts(rest, BYTES("/ns/")))
            continue;
        rest = bytes_part(rest, 4, rest.len);
        if (!bytes_starts(rest, name_space) || rest.len <= name_space.len || rest.at[name_space.len] != '/')
            continue;
        if (account_tail(bytes_part(rest, name_space.len + 1, rest.len), account))
            return true;
    }
    return false;
}

static bool request_principal_matches(const struct image *rules, const struct rules_value *value,
                                      const struct facts *facts)
{
    static const struct subject plain = {.state = FACT_KNOWN};
    const json_t *issuer = json_object_get(facts->claims, "iss"),
                 *subject = json_object_get(facts->claims, "sub");
    return json_is_string(issuer) && json_is_string(subject) &&
           text_matches(value->match, image_text(rules, value->text), json_bytes(issuer), &plain) &&
           text_matches(value->match2, image_text(rules, value->text2), json_bytes(subject), &plain);
}

static bool any_value(const struct image *rules, uint32_t attribute, struct image_rows values,
                      const struct subject *subject, const struct facts *facts)
{
    IMAGE_FOR(rules, RULES_VALUE, struct rules_value, value, values)
    {
        if (attribute == ATTRIBUTE_ACCOUNT) {
            if (account_matches(rules, value, subject->text))
                return true;
        } else if (attribute == ATTRIBUTE_REQUEST_PRINCIPAL) {
            if (request_principal_matches(rules, value, facts))
                return true;
        } else if (value_matches(rules, value, subject)) {
            return true;
        }
    }
    return false;
}

enum truth condition_holds(const struct image *rules, const struct rules_condition *condition,
                           const struct facts *facts, struct arena *arena)
{
    struct subject subject =
        subject_of(rules, condition->attribute, condition->key, condition->claim, facts, arena);
    if (subject.state == FACT_UNKNOWN)
        return condition->values.count || condition->not_values.count ? MAYBE : YES;
    bool there = subject.state == FACT_KNOWN;
    uint32_t attribute = condition->attribute;
    if (condition->values.count &&
        !(there && any_value(rules, attribute, condition->values, &subject, facts)))
        return NO;
    if (!condition->not_values.count)
        return YES;
    return truth_not(truth_of(there && any_value(rules, attribute, condition->not_values, &subject, facts)));
}
