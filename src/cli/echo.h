/*
 * echo: `selvage echo`, a sample workload that answers what it received.
 *
 * Believes nothing and verifies nothing: what it shows of tokens is decoded
 * only. For the demo, for tests and for trying rules out.
 */
#ifndef CLI_ECHO_H
#define CLI_ECHO_H

#include "cli/serve_http.h"

struct echo {
    const char *listen;
    const char *name;
    bool tcp;
    bool hostname;
};

/* argv[0] is "echo". */
int echo_main(int argc, char **argv);

/* The request as JSON: who got it, what came, which identity it carries. */
void echo_describe(const struct echo *echo, struct serving *serving, struct text *out);

#endif
