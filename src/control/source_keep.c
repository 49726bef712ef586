#include "control/source_keep.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/heap.h"
#include "base/map.h"

enum { STILL_S = 3 }; /* the coarsest steps that are met: two seconds, on FAT and some NFS */

struct kept {
    char *name;
    struct source_stamp stamp;
    struct digest digest;
    size_t len;
    char *content; /* heap; may hold secrets */
    bool still;    /* when it was read, nothing had changed for a while */
    bool used;
};

struct source_keep {
    struct map by_name;
};

struct source_keep *source_keep_new(void)
{
    struct source_keep *keep = heap_new(struct source_keep);
    map_init(&keep->by_name);
    return keep;
}

static void kept_free(struct kept *kept)
{
    if (kept->content)
        heap_wipe(kept->content, kept->len);
    free(kept->content);
    free(kept->name);
    free(kept);
}

static bool is_still(const struct source_stamp *stamp)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return stamp->modified_s + STILL_S < now.tv_sec && stamp->changed_s + STILL_S < now.tv_sec;
}

bool source_keep_get(struct source_keep *keep, struct source_file *file)
{
    struct kept *kept = map_get(&keep->by_name, file->name);
    if (!kept || !kept->still || memcmp(&kept->stamp, &file->stamp, sizeof kept->stamp) != 0)
        return false;
    kept->used = true;
    file->content = bytes_make(kept->content, kept->len);
    file->digest = kept->digest;
    return true;
}

void source_keep_put(struct source_keep *keep, const struct source_file *file)
{
    struct kept *kept = heap_new(struct kept);
    *kept = (struct kept){.name = heap_text(file->name),
                          .stamp = file->stamp,
                          .digest = file->digest,
                          .len = file->content.len,
                          .content = heap_text(file->content),
                          .still = is_still(&file->stamp),
                          .used = true};
    struct kept *before = map_take(&keep->by_name, file->name);
    if (before)
        kept_free(before);
    map_put(&keep->by_name, bytes_of(kept->name), kept);
}

static size_t unused_list(struct source_keep *keep, struct kept **list, bool all)
{
    size_t count = 0, at = 0;
    struct bytes name;
    void *value;
    while (map_next(&keep->by_name, &at, &name, &value)) {
        struct kept *kept = value;
        if (all || !kept->used)
            list[count++] = kept;
        kept->used = false;
    }
    return count;
}

static void unused_drop(struct source_keep *keep, bool all)
{
    if (!keep->by_name.count)
        return;
    struct kept **list = heap_alloc_array(keep->by_name.count, sizeof(struct kept *));
    size_t count = unused_list(keep, list, all);
    for (size_t i = 0; i < count; i++) {
        map_take(&keep->by_name, bytes_of(list[i]->name));
        kept_free(list[i]);
    }
    free(list);
}

void source_keep_end(struct source_keep *keep)
{
    unused_drop(keep, false);
}

void source_keep_free(struct source_keep *keep)
{
    if (!keep)
        return;
    unused_drop(keep, true);
    map_done(&keep->by_name);
    free(keep);
}
