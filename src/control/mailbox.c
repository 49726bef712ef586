#include "control/mailbox.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/heap.h"

void mailbox_init(struct mailbox *mailbox)
{
    *mailbox = (struct mailbox){.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (mailbox->event < 0)
        abort(); /* a process without descriptors at its start */
    pthread_mutex_init(&mailbox->lock, NULL);
}

void mailbox_done(struct mailbox *mailbox)
{
    struct letter *letter;
    while ((letter = mailbox_take(mailbox)))
        letter_free(letter);
    close(mailbox->event);
    pthread_mutex_destroy(&mailbox->lock);
}

void mailbox_post(struct mailbox *mailbox, struct letter *take)
{
    pthread_mutex_lock(&mailbox->lock);
    take->next = NULL;
    if (mailbox->last)
        mailbox->last->next = take;
    else
        mailbox->first = take;
    mailbox->last = take;
    pthread_mutex_unlock(&mailbox->lock);
    eventfd_write(mailbox->event, 1);
}

struct letter *mailbox_take(struct mailbox *mailbox)
{
    eventfd_t count;
    pthread_mutex_lock(&mailbox->lock);
    struct letter *letter = mailbox->first;
    if (letter)
        mailbox->first = letter->next;
    if (!mailbox->first) {
        mailbox->last = NULL;
        eventfd_read(mailbox->event, &count); /* not blocking: it may be zero already */
    }
    pthread_mutex_unlock(&mailbox->lock);
    return letter;
}

bool mailbox_wait(const struct mailbox *mailbox, int64_t timeout_ms)
{
    struct pollfd poll_fd = {.fd = mailbox->event, .events = POLLIN};
    if (timeout_ms > INT32_MAX)
        timeout_ms = INT32_MAX;
    return poll(&poll_fd, 1, timeout_ms < 0 ? -1 : (int)timeout_ms) > 0;
}

void *letter_new(enum letter_kind kind, size_t size)
{
    struct letter *letter = heap_alloc(size);
    letter->kind = kind;
    arena_init(&letter->arena);
    return letter;
}

void letter_free(struct letter *letter)
{
    if (!letter)
        return;
    if (letter->wipe)
        letter->wipe(letter);
    arena_done(&letter->arena);
    free(letter);
}
