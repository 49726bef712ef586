/*
 * sandbox: what a worker may still do once it serves: move bytes over sockets it
 * was given or makes to IP addresses, map sealed images, tell the time. No file,
 * no program, no unix socket, no executable memory, no capability; any other
 * system call kills it.
 */
#ifndef MAIN_SANDBOX_H
#define MAIN_SANDBOX_H

#include "base/fail.h"

/* All threads of the process; there is no way back. */
bool sandbox_enter(struct fail *why);
/* In a test build: makes the forbidden call of that number, from sandbox_probe_names. */
void sandbox_probe(unsigned call);

#endif
