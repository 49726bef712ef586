#include "control/publish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/log.h"
#include "control/image_memory.h"
#include "control/key_keep.h"
#include "control/last_good.h"

void publish_init(struct publish *publish, const struct settings *settings, struct channel *supervisor)
{
    const struct settings_identity *identity = settings->identity;
    memset(publish, 0, sizeof *publish);
    publish->settings = settings;
    publish->supervisor = supervisor;
    publish->identity_settled = !settings_identity_any(identity);
    publish->generation = (uint64_t)clock_wall_s() * 1000; /* above those of a control process before us */
    publish->changed = true;
    workers_init(&publish->workers);
    binds_init(&publish->binds, FRAME_BIND, supervisor);
    parsed_files_init(&publish->parsed);
    key_table_init(&publish->keys);
    name_table_init(&publish->names);
    list_init(&publish->logins);
}

static void letter_drop(void *letter)
{
    letter_free(letter);
}

void publish_done(struct publish *publish)
{
    workers_done(&publish->workers);
    credential_files_done(&publish->credential_files);
    binds_done(&publish->binds);
    key_table_done(&publish->keys);
    name_table_done(&publish->names);
    edition_free(publish->before);
    edition_free(publish->current);
    edition_free(publish->next);
    edition_free(publish->rejected);
    parsed_files_done(&publish->parsed);
    publish_last_good_flush(publish, true);
    letter_drop(publish->files);
    letter_drop(publish->identity);
    letter_drop(publish->signing);
    heap_wipe(&publish->tickets, sizeof publish->tickets);
    publish_logins_done(publish);
}

/* ---- images ---- */

void publish_image(struct publish *publish, enum image_kind kind, const struct image_head *head, size_t size)
{
    struct fail why;
    if (publish->workers.image[kind] >= 0 &&
        memcmp(publish->sent_hash[kind], head->hash, sizeof head->hash) == 0 &&
        memcmp(publish->sent_revision[kind], head->revision, sizeof head->revision) == 0)
        return;
    int fd = image_memory_seal(head, size, &why);
    if (fd < 0) {
        log_error("%s", why.text);
        return;
    }
    memcpy(publish->sent_hash[kind], head->hash, sizeof head->hash);
    memcpy(publish->sent_revision[kind], head->revision, sizeof head->revision);
    workers_publish(&publish->workers, kind, fd, head->generation);
    publish->changed = true;
}

/* ---- ports and paths ---- */

static void binds_ask(struct publish *publish, const struct edition *edition)
{
    for (size_t i = 0; i < edition->result.bind_count; i++) {
        const struct compile_bind *bind = &edition->result.binds[i];
        if (!binds_want(&publish->binds, bind->id, bind->address, bind->port))
            log_error("%.*s:%u is not listened on: there are %d listeners already", BYTES_FMT(bind->address),
                      bind->port, BINDS_MAX);
    }
}

static void binds_give_up(struct publish *publish)
{
    const struct edition *const stay[] = {publish->current, publish->next};
    binds_keep_none(&publish->binds);
    for (size_t e = 0; e < 2; e++)
        for (size_t i = 0; stay[e] && i < stay[e]->result.bind_count; i++)
            binds_keep(&publish->binds, stay[e]->result.binds[i].id);
    binds_drop(&publish->binds);
}

static bool has_path(const struct compile_result *result, struct bytes path)
{
    for (size_t i = 0; i < result->unix_path_count; i++)
        if (bytes_equal(result->unix_paths[i], path))
            return true;
    return false;
}

static void paths_add(struct publish *publish, const struct edition *edition)
{
    for (size_t i = 0; i < edition->result.unix_path_count; i++) {
        struct frame frame = {.type = FRAME_PATH, .number = 1};
        frame_text_set(&frame, edition->result.unix_paths[i]);
        channel_send(publish->supervisor, &frame, -1);
    }
}

/* There is no frame to forget one: all go, and those that stay come back at once. */
static void paths_give_up(struct publish *publish)
{
    bool gone = false;
    for (size_t i = 0; i < publish->before->result.unix_path_count; i++)
        gone |= !has_path(&publish->current->result, publish->before->result.unix_paths[i]);
    if (!gone)
        return;
    struct frame frame = {.type = FRAME_PATH, .number = 0};
    channel_send(publish->supervisor, &frame, -1);
    paths_add(publish, publish->current);
}

/* ---- an edition's way ---- */

static void status_send(struct publish *publish)
{
    struct frame frame = {.type = FRAME_STATUS};
    struct text text;
    char room[FRAME_TEXT_MAX];
    text_init_fixed(&text, room, sizeof room);
    text_add_s(&text, publish->current->deny_all ? "refusing everything" : "rules ");
    if (!publish->current->deny_all)
        text_add_hex(&text, bytes_make(publish->current->set.revision.bytes, 6));
    if (publish->rejected)
        text_add_s(&text, ", newer ones have errors");
    frame_text_set(&frame, text_bytes(&text));
    channel_send(publish->supervisor, &frame, -1);
}

static void in_force_log(const struct edition *edition)
{
    char revision[13];
    struct text text;
    text_init_fixed(&text, revision, sizeof revision);
    text_add_hex(&text, bytes_make(edition->set.revision.bytes, 6));
    if (edition->deny_all)
        log_error("every request is refused: %.*s", BYTES_FMT(edition->problem));
    else
        log_info("rules %s in force, %zu resource%s", revision, edition->set.count,
                 edition->set.count == 1 ? "" : "s");
}

static void put_in_force(struct publish *publish)
{
    edition_free(publish->before);
    publish->before = publish->current;
    publish->current = publish->next;
    publish->next = NULL;
    publish->forced_ms = clock_ms();
    publish->names_wait_ms = 0;
    publish->editions++;
    const struct compile_result *result = &publish->current->result;
    paths_add(publish, publish->current);
    publish_keys_want(publish);
    publish_keys_flush(publish);
    publish_endpoints(publish);
    publish_image(publish, IMAGE_RULES, result->rules, result->rules_size);
    in_force_log(publish->current);
    status_send(publish);
    publish_last_good(publish);
}

static void prepare(struct publish *publish, struct edition *edition, struct source_letter *files)
{
    edition_free(publish->next);
    letter_drop(publish->files);
    publish->next = edition;
    publish->files = files;
    binds_ask(publish, edition);
    publish_names_want(publish);
}

/* At the start without usable files: the last good ones, else nothing is let through. */
static void start_without(struct publish *publish, const struct source_files *now, struct bytes reason)
{
    struct arena arena;
    struct source_files files;
    struct fail why;
    struct edition *edition = NULL;
    if (publish->current || publish->next)
        return;
    arena_init(&arena);
    if (last_good_read(publish->settings, &arena, &files, &why))
        edition = edition_make(publish->settings, &files, &publish->parsed, ++publish->generation);
    else
        log_warning("no last good rules: %s", why.text);
    if (edition && edition->compiled) {
        log_warning("starting from the last good rules: %.*s", BYTES_FMT(reason));
        publish->from_last_good = true;
    } else {
        edition_free(edition);
        edition = edition_deny(publish->settings, now, &publish->parsed, reason, ++publish->generation);
    }
    arena_done(&arena);
    prepare(publish, edition, NULL);
}

static void reject(struct publish *publish, struct edition *edition, const struct source_files *files)
{
    publish->rejections++;
    log_error("the resources are not put in force: %.*s", BYTES_FMT(edition->problem));
    edition_free(publish->rejected);
    publish->rejected = edition;
    start_without(publish, files, edition->problem);
    if (publish->current)
        status_send(publish);
}

void publish_source(struct publish *publish, struct source_letter *take)
{
    publish->changed = true;
    snprintf(publish->source_problem, sizeof publish->source_problem, "%.*s", BYTES_FMT(take->gone));
    if (take->gone.len) {
        log_error("%s", publish->source_problem);
        start_without(publish, NULL, take->gone);
        letter_drop(take);
        return;
    }
    struct edition *edition =
        edition_make(publish->settings, &take->files, &publish->parsed, ++publish->generation);
    if (!edition->compiled) {
        reject(publish, edition, &take->files);
        letter_drop(take);
        return;
    }
    edition_free(publish->rejected);
    publish->rejected = NULL;
    publish->from_last_good = false;
    prepare(publish, edition, take);
}

/* ---- letters and frames ---- */

void publish_identity(struct publish *publish, struct identity_letter *take)
{
    publish->changed = true;
    publish->identity_settled = true;
    snprintf(publish->identity_problem, sizeof publish->identity_problem, "%.*s", BYTES_FMT(take->problem));
    if (!take->pem.chain.len) {
        letter_drop(take);
        return;
    }
    letter_drop(publish->identity);
    publish->identity = take;
    publish->keys_stale = true;
}

void publish_signing(struct publish *publish, struct signing_letter *take)
{
    letter_drop(publish->signing);
    publish->signing = take;
    publish->keys_stale = true;
    publish->changed = true;
}

static void answer_send(struct publish *publish, struct key_entry *entry, bool news)
{
    for (uint32_t i = 0; i < FRAME_WORKERS_MAX; i++) {
        if (!(entry->waiting & (uint64_t)1 << i) || !publish->workers.at[i].live)
            continue;
        struct frame frame = {.type = FRAME_KEYS_ANSWER, .index = i, .id = entry->id, .number = news};
        channel_send(&publish->workers.at[i].channel, &frame, -1);
    }
    entry->waiting = 0;
}

void publish_key_set(struct publish *publish, struct key_set_letter *take)
{
    struct key_entry *entry = key_table_letter(&publish->keys, take);
    struct fail why;
    bool answers = take->answer, fetched = take->text.len > 0;
    letter_drop(take);
    if (!entry)
        return;
    if (fetched && !key_keep_write(publish->settings, &publish->keys, &why))
        log_warning("key sets will not survive a restart: %s", why.text);
    publish->changed = true;
    publish->keys_stale |= entry->changed;
    publish_keys_flush(publish);
    if (answers || entry->changed)
        answer_send(publish, entry, entry->changed);
}

void publish_bound(struct publish *publish, const struct frame *frame)
{
    publish->changed = true;
    binds_bound(&publish->binds, frame->id, (int)frame->number);
}

static void need_note(struct publish *publish, uint32_t index, uint64_t id)
{
    struct key_entry *entry = key_table_find(&publish->keys, id);
    if (entry && publish->providers) {
        if (!entry->waiting) /* else it was asked for already, and one answer is for all */
            providers_need(publish->providers, id);
        entry->waiting |= (uint64_t)1 << index;
        return;
    }
    struct frame frame = {.type = FRAME_KEYS_ANSWER, .index = index, .id = id, .number = 0};
    channel_send(&publish->workers.at[index].channel, &frame, -1);
}

void publish_worker_frame(struct publish *publish, uint32_t index, const struct frame *frame)
{
    if (workers_frame(&publish->workers, index, frame))
        publish->changed = true;
    else if (frame->type == FRAME_NEED_KEYS)
        need_note(publish, index, frame->id);
    else if (frame->type == FRAME_LOGIN_ASK)
        publish_login_ask(publish, index, frame);
    else if (frame->type == FRAME_ENDED)
        publish_ended(publish, frame);
    else
        log_warning("worker %u sends a frame of type %u, which is not its to send", index, frame->type);
}

/* ---- what follows ---- */

static void before_give_up(struct publish *publish)
{
    if (!publish->before ||
        !workers_loaded(&publish->workers, IMAGE_RULES, publish->workers.generation[IMAGE_RULES]))
        return;
    binds_give_up(publish);
    paths_give_up(publish);
    edition_free(publish->before);
    publish->before = NULL;
    if (publish->joined)
        publish_endpoints(publish);
    publish_names_want(publish);
    publish_keys_want(publish);
    publish->keys_stale = true;
    publish->changed = true;
}

static bool is_first_set_in_force(const struct publish *publish)
{
    const struct workers *workers = &publish->workers;
    return publish->current && publish->identity_settled && workers->image[IMAGE_KEYS] >= 0 &&
           workers_loaded(workers, IMAGE_RULES, workers->generation[IMAGE_RULES]) &&
           workers_loaded(workers, IMAGE_KEYS, workers->generation[IMAGE_KEYS]) &&
           (key_table_tried(&publish->keys) || clock_ms() > publish->forced_ms + KEYS_WAIT_MS);
}

static void ready_tell(struct publish *publish)
{
    if (publish->ready || !is_first_set_in_force(publish))
        return;
    struct frame frame = {.type = FRAME_READY,
                          .id = publish->current->deny_all,
                          .number = publish->workers.generation[IMAGE_RULES]};
    publish->ready = channel_send(publish->supervisor, &frame, -1);
    publish->changed = true;
    log_info("ready");
}

static bool tickets_step(struct publish *publish)
{
    bool stepped = session_tickets_step(&publish->tickets, publish->settings, clock_wall_s());
    publish->changed |= stepped;
    return stepped;
}

void publish_settle(struct publish *publish)
{
    binds_tick(&publish->binds, clock_ms());
    if (publish->next && !binds_waiting(&publish->binds) && !publish_names_waiting(publish))
        put_in_force(publish);
    before_give_up(publish);
    publish_last_good_flush(publish, false);
    if (!publish->held)
        publish->keys_stale |= tickets_step(publish);
    if (publish_logins_any(publish))
        publish->keys_stale |= session_keys_step(&publish->sessions, publish->settings, clock_wall_s());
    ended_sessions_keep(&publish->ended, publish->settings);
    publish_keys_flush(publish);
    publish_endpoints_flush(publish);
    workers_push(&publish->workers);
    channel_flush(publish->supervisor);
    ready_tell(publish);
}
