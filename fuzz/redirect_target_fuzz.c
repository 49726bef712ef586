/* An allowed target is printable, and a path or an http(s) URL whose host ends with the allowed one. */
#include <assert.h>

#include "wire/redirect_target.h"

static void check_url(struct bytes target)
{
    size_t at = bytes_find(target, ':') + 3, end = at;
    assert(bytes_starts_nocase(target, BYTES("http")) && end <= target.len);
    while (end < target.len && !strchr("/?#:", target.at[end]))
        end++;
    struct bytes host = bytes_part(target, at, end);
    assert(bytes_equal_nocase(host, BYTES("own.test")) || bytes_ends_nocase(host, BYTES("below.test")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct bytes allowed[] = {BYTES_INIT(".below.test")};
    struct redirect_scope scope = {BYTES("own.test"), allowed, 1};
    struct bytes target = bytes_make(data, size);
    struct fail why;
    redirect_allowed_check(target, &why);
    if (!redirect_target_check(target, &scope, &why))
        return 0;
    for (size_t i = 0; i < size; i++)
        assert(target.at[i] > 0x20 && target.at[i] < 0x7f);
    if (target.at[0] != '/')
        check_url(target);
    else
        assert(size == 1 || (target.at[1] != '/' && target.at[1] != '\\'));
    return 0;
}
