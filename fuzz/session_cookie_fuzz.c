/* Whatever cookies come, what is found is among them; what is set is found again, and nothing else. */
#include <stdlib.h>

#include "rules/decide/session_cookie.h"

#define NAME BYTES("__Host-s")

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void field_of(struct http_fields *fields, struct bytes cookies, struct arena *arena)
{
    http_fields_init(fields, arena);
    http_fields_add_known(fields, HTTP_COOKIE, cookies);
}

static void set_and_find(struct bytes text, struct arena *arena)
{
    struct http_fields none, response, request;
    struct bytes found[SESSION_COOKIE_FOUND_MAX], pair;
    field_of(&none, (struct bytes){0}, arena);
    http_fields_init(&response, arena);
    if (!text.len || !session_cookie_set(&response, &none, NAME, text, BYTES("MARKMARK"), 60, arena))
        return;
    http_fields_init(&request, arena);
    for (uint32_t i = 0; i < response.count; i++) {
        struct bytes rest = response.at[i].value;
        bytes_cut(&rest, ';', &pair);
        http_fields_add_known(&request, HTTP_COOKIE, pair);
    }
    if (session_cookie_find(&request, NAME, arena, found) != 1 || !bytes_equal(found[0], text))
        abort();
}

static bool is_text(struct bytes in)
{
    for (size_t i = 0; i < in.len; i++)
        if (!ascii_is_alpha(in.at[i]) && !ascii_is_digit(in.at[i]))
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_make(data, size), found[SESSION_COOKIE_FOUND_MAX];
    struct http_fields fields;
    struct arena arena;
    arena_init(&arena);
    field_of(&fields, in, &arena);
    size_t count = session_cookie_find(&fields, NAME, &arena, found);
    for (size_t i = 0; i < count; i++)
        if (found[i].len > size)
            abort();
    if (is_text(in))
        set_and_find(in, &arena);
    arena_done(&arena);
    return 0;
}
