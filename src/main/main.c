/* selvage: one program, many commands; see cli/ for what each does. */
#include "cli/analyze.h"
#include "cli/commands.h"
#include "cli/demo.h"
#include "cli/echo.h"
#include "cli/fields.h"
#include "cli/init.h"
#include "cli/issuer.h"
#include "cli/trace.h"
#if __has_include("main/run.h")
#include "main/run.h"
#define RUNS
#endif

static const struct command commands[] = {
#ifdef RUNS
    {"run", run_main, "Run a node."},
#endif
    {"demo", demo_main, "Run an edge, a gateway and a sidecar with sample workloads, to try."},
    {"init", init_main, "Write a commented configuration to start from."},
    {"analyze", analyze_main, "Find what is wrong in resources before they are used."},
    {"fields", fields_main, "List the resource kinds and what their fields mean."},
    {"trace", trace_main, "Show one request's way through the nodes."},
    {"echo", echo_main, "Serve a sample workload that answers what it received."},
    {"issuer", issuer_main, "Serve tokens for development."},
};

int main(int argc, char **argv)
{
    return commands_run(commands, sizeof commands / sizeof commands[0], argc, argv);
}
