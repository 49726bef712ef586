/* What was read, written again, reads the same. */
#include <stdlib.h>

#include "wire/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct form form, again;
    struct text text;
    struct arena arena;
    struct fail why;
    arena_init(&arena);
    if (form_read(bytes_make(data, size), &arena, &form, &why)) {
        text_init_arena(&text, &arena);
        for (size_t i = 0; i < form.count; i++) {
            text_add_c(&text, '&');
            form_escape(&text, form.at[i].name);
            text_add_c(&text, '=');
            form_escape(&text, form.at[i].value);
        }
        if (!form_read(text_bytes(&text), &arena, &again, &why) || again.count != form.count)
            abort();
        for (size_t i = 0; i < form.count; i++)
            if (!bytes_equal(form.at[i].name, again.at[i].name) ||
                !bytes_equal(form.at[i].value, again.at[i].value))
                abort();
    }
    arena_done(&arena);
    return 0;
}
