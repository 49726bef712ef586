#include "control/memory_available.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PATH_ROOM = 4096 };

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* "max", or a number of bytes. */
static int64_t maximum_read(const char *path)
{
    char line[64] = "";
    uint64_t bytes;
    FILE *file = fopen(path, "re");
    if (!file)
        return INT64_MAX;
    bool got = fgets(line, sizeof line, file) != NULL;
    fclose(file);
    line[strcspn(line, "\n")] = '\0';
    return got && bytes_to_u64(bytes_of(line), INT64_MAX, &bytes) ? (int64_t)bytes : INT64_MAX;
}

int64_t memory_of_group(const char *root, const char *path)
{
    char group[PATH_ROOM], file[PATH_ROOM];
    int64_t found = INT64_MAX;
    if (snprintf(group, sizeof group, "%s", path) >= (int)sizeof group)
        return found;
    for (char *end; (end = strrchr(group, '/')) != NULL; *end = '\0')
        if (snprintf(file, sizeof file, "%s%s/memory.max", root, group) < (int)sizeof file)
            found = least(found, maximum_read(file));
    return found;
}

/* The line "0::/path" is version 2's. */
static int64_t of_own_group(void)
{
    char line[PATH_ROOM];
    int64_t found = INT64_MAX;
    FILE *file = fopen("/proc/self/cgroup", "re");
    if (!file)
        return found;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "0::/", 4) == 0)
            found = memory_of_group("/sys/fs/cgroup", line + 3);
    }
    fclose(file);
    return found;
}

static int64_t of_resource(__rlimit_resource_t resource)
{
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0 || limit.rlim_cur > INT64_MAX)
        return INT64_MAX;
    return (int64_t)limit.rlim_cur;
}

static int64_t of_machine(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (int64_t)pages * size : INT64_MAX;
}

int64_t memory_available(void)
{
    return least(least(of_machine(), of_own_group()),
                 least(of_resource(RLIMIT_AS), of_resource(RLIMIT_DATA)));
}
