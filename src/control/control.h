/*
 * control: the process that decides what the workers carry out.
 *
 * Reads resources, certificates and key sets, each in a thread of its own, and
 * publishes them as images. It never sees a client's bytes; when it is gone,
 * traffic flows on.
 */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include "control/settings.h"
#include "wire/commons.h"

/*
 * Runs until the supervisor closes its channel (SEQPACKET, wire/frame.h) or
 * SIGTERM comes. Answers the exit status. SIGUSR1 opens the access log anew,
 * SIGHUP and FRAME_RELOAD read the resources anew. The settings are borrowed,
 * as is what the workers share (NULL: nothing).
 */
int control_run(const struct settings *settings, int supervisor_fd, const struct commons *commons);

#endif
