#include "control/control.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/log.h"
#include "control/admin.h"
#include "control/join_server.h"
#include "control/key_list.h"
#include "control/login_clients.h"
#include "control/publish.h"
#include "control/resolver.h"
#include "control/state_file.h"
#include "control/status.h"
#include "control/telemetry.h"
#include "wire/address.h"
#include "wire/spiffe_id.h"

enum {
    TICK_MS = 1000,
    FRAMES_A_TURN = 64, /* of one worker before the others have theirs */
    BIND_JOIN = ADMIN_SERVERS,
    STATUS_MS = 100, /* pages of the board are made anew at most this often */
};

struct control {
    const struct settings *settings;
    const struct commons *commons;
    struct arena arena;
    struct channel supervisor;
    struct mailbox inbox;
    struct publish publish;
    struct board board;
    struct metrics *metrics;
    struct source_directory *source;
    struct source_letter *source_news; /* of this turn */
    struct identity *identity;
    struct join_server *join_server;
    struct signing *signing;
    struct providers *providers;
    struct login_clients *login_clients;
    struct resolver *resolver;
    struct telemetry *telemetry;
    struct admin *admin;
    struct binds admin_binds; /* id: enum admin_server, or BIND_JOIN */
    int signals;
    uint64_t status_ms;
    bool level_set; /* by somebody: workers that come are told */
    bool stop;
};

/* ---- letters from the threads ---- */

static void level_tell(struct control *control, uint32_t index)
{
    struct frame frame = {.type = FRAME_LOG_LEVEL, .index = index, .number = log_level_get()};
    if (control->publish.workers.at[index].live)
        channel_send(&control->publish.workers.at[index].channel, &frame, -1);
}

static void level_take(struct control *control, const struct level_letter *letter)
{
    log_level_set((enum log_level)letter->level);
    control->level_set = true;
    for (uint32_t i = 0; i < FRAME_WORKERS_MAX; i++)
        level_tell(control, i);
}

static void letter_take(struct control *control, struct letter *letter)
{
    struct publish *publish = &control->publish;
    switch (letter->kind) {
    case LETTER_SOURCE: /* of several only the newest counts: who writes faster than we compile waits for one
                         */
        if (control->source_news)
            letter_free(&control->source_news->letter);
        control->source_news = (struct source_letter *)letter;
        return;
    case LETTER_IDENTITY:
        publish_identity(publish, (struct identity_letter *)letter);
        return;
    case LETTER_SIGNING:
        publish_signing(publish, (struct signing_letter *)letter);
        return;
    case LETTER_KEY_SET:
        publish_key_set(publish, (struct key_set_letter *)letter);
        return;
    case LETTER_LOGIN_PROVIDER:
        publish_login_provider(publish, (struct login_provider_letter *)letter);
        return;
    case LETTER_LOGIN_ANSWER:
        publish_login_answer(publish, (struct login_answer_letter *)letter);
        return;
    case LETTER_NAME:
        publish_name(publish, (struct name_letter *)letter);
        return;
    case LETTER_ROTATE:
        key_rotate(publish, ((const struct rotate_letter *)letter)->purpose);
        break;
    case LETTER_LOG_LEVEL:
        level_take(control, (const struct level_letter *)letter);
        break;
    default:
        break;
    }
    letter_free(letter);
}

/* ---- frames ---- */

static void reload(struct control *control)
{
    source_directory_nudge(control->source);
    telemetry_reopen(control->telemetry);
}

/* ---- the admin servers ---- */

static void board_write(struct control *control)
{
    control->publish.changed = false;
    control->status_ms = clock_ms();
    status_update(&control->publish, &control->board);
}

/* An address and port that were checked with the settings. */
static void join_bind(struct control *control)
{
    const struct settings_ca *ca = control->settings->identity->ca;
    struct bytes host;
    uint16_t port;
    if (control->join_server && address_split(ca->listen, &host, &port))
        binds_want(&control->admin_binds, BIND_JOIN, host, port);
}

static void admin_bind(struct control *control)
{
    const struct settings_admin *settings = control->settings->admin;
    join_bind(control);
    for (uint32_t i = 0; settings && i < ADMIN_SERVERS; i++)
        if (admin_port(settings, (enum admin_server)i))
            binds_want(&control->admin_binds, i, settings->address,
                       admin_port(settings, (enum admin_server)i));
}

/* Without a descriptor it is held for us, and follows once we serve. Answers whether it was taken. */
static bool admin_bound(struct control *control, const struct frame *frame, int fd)
{
    bool joins = frame->id == BIND_JOIN && control->join_server;
    if (!joins && (frame->id >= ADMIN_SERVERS || !control->admin))
        return false;
    binds_bound(&control->admin_binds, frame->id, (int)frame->number);
    if (fd < 0)
        return false;
    if (joins) {
        join_server_listen(control->join_server, fd);
        return true;
    }
    board_write(control); /* whoever asks first is not told of a moment ago */
    admin_listen(control->admin, (enum admin_server)frame->id, fd);
    return true;
}

static void admin_let_go(struct control *control)
{
    for (int i = 0; control->admin && i < ADMIN_SERVERS; i++)
        admin_listen(control->admin, (enum admin_server)i, -1);
    if (control->join_server)
        join_server_listen(control->join_server, -1);
}

/* Answers whether the descriptor was taken. */
static bool supervisor_frame(struct control *control, const struct frame *frame, int fd)
{
    struct publish *publish = &control->publish;
    switch (frame->type) {
    case FRAME_BOUND:
        publish_bound(publish, frame);
        return false;
    case FRAME_BOUND_OWN:
        return admin_bound(control, frame, fd);
    case FRAME_HOLD:
        control->publish.held = frame->number == 1;
        signing_hold(control->signing, control->publish.held);
        return false;
    case FRAME_SUCCEEDED:
        admin_let_go(control);
        return false;
    case FRAME_WORKER:
        if (fd < 0)
            return false;
        workers_add(&publish->workers, frame->index, fd, frame->number);
        publish_ended_tell(publish, frame->index);
        publish->follows |= frame->id != 0;
        if (control->level_set)
            level_tell(control, frame->index);
        publish->changed = true;
        return true;
    case FRAME_WORKER_GONE:
        workers_remove(&publish->workers, frame->index);
        publish->changed = true;
        return false;
    case FRAME_RING:
        if (fd >= 0)
            telemetry_ring(control->telemetry, frame->index, fd);
        return true;
    case FRAME_RELOAD:
        reload(control);
        return false;
    case FRAME_DRAIN:
        publish->draining = publish->changed = true;
        return false;
    default:
        log_warning("the supervisor sends a frame of type %u, which is not its to send", frame->type);
        return false;
    }
}

static void supervisor_read(struct control *control)
{
    struct frame frame;
    int fd;
    for (;;) {
        enum channel_turn turn = channel_receive(&control->supervisor, &frame, &fd);
        if (turn == CHANNEL_CLOSED)
            control->stop = true;
        if (turn != CHANNEL_FRAME)
            return;
        if (!supervisor_frame(control, &frame, fd) && fd >= 0)
            close(fd);
    }
}

static void worker_read(struct control *control, uint32_t index)
{
    struct worker *worker = &control->publish.workers.at[index];
    struct frame frame;
    int fd;
    for (int i = 0; i < FRAMES_A_TURN && worker->live; i++) {
        enum channel_turn turn = channel_receive(&worker->channel, &frame, &fd);
        if (turn == CHANNEL_CLOSED) {
            workers_remove(&control->publish.workers, index);
            control->publish.changed = true;
        }
        if (turn != CHANNEL_FRAME)
            return;
        if (fd >= 0)
            close(fd); /* workers have nothing to hand up */
        if (frame.type == FRAME_LIMIT_HITS)
            metrics_limit(control->metrics, frame.id, frame.number);
        else
            publish_worker_frame(&control->publish, index, &frame);
    }
}

static void signal_read(struct control *control)
{
    struct signalfd_siginfo info;
    while (read(control->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
            control->stop = true;
        else if (info.ssi_signo == SIGUSR1)
            telemetry_reopen(control->telemetry);
        else
            reload(control);
    }
}

/* ---- the loop ---- */

enum { FD_SUPERVISOR, FD_INBOX, FD_SIGNALS, FD_WORKERS };

static void fds_fill(const struct control *control, struct pollfd *fds)
{
    short push = channel_is_clogged(&control->supervisor) ? POLLOUT : 0;
    fds[FD_SUPERVISOR] = (struct pollfd){.fd = control->supervisor.fd, .events = (short)(POLLIN | push)};
    fds[FD_INBOX] = (struct pollfd){.fd = control->inbox.event, .events = POLLIN};
    fds[FD_SIGNALS] = (struct pollfd){.fd = control->signals, .events = POLLIN};
    for (uint32_t i = 0; i < FRAME_WORKERS_MAX; i++) {
        const struct worker *worker = &control->publish.workers.at[i];
        push = worker->live && channel_is_clogged(&worker->channel) ? POLLOUT : 0;
        fds[FD_WORKERS + i] =
            (struct pollfd){.fd = worker->live ? worker->channel.fd : -1, .events = (short)(POLLIN | push)};
    }
}

static void events_take(struct control *control, const struct pollfd *fds)
{
    struct letter *letter;
    for (uint32_t i = 0; i < FRAME_WORKERS_MAX; i++)
        if (fds[FD_WORKERS + i].revents)
            worker_read(control, i);
    if (fds[FD_SIGNALS].revents)
        signal_read(control);
    if (fds[FD_SUPERVISOR].revents)
        supervisor_read(control);
    while ((letter = mailbox_take(&control->inbox)))
        letter_take(control, letter);
    if (control->source_news)
        publish_source(&control->publish, control->source_news);
    control->source_news = NULL;
}

/* Answers how long the board may wait for its next turn. */
static int board_refresh(struct control *control)
{
    uint64_t now_ms = clock_ms();
    if (!control->publish.changed)
        return TICK_MS;
    if (now_ms < control->status_ms + STATUS_MS)
        return (int)(control->status_ms + STATUS_MS - now_ms);
    board_write(control);
    return TICK_MS;
}

static void loop(struct control *control)
{
    struct pollfd fds[FD_WORKERS + FRAME_WORKERS_MAX];
    while (!control->stop) {
        publish_settle(&control->publish);
        binds_tick(&control->admin_binds, clock_ms());
        int wait_ms = board_refresh(control);
        fds_fill(control, fds);
        int count = poll(fds, sizeof fds / sizeof fds[0], wait_ms);
        if (count < 0 && errno != EINTR)
            abort();
        if (count > 0)
            events_take(control, fds);
    }
}

/* ---- beginning and end ---- */

static struct bytes label(const struct settings *settings, const char *key)
{
    struct bytes value = {0};
    text_map_get(&settings->labels, key, &value);
    return value;
}

static struct metrics_node metrics_node(struct control *control)
{
    const struct settings *settings = control->settings;
    struct bytes app = label(settings, "app");
    return (struct metrics_node){
        .workload = app.len ? app : settings->node,
        .name_space = settings->name_space,
        .app = app,
        .version = label(settings, "version"),
        .principal = spiffe_id_format(&control->arena, settings->trust_domain, settings->name_space,
                                      settings->account),
        .cluster = BYTES("Kubernetes"),
    };
}

/* All threads inherit the mask, so that only the loop hears of signals. */
static int signals_open(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void threads_start(struct control *control)
{
    const struct settings *settings = control->settings;
    const struct metrics_node node = metrics_node(control);
    struct admin_world world = {.settings = settings,
                                .board = &control->board,
                                .out = &control->inbox,
                                .commons = control->commons,
                                .started_ms = clock_ms()};
    struct mailbox *inbox = &control->inbox;
    control->metrics = metrics_new(&node);
    metrics_share(control->metrics, control->commons);
    world.metrics = control->metrics;
    control->telemetry = telemetry_start(settings->access_log, control->metrics);
    control->admin = admin_start(settings->admin, &world);
    control->join_server = join_server_start(settings);
    admin_bind(control);
    control->identity = identity_start(settings, inbox);
    control->signing = signing_start(settings, inbox);
    control->resolver = resolver_start(settings->dns->servers.at, settings->dns->servers.count, inbox);
    control->source = source_directory_start(settings, &source_times_default, inbox);
    control->publish.providers = control->providers;
    control->publish.login_clients = control->login_clients;
    control->publish.signing_thread = control->signing;
    control->publish.identity_thread = control->identity;
    control->publish.join_server = control->join_server;
    control->publish.resolver = control->resolver;
}

static void threads_stop(struct control *control)
{
    source_directory_stop(control->source);
    identity_stop(control->identity);
    join_server_stop(control->join_server);
    signing_stop(control->signing);
    providers_stop(control->providers);
    login_clients_stop(control->login_clients);
    resolver_stop(control->resolver);
    admin_stop(control->admin);
    telemetry_stop(control->telemetry);
    metrics_free(control->metrics);
}

static bool begin(struct control *control, struct fail *why)
{
    if (!directory_make(arena_text(&control->arena, control->settings->state), 0700, why))
        return false;
    control->signals = signals_open();
    if (control->signals < 0)
        return fail_errno(why, FAIL_SELF, "no signals");
    control->providers =
        providers_start(control->settings->extra_root_cas, &provider_times_default, &control->inbox, why);
    control->login_clients = login_clients_start(control->settings->extra_root_cas, &control->inbox, why);
    return control->providers && control->login_clients;
}

int control_run(const struct settings *settings, int supervisor_fd, const struct commons *commons)
{
    struct control *control = heap_new(struct control);
    struct fail why;
    int status = 1;
    control->settings = settings;
    control->commons = commons;
    control->signals = -1;
    arena_init(&control->arena);
    mailbox_init(&control->inbox);
    board_init(&control->board);
    channel_init(&control->supervisor, supervisor_fd);
    publish_init(&control->publish, settings, &control->supervisor);
    binds_init(&control->admin_binds, FRAME_BIND_OWN, &control->supervisor);
    if (begin(control, &why)) {
        threads_start(control);
        loop(control);
        status = 0;
    } else {
        log_error("%s", why.text);
    }
    threads_stop(control);
    publish_done(&control->publish);
    binds_done(&control->admin_binds);
    mailbox_done(&control->inbox);
    channel_done(&control->supervisor);
    board_done(&control->board);
    arena_done(&control->arena);
    if (control->signals >= 0)
        close(control->signals);
    free(control);
    arena_stock_drop();
    return status;
}
