/* selvage.yaml from any bytes: either settings that hold together, or at least one error. */
#include <assert.h>

#include "control/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct findings findings;
    struct settings settings;
    arena_init(&arena);
    findings_init(&findings, &arena);
    if (settings_read(bytes_make(data, size), "selvage.yaml", &findings, &settings))
        assert(settings.node.len && settings.rules.len && settings.workers >= 1 && settings.workers <= 64);
    else
        assert(findings.errors > 0);
    arena_done(&arena);
    return 0;
}
