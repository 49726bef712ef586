#include "proxy/pump.h"

#include <string.h>

void stage_link(struct stage *before, struct stage *after)
{
    before->after = after;
    after->before = before;
}

void stage_insert(struct stage *before, struct stage *stage)
{
    struct stage *after = before->after;
    stage_link(before, stage);
    if (after)
        stage_link(stage, after);
}

void stage_take_out(struct stage *stage)
{
    if (stage->before)
        stage->before->after = stage->after;
    if (stage->after)
        stage->after->before = stage->before;
    stage->before = stage->after = NULL;
}

void stage_unlink(struct stage *stage)
{
    if (stage->before)
        stage->before->after = NULL;
    if (stage->after)
        stage->after->before = NULL;
    stage->before = stage->after = NULL;
}

struct stage *stage_last(struct stage *stage)
{
    while (stage->after)
        stage = stage->after;
    return stage;
}

void stage_give(struct stage *from, const struct part *part)
{
    if (from->after)
        from->after->ops->give(from->after, part);
}

void stage_want(struct stage *from, size_t bytes)
{
    if (from->before && bytes)
        from->before->ops->want(from->before, bytes);
}

void stage_stop(struct stage *from, enum pump_reason reason)
{
    if (from->before)
        from->before->ops->stop(from->before, reason);
}

void stage_pass_give(struct stage *stage, const struct part *part)
{
    stage_give(stage, part);
}

void stage_pass_want(struct stage *stage, size_t bytes)
{
    stage_want(stage, bytes);
}

void stage_pass_stop(struct stage *stage, enum pump_reason reason)
{
    stage_stop(stage, reason);
}

void stage_give_data(struct stage *from, struct block *block, struct bytes data)
{
    const struct part part = {.kind = PART_DATA, .block = block, .data = data};
    stage_give(from, &part);
}

void stage_give_end(struct stage *from)
{
    const struct part part = {.kind = PART_END};
    stage_give(from, &part);
}

void stage_give_abort(struct stage *from, enum pump_reason reason)
{
    const struct part part = {.kind = PART_ABORT, .reason = reason};
    stage_give(from, &part);
}

/* ---- parts held back ---------------------------------------------------- */

static void parts_drop(struct part *parts, uint32_t *count, size_t *bytes)
{
    for (uint32_t i = 0; i < *count; i++)
        block_unref(parts[i].block);
    *count = 0;
    *bytes = 0;
}

/* False when there is no room for it. */
static bool parts_add(struct part *parts, uint32_t *count, size_t *bytes, size_t max, const struct part *part)
{
    if (*count == KEEP_PARTS_MAX || *bytes + part->data.len > max)
        return false;
    parts[*count] = *part;
    if (part->block)
        block_ref(part->block);
    *count += 1;
    *bytes += part->data.len;
    return true;
}

/* ---- keep --------------------------------------------------------------- */

static struct keep *keep_of(struct stage *stage)
{
    return (struct keep *)(void *)stage; /* its first member */
}

static void keep_give(struct stage *stage, const struct part *part)
{
    struct keep *keep = keep_of(stage);
    if (part->kind == PART_END)
        keep->complete = true;
    if (!keep->off && part->kind != PART_ABORT &&
        !parts_add(keep->parts, &keep->count, &keep->bytes, keep->max, part))
        keep_drop(keep);
    stage_give(stage, part);
}

static void keep_want(struct stage *stage, size_t bytes)
{
    struct keep *keep = keep_of(stage);
    /* All at once, it is bounded: what came now in between could not be put in its place. */
    while (keep->replaying && keep->next < keep->count) {
        const struct part part = keep->parts[keep->next++];
        bytes -= part.data.len < bytes ? part.data.len : bytes;
        stage_give(stage, &part);
    }
    keep->replaying = false;
    if (!keep->complete)
        stage_want(stage, bytes);
}

static const struct stage_ops keep_ops = {"keep", keep_give, keep_want, stage_pass_stop};

void keep_init(struct keep *keep, size_t max)
{
    memset(keep, 0, offsetof(struct keep, parts));
    keep->count = 0;
    keep->bytes = 0;
    keep->max = max;
    keep->off = keep->complete = keep->replaying = false;
    keep->next = 0;
    keep->stage.ops = &keep_ops;
}

void keep_drop(struct keep *keep)
{
    keep->off = true;
    keep->replaying = false;
    parts_drop(keep->parts, &keep->count, &keep->bytes);
}

bool keep_can_replay(const struct keep *keep)
{
    return !keep->off;
}

void keep_replay(struct keep *keep)
{
    keep->replaying = keep->count > 0;
    keep->next = 0;
}

/* ---- tee ---------------------------------------------------------------- */

static struct tee *tee_of_copy(struct stage *stage)
{
    return (struct tee *)(void *)((char *)stage - offsetof(struct tee, copy));
}

static void tee_copy_out(struct tee *tee)
{
    uint32_t given = 0;
    if (!tee->copy.after)
        return;
    if (tee->behind) {
        tee->behind = false;
        stage_give_abort(&tee->copy, PUMP_CANCELLED);
        return;
    }
    while (given < tee->count && (tee->credit || tee->parts[given].kind != PART_DATA)) {
        struct part part = tee->parts[given++];
        tee->credit -= part.data.len < tee->credit ? part.data.len : tee->credit;
        tee->bytes -= part.data.len;
        stage_give(&tee->copy, &part);
        block_unref(part.block);
    }
    memmove(tee->parts, tee->parts + given, (tee->count - given) * sizeof tee->parts[0]);
    tee->count -= given;
}

static void tee_give(struct stage *stage, const struct part *part)
{
    struct tee *tee = (struct tee *)(void *)stage;
    if (!tee->ended) {
        tee->ended = part->kind == PART_END || part->kind == PART_ABORT;
        if (!parts_add(tee->parts, &tee->count, &tee->bytes, PUMP_KEEP_MAX, part)) {
            tee->ended = tee->behind = true;
            parts_drop(tee->parts, &tee->count, &tee->bytes);
        }
        tee_copy_out(tee);
    }
    stage_give(stage, part);
}

static void tee_copy_want(struct stage *stage, size_t bytes)
{
    struct tee *tee = tee_of_copy(stage);
    tee->credit += bytes;
    tee_copy_out(tee);
}

static void tee_copy_stop(struct stage *stage, enum pump_reason reason)
{
    (void)reason;
    struct tee *tee = tee_of_copy(stage);
    tee->ended = true;
    parts_drop(tee->parts, &tee->count, &tee->bytes);
}

static void tee_copy_give(struct stage *stage, const struct part *part)
{
    stage_give(stage, part); /* never called: the copy is a source */
}

static const struct stage_ops tee_ops = {"tee", tee_give, stage_pass_want, stage_pass_stop};
static const struct stage_ops tee_copy_ops = {"tee copy", tee_copy_give, tee_copy_want, tee_copy_stop};

void tee_init(struct tee *tee)
{
    memset(tee, 0, sizeof *tee);
    tee->stage.ops = &tee_ops;
    tee->copy.ops = &tee_copy_ops;
}

void tee_done(struct tee *tee)
{
    tee->ended = true;
    parts_drop(tee->parts, &tee->count, &tee->bytes);
    stage_unlink(&tee->copy);
}
