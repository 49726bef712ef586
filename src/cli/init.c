#include "cli/init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/examples.h"
#include "cli/options.h"
#include "control/state_file.h"

#define PREFIX "start/"

static const struct command_line line = {
    "init",
    "[DIR]",
    0,
    1,
    "Writes selvage.yaml and rules/example.yaml into DIR (here), both commented.\n"
    "Nothing that is there already is overwritten.\n",
    NULL,
    0,
};

static bool file_write(const char *path, struct bytes text, struct fail *why)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0 && errno == EEXIST)
        return fail(why, FAIL_INPUT, "%s is there already; it stays as it is", path);
    if (fd < 0)
        return fail_errno(why, FAIL_INPUT, "%s", path);
    bool written = write(fd, text.at, text.len) == (ssize_t)text.len;
    return close(fd) == 0 && written ? true : fail_errno(why, FAIL_SELF, "%s", path);
}

/* Before anything is written: all or nothing. */
static bool all_absent(struct bytes directory, struct arena *arena, struct fail *why)
{
    for (size_t i = 0; i < example_count; i++) {
        if (strncmp(examples[i].path, PREFIX, sizeof PREFIX - 1) != 0)
            continue;
        const char *path = path_join(arena, directory, examples[i].path + sizeof PREFIX - 1);
        if (access(path, F_OK) == 0)
            return fail(why, FAIL_INPUT, "%s is there already; nothing was written", path);
    }
    return true;
}

static bool all_write(struct bytes directory, struct arena *arena, struct fail *why)
{
    if (!all_absent(directory, arena, why) ||
        !directory_make(path_join(arena, directory, "rules"), 0755, why))
        return false;
    for (size_t i = 0; i < example_count; i++) {
        if (strncmp(examples[i].path, PREFIX, sizeof PREFIX - 1) != 0)
            continue;
        const char *path = path_join(arena, directory, examples[i].path + sizeof PREFIX - 1);
        if (!file_write(path, examples[i].text, why))
            return false;
        printf("wrote %s\n", path);
    }
    return true;
}

int init_main(int argc, char **argv)
{
    struct operands operands;
    struct arena arena;
    struct fail why;
    int code;
    if (!options_read(&line, argc, argv, NULL, &operands, &code))
        return code;
    const char *directory = operands.count ? operands.at[0] : ".";
    arena_init(&arena);
    bool written = all_write(bytes_of(directory), &arena, &why);
    if (!written) {
        fprintf(stderr, "selvage init: %s\n", why.text);
    } else {
        fputs("\nNext:\n", stdout);
        if (operands.count)
            printf("  cd %s\n", directory);
        fputs("  selvage echo --listen 127.0.0.1:3000 &   # something to answer\n"
              "  selvage run -c selvage.yaml &            # the node\n"
              "  curl -i http://127.0.0.1:8080/           # through it\n",
              stdout);
    }
    arena_done(&arena);
    return written ? 0 : why.kind == FAIL_INPUT ? EXIT_INPUT : 1;
}
