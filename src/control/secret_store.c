#include "control/secret_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/heap.h"
#include "control/pieces.h"
#include "control/seal_file.h"
#include "control/state_file.h"

#define PURPOSE BYTES("selvage secrets 1")

/* ---- the file ----------------------------------------------------------------------- */

static void value_write(struct text *out, const struct secret_value *value)
{
    piece_write(out, value->name_space);
    piece_write(out, value->name);
    piece_write(out, value->key);
    piece_write(out, value->value);
    piece_write(out, bytes_make(&value->changed_s, sizeof value->changed_s));
}

static bool value_read(struct bytes *in, struct secret_value *out)
{
    struct bytes changed;
    if (!piece_read(in, &out->name_space) || !piece_read(in, &out->name) || !piece_read(in, &out->key) ||
        !piece_read(in, &out->value) || !piece_read(in, &changed) || changed.len != sizeof out->changed_s)
        return false;
    memcpy(&out->changed_s, changed.at, changed.len);
    return true;
}

bool secret_store_read(const struct settings *settings, struct arena *arena, struct secret_values *out,
                       struct fail *why)
{
    struct bytes in;
    *out = (struct secret_values){arena_array(arena, struct secret_value, SECRET_VALUES_MAX), 0};
    if (!seal_state_read(settings, SECRET_STORE_FILE, PURPOSE, SECRET_STORE_MAX, arena, &in, why))
        return false;
    while (in.len) {
        if (out->count == SECRET_VALUES_MAX || !value_read(&in, &out->at[out->count]))
            return fail(why, FAIL_INPUT, "the store of secrets is no list of at most %d values",
                        SECRET_VALUES_MAX);
        out->count++;
    }
    return true;
}

static bool store_write(const struct settings *settings, struct secret_values *values, struct arena *arena,
                        struct fail *why)
{
    struct text plain;
    text_init_arena(&plain, arena);
    secret_values_sort(values);
    for (size_t i = 0; i < values->count; i++)
        value_write(&plain, &values->at[i]);
    bool done = plain.len <= SECRET_STORE_MAX - 1024
                    ? seal_state_write(settings, SECRET_STORE_FILE, PURPOSE, text_bytes(&plain), why)
                    : fail(why, FAIL_LIMIT, "the store would have %zu bytes, more than %zu are not kept",
                           plain.len, SECRET_STORE_MAX - 1024);
    if (plain.len)
        heap_wipe(plain.at, plain.len);
    return done;
}

/* ---- changing it ---------------------------------------------------------------------- */

static int lock_take(const struct settings *settings, struct arena *arena, struct fail *why)
{
    const char *path = path_join(arena, settings->state, SECRET_STORE_FILE ".lock");
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX) == 0)
        return fd;
    fail_errno(why, FAIL_SELF, "%s: cannot lock the store of secrets", path);
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool is_at(const struct secret_value *value, struct bytes name_space, struct bytes name,
                  struct bytes key)
{
    return bytes_equal(value->name_space, name_space) && bytes_equal(value->name, name) &&
           (!key.len || bytes_equal(value->key, key));
}

/* With a copy, so that what is wiped behind it is ours. */
static void value_put(struct secret_values *values, const struct secret_value *value, struct arena *arena)
{
    size_t at = 0;
    while (at < values->count && !is_at(&values->at[at], value->name_space, value->name, value->key))
        at++;
    if (at == values->count)
        values->count++;
    else
        secret_values_wipe(&(struct secret_values){&values->at[at], 1});
    values->at[at] = *value;
    values->at[at].value = arena_bytes(arena, value->value);
}

/* `values` has room for SECRET_VALUES_MAX. */
static bool values_put(struct secret_values *values, const struct secret_value *more, size_t count,
                       struct arena *arena, struct fail *why)
{
    for (size_t i = 0; i < count; i++) {
        if (!secret_name_judge(more[i].name_space, more[i].name, why) || !secret_key_judge(more[i].key, why))
            return false;
        if (values->count == SECRET_VALUES_MAX)
            return fail(why, FAIL_LIMIT, "the store has %d values already, more are not kept",
                        SECRET_VALUES_MAX);
        value_put(values, &more[i], arena);
    }
    secret_values_sort(values);
    for (size_t i = 0, run; i < values->count; i += run) {
        size_t size = 0;
        run = secret_values_run(values, i);
        for (size_t n = i; n < i + run; n++)
            size += values->at[n].value.len;
        if (size > SECRET_VALUE_MAX)
            return fail(why, FAIL_LIMIT, "%.*s/%.*s would have %zu bytes, a Secret has at most %zu",
                        BYTES_FMT(values->at[i].name_space), BYTES_FMT(values->at[i].name), size,
                        SECRET_VALUE_MAX);
    }
    return true;
}

bool secret_store_put(const struct settings *settings, const struct secret_value *more, size_t count,
                      struct fail *why)
{
    struct arena arena;
    struct secret_values values = {0};
    arena_init(&arena);
    int lock = lock_take(settings, &arena, why);
    bool done = lock >= 0 && secret_store_read(settings, &arena, &values, why) &&
                values_put(&values, more, count, &arena, why) && store_write(settings, &values, &arena, why);
    secret_values_wipe(&values);
    if (lock >= 0)
        close(lock);
    arena_done(&arena);
    return done;
}

static bool values_delete(struct secret_values *values, struct bytes name_space, struct bytes name,
                          struct bytes key, struct fail *why)
{
    size_t left = 0;
    for (size_t i = 0; i < values->count; i++) {
        if (is_at(&values->at[i], name_space, name, key))
            secret_values_wipe(&(struct secret_values){&values->at[i], 1});
        else
            values->at[left++] = values->at[i];
    }
    if (left == values->count)
        return fail(why, FAIL_INPUT, "the store has no secret %.*s/%.*s%s%.*s", BYTES_FMT(name_space),
                    BYTES_FMT(name), key.len ? " with a key " : "", BYTES_FMT(key));
    values->count = left;
    return true;
}

bool secret_store_delete(const struct settings *settings, struct bytes name_space, struct bytes name,
                         struct bytes key, struct fail *why)
{
    struct arena arena;
    struct secret_values values = {0};
    arena_init(&arena);
    int lock = lock_take(settings, &arena, why);
    bool done = lock >= 0 && secret_store_read(settings, &arena, &values, why) &&
                values_delete(&values, name_space, name, key, why) &&
                store_write(settings, &values, &arena, why);
    secret_values_wipe(&values);
    if (lock >= 0)
        close(lock);
    arena_done(&arena);
    return done;
}
