/* selvage: one program, many commands; see cli/ for what each does. */
#include "cli/analyze.h"
#include "cli/commands.h"
#include "cli/demo.h"
#include "cli/echo.h"
#include "cli/explain_kind.h"
#include "cli/init.h"
#include "cli/issuer.h"
#include "cli/join_token.h"
#include "cli/keys.h"
#include "cli/login.h"
#include "cli/proxy_config.h"
#include "cli/proxy_status.h"
#include "cli/secret.h"
#include "cli/trace.h"
#include "main/run.h"

static const struct command commands[] = {
    {"run", run_main, "Run a node."},
    {"upgrade", upgrade_main, "Replace a running node by its new version without losing a request."},
    {"demo", demo_main, "Run an edge, a gateway and a sidecar with sample workloads, to try."},
    {"init", init_main, "Write a commented configuration to start from."},
    {"analyze", analyze_main, "Find what is wrong in resources before they are used."},
    {"join-token", join_token_main, "Make a token with which another machine joins this one's authority."},
    {"keys", keys_main, "List the keys of a running node, and replace them."},
    {"explain-kind", explain_kind_main,
     "Say what a resource may say, field by field; also as a schema for editors."},
    {"fields", explain_kind_main, NULL}, /* as it was called */
    {"secret", secret_main, "Keep secrets that resources refer to, sealed on this machine."},
    {"proxy-status", proxy_status_main, "Show which rules each worker of a running node has."},
    {"proxy-config", proxy_config_main, "Show the listeners, routes, clusters ... of a running node."},
    {"login", login_main, "Sign in at a provider, from a terminal."},
    {"whoami", whoami_main, "Say who is signed in."},
    {"token", token_main, "Print the token of who is signed in."},
    {"logout", logout_main, "Sign out, at the provider too."},
    {"trace", trace_main, "Show one request's way through the nodes."},
    {"echo", echo_main, "Serve a sample workload that answers what it received."},
    {"issuer", issuer_main, "Serve tokens for development."},
    /* what `run` starts: not for people */
    {CONTROL_COMMAND, control_process_main, NULL},
    {WORKER_COMMAND, worker_process_main, NULL},
};

int main(int argc, char **argv)
{
    return commands_run(commands, sizeof commands / sizeof commands[0], argc, argv);
}
