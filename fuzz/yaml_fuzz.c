#include "rules/resource.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct resource_set set;
    resource_set_init(&set);
    resource_set_add_file(&set, "fuzz.yaml", bytes_make(at, len));
    resource_set_finish(&set);
    resource_set_done(&set);
    return 0;
}
