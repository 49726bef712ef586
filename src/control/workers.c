#include "control/workers.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

/* Keys and endpoints before the rules that need them. */
static const enum image_kind order[] = {IMAGE_KEYS, IMAGE_ENDPOINTS, IMAGE_RULES};
static const char *const kind_names[IMAGE_KINDS] = {"", "rules", "endpoints", "keys"};

void workers_init(struct workers *workers)
{
    memset(workers, 0, sizeof *workers);
    for (int i = 0; i < IMAGE_KINDS; i++)
        workers->image[i] = -1;
    for (int i = 0; i < FRAME_WORKERS_MAX; i++)
        workers->at[i].channel.fd = -1;
}

void workers_done(struct workers *workers)
{
    for (uint32_t i = 0; i < FRAME_WORKERS_MAX; i++)
        if (workers->at[i].live)
            channel_done(&workers->at[i].channel);
    for (int i = 0; i < IMAGE_KINDS; i++)
        if (workers->image[i] >= 0)
            close(workers->image[i]);
}

static void worker_push(const struct workers *workers, uint32_t index, struct worker *worker)
{
    channel_flush(&worker->channel);
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        enum image_kind kind = order[i];
        if (workers->image[kind] < 0 || worker->sent[kind] == workers->generation[kind])
            continue;
        if (channel_is_clogged(&worker->channel))
            return;
        struct frame frame = {.type = FRAME_IMAGE, .index = index, .number = kind};
        frame.id = workers->generation[kind];
        if (channel_send(&worker->channel, &frame, workers->image[kind]))
            worker->sent[kind] = workers->generation[kind];
    }
}

void workers_push(struct workers *workers)
{
    for (uint32_t i = 0; i < FRAME_WORKERS_MAX; i++)
        if (workers->at[i].live)
            worker_push(workers, i, &workers->at[i]);
}

void workers_remove(struct workers *workers, uint32_t index)
{
    struct worker *worker = &workers->at[index];
    if (!worker->live)
        return;
    channel_done(&worker->channel);
    *worker = (struct worker){.channel.fd = -1};
    workers->ends++;
}

void workers_add(struct workers *workers, uint32_t index, int take, uint64_t pid)
{
    struct worker *worker = &workers->at[index];
    workers_remove(workers, index);
    *worker = (struct worker){.live = true, .pid = pid};
    channel_init(&worker->channel, take);
    workers->starts++;
    worker_push(workers, index, worker);
}

void workers_publish(struct workers *workers, enum image_kind kind, int take, uint64_t generation)
{
    if (workers->image[kind] >= 0)
        close(workers->image[kind]);
    workers->image[kind] = take;
    workers->generation[kind] = generation;
    workers_push(workers);
}

static void loaded_note(struct workers *workers, uint32_t index, const struct frame *frame)
{
    workers->at[index].loaded[frame->number] = frame->id;
    workers->at[index].loaded_us[frame->number] = clock_wall_us();
    log_debug("worker %u has %s %llu in force", index, kind_names[frame->number],
              (unsigned long long)frame->id);
}

static void refusal_note(struct workers *workers, uint32_t index, const struct frame *frame)
{
    struct worker *worker = &workers->at[index];
    worker->refused[frame->number] = frame->id;
    memcpy(worker->why, frame->text, frame->text_len);
    worker->why[frame->text_len] = '\0';
    log_error("worker %u refuses %s %llu: %s", index, kind_names[frame->number],
              (unsigned long long)frame->id, worker->why);
}

bool workers_frame(struct workers *workers, uint32_t index, const struct frame *frame)
{
    if (frame->type == FRAME_HELLO || frame->type == FRAME_READY) {
        workers->at[index].ready = true;
        return true;
    }
    if (frame->type != FRAME_LOADED && frame->type != FRAME_REFUSED)
        return false;
    if (frame->number < IMAGE_RULES || frame->number > IMAGE_KEYS)
        log_warning("worker %u speaks of an image of kind %llu, which there is not", index,
                    (unsigned long long)frame->number);
    else if (frame->type == FRAME_LOADED)
        loaded_note(workers, index, frame);
    else
        refusal_note(workers, index, frame);
    return true;
}

size_t workers_live(const struct workers *workers)
{
    size_t live = 0;
    for (uint32_t i = 0; i < FRAME_WORKERS_MAX; i++)
        live += workers->at[i].live;
    return live;
}

bool workers_settled(const struct workers *workers, enum image_kind kind, uint64_t generation)
{
    for (uint32_t i = 0; i < FRAME_WORKERS_MAX; i++) {
        const struct worker *worker = &workers->at[i];
        if (worker->live && worker->loaded[kind] < generation && worker->refused[kind] < generation)
            return false;
    }
    return true;
}

bool workers_loaded(const struct workers *workers, enum image_kind kind, uint64_t generation)
{
    for (uint32_t i = 0; i < FRAME_WORKERS_MAX; i++)
        if (workers->at[i].live && workers->at[i].loaded[kind] < generation)
            return false;
    return workers_live(workers) > 0;
}
