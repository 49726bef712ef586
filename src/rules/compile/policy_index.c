#include "rules/compile/policy_index.h"

#include <stdlib.h>
#include <string.h>

#include "rules/decide/facet.h"

/*
 * Each rule is filed under the one facet by which it is found least often: that of
 * which the most common of its values is shared with the fewest other rules. A facet
 * can serve a rule when the rule cannot match without one of certain values there:
 * when `when` asks for it, or every group of `from`, or every group of `to`.
 */

enum {
    RULES_MIN = 5,    /* fewer are walked as fast */
    FACETS_SEEN = 64, /* of which rules are looked at */
    FACETS_MAX = 8,   /* each costs every request a look-up */
};

/* A value of a facet, as a rule asks for it. */
struct key {
    uint32_t facet;
    uint32_t length; /* in bytes, for a network in bits */
    uint64_t hash;
    enum facet_match match;
};

/* A rule of the list. */
struct entry {
    struct rules_candidate candidate;
    const struct key *keys; /* by facet; those of one stand together */
    uint32_t key_count;
    uint32_t facet; /* under which it is filed, or FACETS_SEEN */
};

/* Who asks for one value; while the rules are counted, only how many. */
struct bucket {
    uint64_t hash;
    uint32_t length;
    enum facet_match match;
    uint32_t asked;
    struct rows candidates;
};

struct index_draft {
    struct work *work;
    struct entry *entries;
    uint32_t entry_count;
    struct rules_facet facets[FACETS_SEEN];
    uint32_t facet_count;
    uint32_t filed[FACETS_SEEN];
    struct map buckets; /* facet and hash -> struct bucket */
};

/* ---- facets ----------------------------------------------------------- */

static struct bytes text_at(const struct index_draft *draft, struct image_text text)
{
    return image_build_text_at(&draft->work->rules, text);
}

static const void *row_at(const struct index_draft *draft, uint32_t table, uint32_t at)
{
    return image_build_row(&draft->work->rules, table, at);
}

static bool names_equal(const struct index_draft *draft, struct image_rows a, struct image_rows b)
{
    if (a.count != b.count)
        return false;
    for (uint32_t i = 0; i < a.count; i++) {
        const struct rules_name *x = row_at(draft, RULES_NAME, a.at + i),
                                *y = row_at(draft, RULES_NAME, b.at + i);
        if (!bytes_equal(text_at(draft, x->text), text_at(draft, y->text)))
            return false;
    }
    return true;
}

/* FACETS_SEEN: there are too many. */
static uint32_t facet_of(struct index_draft *draft, const struct rules_condition *condition,
                         enum rules_facet_part part)
{
    for (uint32_t i = 0; i < draft->facet_count; i++) {
        const struct rules_facet *facet = &draft->facets[i];
        if (facet->attribute == condition->attribute && facet->part == part &&
            bytes_equal(text_at(draft, facet->key), text_at(draft, condition->key)) &&
            names_equal(draft, facet->claim, condition->claim))
            return i;
    }
    if (draft->facet_count == FACETS_SEEN)
        return FACETS_SEEN;
    draft->facets[draft->facet_count] = (struct rules_facet){
        .attribute = condition->attribute, .part = part, .key = condition->key, .claim = condition->claim};
    return draft->facet_count++;
}

/* ---- keys of values --------------------------------------------------- */

static bool key_text(struct key *key, enum facet_match match, struct bytes text, bool fold)
{
    key->match = match;
    key->length = (uint32_t)text.len;
    key->hash = facet_hash(text, match, fold);
    return match == FACET_EXACT || text.len;
}

/* What stands before the first `stop` is how any match begins. */
static bool key_before(struct key *key, struct bytes text, char stop)
{
    return key_text(key, FACET_PREFIX, bytes_part(text, 0, bytes_find(text, stop)), false);
}

static bool key_pattern(struct key *key, uint32_t match, struct bytes text, bool fold)
{
    switch ((enum rules_value_match)match) {
    case VALUE_EXACT:
        return key_text(key, FACET_EXACT, text, fold);
    case VALUE_PREFIX:
        return key_text(key, FACET_PREFIX, text, fold);
    case VALUE_SUFFIX:
        return key_text(key, FACET_SUFFIX, text, fold);
    case VALUE_TEMPLATE:
        return key_before(key, text, '{');
    default:
        return false;
    }
}

/* A glob in the shape of a namespace's: star, /ns/NAMESPACE/, star. A star in the name may stand for slashes.
 */
static bool key_namespace(struct key *key, struct bytes glob)
{
    struct bytes front = BYTES("*/ns/"), back = BYTES("/*");
    if (!bytes_starts(glob, front) || !bytes_ends(glob, back) || glob.len < front.len + back.len)
        return false;
    struct bytes name = bytes_part(glob, front.len, glob.len - back.len);
    size_t slash = bytes_find(name, '/');
    if (bytes_find(name, '*') < slash)
        return key_before(key, name, '*');
    return key_text(key, FACET_EXACT, bytes_part(name, 0, slash), false);
}

static bool key_of(const struct index_draft *draft, const struct rules_value *value, uint32_t attribute,
                   enum rules_facet_part part, struct key *key)
{
    struct bytes text = text_at(draft, value->text), text2 = text_at(draft, value->text2);
    switch (part) {
    case FACET_SUBJECT:
        return key_pattern(key, value->match2, text2, false);
    case FACET_NAMESPACE:
        return attribute == ATTRIBUTE_NAMESPACE ? key_namespace(key, text)
                                                : key_text(key, FACET_EXACT, text, false);
    case FACET_ACCOUNT:
        return key_text(key, FACET_EXACT, text2, false);
    default:
        break;
    }
    if (value->match == VALUE_NETWORK) {
        key->match = FACET_NETWORK;
        key->length = value->network.bits;
        key->hash = facet_hash_network(value->network.address, value->network.bits);
        return true;
    }
    if (value->match == VALUE_NUMBER) {
        key->match = FACET_EXACT;
        key->hash = facet_hash_number(value->number);
        return true;
    }
    return key_pattern(key, value->match, text, facet_folds(attribute));
}

/* ---- what a rule cannot do without ------------------------------------ */

/* Adds the keys of all values; false, and nothing is added, when one has none. */
static bool values_add(struct index_draft *draft, const struct rules_condition *condition, uint32_t facet,
                       enum rules_facet_part part, struct rows *keys)
{
    uint32_t before = keys->count;
    for (uint32_t i = 0; i < condition->values.count; i++) {
        struct key key = {.facet = facet};
        if (!key_of(draft, row_at(draft, RULES_VALUE, condition->values.at + i), condition->attribute, part,
                    &key)) {
            keys->count = before;
            return false;
        }
        rows_add(draft->work, keys, &key);
    }
    return condition->values.count > 0;
}

/* By which parts an attribute's values can be found. */
static size_t parts_of(const struct index_draft *draft, const struct rules_condition *condition,
                       enum rules_facet_part parts[2])
{
    switch ((enum rules_attribute)condition->attribute) {
    case ATTRIBUTE_REQUEST_PRINCIPAL:
        parts[0] = FACET_SUBJECT;
        parts[1] = FACET_ISSUER;
        return 2;
    case ATTRIBUTE_NAMESPACE:
        parts[0] = FACET_NAMESPACE;
        return 1;
    case ATTRIBUTE_ACCOUNT:
        parts[0] = FACET_ACCOUNT;
        parts[1] = FACET_NAMESPACE;
        return 2;
    case ATTRIBUTE_FIELD: /* whether :path is there is never known: see subject_of */
        if (bytes_starts(text_at(draft, condition->key), BYTES(":")))
            return 0;
        break;
    case ATTRIBUTE_NEVER:
        return 0;
    default:
        break;
    }
    parts[0] = FACET_WHOLE;
    return 1;
}

/* The keys that a run of conditions, which must all hold, gives by itself. */
static void conditions_add(struct index_draft *draft, struct image_rows conditions, struct rows *keys)
{
    for (uint32_t i = 0; i < conditions.count; i++) {
        const struct rules_condition *condition = row_at(draft, RULES_CONDITION, conditions.at + i);
        enum rules_facet_part parts[2];
        size_t count = parts_of(draft, condition, parts);
        for (size_t p = 0; p < count; p++) {
            uint32_t facet = facet_of(draft, condition, parts[p]);
            if (facet < FACETS_SEEN)
                values_add(draft, condition, facet, parts[p], keys);
        }
    }
}

static bool has_facet(const struct rows *keys, uint32_t from, uint32_t facet)
{
    for (uint32_t i = from; i < keys->count; i++)
        if (ROWS_AT(*keys, struct key)[i].facet == facet)
            return true;
    return false;
}

/* Of groups, any of which will do: the keys of facets that every group has keys of. */
static void groups_add(struct index_draft *draft, struct image_rows groups, struct rows *out)
{
    struct rows keys = rows_of(sizeof(struct key));
    unsigned char everywhere[FACETS_SEEN];
    memset(everywhere, 1, sizeof everywhere);
    for (uint32_t i = 0; i < groups.count; i++) {
        const struct rules_conditions *group = row_at(draft, RULES_CONDITIONS, groups.at + i);
        uint32_t before = keys.count;
        conditions_add(draft, group->all, &keys);
        for (uint32_t facet = 0; facet < FACETS_SEEN; facet++)
            everywhere[facet] = everywhere[facet] && has_facet(&keys, before, facet);
    }
    for (uint32_t i = 0; i < keys.count; i++) {
        const struct key *key = &ROWS_AT(keys, struct key)[i];
        if (everywhere[key->facet])
            rows_add(draft->work, out, key);
    }
}

static int key_compare(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    if (x->facet != y->facet)
        return x->facet < y->facet ? -1 : 1;
    return (x->hash > y->hash) - (x->hash < y->hash);
}

static void entry_add(struct index_draft *draft, uint32_t policy, uint32_t at)
{
    const struct rules_policy_rule rule =
        *(const struct rules_policy_rule *)row_at(draft, RULES_POLICY_RULE, at);
    struct entry *entry = &draft->entries[draft->entry_count];
    struct rows keys = rows_of(sizeof(struct key));
    groups_add(draft, rule.to, &keys);
    groups_add(draft, rule.from, &keys);
    conditions_add(draft, rule.when, &keys);
    if (keys.count)
        qsort(keys.at, keys.count, keys.size, key_compare);
    *entry = (struct entry){.candidate = {policy, at, draft->entry_count, 0},
                            .keys = ROWS_AT(keys, struct key),
                            .key_count = keys.count,
                            .facet = FACETS_SEEN};
    draft->entry_count++;
}

/* ---- who asks for what ------------------------------------------------ */

static struct bucket *bucket_of(struct index_draft *draft, const struct key *key)
{
    uint64_t name[4] = {key->facet, key->hash, key->match, key->length};
    struct bytes text = bytes_make((const char *)name, sizeof name);
    struct bucket *bucket = map_get(&draft->buckets, text);
    if (bucket)
        return bucket;
    bucket = arena_new(draft->work->arena, struct bucket);
    *bucket = (struct bucket){.hash = key->hash,
                              .length = key->length,
                              .match = key->match,
                              .candidates = rows_of(sizeof(struct rules_candidate))};
    map_put(&draft->buckets, arena_bytes(draft->work->arena, text), bucket);
    return bucket;
}

static void asked_count(struct index_draft *draft)
{
    for (uint32_t i = 0; i < draft->entry_count; i++)
        for (uint32_t k = 0; k < draft->entries[i].key_count; k++)
            bucket_of(draft, &draft->entries[i].keys[k])->asked++;
}

/* The facet whose most common value is shared with the fewest; of equals the one seen first. */
static uint32_t facet_choose(struct index_draft *draft, const struct entry *entry, const bool *closed)
{
    uint32_t best = FACETS_SEEN, least = UINT32_MAX;
    for (uint32_t k = 0; k < entry->key_count;) {
        uint32_t facet = entry->keys[k].facet, most = 0;
        for (; k < entry->key_count && entry->keys[k].facet == facet; k++) {
            uint32_t asked = bucket_of(draft, &entry->keys[k])->asked;
            most = asked > most ? asked : most;
        }
        if (most < least && !closed[facet]) {
            least = most;
            best = facet;
        }
    }
    return best;
}

static void entries_file(struct index_draft *draft, const bool *closed)
{
    memset(draft->filed, 0, sizeof draft->filed);
    for (uint32_t i = 0; i < draft->entry_count; i++) {
        struct entry *entry = &draft->entries[i];
        entry->facet = facet_choose(draft, entry, closed);
        if (entry->facet < FACETS_SEEN)
            draft->filed[entry->facet]++;
    }
}

/* The facets that serve fewest are given up, and their rules filed elsewhere. */
static void facets_limit(struct index_draft *draft, bool *closed)
{
    uint32_t order[FACETS_SEEN], used = 0;
    for (uint32_t i = 0; i < draft->facet_count; i++) {
        uint32_t at = used++;
        for (; at > 0 && draft->filed[order[at - 1]] < draft->filed[i]; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    for (uint32_t i = FACETS_MAX; i < used; i++)
        closed[order[i]] = true;
}

/* ---- rows ------------------------------------------------------------- */

static void candidate_add(struct index_draft *draft, struct rows *rows, const struct entry *entry)
{
    const struct rules_candidate *last =
        rows->count ? &ROWS_AT(*rows, struct rules_candidate)[rows->count - 1] : NULL;
    if (!last || last->order != entry->candidate.order)
        rows_add(draft->work, rows, &entry->candidate);
}

static int number_compare(const void *a, const void *b)
{
    const struct rules_number *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

static struct image_rows lengths_put(struct index_draft *draft, struct bucket *const *buckets, size_t count,
                                     enum facet_match match)
{
    struct rows rows = rows_of(sizeof(struct rules_number));
    uint32_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (buckets[i]->match == match)
            rows_add(draft->work, &rows, &(struct rules_number){buckets[i]->length});
    if (rows.count)
        qsort(rows.at, rows.count, rows.size, number_compare);
    struct rules_number *numbers = ROWS_AT(rows, struct rules_number);
    for (uint32_t i = 0; i < rows.count; i++)
        if (!kept || numbers[kept - 1].number != numbers[i].number)
            numbers[kept++] = numbers[i];
    rows.count = kept;
    return rows_put(draft->work, RULES_NUMBER, &rows);
}

static struct image_rows slots_put(struct index_draft *draft, struct bucket *const *buckets, size_t count)
{
    struct rows rows = rows_of(sizeof(struct rules_slot));
    uint32_t room = (uint32_t)count * 2;
    rows.at = arena_alloc_array(draft->work->arena, room, rows.size);
    rows.count = rows.room = room;
    struct rules_slot *slots = ROWS_AT(rows, struct rules_slot);
    for (size_t i = 0; i < count; i++) {
        uint32_t place = facet_place(buckets[i]->hash, room);
        while (slots[place].candidates.count)
            place = place + 1 < room ? place + 1 : 0;
        slots[place].hash = buckets[i]->hash;
        slots[place].candidates = rows_put(draft->work, RULES_CANDIDATE, &buckets[i]->candidates);
    }
    return rows_put(draft->work, RULES_SLOT, &rows);
}

/* The buckets of one facet that have candidates, in the order in which rules first ask. */
static struct bucket **buckets_list(struct index_draft *draft, uint32_t facet, size_t *count)
{
    struct rows rows = rows_of(sizeof(struct bucket *));
    for (uint32_t i = 0; i < draft->entry_count; i++) {
        const struct entry *entry = &draft->entries[i];
        for (uint32_t k = 0; entry->facet == facet && k < entry->key_count; k++) {
            if (entry->keys[k].facet != facet)
                continue;
            struct bucket *bucket = bucket_of(draft, &entry->keys[k]);
            if (!bucket->candidates.count)
                rows_add(draft->work, &rows, &bucket);
            candidate_add(draft, &bucket->candidates, entry);
        }
    }
    *count = rows.count;
    return ROWS_AT(rows, struct bucket *);
}

static void facet_put(struct index_draft *draft, uint32_t at, struct rows *facets)
{
    struct rules_facet *facet = &draft->facets[at];
    size_t count;
    struct bucket **buckets = buckets_list(draft, at, &count);
    if (!count)
        return;
    for (size_t i = 0; i < count; i++)
        if (buckets[i]->match == FACET_EXACT && buckets[i]->length > facet->exact_max)
            facet->exact_max = buckets[i]->length;
    facet->prefixes = lengths_put(draft, buckets, count, FACET_PREFIX);
    facet->suffixes = lengths_put(draft, buckets, count, FACET_SUFFIX);
    facet->networks = lengths_put(draft, buckets, count, FACET_NETWORK);
    facet->slots = slots_put(draft, buckets, count);
    rows_add(draft->work, facets, facet);
}

static struct image_rows index_put(struct index_draft *draft)
{
    struct work *work = draft->work;
    struct rows always = rows_of(sizeof(struct rules_candidate)),
                facets = rows_of(sizeof(struct rules_facet)), index = rows_of(sizeof(struct rules_index));
    for (uint32_t i = 0; i < draft->entry_count; i++)
        if (draft->entries[i].facet == FACETS_SEEN)
            candidate_add(draft, &always, &draft->entries[i]);
    for (uint32_t i = 0; i < draft->facet_count; i++)
        facet_put(draft, i, &facets);
    if (!facets.count) /* every rule is tried anyway */
        return (struct image_rows){0, 0};
    rows_add(work, &index,
             &(struct rules_index){rows_put(work, RULES_CANDIDATE, &always),
                                   rows_put(work, RULES_FACET, &facets)});
    return rows_put(work, RULES_INDEX, &index);
}

static uint32_t rules_count(const struct index_draft *draft, struct image_rows policies)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < policies.count; i++)
        count += ((const struct rules_policy *)row_at(draft, RULES_POLICY, policies.at + i))->rules.count;
    return count;
}

struct image_rows policy_index_put(struct work *work, struct image_rows policies)
{
    struct index_draft draft = {.work = work};
    bool closed[FACETS_SEEN] = {false};
    uint32_t count = rules_count(&draft, policies);
    if (count < RULES_MIN)
        return (struct image_rows){0, 0};
    draft.entries = arena_array(work->arena, struct entry, count);
    map_init(&draft.buckets);
    for (uint32_t i = 0; i < policies.count; i++) {
        const struct rules_policy policy =
            *(const struct rules_policy *)row_at(&draft, RULES_POLICY, policies.at + i);
        for (uint32_t r = 0; r < policy.rules.count; r++)
            entry_add(&draft, policies.at + i, policy.rules.at + r);
    }
    asked_count(&draft);
    entries_file(&draft, closed);
    facets_limit(&draft, closed);
    entries_file(&draft, closed);
    struct image_rows index = index_put(&draft);
    map_done(&draft.buckets);
    return index;
}
