/*
 * worker_process: one worker: its channels to supervisor and control around the
 * data path's loop.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/heap.h"
#include "base/log.h"
#include "control/channel.h"
#include "crypt/tls.h"
#include "main/load_thread.h"
#include "main/run.h"
#include "main/sandbox.h"
#include "proxy/worker.h"
#include "wire/json.h"
#include "wire/login_message.h"
#include "wire/parcel.h"

struct worker_process {
    struct worker worker;
    struct channel supervisor;
    struct channel control; /* fd -1 while there is none */
    struct watch supervisor_watch;
    struct watch control_watch;
    struct watch loaded_watch;
    struct load_thread *loads;
    struct parcel answers; /* coming in from control */
    struct timer drain_timer;
    struct timer drain_poll;
    bool ready;
};

/* ---- what the data path asks of others -------------------------------------------- */

static void need_keys(struct worker *worker, uint64_t key_set)
{
    struct worker_process *p = worker->owner;
    struct frame frame = {.type = FRAME_NEED_KEYS, .index = worker->index, .id = key_set};
    channel_send(&p->control, &frame, -1);
}

static void connect_path(struct worker *worker, uint64_t id, struct bytes path)
{
    struct worker_process *p = worker->owner;
    struct frame frame = {.type = FRAME_CONNECT, .index = worker->index, .id = id};
    frame_text_set(&frame, path);
    channel_send(&p->supervisor, &frame, -1);
}

static void login_ask(struct worker *worker, uint64_t id, struct bytes ask)
{
    struct worker_process *p = worker->owner;
    struct frame frame = {.type = FRAME_LOGIN_ASK, .index = worker->index, .id = id};
    size_t at = 0;
    while (parcel_next(ask, &at, &frame))
        channel_send(&p->control, &frame, -1);
    heap_wipe(&frame, sizeof frame);
}

static void ended(struct worker *worker, const struct ended *one)
{
    struct worker_process *p = worker->owner;
    struct frame frame = {.type = FRAME_ENDED, .index = worker->index};
    worker_ended(worker, one); /* here at once, whatever control does */
    ended_pack(one, 1, &frame);
    channel_send(&p->control, &frame, -1);
}

static bool limit_hits(struct worker *worker, enum limit limit, uint64_t count)
{
    struct worker_process *p = worker->owner;
    struct frame frame = {.type = FRAME_LIMIT_HITS, .index = worker->index, .id = limit, .number = count};
    return channel_send(&p->control, &frame, -1);
}

static const struct worker_ops ops = {need_keys, connect_path, login_ask, ended, limit_hits};

/* ---- the end --------------------------------------------------------------------------- */

static void leave(struct worker_process *p, const char *why)
{
    log_info("%s", why);
    worker_cut(&p->worker);
    _exit(0);
}

static void drain_look(struct timer *timer)
{
    struct worker_process *p = container_of(timer, struct worker_process, drain_poll);
    if (worker_idle(&p->worker))
        leave(p, "drained");
    timer_set(&p->worker.loop, timer, p->worker.loop.now_ms + 20);
}

static void drain_late(struct timer *timer)
{
    leave(container_of(timer, struct worker_process, drain_timer), "draining took too long: the rest is cut");
}

static void drain_begin(struct worker_process *p, uint64_t ms, uint64_t spread_ms)
{
    struct loop *loop = &p->worker.loop;
    if (p->worker.draining)
        return;
    worker_drain(&p->worker, spread_ms < ms ? spread_ms : ms);
    p->drain_poll.on_due = drain_look;
    p->drain_timer.on_due = drain_late;
    timer_set(loop, &p->drain_poll, loop->now_ms + 1);
    timer_set(loop, &p->drain_timer, loop->now_ms + ms);
}

/* ---- control ------------------------------------------------------------------------------ */

static void on_control(struct watch *watch, unsigned ready);

static void control_connect(struct worker_process *p, int fd)
{
    struct frame hello = {.type = FRAME_HELLO, .index = p->worker.index, .number = (uint64_t)getpid()};
    if (p->control.fd >= 0)
        channel_done(&p->control);
    channel_init(&p->control, fd);
    p->control_watch.on_ready = on_control;
    loop_watch(&p->worker.loop, fd, &p->control_watch);
    channel_send(&p->control, &hello, -1);
}

static void login_answer_take(struct worker_process *p, const struct frame *frame)
{
    struct bytes answer;
    if (parcel_take(&p->answers, frame, &answer))
        worker_login_answer(&p->worker, frame->id, answer);
}

static void ended_take(struct worker_process *p, const struct frame *frame)
{
    struct ended all[ENDED_IN_FRAME];
    size_t count = ended_unpack(frame, all);
    for (size_t i = 0; i < count; i++)
        worker_ended(&p->worker, &all[i]);
}

static void control_frame(struct worker_process *p, const struct frame *frame, int fd)
{
    switch (frame->type) {
    case FRAME_IMAGE:
    case FRAME_KEYS_ANSWER: /* behind the image that it speaks of */
        load_thread_post(p->loads, frame, fd);
        return;
    case FRAME_LOGIN_ANSWER:
        login_answer_take(p, frame);
        break;
    case FRAME_ENDED_ALL:
        ended_take(p, frame);
        break;
    case FRAME_LOG_LEVEL:
        if (frame->number <= LOG_DEBUG)
            log_level_set((enum log_level)frame->number);
        break;
    default:
        break;
    }
    if (fd >= 0)
        close(fd);
}

static void on_control(struct watch *watch, unsigned ready)
{
    struct worker_process *p = container_of(watch, struct worker_process, control_watch);
    struct frame frame;
    int fd = -1;
    (void)ready;
    channel_flush(&p->control);
    for (;;) {
        switch (channel_receive(&p->control, &frame, &fd)) {
        case CHANNEL_FRAME:
            control_frame(p, &frame, fd);
            break;
        case CHANNEL_EMPTY:
            return;
        case CHANNEL_CLOSED: /* traffic flows on; the supervisor brings a new one */
            channel_done(&p->control);
            return;
        }
    }
}

static void image_told(struct worker_process *p, const struct load_job *job)
{
    struct frame answer = {.type = job->fine ? FRAME_LOADED : FRAME_REFUSED,
                           .index = p->worker.index,
                           .number = job->frame.number,
                           .id = job->number};
    if (!job->fine) {
        log_error("an image was refused: %s", job->why.text);
        frame_text_set(&answer, bytes_of(job->why.text));
    }
    channel_send(&p->control, &answer, -1);
}

static void on_loaded(struct watch *watch, unsigned ready)
{
    struct worker_process *p = container_of(watch, struct worker_process, loaded_watch);
    (void)ready;
    for (struct load_job *job; (job = load_thread_take(p->loads)) != NULL; free(job)) {
        if (job->frame.type == FRAME_KEYS_ANSWER) {
            worker_keys_answer(&p->worker, job->frame.id, job->frame.number == 1);
            continue;
        }
        if (job->generation)
            worker_swap(&p->worker, job->generation);
        image_told(p, job);
        if (job->generation && !p->ready) {
            struct frame frame = {.type = FRAME_READY, .index = p->worker.index, .number = job->number};
            p->ready = true;
            channel_send(&p->supervisor, &frame, -1);
        }
    }
}

/* ---- supervisor ------------------------------------------------------------------------------ */

static void supervisor_frame(struct worker_process *p, const struct frame *frame, int fd)
{
    switch (frame->type) {
    case FRAME_CONTROL:
        if (fd >= 0)
            control_connect(p, fd);
        return;
    case FRAME_LISTENER:
        if (fd >= 0)
            worker_listen(&p->worker, frame->id, frame->number, fd);
        return;
    case FRAME_CONNECTED:
        worker_connected(&p->worker, frame->id,
                         fd >= 0 ? fd : -(int)(frame->number ? frame->number : ECONNREFUSED));
        return;
    case FRAME_UNLISTEN:
        worker_unlisten(&p->worker, frame->id);
        break;
    case FRAME_DRAIN:
        drain_begin(p, frame->number, frame->id);
        break;
    default:
        break;
    }
    if (fd >= 0)
        close(fd);
}

static void on_supervisor(struct watch *watch, unsigned ready)
{
    struct worker_process *p = container_of(watch, struct worker_process, supervisor_watch);
    struct frame frame;
    int fd = -1;
    (void)ready;
    channel_flush(&p->supervisor);
    for (;;) {
        switch (channel_receive(&p->supervisor, &frame, &fd)) {
        case CHANNEL_FRAME:
            supervisor_frame(p, &frame, fd);
            break;
        case CHANNEL_EMPTY:
            return;
        case CHANNEL_CLOSED:
            leave(p, "the supervisor is gone");
        }
    }
}

/* ---- the beginning ----------------------------------------------------------------------------- */

static void ring_map(struct worker_process *p)
{
    size_t size = RING_BYTES + RING_HEAD;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, CHILD_RING_FD, 0);
    if (memory == MAP_FAILED)
        return; /* no records then; it serves all the same */
    ring_open(&p->worker.ring, memory, size);
    p->worker.has_ring = true;
}

/* Without it, it counts for itself. */
static void commons_map(struct worker_process *p)
{
    struct commons *commons =
        mmap(NULL, sizeof *commons, PROT_READ | PROT_WRITE, MAP_SHARED, CHILD_COMMONS_FD, 0);
    if (commons != MAP_FAILED)
        worker_share(&p->worker, commons);
}

#ifdef SELVAGE_PROBE
static void on_probe(int signal)
{
    sandbox_probe((unsigned)(signal - SIGRTMIN));
}

static void probes_listen(void)
{
    for (int i = 0; i < 6; i++)
        signal(SIGRTMIN + i, on_probe);
}
#else
static void probes_listen(void)
{
}
#endif

static int process_fail(const struct fail *why)
{
    log_error("%s", why->text);
    return EX_OSERR;
}

static void *shrink_run(void *unused)
{
    void *blocks[8];
    enum { BLOCKS = sizeof blocks / sizeof blocks[0] };
    for (int i = 0; i < BLOCKS; i++)
        blocks[i] = heap_alloc((size_t)100 * 1024);
    for (int i = BLOCKS; i-- > 0;)
        free(blocks[i]);
    return unused;
}

/*
 * glibc reads /proc/sys/vm/overcommit_memory when it gives back memory of another
 * arena than the first for the first time. Shut in, that would be the end of us, at
 * some moment when keys or rules are replaced; so it does that now.
 */
static void malloc_warm_up(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, shrink_run, NULL) == 0)
        pthread_join(thread, NULL);
}

int worker_process_main(int argc, char **argv)
{
    static struct worker_process process;
    struct worker_process *p = &process;
    uint64_t index;
    struct fail why;
    char name[32];
    if (argc != 3 || !bytes_to_u64(bytes_of(argv[1]), FRAME_WORKERS_MAX - 1, &index)) {
        fputs("selvage: this is started by `selvage run` only\n", stderr);
        return EX_USAGE;
    }
    snprintf(name, sizeof name, "worker-%u", (unsigned)index);
    log_init(name, argv[2]);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN); /* a terminal's Ctrl-C is the supervisor's business */
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    probes_listen();
    mallopt(M_ARENA_MAX, 2);
    malloc_warm_up();
    tls_warm_up();
    json_object_seed(0); /* the first table would open /dev/urandom */
    worker_init(&p->worker, io_real_new(), (uint32_t)index, &ops, p);
    ring_map(p);
    commons_map(p);
    p->control.fd = -1;
    list_init(&p->control.queue);
    p->loads = load_thread_start(&why);
    if (!p->loads)
        return process_fail(&why);
    channel_init(&p->supervisor, CHILD_CHANNEL_FD);
    p->supervisor_watch.on_ready = on_supervisor;
    p->loaded_watch.on_ready = on_loaded;
    loop_watch(&p->worker.loop, CHILD_CHANNEL_FD, &p->supervisor_watch);
    loop_watch(&p->worker.loop, load_thread_fd(p->loads), &p->loaded_watch);
    if (!sandbox_enter(&why))
        return process_fail(&why);
    loop_run(&p->worker.loop);
    return EX_OK;
}
