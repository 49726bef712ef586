#include "rules/decide/subject.h"

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

static struct subject subject_claim(const struct image *rules, struct image_rows path,
                                    const struct facts *facts)
{
    struct subject subject = {.state = facts->claims_state, .listed = true};
    if (subject.state == FACT_UNKNOWN)
        return subject;
    subject.texts = claim_texts_begin(rules, path, facts);
    subject.state = subject.texts.claim || subject.texts.count ? FACT_KNOWN : FACT_ABSENT;
    return subject;
}

static struct subject subject_named_claim(const char *name, const struct facts *facts)
{
    struct subject subject = {.state = facts->claims_state, .listed = true};
    if (subject.state == FACT_UNKNOWN)
        return subject;
    subject.texts.claim = facts->claims ? json_object_get(facts->claims, name) : NULL;
    subject.state = subject.texts.claim ? FACT_KNOWN : FACT_ABSENT;
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

struct subject subject_of(const struct image *rules, uint32_t attribute, struct image_text key,
                          struct image_rows claim, const struct facts *facts, struct arena *arena)
{
    switch ((enum rules_attribute)attribute) {
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
        return subject_field(image_text(rules, key), facts, arena);
    case ATTRIBUTE_CLAIM:
        return subject_claim(rules, claim, facts);
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
