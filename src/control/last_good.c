#include "control/last_good.h"

#include <string.h>

#include "base/heap.h"
#include "base/text.h"
#include "control/pieces.h"
#include "control/seal_file.h"
#include "control/state_file.h"

#define PURPOSE BYTES("selvage last-good 1")
#define SEALED_MAX (SOURCE_BYTES_MAX + ((size_t)32 << 20))

static bool files_read(struct bytes in, struct arena *arena, struct source_files *out, struct fail *why)
{
    uint32_t count;
    struct bytes head;
    if (!piece_read(&in, &head) || head.len != sizeof count)
        return fail(why, FAIL_INPUT, "the last good rules have no head");
    memcpy(&count, head.at, sizeof count);
    if (count > SOURCE_FILES_MAX)
        return fail(why, FAIL_LIMIT, "the last good rules have %u files", count);
    struct source_file *files = arena_array(arena, struct source_file, count);
    for (uint32_t i = 0; i < count; i++) {
        struct bytes name;
        if (!piece_read(&in, &name) || !piece_read(&in, &files[i].content))
            return fail(why, FAIL_INPUT, "the last good rules end too soon");
        files[i].name = bytes_make(arena_text(arena, name), name.len);
        files[i].digest = digest_of(files[i].content);
    }
    *out = (struct source_files){files, count};
    return true;
}

bool last_good_write(const struct settings *settings, const struct source_files *files, struct fail *why)
{
    struct arena arena;
    struct seal_key key;
    struct text text;
    uint32_t count = (uint32_t)files->count;
    if (!seal_key_obtain(settings, settings->state, &key, why))
        return false;
    arena_init(&arena);
    text_init_arena(&text, &arena);
    piece_write(&text, bytes_make(&count, sizeof count));
    for (size_t i = 0; i < files->count; i++) {
        piece_write(&text, files->at[i].name);
        piece_write(&text, files->at[i].content);
    }
    bool done = seal_file_write(path_join(&arena, settings->state, "last-good"), &key, PURPOSE,
                                text_bytes(&text), why);
    heap_wipe(text.at, text.len);
    heap_wipe(&key, sizeof key);
    arena_done(&arena);
    return done;
}

bool last_good_read(const struct settings *settings, struct arena *arena, struct source_files *out,
                    struct fail *why)
{
    struct seal_key key;
    struct bytes plain;
    if (!seal_key_obtain(settings, settings->state, &key, why))
        return false;
    bool opened = seal_file_read(path_join(arena, settings->state, "last-good"), &key, PURPOSE, SEALED_MAX,
                                 arena, &plain, why);
    heap_wipe(&key, sizeof key);
    return opened && files_read(plain, arena, out, why);
}
