#include "rules/decide/condition.h"

#include <string.h>

#include "rules/decide/claim_texts.h"
#include "wire/path_template.h"

/* What a condition compares: one text, or a list of which any may match. */
struct subject {
    enum fact_state state;
    struct bytes text;
    const unsigned char *address; /* 16 bytes */
    uint32_t number;
    const json_t *claim;        /* text or list of texts */
    const struct bytes *groups; /* instead of a claim */
    size_t group_count;
    bool words;        /* the claim is a text of words between spaces */
    bool empty_counts; /* "*" is also true of an empty text */
    bool fold;
};

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

static bool word_matches(const struct image *rules, const struct rules_value *value, struct bytes words,
                         const struct subject *subject)
{
    struct bytes word;
    bool more = true;
    while (more) {
        more = bytes_cut(&words, ' ', &word);
        if (word.len && value_text_matches(rules, value, word, subject))
            return true;
    }
    return false;
}

static bool claim_text_matches(const struct image *rules, const struct rules_value *value,
                               const json_t *claim, const struct subject *subject)
{
    if (!json_is_string(claim))
        return false;
    if (subject->words)
        return word_matches(rules, value, json_bytes(claim), subject);
    return value_text_matches(rules, value, json_bytes(claim), subject);
}

static bool claim_matches(const struct image *rules, const struct rules_value *value,
                          const struct subject *subject)
{
    for (size_t i = 0; i < subject->group_count; i++)
        if (value_text_matches(rules, value, subject->groups[i], subject))
            return true;
    if (!json_is_array(subject->claim))
        return claim_text_matches(rules, value, subject->claim, subject);
    for (size_t i = 0; i < json_array_size(subject->claim); i++) {
        const json_t *item = json_array_get(subject->claim, i);
        if (json_is_string(item) && value_text_matches(rules, value, json_bytes(item), subject))
            return true;
    }
    return false;
}

static bool value_matches(const struct image *rules, const struct rules_value *value,
                          const struct subject *subject)
{
    if (value->match == VALUE_NETWORK)
        return subject->address && network_holds(&value->network, subject->address);
    if (value->match == VALUE_NUMBER)
        return subject->number == value->number;
    if (subject->claim || subject->groups)
        return claim_matches(rules, value, subject);
    return value_text_matches(rules, value, subject->text, subject);
}

/* ---- subjects --------------------------------------------------------- */

static struct subject subject_text(struct fact fact)
{
    return (struct subject){.state = fact.state, .text = fact.text};
}

static struct subject subject_address(const struct fact_address *address)
{
    return (struct subject){.state = address->state, .address = address->bytes};
}

static struct subject subject_field(struct bytes name, const struct facts *facts, struct arena *arena)
{
    struct subject subject = {.state = facts->fields_state, .empty_counts = true};
    if (!facts->http)
        return (struct subject){.state = FACT_ABSENT};
    /* What HTTP/2 calls :authority never is among the fields. */
    if (bytes_equal(name, BYTES("host")) || bytes_equal(name, BYTES(":authority")))
        return (struct subject){.state = facts->host.state, .text = facts->host.text, .empty_counts = true};
    if (bytes_equal(name, BYTES(":method")))
        return (struct subject){
            .state = facts->method.state, .text = facts->method.text, .empty_counts = true};
    if (name.len && name.at[0] == ':') /* with its query, which is not among the facts */
        return (struct subject){.state = FACT_UNKNOWN};
    if (subject.state == FACT_KNOWN &&
        (!facts->fields || !http_fields_join(facts->fields, name, arena, &subject.text)))
        subject.state = FACT_ABSENT;
    return subject;
}

static const json_t *member(const json_t *object, struct bytes name)
{
    return json_is_object(object) ? json_object_getn(object, name.at, name.len) : NULL;
}

static struct subject subject_claim(const struct image *rules, struct image_rows path,
                                    const struct facts *facts)
{
    struct subject subject = {.state = facts->claims_state};
    const json_t *at = facts->claims;
    struct bytes name = {0};
    if (subject.state == FACT_UNKNOWN)
        return subject;
    IMAGE_FOR(rules, RULES_NAME, struct rules_name, step, path)
    {
        name = image_text(rules, step->text);
        at = at ? member(at, name) : NULL;
    }
    if (path.count == 1 && facts->mapped_claim.len && bytes_equal(name, facts->mapped_claim)) {
        subject.groups = facts->groups;
        subject.group_count = facts->group_count;
        subject.state = facts->group_count ? FACT_KNOWN : FACT_ABSENT;
        return subject;
    }
    subject.words = path.count == 1 && claim_is_spaced(facts, name);
    subject.claim = at;
    subject.state = at && path.count ? FACT_KNOWN : FACT_ABSENT;
    return subject;
}

static struct subject subject_named_claim(const char *name, const struct facts *facts)
{
    struct subject subject = {.state = facts->claims_state};
    if (subject.state == FACT_UNKNOWN)
        return subject;
    subject.claim = facts->claims ? json_object_get(facts->claims, name) : NULL;
    subject.state = subject.claim ? FACT_KNOWN : FACT_ABSENT;
    return subject;
}

static struct subject subject_path(const struct facts *facts)
{
    struct subject subject = subject_text(facts->path);
    for (size_t i = 0; i < subject.text.len; i++)
        if (subject.text.at[i] == '?' || subject.text.at[i] == '#')
            subject.text.len = i;
    return subject;
}

static struct subject subject_host(const struct facts *facts)
{
    struct subject subject = subject_text(facts->host);
    subject.fold = true;
    return subject;
}

static struct subject subject_trust_domain(const struct facts *facts)
{
    struct subject subject = subject_text(facts->principal);
    subject.text = bytes_part(subject.text, 0, bytes_find(subject.text, '/'));
    return subject;
}

static struct subject subject_of(const struct image *rules, const struct rules_condition *condition,
                                 const struct facts *facts, struct arena *arena)
{
    switch ((enum rules_attribute)condition->attribute) {
    case ATTRIBUTE_PRINCIPAL:
    case ATTRIBUTE_NAMESPACE:
    case ATTRIBUTE_ACCOUNT:
        return subject_text(facts->principal);
    case ATTRIBUTE_TRUST_DOMAIN:
        return subject_trust_domain(facts);
    case ATTRIBUTE_PEER_IP:
        return subject_address(&facts->peer);
    case ATTRIBUTE_REMOTE_IP:
        return subject_address(&facts->remote);
    case ATTRIBUTE_DESTINATION_IP:
        return subject_address(&facts->local);
    case ATTRIBUTE_DESTINATION_PORT:
        return (struct subject){.state = facts->port_state, .number = facts->port};
    case ATTRIBUTE_HOST:
        return subject_host(facts);
    case ATTRIBUTE_METHOD:
        return subject_text(facts->method);
    case ATTRIBUTE_PATH:
        return subject_path(facts);
    case ATTRIBUTE_FIELD:
        return subject_field(image_text(rules, condition->key), facts, arena);
    case ATTRIBUTE_CLAIM:
        return subject_claim(rules, condition->claim, facts);
    case ATTRIBUTE_AUDIENCE:
        return subject_named_claim("aud", facts);
    case ATTRIBUTE_PRESENTER:
        return subject_named_claim("azp", facts);
    case ATTRIBUTE_SNI:
        return subject_text(facts->sni);
    case ATTRIBUTE_REQUEST_PRINCIPAL:
        return (struct subject){.state = facts->claims ? FACT_KNOWN : facts->claims_state};
    case ATTRIBUTE_NEVER:
        return (struct subject){.state = FACT_ABSENT};
    case ATTRIBUTE_COUNT:
        break;
    }
    return (struct subject){.state = FACT_UNKNOWN};
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
    struct subject subject = subject_of(rules, condition, facts, arena);
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
