#include "rules/decide/claim_texts.h"

#include "rules/decide/mapping.h"

bool claim_is_spaced(const struct facts *facts, struct bytes name)
{
    for (size_t i = 0; i < facts->spaced_count; i++)
        if (bytes_equal(facts->spaced_claims[i], name))
            return true;
    return bytes_equal(name, BYTES("scope")) || bytes_equal(name, BYTES("permission"));
}

struct claim_texts claim_texts_begin(const struct image *rules, struct image_rows path,
                                     const struct facts *facts)
{
    struct claim_texts texts = {0};
    if (facts->claims_state != FACT_KNOWN || !path.count)
        return texts;
    const struct rules_name *first = image_row(rules, RULES_NAME, path, 0);
    struct bytes name = path.count == 1 ? image_text(rules, first->text) : (struct bytes){0};
    if (name.len && facts->mapped_claim.len && bytes_equal(name, facts->mapped_claim)) {
        texts.groups = facts->groups;
        texts.count = facts->group_count;
        return texts;
    }
    texts.claim = claim_at(rules, facts->claims, path);
    texts.spaced = name.len && claim_is_spaced(facts, name) && json_text(texts.claim, &texts.words);
    return texts;
}

static bool word_next(struct bytes *words, struct bytes *out)
{
    while (words->len) {
        bytes_cut(words, ' ', out);
        if (out->len)
            return true;
    }
    return false;
}

bool claim_texts_next(struct claim_texts *texts, struct bytes *out)
{
    if (texts->groups) {
        if (texts->at == texts->count)
            return false;
        *out = texts->groups[texts->at++];
        return true;
    }
    if (texts->spaced)
        return word_next(&texts->words, out);
    if (!json_is_array(texts->claim))
        return texts->at++ == 0 && json_text(texts->claim, out);
    while (texts->at < json_array_size(texts->claim))
        if (json_text(json_array_get(texts->claim, texts->at++), out))
            return true;
    return false;
}
