/*
 * node_admin: asks the admin server of a running node.
 */
#ifndef CLI_NODE_ADMIN_H
#define CLI_NODE_ADMIN_H

#include "base/arena.h"
#include "base/fail.h"

/* What --help says of the option --admin. */
#define NODE_ADMIN_HELP "ADDRESS:PORT of the node's admin server, instead of what its settings say"

struct node_admin {
    struct bytes host; /* an IP address */
    uint16_t port;
};

/*
 * From --admin when it was given, else from the settings (cli/config.h). What goes
 * wrong is said on standard error as `command`'s; answers what to exit with, 0
 * when nothing did.
 */
int node_admin_find(const char *command, const char *admin, const char *config, struct arena *arena,
                    struct node_admin *out);
/* One request; the body lies in the arena. False with *why: there was no answer. */
bool node_admin_ask(const struct node_admin *admin, const char *method, const char *path, struct arena *arena,
                    unsigned *status, struct bytes *body, struct fail *why);

#endif
