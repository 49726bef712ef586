/*
 * join_server: where machines get certificates from the authority: the first one for
 * a token, further ones for the one they have. A thread that accepts, and one for
 * each connection, few of them and not for long.
 */
#ifndef CONTROL_JOIN_SERVER_H
#define CONTROL_JOIN_SERVER_H

#include "control/settings.h"
#include "rules/compile/compile.h"

struct join_server;
/* NULL when the settings name no place to listen at. The settings are borrowed until stop. */
struct join_server *join_server_start(const struct settings *settings);
/* The listening socket (taken), instead of one that it had; -1: it accepts no more. */
void join_server_listen(struct join_server *server, int fd);
/* Certificates with these serials are not renewed. */
void join_server_revoke(struct join_server *server, const struct compile_revoked *revoked, size_t count);
void join_server_stop(struct join_server *server);

#endif
