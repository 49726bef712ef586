#include "control/source_directory.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/log.h"
#include "control/secrets.h"
#include "control/source_keep.h"

enum {
    LATE_MAX = 10,     /* that often a look may end because files changed meanwhile, before it is told */
    LATE_MS = 20,      /* until the next one */
    ROOT_MS = 300,     /* between two looks whether the directory is still the same one */
    SECRETS_MS = 1000, /* between two looks whether those who know secrets were touched */
};

const struct source_times source_times_default = {20, 200, 10 * 1000};

struct source_directory {
    pthread_t thread;
    struct mailbox inbox;
    struct mailbox *out;
    struct source_keep *keep;
    const struct settings *settings;
    char *path;
    struct source_times times;
    int inotify;
    dev_t root_device; /* of the directory that was walked last; both 0 when it was not there */
    ino_t root_inode;
    bool posted;            /* once at least */
    unsigned late;          /* looks, one upon the other, that ended because files changed */
    struct digest touched;  /* of the last walk */
    struct digest contents; /* of what was posted last */
    struct digest secrets;  /* of the last look at those who know secrets */
};

static struct bytes path_of(const struct source_directory *source)
{
    return bytes_of(source->path);
}

static bool root_is_another(const struct source_directory *source)
{
    struct stat now = {0};
    if (stat(source->path, &now) < 0)
        now = (struct stat){0};
    return now.st_dev != source->root_device || now.st_ino != source->root_inode;
}

/* Before the walk, so that no swap falls between. */
static void root_note(struct source_directory *source)
{
    struct stat now = {0};
    if (stat(source->path, &now) < 0)
        now = (struct stat){0};
    source->root_device = now.st_dev;
    source->root_inode = now.st_ino;
}

/*
 * One for the life of the thread: each walk watches again what it finds, which changes nothing for what was
 * watched already; what was removed is no longer told of. To close it would wait for the kernel to forget its
 * watches, for seconds when the machine is busy.
 */
static void watches_open(struct source_directory *source)
{
    if (source->inotify >= 0)
        return;
    source->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (source->inotify < 0)
        log_warning("%s: changes are seen only every %lld ms: inotify: %m", source->path,
                    (long long)source->times.rescan_ms);
}

static bool is_news(struct source_directory *source, const struct source_letter *letter)
{
    struct digest contents = source_digest(&letter->files);
    if (letter->gone.len) {
        struct digest_work *work = digest_start();
        digest_more(work, letter->gone);
        contents = digest_end(work);
    }
    bool news = !source->posted || memcmp(&contents, &source->contents, sizeof contents) != 0;
    source->contents = contents;
    source->posted = true;
    return news;
}

static void look(struct source_directory *source)
{
    struct source_letter *letter = letter_new(LETTER_SOURCE, sizeof *letter);
    struct fail why;
    root_note(source);
    watches_open(source);
    bool taken = source_take(path_of(source), source->inotify, source->keep, &letter->letter.arena,
                             &letter->files, &source->touched, &why);
    source->late = taken || why.kind != FAIL_LATE || source->late == LATE_MAX ? 0 : source->late + 1;
    if (source->late) {
        letter_free(&letter->letter);
        return;
    }
    if (!taken) {
        letter->files = (struct source_files){0};
        letter->gone = arena_bytes(&letter->letter.arena, bytes_of(why.text));
        memset(&source->touched, 0, sizeof source->touched);
    } else {
        secrets_add(source->settings, source->inotify, &letter->letter.arena, &letter->files,
                    &source->secrets);
    }
    if (is_news(source, letter))
        mailbox_post(source->out, &letter->letter);
    else
        letter_free(&letter->letter);
}

/* The slow look around: cheap unless something was touched. */
static bool is_touched(struct source_directory *source)
{
    struct arena arena;
    struct source_files files;
    struct digest touched;
    struct fail why;
    arena_init(&arena);
    bool walked = source_walk(path_of(source), -1, &arena, &files, &touched, &why);
    arena_done(&arena);
    return !walked || memcmp(&touched, &source->touched, sizeof touched) != 0;
}

static bool secrets_are_touched(const struct source_directory *source)
{
    struct digest now = secrets_touched(source->settings);
    return memcmp(&now, &source->secrets, sizeof now) != 0;
}

static bool changes_wait(const struct source_directory *source, int64_t timeout_ms)
{
    struct pollfd fds[] = {{.fd = source->inotify, .events = POLLIN},
                           {.fd = source->inbox.event, .events = POLLIN}};
    return poll(fds, 2, (int)timeout_ms) > 0 && (fds[0].revents & POLLIN);
}

/* A writer may need several steps: wait until nothing came for a moment. */
static void settle(const struct source_directory *source)
{
    uint64_t end = clock_ms() + (uint64_t)source->times.settle_max_ms;
    do
        source_events_drop(source->inotify);
    while (clock_ms() < end && changes_wait(source, source->times.settle_ms));
}

/* Answers false when the thread shall end; *nudged when a look was asked for. */
static bool inbox_read(struct source_directory *source, bool *nudged)
{
    struct letter *letter;
    bool stop = false;
    *nudged = false;
    while ((letter = mailbox_take(&source->inbox))) {
        stop |= letter->kind == LETTER_STOP;
        *nudged |= letter->kind == LETTER_NUDGE;
        letter_free(letter);
    }
    return !stop;
}

static int64_t look_ms(const struct source_directory *source)
{
    if (source->late)
        return LATE_MS;
    /* Watches hang on what they were set on: a path that leads elsewhere now is not told by them. */
    return source->times.rescan_ms < ROOT_MS ? source->times.rescan_ms : ROOT_MS;
}

static void *source_run(void *of)
{
    struct source_directory *source = of;
    bool nudged;
    look(source);
    for (uint64_t rescan_ms = clock_ms() + (uint64_t)source->times.rescan_ms, secrets_ms = clock_ms();;) {
        bool changed = changes_wait(source, look_ms(source));
        if (!inbox_read(source, &nudged))
            break;
        if (changed)
            settle(source);
        if (nudged)
            source->posted = false;
        bool due = clock_ms() >= rescan_ms;
        bool secrets_due = clock_ms() >= secrets_ms + SECRETS_MS;
        if (changed || nudged || source->late || root_is_another(source) || (due && is_touched(source)) ||
            (secrets_due && secrets_are_touched(source)))
            look(source);
        if (secrets_due)
            secrets_ms = clock_ms();
        if (due)
            rescan_ms = clock_ms() + (uint64_t)source->times.rescan_ms;
    }
    arena_stock_drop();
    return NULL;
}

struct source_directory *source_directory_start(const struct settings *settings,
                                                const struct source_times *times, struct mailbox *out)
{
    struct source_directory *source = heap_new(struct source_directory);
    source->settings = settings;
    source->path = heap_text(settings->rules);
    source->times = *times;
    source->out = out;
    source->keep = source_keep_new();
    source->inotify = -1;
    mailbox_init(&source->inbox);
    if (pthread_create(&source->thread, NULL, source_run, source) != 0)
        abort();
    return source;
}

void source_directory_nudge(struct source_directory *source)
{
    mailbox_post(&source->inbox, letter_new(LETTER_NUDGE, sizeof(struct letter)));
}

void source_directory_stop(struct source_directory *source)
{
    if (!source)
        return;
    mailbox_post(&source->inbox, letter_new(LETTER_STOP, sizeof(struct letter)));
    pthread_join(source->thread, NULL);
    mailbox_done(&source->inbox);
    if (source->inotify >= 0)
        close(source->inotify);
    source_keep_free(source->keep);
    free(source->path);
    free(source);
}
