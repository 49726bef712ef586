#include "cli/commands.h"

#include <stdio.h>
#include <string.h>

#include "cli/options.h"
#include "cli/paint.h"
#include "rules/nearest.h"

static const struct command *commands;
static size_t command_count;

static const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < command_count; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static void overview(FILE *to)
{
    bool color = paint_wanted(fileno(to));
    fputs("Selvage: an edge and a service mesh in one node.\n\nusage: selvage COMMAND [options]\n\n", to);
    for (size_t i = 0; i < command_count; i++)
        if (commands[i].about)
            fprintf(to, "  %s%-12s%s  %s\n", paint_begin(PAINT_BOLD, color), commands[i].name,
                    paint_end(color), commands[i].about);
    fputs("\n`selvage COMMAND --help` says more. New here? `selvage demo`.\n", to);
}

static int unknown(const char *name)
{
    struct nearest nearest;
    nearest_init(&nearest, bytes_of(name));
    for (size_t i = 0; i < command_count; i++)
        if (commands[i].about)
            nearest_try(&nearest, commands[i].name);
    fprintf(stderr, "selvage: there is no command '%s'", name);
    if (nearest.name)
        fprintf(stderr, "; is `selvage %s` meant?\n", nearest.name);
    else
        fputs("; `selvage help` lists them\n", stderr);
    return EXIT_USAGE;
}

static int help_main(int argc, char **argv)
{
    char option[] = "--help";
    if (argc < 2) {
        overview(stdout);
        return 0;
    }
    const struct command *command = command_find(argv[1]);
    if (!command)
        return unknown(argv[1]);
    char *with[] = {argv[1], option, NULL};
    return command->main(2, with);
}

static int version_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    puts("selvage " SELVAGE_VERSION);
    return 0;
}

/* Words of the first place only; files after that. */
static int completion_main(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "bash") != 0) {
        fputs("usage: selvage completion bash\n\nPut `source <(selvage completion bash)` into ~/.bashrc.\n",
              argc < 2 || strcmp(argv[1], "--help") != 0 ? stderr : stdout);
        return argc >= 2 && strcmp(argv[1], "--help") == 0 ? 0 : EXIT_USAGE;
    }
    fputs("_selvage()\n{\n    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        COMPREPLY=($(compgen -W \"",
          stdout);
    for (size_t i = 0; i < command_count; i++)
        if (commands[i].about)
            printf("%s%s", i ? " " : "", commands[i].name);
    fputs("\" -- \"${COMP_WORDS[1]}\"))\n    fi\n}\ncomplete -o default -F _selvage selvage\n", stdout);
    return 0;
}

static const struct command own[] = {
    {"completion", completion_main, "Print what makes a shell complete commands."},
    {"help", help_main, "Say what the commands are and how they are used."},
    {"version", version_main, "Print the version."},
};

static bool is_any(const char *word, const char *const names[])
{
    for (size_t i = 0; names[i]; i++)
        if (strcmp(word, names[i]) == 0)
            return true;
    return false;
}

int commands_run(const struct command *given, size_t count, int argc, char **argv)
{
    static const char *const help[] = {"--help", "-h", NULL};
    static const char *const version[] = {"--version", "-V", NULL};
    static struct command all[64];
    command_count = count < 60 ? count : 60;
    memcpy(all, given, command_count * sizeof *given);
    memcpy(all + command_count, own, sizeof own);
    command_count += sizeof own / sizeof own[0];
    commands = all;
    if (argc < 2) {
        overview(stderr);
        return EXIT_USAGE;
    }
    if (is_any(argv[1], help))
        return help_main(1, argv);
    if (is_any(argv[1], version))
        return version_main(1, argv);
    const struct command *command = command_find(argv[1]);
    return command ? command->main(argc - 1, argv + 1) : unknown(argv[1]);
}
