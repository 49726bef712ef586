/*
 * node_ask: one question to a node's admin server, for commands that show what a
 * running node does.
 *
 * Which node: HOST:PORT of its admin server, the file of its settings, or its name
 * (that of the settings which are found here).
 */
#ifndef CLI_NODE_ASK_H
#define CLI_NODE_ASK_H

#include "base/arena.h"
#include "base/fail.h"
#include "wire/json.h"

struct node_place {
    struct bytes host;
    uint32_t port;
};

/* What goes wrong is said on standard error as `command`'s; answers what to exit with, 0 when nothing did.
 * `given` may be NULL; `config` is what stood behind -c, or NULL. */
int node_find(const char *command, const char *given, const char *config, struct arena *arena,
              struct node_place *out);
/* One request (GET, POST) and its answer as it is, in the arena. False with *why: there was none. */
bool node_request(const struct node_place *node, const char *method, const char *page, struct arena *arena,
                  unsigned *status, struct bytes *body, struct fail *why);
/* The page as JSON: a new reference, or NULL with *why. */
json_t *node_ask(const struct node_place *node, const char *page, struct fail *why);

#endif
