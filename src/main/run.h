/*
 * run: `selvage run`, and the processes it consists of.
 *
 * The supervisor starts control and the workers by executing this very program
 * anew, so that each has an address space and canaries of its own: a worker that
 * is restarted cannot be probed twice.
 */
#ifndef MAIN_RUN_H
#define MAIN_RUN_H

#include "control/settings.h"
#include "wire/ring.h"

int run_main(int argc, char **argv);
int upgrade_main(int argc, char **argv);

/* What a child finds open. */
enum { CHILD_CHANNEL_FD = 3, CHILD_SETTINGS_FD = 4, CHILD_RING_FD = 4, CHILD_COMMONS_FD = 5 };
#define CONTROL_COMMAND "control-process"
#define WORKER_COMMAND "worker-process"
int control_process_main(int argc, char **argv);
int worker_process_main(int argc, char **argv);

/* Data bytes of a worker's record ring: some hundred milliseconds of the fastest traffic. */
#define RING_BYTES (4u * 1024 * 1024)

/*
 * Runs until it is told to stop; `file` is where the settings came from, `text` what it held. A successor
 * finds its predecessor at CHILD_CHANNEL_FD.
 */
int supervisor_run(const struct settings *settings, const char *file, struct bytes text, bool successor);

#endif
