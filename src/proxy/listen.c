/* Accepting: from listening sockets to clients. */
#include "proxy/listen.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "proxy/admit.h"
#include "proxy/client.h"

enum { ACCEPT_AT_ONCE = 64, AGAIN_MS = 100 };

/* ---- sockets ---------------------------------------------------------------- */

const struct rules_listener *listen_row(const struct generation *generation, uint64_t id)
{
    struct image_rows all = image_all(&generation->rules, RULES_LISTENER);
    IMAGE_FOR(&generation->rules, RULES_LISTENER, struct rules_listener, row, all)
    {
        if (row->id == id)
            return row;
    }
    return NULL;
}

static void accept_some(struct listen *listen)
{
    struct io *io = listen->worker->loop.io;
    for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
        struct sockaddr_storage peer;
        if (!listen->row || listen->fd < 0 || listen->worker->draining)
            return;
        int fd = io->accept(io, listen->fd, &peer);
        if (fd == -EAGAIN)
            return;
        if (fd == -ECONNABORTED || fd == -EINTR)
            continue;
        if (fd < 0) {
            errno = -fd;
            log_warning("accepting on a listener failed: %s", strerror(errno));
            timer_set(&listen->worker->loop, &listen->again, listen->worker->loop.now_ms + AGAIN_MS);
            return;
        }
        listen->worker->accepted++;
        struct census_entry *entry;
        if (admit(listen, &peer, &entry))
            client_open(listen, fd, &peer, entry);
        else
            io->close(io, fd);
    }
    loop_soon(&listen->worker->loop, &listen->resume);
}

static void on_connection(struct watch *watch, unsigned ready)
{
    (void)ready;
    accept_some(container_of(watch, struct listen, watch));
}

static void resume_run(struct task *task)
{
    accept_some(container_of(task, struct listen, resume));
}

void listen_last(struct listen *listen)
{
    if (listen->fd >= 0)
        accept_some(listen);
}

static void on_again(struct timer *timer)
{
    accept_some(container_of(timer, struct listen, again));
}

void listen_start(struct listen *listen)
{
    listen->again.on_due = on_again;
    listen->watch.on_ready = on_connection;
    listen->resume.run = resume_run;
    if (loop_watch(&listen->worker->loop, listen->fd, &listen->watch) < 0)
        log_error("a listener could not be watched");
    listen_refresh(listen);
}

void listen_refresh(struct listen *listen)
{
    const struct generation *generation = listen->worker->generation;
    listen->row = generation ? listen_row(generation, listen->id) : NULL;
    if (listen->row && listen->fd >= 0)
        loop_soon(&listen->worker->loop, &listen->resume);
}
