/*
 * serve: a listener and a thread a connection, for the small servers among the
 * commands (echo, issuer). For development and tests, not for the world: at most
 * SERVE_CONNECTIONS_MAX at a time, further ones wait.
 */
#ifndef CLI_SERVE_H
#define CLI_SERVE_H

#include "base/bytes.h"
#include "base/fail.h"

#define SERVE_CONNECTIONS_MAX 512
#define SERVE_IDLE_S 60

/* unix:///path or ADDRESS:PORT. A socket file that nobody listens at is replaced. -1 with *why. */
int serve_open(const char *where, struct fail *why);
/* Whether only this machine can reach that place. */
bool serve_is_local(const char *where);
/* The port that a listener got, 0 for a unix socket. */
unsigned serve_port(int listener);

/* Until SIGINT or SIGTERM. `talk` runs in a thread of its own and does not close the descriptor. */
void serve_run(int listener, void (*talk)(int fd, void *self), void *self);
/* Closes the listener and takes the socket file away. */
void serve_close(int listener, const char *where);

#endif
