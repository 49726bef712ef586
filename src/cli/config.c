#include "cli/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/options.h"

const char *config_find(const char *given)
{
    const char *from_environment = getenv("SELVAGE_CONFIG");
    if (given)
        return given;
    if (access("selvage.yaml", F_OK) == 0)
        return "selvage.yaml";
    if (from_environment && from_environment[0])
        return from_environment;
    return access("/etc/selvage/selvage.yaml", F_OK) == 0 ? "/etc/selvage/selvage.yaml" : NULL;
}

void config_findings_print(const struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        struct text line;
        text_init_arena(&line, findings->arena);
        finding_write(&findings->at[i], &line);
        fprintf(stderr, "%.*s\n", BYTES_FMT(text_bytes(&line)));
    }
}

int config_load(const char *command, const char *given, struct arena *arena, struct settings *out)
{
    const char *path = config_find(given);
    struct findings findings;
    if (!path) {
        fprintf(stderr, "selvage %s: there is no selvage.yaml; -c says where the node's settings are\n",
                command);
        return EXIT_USAGE;
    }
    findings_init(&findings, arena);
    if (settings_load(path, &findings, out))
        return 0;
    config_findings_print(&findings);
    return EXIT_INPUT;
}
