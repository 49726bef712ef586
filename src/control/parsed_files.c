#include "control/parsed_files.h"

#include <stdlib.h>
#include <string.h>

#include "base/heap.h"

void parsed_files_init(struct parsed_files *files)
{
    *files = (struct parsed_files){0};
    map_init(&files->by_name);
}

void parsed_files_begin(struct parsed_files *files)
{
    files->round++;
}

void parsed_file_unref(struct parsed_file *file)
{
    if (!file || --file->refs)
        return;
    resource_set_done(&file->set);
    free(file->name);
    free(file);
}

static struct parsed_file *file_parse(const struct source_file *source)
{
    struct parsed_file *file = heap_new(struct parsed_file);
    file->refs = 1;
    file->name = heap_text(source->name);
    file->digest = source->digest;
    resource_set_init(&file->set);
    resource_set_add_file(&file->set, file->name, source->content);
    resource_set_digest(&file->set);
    return file;
}

struct parsed_file *parsed_files_get(struct parsed_files *files, const struct source_file *source)
{
    struct parsed_file *file = map_get(&files->by_name, source->name);
    if (!file || memcmp(&file->digest, &source->digest, sizeof file->digest) != 0) {
        file = file_parse(source);
        if (map_get(&files->by_name, source->name)) /* whose key lies in what goes now */
            parsed_file_unref(map_take(&files->by_name, source->name));
        map_put(&files->by_name, bytes_of(file->name), file);
    }
    file->used = files->round;
    file->refs++;
    return file;
}

/* Those of another round; the map may not change while it is walked. */
static size_t unused_list(const struct parsed_files *files, uint64_t round, struct parsed_file **list)
{
    size_t count = 0, at = 0;
    struct bytes name;
    void *value;
    while (map_next(&files->by_name, &at, &name, &value)) {
        struct parsed_file *file = value;
        if (file->used != round)
            list[count++] = file;
    }
    return count;
}

static void unused_drop(struct parsed_files *files, uint64_t round)
{
    if (!files->by_name.count)
        return;
    struct parsed_file **list = heap_alloc_array(files->by_name.count, sizeof(struct parsed_file *));
    size_t count = unused_list(files, round, list);
    for (size_t i = 0; i < count; i++) {
        map_take(&files->by_name, bytes_of(list[i]->name));
        parsed_file_unref(list[i]);
    }
    free(list);
}

void parsed_files_end(struct parsed_files *files)
{
    unused_drop(files, files->round);
}

void parsed_files_done(struct parsed_files *files)
{
    unused_drop(files, files->round + 1);
    map_done(&files->by_name);
}
