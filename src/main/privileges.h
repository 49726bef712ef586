/*
 * privileges: as whom a node runs, and what it gives up before it serves.
 */
#ifndef MAIN_PRIVILEGES_H
#define MAIN_PRIVILEGES_H

#include <sys/types.h>

#include "base/bytes.h"
#include "base/fail.h"

struct user {
    bool change; /* root, and a user was named */
    char name[64];
    uid_t uid;
    gid_t gid;
};

/* Whom to become: nobody else when not root or none is named. */
bool user_find(struct bytes name, struct user *out, struct fail *why);
/* The state directory, down to its last part; it belongs to whom the node runs as. */
bool state_make(struct bytes path, const struct user *user, struct fail *why);
/* Of all that root may do, binding low ports is left, and nothing comes back by executing. */
bool privileges_drop(const struct user *user, struct fail *why);

#endif
