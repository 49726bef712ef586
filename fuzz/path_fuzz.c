/* Normal paths begin with "/", hold no dot segment, and normalising them again changes nothing. */
#include <assert.h>

#include "wire/path.h"
#include "wire/path_template.h"

static void check_segments(struct bytes path)
{
    struct bytes segment;
    bool more = true;
    while (more) {
        more = bytes_cut(&path, '/', &segment);
        assert(!bytes_equal(segment, BYTES(".")) && !bytes_equal(segment, BYTES("..")));
    }
}

static void check_level(struct bytes in, enum path_level level)
{
    struct arena arena;
    struct fail why;
    struct bytes out, again;
    arena_init(&arena);
    if (path_normalize(in, level, &arena, &out, &why)) {
        assert(out.len && out.len <= in.len && out.at[0] == '/');
        assert(bytes_find(out, '#') == out.len);
        assert(path_normalize(out, level, &arena, &again, &why) && bytes_equal(out, again));
        if (level != PATH_NONE)
            check_segments(path_only(out));
        if (level >= PATH_MERGE_SLASHES)
            assert(bytes_find_text(path_only(out), BYTES("//")) == path_only(out).len);
    }
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fail why;
    struct bytes in = bytes_make(data, size), text = in;
    for (int level = PATH_NONE; level <= PATH_DECODE_AND_MERGE_SLASHES; level++)
        check_level(in, (enum path_level)level);
    bytes_cut(&in, ' ', &text);
    if (path_template_check(text, &why))
        path_template_match(text, in);
    return 0;
}
