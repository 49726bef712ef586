/*
 * kind_words: the tables of resource kinds in words: what help, manual and schema share.
 */
#ifndef CLI_KIND_WORDS_H
#define CLI_KIND_WORDS_H

#include "base/text.h"
#include "rules/resource.h"

/* selvage.yaml, which is explained as a kind is. */
#define SETTINGS "settings"
#define SETTINGS_HELP "What selvage.yaml says about the node itself."

/*
 * A kind by its name or plural in any letter case; of several with one name the one that `api` (GROUP or
 * GROUP/VERSION) names, without it the first. NULL: there is none.
 */
const struct kind *kind_meant(struct bytes name, struct bytes api);
/* Is there another of that name? NULL: no. */
const struct kind *kind_namesake(const struct kind *kind);
void kind_api(const struct kind *kind, struct text *out); /* networking.istio.io/v1 */

void field_type_words(const struct field *field, struct text *out); /* []Object, map[string]string */
/* The sentences about a field, each with its full stop: what it is, what it takes, what holds without it. */
void field_sentences(const struct field *field, struct text *out);

#endif
