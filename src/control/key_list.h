/*
 * key_list: every key that the node works with, told as JSON, and which of them
 * can be replaced on command. Never any key material: public names of keys only.
 */
#ifndef CONTROL_KEY_LIST_H
#define CONTROL_KEY_LIST_H

#include "control/publish.h"

/* {"keys":[{"purpose","state","id","of","algorithm","made","since","until","ends"}]}: times are RFC 3339,
 * what is not known is left out. `since`: in force; `until`: the next one takes over; `ends`: nobody needs
 * it. */
void key_list_write(const struct publish *publish, struct text *out);

/* What `rotate` may be asked for. */
enum key_purpose {
    KEY_PROVIDER,
    KEY_ASSERTION,
    KEY_NODE,
    KEY_INTERMEDIATE,
    KEY_ROOT,
    KEY_TICKET,
    KEY_SESSION,
    KEY_PURPOSES,
};
const char *key_purpose_name(enum key_purpose purpose);
/* KEY_PURPOSES: there is none of that name. */
enum key_purpose key_purpose_find(struct bytes name);

/* LETTER_ROTATE, admin -> control */
struct rotate_letter {
    struct letter letter;
    enum key_purpose purpose;
};
/* Whether it is ours to rotate; *about says what happens then, or why not. */
bool key_rotate_check(const struct settings *settings, enum key_purpose purpose, const char **about);
void key_rotate(struct publish *publish, enum key_purpose purpose);

#endif
