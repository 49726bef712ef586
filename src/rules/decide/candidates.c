#include "rules/decide/candidates.h"

#include "rules/decide/facet.h"
#include "rules/decide/subject.h"

/* One facet being looked up. */
struct lookup {
    const struct image *rules;
    const struct rules_facet *facet;
    struct candidates *out;
    bool full; /* more was found than there is room for */
};

static void run_add(struct lookup *lookup, struct image_rows rows)
{
    struct candidates *out = lookup->out;
    if (!rows.count)
        return;
    if (out->count == CANDIDATE_RUNS_MAX) {
        lookup->full = true;
        return;
    }
    const struct rules_candidate *first = image_row(lookup->rules, RULES_CANDIDATE, rows, 0);
    out->runs[out->count++] = (struct candidate_run){first, first + rows.count};
}

static void hash_find(struct lookup *lookup, uint64_t hash)
{
    struct image_rows slots = lookup->facet->slots;
    uint32_t place = facet_place(hash, slots.count);
    for (uint32_t tries = 0; tries < slots.count; tries++) {
        const struct rules_slot *slot = image_row(lookup->rules, RULES_SLOT, slots, place);
        if (!slot->candidates.count)
            return;
        if (slot->hash == hash)
            run_add(lookup, slot->candidates);
        place = place + 1 < slots.count ? place + 1 : 0;
    }
}

/* ---- what a request has ----------------------------------------------- */

static uint64_t length_at(const struct lookup *lookup, struct image_rows lengths, uint32_t i)
{
    if (i >= lengths.count)
        return UINT64_MAX;
    return ((const struct rules_number *)image_row(lookup->rules, RULES_NUMBER, lengths, i))->number;
}

/* From the front for beginnings and the whole, from the back for ends; no further than somebody asks. */
static void text_walk(struct lookup *lookup, struct bytes text, enum facet_match match,
                      struct image_rows lengths)
{
    bool fold = facet_folds(lookup->facet->attribute), back = match == FACET_SUFFIX;
    bool whole = !back && text.len <= lookup->facet->exact_max;
    uint64_t hash = FACET_START, stop = length_at(lookup, lengths, 0);
    uint32_t at = 0;
    for (size_t i = 0; whole || stop != UINT64_MAX; i++) {
        if (i == stop) {
            hash_find(lookup, facet_end(hash, match));
            stop = length_at(lookup, lengths, ++at);
        }
        if (i == text.len)
            break;
        char byte = text.at[back ? text.len - 1 - i : i];
        hash = facet_step(hash, fold ? ascii_lower(byte) : byte);
    }
    if (whole)
        hash_find(lookup, facet_end(hash, FACET_EXACT));
}

static void text_find(struct lookup *lookup, struct bytes text)
{
    text_walk(lookup, text, FACET_PREFIX, lookup->facet->prefixes);
    if (lookup->facet->suffixes.count)
        text_walk(lookup, text, FACET_SUFFIX, lookup->facet->suffixes);
}

static void address_find(struct lookup *lookup, const unsigned char address[16])
{
    struct image_rows networks = lookup->facet->networks;
    for (uint32_t i = 0; i < networks.count; i++)
        hash_find(lookup, facet_hash_network(address, (uint32_t)length_at(lookup, networks, i)));
}

static void claim_find(struct lookup *lookup, const struct subject *subject)
{
    struct claim_texts texts = subject->texts;
    struct bytes text;
    while (claim_texts_next(&texts, &text))
        text_find(lookup, text);
}

/* Each segment of a principal that stands behind `name`. */
static void segments_find(struct lookup *lookup, struct bytes principal, struct bytes name)
{
    for (size_t at = 0; at < principal.len; at++) {
        struct bytes rest = bytes_part(principal, at, principal.len);
        if (rest.at[0] != '/' || !bytes_starts(rest, name))
            continue;
        rest = bytes_part(rest, name.len, rest.len);
        text_find(lookup, bytes_part(rest, 0, bytes_find(rest, '/')));
    }
}

static void member_find(struct lookup *lookup, const json_t *claims, const char *name)
{
    struct bytes text;
    if (json_member_text(claims, name, &text))
        text_find(lookup, text);
}

static void subject_find(struct lookup *lookup, const struct subject *subject, const struct facts *facts)
{
    switch ((enum rules_facet_part)lookup->facet->part) {
    case FACET_ISSUER:
        member_find(lookup, facts->claims, "iss");
        return;
    case FACET_SUBJECT:
        member_find(lookup, facts->claims, "sub");
        return;
    case FACET_NAMESPACE:
        segments_find(lookup, subject->text, BYTES("/ns/"));
        return;
    case FACET_ACCOUNT:
        segments_find(lookup, subject->text, BYTES("/sa/"));
        return;
    case FACET_WHOLE:
    case FACET_PART_COUNT:
        break;
    }
    if (subject->address)
        address_find(lookup, subject->address);
    else if (lookup->facet->attribute == ATTRIBUTE_DESTINATION_PORT)
        hash_find(lookup, facet_hash_number(subject->number));
    else if (subject->listed)
        claim_find(lookup, subject);
    else
        text_find(lookup, subject->text);
}

bool candidates_find(const struct image *rules, const struct rules_index *index, const struct facts *facts,
                     struct arena *arena, struct candidates *out)
{
    struct lookup lookup = {.rules = rules, .out = out};
    out->rules = rules;
    out->count = 0;
    run_add(&lookup, index->always);
    IMAGE_FOR(rules, RULES_FACET, struct rules_facet, facet, index->facets)
    {
        struct subject subject = subject_of(rules, facet->attribute, facet->key, facet->claim, facts, arena);
        if (subject.state == FACT_UNKNOWN)
            return false;
        lookup.facet = facet;
        if (subject.state == FACT_KNOWN)
            subject_find(&lookup, &subject, facts);
    }
    return !lookup.full;
}

/* A rule may be in several runs: it comes once. */
const struct rules_candidate *candidates_next(struct candidates *candidates)
{
    if (!candidates->count)
        return NULL;
    const struct rules_candidate *next = candidates->runs[0].next;
    for (uint32_t i = 1; i < candidates->count; i++)
        if (candidates->runs[i].next->order < next->order)
            next = candidates->runs[i].next;
    for (uint32_t i = 0; i < candidates->count;) {
        struct candidate_run *run = &candidates->runs[i];
        if (run->next->order == next->order && ++run->next == run->end)
            *run = candidates->runs[--candidates->count];
        else
            i++;
    }
    return next;
}
