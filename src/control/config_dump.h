/*
 * config_dump: what the rules and endpoints in force say, as rows for people who ask
 * "what does this node do with ...?". Reads the images that workers have, so that it
 * shows what is, not what was meant. Keys are not among them.
 */
#ifndef CONTROL_CONFIG_DUMP_H
#define CONTROL_CONFIG_DUMP_H

#include "base/text.h"
#include "rules/snapshot.h"
#include "wire/commons.h"

struct config_dump {
    struct image rules;
    struct image endpoints;
    const struct commons *commons; /* who is ejected; may be NULL */
    void *mapped[2];
    size_t sizes[2];
};

/* The images behind the descriptors, which stay the caller's. */
bool config_dump_open(struct config_dump *dump, int rules, int endpoints, const struct commons *commons,
                      struct fail *why);
void config_dump_close(struct config_dump *dump);

/* A JSON list of flat objects; false: there is no such section. */
bool config_dump_write(const struct config_dump *dump, struct bytes section, struct text *out);

#endif
