#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/demo.h"

#define STOP_MS 3000
#define LOG_LINES 15

/* In the child. A group of its own: Ctrl-C is for the demo, which ends them in order. */
static void child_become(const char *log, const char *const *argv, pid_t parent)
{
    sigset_t none;
    int null = open("/dev/null", O_RDONLY);
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent || null < 0 || out < 0)
        _exit(127);
    dup2(null, 0);
    dup2(out, 1);
    dup2(out, 2);
    close(null);
    close(out);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
    fprintf(stderr, "/proc/self/exe: %s\n", strerror(errno));
    _exit(127);
}

bool demo_process_start(const struct demo *demo, struct demo_processes *all, const char *name,
                        const char *const *argv, struct fail *why)
{
    const char *with[16] = {"selvage"};
    pid_t parent = getpid();
    for (size_t i = 0; i < 14 && argv[i]; i++)
        with[i + 1] = argv[i];
    const char *log = arena_format(demo->arena, "%s/log/%s.log", demo->directory, name).at;
    pid_t pid = fork();
    if (pid < 0)
        return fail_errno(why, FAIL_SELF, "%s cannot be started", name);
    if (pid == 0)
        child_become(log, with, parent);
    setpgid(pid, pid); /* whoever of the two comes first */
    all->at[all->count++] = (struct demo_process){name, log, pid};
    return true;
}

const struct demo_process *demo_process_ended(struct demo_processes *all)
{
    const struct demo_process *ended = NULL;
    for (size_t i = 0; i < all->count; i++) {
        struct demo_process *process = &all->at[i];
        if (!process->pid || waitpid((pid_t)process->pid, NULL, WNOHANG) != (pid_t)process->pid)
            continue;
        kill(-(pid_t)process->pid, SIGKILL); /* what it may have left of its own */
        process->pid = 0;
        ended = process;
    }
    return ended;
}

static bool any_lives(struct demo_processes *all)
{
    demo_process_ended(all);
    for (size_t i = 0; i < all->count; i++)
        if (all->at[i].pid)
            return true;
    return false;
}

static void signal_all(struct demo_processes *all, int number, bool groups)
{
    for (size_t i = all->count; i-- > 0;)
        if (all->at[i].pid)
            kill((pid_t)(groups ? -all->at[i].pid : all->at[i].pid), number);
}

void demo_processes_stop(struct demo_processes *all)
{
    static const struct timespec moment = {0, 10 * 1000 * 1000};
    uint64_t until_ms = clock_ms() + STOP_MS;
    signal_all(all, SIGTERM, false);
    while (any_lives(all) && clock_ms() < until_ms)
        nanosleep(&moment, NULL);
    signal_all(all, SIGKILL, true);
    while (any_lives(all))
        nanosleep(&moment, NULL);
}

void demo_process_log_show(const struct demo_process *process)
{
    char tail[8192];
    FILE *log = fopen(process->log, "re");
    if (!log)
        return;
    if (fseek(log, -(long)sizeof tail, SEEK_END) != 0)
        rewind(log);
    size_t len = fread(tail, 1, sizeof tail, log);
    fclose(log);
    size_t from = len;
    for (int lines = 0; from > 0; from--)
        if (tail[from - 1] == '\n' && from < len && ++lines == LOG_LINES)
            break;
    if (len)
        fprintf(stderr, "---- the end of %s's log\n%.*s", process->name, (int)(len - from), tail + from);
}
