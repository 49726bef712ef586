#include "main/load_thread.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/heap.h"

struct load_thread {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct link jobs;
    struct link results;
    int event;
};

static struct load_job *job_next(struct load_thread *t, struct link *from)
{
    struct load_job *job = list_empty(from) ? NULL : container_of(from->next, struct load_job, link);
    (void)t;
    if (job)
        list_remove(&job->link);
    return job;
}

static void job_do(struct loader *loader, struct load_job *job)
{
    if (job->frame.type != FRAME_IMAGE)
        return;
    enum image_kind kind = (enum image_kind)job->frame.number;
    if (kind < IMAGE_RULES || kind > IMAGE_KEYS || job->fd < 0) {
        fail(&job->why, FAIL_INPUT, "image: there is none with the frame");
        return;
    }
    job->fine = loader_take(loader, job->fd, kind, &job->generation, &job->why);
    job->number = loader_generation(loader, kind);
    job->fd = -1;
}

static void *run(void *argument)
{
    struct load_thread *t = argument;
    struct loader *loader = loader_new();
    const uint64_t one = 1;
    pthread_mutex_lock(&t->lock);
    for (;;) {
        struct load_job *job = job_next(t, &t->jobs);
        if (!job) {
            pthread_cond_wait(&t->more, &t->lock);
            continue;
        }
        pthread_mutex_unlock(&t->lock);
        job_do(loader, job);
        pthread_mutex_lock(&t->lock);
        list_push_back(&t->results, &job->link);
        if (write(t->event, &one, sizeof one) < 0)
            abort();
    }
    return NULL;
}

struct load_thread *load_thread_start(struct fail *why)
{
    struct load_thread *t = heap_new(struct load_thread);
    list_init(&t->jobs);
    list_init(&t->results);
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->more, NULL);
    t->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (t->event >= 0 && pthread_create(&t->thread, NULL, run, t) == 0)
        return t;
    fail_errno(why, FAIL_SELF, "the loading thread could not be started");
    free(t);
    return NULL;
}

int load_thread_fd(const struct load_thread *t)
{
    return t->event;
}

void load_thread_post(struct load_thread *t, const struct frame *frame, int fd)
{
    struct load_job *job = heap_new(struct load_job);
    job->frame = *frame;
    job->fd = fd;
    pthread_mutex_lock(&t->lock);
    list_push_back(&t->jobs, &job->link);
    pthread_cond_signal(&t->more);
    pthread_mutex_unlock(&t->lock);
}

struct load_job *load_thread_take(struct load_thread *t)
{
    uint64_t count;
    if (read(t->event, &count, sizeof count) < 0)
        count = 0;
    pthread_mutex_lock(&t->lock);
    struct load_job *job = job_next(t, &t->results);
    pthread_mutex_unlock(&t->lock);
    return job;
}
