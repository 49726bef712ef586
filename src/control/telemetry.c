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
    /* Slices are short and the pauses between them too, since workers may share the core; while nothing
     * comes, pauses grow. */
    PAUSE_MIN_MS = 5,
    PAUSE_MAX_MS = 50,
    BATCH = 100, /* records of one ring before the next has its turn */
    CLOSING_BATCHES = 10000,
    LINES_SIZE = 32 * 1024, /* so many bytes of lines are written at once: they stay in the cache */
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
    struct arena arena;       /* of one batch */
    struct arena lines_arena; /* of lines, for ever */
    struct text lines;        /* not written yet */
    uint64_t line_count;
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

static bool lines_out(struct telemetry *telemetry)
{
    if (telemetry->log < 0)
        log_open(telemetry); /* the directory may be back */
    if (telemetry->log >= 0 && log_write(telemetry->log, text_bytes(&telemetry->lines)))
        return true;
    if (telemetry->log >= 0)
        log_warn_sometimes(telemetry, errno);
    return false;
}

static void lines_write(struct telemetry *telemetry)
{
    if (telemetry->lines.len && !lines_out(telemetry))
        metrics_lost(telemetry->metrics, LOSS_LINE, telemetry->line_count);
    telemetry->lines.len = 0;
    telemetry->line_count = 0;
}

static void line_add(struct telemetry *telemetry, const struct record *record)
{
    record_json(&telemetry->lines, record);
    text_add_c(&telemetry->lines, '\n');
    telemetry->line_count++;
    if (telemetry->lines.len >= LINES_SIZE)
        lines_write(telemetry);
}

/* ---- rings ---- */

static void record_take(struct telemetry *telemetry, struct bytes encoded)
{
    struct record record;
    struct fail why;
    if (!record_decode(encoded, &record, &why)) {
        metrics_lost(telemetry->metrics, LOSS_RECORD, 1);
        return;
    }
    metrics_count(telemetry->metrics, &record);
    if (telemetry->path)
        line_add(telemetry, &record);
}

static void drops_tell(struct telemetry *telemetry, struct ring_view *view)
{
    uint64_t dropped = ring_dropped(&view->ring);
    if (dropped > view->dropped)
        metrics_lost(telemetry->metrics, LOSS_RING, dropped - view->dropped);
    view->dropped = dropped;
}

/* One batch at most; answers how many records it was. */
static unsigned ring_empty(struct telemetry *telemetry, struct ring_view *view)
{
    struct bytes encoded;
    unsigned count = 0;
    if (!view->memory)
        return 0;
    while (count < BATCH && ring_read(&view->ring, &telemetry->arena, &encoded)) {
        record_take(telemetry, encoded);
        arena_reset(&telemetry->arena);
        count++;
    }
    lines_write(telemetry);
    drops_tell(telemetry, view);
    return count;
}

/* One batch of each; answers how many records the fullest had. */
static unsigned rings_empty(struct telemetry *telemetry)
{
    unsigned most = 0;
    for (size_t i = 0; i < FRAME_WORKERS_MAX; i++) {
        unsigned count = ring_empty(telemetry, &telemetry->rings[i]);
        most = count > most ? count : most;
    }
    return most;
}

static void ring_close(struct telemetry *telemetry, struct ring_view *view)
{
    for (int i = 0; i < CLOSING_BATCHES && ring_empty(telemetry, view) == BATCH; i++)
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

/* How long to wait after a slice of `count` records, when it was pause_ms before. */
static int64_t pause_next(int64_t pause_ms, unsigned count)
{
    if (count == BATCH)
        return 0;
    if (count)
        return PAUSE_MIN_MS;
    return pause_ms * 2 + PAUSE_MIN_MS < PAUSE_MAX_MS ? pause_ms * 2 + PAUSE_MIN_MS : PAUSE_MAX_MS;
}

static void *telemetry_run(void *of)
{
    struct telemetry *telemetry = of;
    int64_t pause_ms = 0;
    log_open(telemetry);
    do {
        pause_ms = pause_next(pause_ms, rings_empty(telemetry));
        mailbox_wait(&telemetry->inbox, pause_ms);
    } while (inbox_read(telemetry));
    for (size_t i = 0; i < FRAME_WORKERS_MAX; i++)
        ring_close(telemetry, &telemetry->rings[i]);
    arena_done(&telemetry->arena);
    arena_done(&telemetry->lines_arena);
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
    arena_init(&telemetry->lines_arena);
    text_init_arena(&telemetry->lines, &telemetry->lines_arena);
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
