#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/demo.h"
#include "cli/paint.h"

#define ANSWER_MAX ((size_t)256 * 1024)
#define TRACE_TRIES 30
#define TRACE_ID "5e1fa9e0000000000000000000d0e300"

struct demo_request {
    const char *about;
    const char *outcome; /* what is to be seen */
    const char *who;     /* identity at the issuer, NULL: no token */
    const char *options; /* further ones of curl, or NULL */
    const char *path;
    unsigned status; /* 0: refused before any answer */
    const char *shows;
    const char *hides;
};

static const struct demo_request requests[] = {
    {"A developer reads orders", "allowed; the workload shows the identity it received", "dev", NULL,
     "/orders", 200, "\"developers\"", NULL},
    {"An accountant reads payments", "allowed", "accountant", NULL, "/payments", 200, "\"finance\"", NULL},
    {"An AI agent reads orders for alice", "allowed; act names the agent", "agent", NULL, "/orders", 200,
     "\"agent-7\"", NULL},
    {"The agent writes an order", "forbidden: agents only read", "agent", "-d amount=100", "/orders", 403,
     NULL, NULL},
    {"A developer reads payments", "forbidden: only finance may", "dev", NULL, "/payments", 403, NULL, NULL},
    {"Somebody without a token", "forbidden", NULL, NULL, "/orders", 403, NULL, NULL},
    {"Somebody with a token of their own making", "unauthorized", NULL,
     "-H \"Authorization: Bearer e30.e30.e30\"", "/orders", 401, NULL, NULL},
    {"A developer who claims to be the boss", "allowed, but the forged header never arrives", "dev",
     "-H \"x-selvage-assertion: the-boss\" -H \"x-forwarded-client-cert: By=the-boss\"", "/reports", 200,
     "\"developers\"", "the-boss"},
};

/* ---- printing ------------------------------------------------------------------------ */

static void command_write(const struct demo *demo, const struct demo_request *request, const char *between,
                          struct text *out)
{
    long long edge = DEMO_EDGE + demo->offset, issuer = DEMO_ISSUER + demo->offset;
    text_format(out, "curl -i --cacert %s/ca.pem", demo->directory);
    if (request->who)
        text_format(out, "%s-H \"Authorization: Bearer $(curl -s http://127.0.0.1:%lld/token/%s)\"", between,
                    issuer, request->who);
    if (request->options)
        text_format(out, "%s%s", between, request->options);
    text_format(out, "%shttps://localhost:%lld%s", between, edge, request->path);
}

static void title_write(const char *about, const char *code, const char *outcome, bool color,
                        struct text *out)
{
    enum paint paint = code[0] == '2' ? PAINT_GREEN : PAINT_YELLOW;
    text_format(out, "  %s%s%s: %s%s%s%s\n", paint_begin(PAINT_BOLD, color), about, paint_end(color),
                paint_begin(paint, color), code, paint_end(color), outcome);
}

static void refused_write(const struct demo *demo, struct text *out)
{
    text_format(out, "curl -k https://127.0.0.1:%lld/orders", DEMO_ORDERS + (long long)demo->offset);
}

static const struct demo_request traced = {
    "One request's way through all three nodes",
    "",
    "dev",
    "-H \"traceparent: 00-" TRACE_ID "-00000000000d0e30-01\"",
    "/orders?traced",
    200,
    "\"developers\"",
    NULL,
};

void demo_requests_print(const struct demo *demo, bool color, struct text *out)
{
    static const char *const between = " \\\n        ";
    char code[32];
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        char outcome[128];
        snprintf(code, sizeof code, "%u", requests[i].status);
        snprintf(outcome, sizeof outcome, " %s", requests[i].outcome);
        title_write(requests[i].about, code, outcome, color, out);
        text_add_s(out, "    ");
        command_write(demo, &requests[i], between, out);
        text_add_s(out, "\n\n");
    }
    title_write("Past the edge, without a certificate of the mesh", "refused", " by the sidecar", color, out);
    text_add_s(out, "    ");
    refused_write(demo, out);
    text_add_s(out, "\n\n");
    text_format(out, "  %s%s%s\n    ", paint_begin(PAINT_BOLD, color), traced.about, paint_end(color));
    command_write(demo, &traced, between, out);
    text_format(out, "\n    %s trace %s\n", demo->program, TRACE_ID);
}

/* ---- checking -------------------------------------------------------------------------- */

struct answer {
    char *text; /* on the heap, with NUL */
    size_t len;
    int code; /* the shell's */
};

static struct answer shell_run(const struct text *command)
{
    struct answer answer = {.text = calloc(1, ANSWER_MAX + 1), .code = -1};
    FILE *pipe = answer.text ? popen(command->at, "re") : NULL;
    if (!pipe)
        return answer;
    answer.len = fread(answer.text, 1, ANSWER_MAX, pipe);
    int status = pclose(pipe);
    answer.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return answer;
}

static unsigned status_of(const struct answer *answer)
{
    unsigned status = 0;
    if (answer->text && sscanf(answer->text, "HTTP/%*s %3u", &status) != 1)
        return 0;
    return status;
}

static bool verdict(bool good, const char *about, const char *got)
{
    bool color = paint_wanted(STDOUT_FILENO);
    printf("  %s%-6s%s %s (%s)\n", paint_begin(good ? PAINT_GREEN : PAINT_RED, color), good ? "ok" : "FAILED",
           paint_end(color), about, got);
    fflush(stdout);
    return good;
}

static bool request_check(const struct demo *demo, const struct demo_request *request)
{
    struct text command;
    char got[32];
    text_init_arena(&command, demo->arena);
    command_write(demo, request, " \\\n        ", &command);
    text_add_s(&command, " 2>/dev/null");
    struct answer answer = shell_run(&command);
    unsigned status = status_of(&answer);
    bool good = status == request->status && (!request->shows || strstr(answer.text, request->shows)) &&
                (!request->hides || !strstr(answer.text, request->hides));
    snprintf(got, sizeof got, "%u", status);
    verdict(good, request->about, got);
    if (!good)
        fprintf(stderr, "%s\n%s\n", command.at, answer.text ? answer.text : "");
    free(answer.text);
    return good;
}

static bool refused_check(const struct demo *demo)
{
    struct text command;
    text_init_arena(&command, demo->arena);
    refused_write(demo, &command);
    text_add_s(&command, " 2>/dev/null");
    struct answer answer = shell_run(&command);
    bool good = answer.code > 0 && answer.code < 126 && answer.len == 0;
    free(answer.text);
    return verdict(good, "The sidecar without a certificate", good ? "refused" : "let in");
}

static bool has_all_hops(const char *text)
{
    return strstr(text, "edge (edge") && strstr(text, "gateway (gateway") && strstr(text, "sidecar (sidecar");
}

/* Access logs are written a moment after the answer. */
static bool trace_check(const struct demo *demo)
{
    static const struct timespec moment = {0, 100 * 1000 * 1000};
    struct text command;
    bool good = false;
    text_init_arena(&command, demo->arena);
    text_format(&command, "%s trace %s 2>/dev/null", demo->program, TRACE_ID);
    for (int i = 0; i < TRACE_TRIES && !good; i++) {
        struct answer answer = shell_run(&command);
        good = answer.code == 0 && has_all_hops(answer.text);
        free(answer.text);
        if (!good)
            nanosleep(&moment, NULL);
    }
    return verdict(good, "selvage trace", good ? "three hops" : "not all hops");
}

bool demo_requests_check(const struct demo *demo)
{
    bool good = true;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        good = request_check(demo, &requests[i]) && good;
    good = refused_check(demo) && good;
    good = request_check(demo, &traced) && good;
    return trace_check(demo) && good;
}
