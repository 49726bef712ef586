/* What is accepted keeps to the grammar's promises, and reads the same again. */
#include <stdlib.h>

#include "wire/spiffe_id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct bytes text, const struct spiffe_id *id)
{
    struct spiffe_id istio;
    struct fail why;
    if (!id->trust_domain.len || text.len != 9 + id->trust_domain.len + id->path.len ||
        text.len > SPIFFE_ID_MAX)
        abort();
    if (id->account.len && !spiffe_istio_parse(text, &istio, &why))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_make(data, size);
    struct spiffe_id id;
    struct bytes name;
    struct fail why;
    struct arena arena;
    size_t count;
    if (spiffe_id_parse(text, &id, &why))
        check(text, &id);
    spiffe_trust_domain_parse(text, &name, &why);
    arena_init(&arena);
    spiffe_aliases_expand(&arena, &text, 1, &text, 1, &count);
    if (!count || count > 2)
        abort();
    arena_done(&arena);
    return 0;
}
