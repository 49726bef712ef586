#include "main/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/config.h"
#include "cli/options.h"
#include "control/control.h"

struct wish {
    const char *config;
    bool check;
    bool successor;
};

static const struct option options[] = {
    {"config", 'c', OPTION_TEXT, offsetof(struct wish, config), "FILE", CONFIG_HELP, .choices = NULL},
    {"check", 0, OPTION_FLAG, offsetof(struct wish, check),
     .help = "only read the settings and say what is wrong"},
    {"successor", 0, OPTION_FLAG, offsetof(struct wish, successor),
     .help = "what a node starts to be replaced by (see `selvage upgrade`); not for people"},
};

static const struct command_line usage = {
    "run",
    "",
    0,
    0,
    "Runs one node in the foreground, until SIGTERM.\n",
    options,
    sizeof options / sizeof options[0],
};

static bool is_channel(int fd)
{
    int type = 0;
    socklen_t len = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET;
}

static bool file_read(const char *path, struct arena *arena, struct bytes *out)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    char *room = arena_raw(arena, SETTINGS_BYTES_MAX + 1);
    size_t len = fread(room, 1, SETTINGS_BYTES_MAX + 1, file);
    bool fine = !ferror(file);
    fclose(file);
    *out = bytes_make(room, len);
    return fine;
}

static int run_with(const char *path, const struct wish *wish)
{
    static struct arena arena; /* the settings are borrowed for the life of the process */
    struct findings findings;
    struct settings settings;
    struct bytes text;
    arena_init(&arena);
    findings_init(&findings, &arena);
    if (!file_read(path, &arena, &text)) {
        fprintf(stderr, "selvage: %s cannot be read: %s\n", path, strerror(errno));
        return EX_NOINPUT;
    }
    if (!settings_read(text, path, &findings, &settings))
        return config_findings_print(&findings), EX_DATAERR;
    if (wish->check) {
        printf("%s is fine\n", path);
        return EX_OK;
    }
    return supervisor_run(&settings, path, text, wish->successor);
}

int run_main(int argc, char **argv)
{
    struct wish wish = {0};
    struct operands operands;
    int code;
    if (!options_read(&usage, argc, argv, &wish, &operands, &code))
        return code;
    const char *path = config_find(wish.config);
    if (wish.successor && !is_channel(CHILD_CHANNEL_FD)) {
        fputs("selvage run: --successor is for `selvage upgrade`\n", stderr);
        return EX_USAGE;
    }
    if (!path) {
        fputs("selvage run: there is no selvage.yaml; `selvage demo` shows a whole mesh at work, `selvage "
              "init` "
              "writes a commented start\n",
              stderr);
        return EX_USAGE;
    }
    return run_with(path, &wish);
}

/* ---- control ------------------------------------------------------------------- */

/* An exec made it dumpable again; a core would put the authority's key and the node's on the disk. */
static void core_forbid(void)
{
    const struct rlimit none = {0, 0};
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
        log_warning("a core of control can be written: %s", strerror(errno));
}

int control_process_main(int argc, char **argv)
{
    static struct arena arena; /* as above */
    struct findings findings;
    struct settings settings;
    if (argc != 2 || !is_channel(CHILD_CHANNEL_FD)) {
        fputs("selvage: this is started by `selvage run` only\n", stderr);
        return EX_USAGE;
    }
    arena_init(&arena);
    findings_init(&findings, &arena);
    off_t size = lseek(CHILD_SETTINGS_FD, 0, SEEK_END);
    void *text =
        size > 0 ? mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, CHILD_SETTINGS_FD, 0) : MAP_FAILED;
    if (text == MAP_FAILED || !settings_read(bytes_make(text, (size_t)size), argv[1], &findings, &settings))
        return config_findings_print(&findings), EX_DATAERR;
    close(CHILD_SETTINGS_FD);
    log_init("control", arena_text(&arena, settings.node));
    core_forbid();
    log_level_set((enum log_level)settings.log_level);
    const struct commons *commons = mmap(NULL, sizeof *commons, PROT_READ, MAP_SHARED, CHILD_COMMONS_FD, 0);
    int status = control_run(&settings, CHILD_CHANNEL_FD, commons == MAP_FAILED ? NULL : commons);
    arena_done(&arena);
    return status;
}
