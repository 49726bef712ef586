#include "control/telemetry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/log.h"
#include "wire/frame.h"
#include "wire/ring.h"

enum {
    PAUSE_MS = 50,
    BATCH = 1000, /* records of one ring before the next has its turn */
    CLOSING_BATCHES = 1000,
    WARN_MS = 60 * 1000,
    RING_MEMORY_MAX = 256 << 20,
};

struct ring_view {
    void *memory; /* NULL: none */
    size_t size;
    struct ring ring;
    uint64_t dropped; /* as it was told already */
};

struct telemetry {
    pthread_t thread;
    struct mailbox inbox;
    struct metrics *metrics;
    char *path; /* NULL: no access log */
    int log;    /* -1: not open */
    uint64_t warned_ms;
    struct ring_view rings[FRAME_WORKERS_MAX];
    struct arena arena; /* of one batch */
};

/* ---- the access log ---- */

static void log_warn_sometimes(struct telemetry *telemetry, int error)
{
    uint64_t now_ms = clock_ms();
    if (telemetry->warned_ms && now_ms < telemetry->warned_ms + WARN_MS)
        return;
    telemetry->warned_ms = now_ms;
    log_warning("%s: access lines are lost: %s", telemetry->path, strerror(error));
}

static void log_open(struct telemetry *telemetry)
{
    if (telemetry->log >= 0 && telemetry->log != STDOUT_FILENO)
        close(telemetry->log);
    telemetry->log = -1;
    if (!telemetry->path)
        return;
    if (strcmp(telemetry->path, "stdout") == 0)
        telemetry->log = STDOUT_FILENO;
    else
        telemetry->log = open(telemetry->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
    if (telemetry->log < 0)
        log_warn_sometimes(telemetry, errno);
}

static bool log_write(int fd, struct bytes lines)
{
    while (lines.len) {
        ssize_t n = write(fd, lines.at, lines.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        lines = bytes_part(lines, (size_t)n, lines.len);
    }
    return true;
}

static void lines_write(struct telemetry *telemetry, const struct text *lines, uint64_t count)
{
    if (!lines->len || !telemetry->path)
        return;
    if (telemetry->log < 0)
        log_open(telemetry); /* the directory may be back */
    if (telemetry->log >= 0 && log_write(telemetry->log, text_bytes(lines)))
        return;
    if (telemetry->log >= 0)
        log_warn_sometimes(telemetry, errno);
    metrics_lost(telemetry->metrics, LOSS_LINE, count);
}

/* ---- rings ---- */

static void record_take(struct telemetry *telemetry, struct bytes encoded, struct text *lines)
{
    struct record record;
    struct fail why;
    if (!record_decode(encoded, &record, &why)) {
        metrics_lost(telemetry->metrics, LOSS_RECORD, 1);
        return;
    }
    metrics_count(telemetry->metrics, &record);
    if (!telemetry->path)
        return;
    record_json(lines, &record);
    text_add_c(lines, '\n');
}

static void drops_tell(struct telemetry *telemetry, struct ring_view *view)
{
    uint64_t dropped = ring_dropped(&view->ring);
    if (dropped > view->dropped)
        metrics_lost(telemetry->metrics, LOSS_RING, dropped - view->dropped);
    view->dropped = dropped;
}

/* Answers whether there is more. */
static bool ring_empty(struct telemetry *telemetry, struct ring_view *view)
{
    struct text lines;
    struct bytes encoded;
    uint64_t count = 0;
    if (!view->memory)
        return false;
    arena_reset(&telemetry->arena);
    text_init_arena(&lines, &telemetry->arena);
    while (count < BATCH && ring_read(&view->ring, &telemetry->arena, &encoded)) {
        record_take(telemetry, encoded, &lines);
        count++;
    }
    lines_write(telemetry, &lines, count);
    drops_tell(telemetry, view);
    return count == BATCH;
}

/* One batch of each. */
static bool rings_empty(struct telemetry *telemetry)
{
    bool more = false;
    for (size_t i = 0; i < FRAME_WORKERS_MAX; i++)
        more |= ring_empty(telemetry, &telemetry->rings[i]);
    return more;
}

static void ring_close(struct telemetry *telemetry, struct ring_view *view)
{
    for (int i = 0; i < CLOSING_BATCHES && ring_empty(telemetry, view); i++)
        ; /* a writer that never stops must not hold us */
    if (view->memory)
        munmap(view->memory, view->size);
    *view = (struct ring_view){0};
}

static bool size_is_ring(off_t size)
{
    size_t data = (size_t)size - RING_HEAD;
    return size > RING_HEAD && size <= RING_MEMORY_MAX && (data & (data - 1)) == 0;
}

static void ring_take(struct telemetry *telemetry, const struct ring_letter *letter)
{
    struct ring_view *view = &telemetry->rings[letter->index];
    struct stat stat;
    ring_close(telemetry, view);
    if (fstat(letter->fd, &stat) != 0 || !size_is_ring(stat.st_size)) {
        log_error("worker %u has a record ring of a size that none has", letter->index);
        return;
    }
    void *memory = mmap(NULL, (size_t)stat.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, letter->fd, 0);
    if (memory == MAP_FAILED) {
        log_error("worker %u: its record ring cannot be read: %m", letter->index);
        return;
    }
    *view = (struct ring_view){.memory = memory, .size = (size_t)stat.st_size};
    ring_open(&view->ring, memory, view->size);
    view->dropped = ring_dropped(&view->ring);
    if (!(fcntl(letter->fd, F_GET_SEALS) & F_SEAL_SHRINK))
        log_warning("worker %u could shrink its record ring under us: it is not sealed", letter->index);
}

/* ---- the thread ---- */

static bool inbox_read(struct telemetry *telemetry)
{
    struct letter *letter;
    bool stop = false;
    while ((letter = mailbox_take(&telemetry->inbox))) {
        stop |= letter->kind == LETTER_STOP;
        if (letter->kind == LETTER_RING)
            ring_take(telemetry, (const struct ring_letter *)letter);
        if (letter->kind == LETTER_REOPEN)
            log_open(telemetry);
        letter_free(letter);
    }
    return !stop;
}

static void *telemetry_run(void *of)
{
    struct telemetry *telemetry = of;
    log_open(telemetry);
    do {
        bool more = rings_empty(telemetry);
        mailbox_wait(&telemetry->inbox, more ? 0 : PAUSE_MS);
    } while (inbox_read(telemetry));
    for (size_t i = 0; i < FRAME_WORKERS_MAX; i++)
        ring_close(telemetry, &telemetry->rings[i]);
    arena_done(&telemetry->arena);
    arena_stock_drop();
    return NULL;
}

struct telemetry *telemetry_start(struct bytes access_log, struct metrics *metrics)
{
    struct telemetry *telemetry = heap_new(struct telemetry);
    telemetry->metrics = metrics;
    telemetry->path = access_log.len ? heap_text(access_log) : NULL;
    telemetry->log = -1;
    arena_init(&telemetry->arena);
    mailbox_init(&telemetry->inbox);
    if (pthread_create(&telemetry->thread, NULL, telemetry_run, telemetry) != 0)
        abort();
    return telemetry;
}

static void ring_letter_wipe(struct letter *letter)
{
    close(((struct ring_letter *)letter)->fd);
}

void telemetry_ring(struct telemetry *telemetry, uint32_t index, int take)
{
    struct ring_letter *letter = letter_new(LETTER_RING, sizeof *letter);
    letter->letter.wipe = ring_letter_wipe;
    letter->index = index;
    letter->fd = take;
    mailbox_post(&telemetry->inbox, &letter->letter);
}

void telemetry_reopen(struct telemetry *telemetry)
{
    mailbox_post(&telemetry->inbox, letter_new(LETTER_REOPEN, sizeof(struct letter)));
}

void telemetry_stop(struct telemetry *telemetry)
{
    if (!telemetry)
        return;
    mailbox_post(&telemetry->inbox, letter_new(LETTER_STOP, sizeof(struct letter)));
    pthread_join(telemetry->thread, NULL);
    mailbox_done(&telemetry->inbox);
    if (telemetry->log >= 0 && telemetry->log != STDOUT_FILENO)
        close(telemetry->log);
    free(telemetry->path);
    free(telemetry);
}
