/*
 * publish_last_good: the files that the rules in force came from, kept for a start
 * without their source.
 *
 * Sealing and syncing takes its time: when changes come one upon the other, only
 * the newest is kept. A full disk is tried again, and told of once.
 */
#include "base/clock.h"
#include "base/log.h"
#include "control/last_good.h"
#include "control/publish.h"

static void unkept_drop(struct publish *publish)
{
    if (publish->unkept)
        letter_free(&publish->unkept->letter);
    publish->unkept = NULL;
}

void publish_last_good_flush(struct publish *publish, bool now)
{
    struct fail why;
    if (!publish->unkept || (!now && clock_ms() < publish->last_kept_ms + LAST_GOOD_MS))
        return;
    bool written = last_good_write(publish->settings, &publish->unkept->files, &why);
    publish->last_kept_ms = clock_ms();
    if (written)
        unkept_drop(publish);
    else if (!publish->unkept_told)
        log_warning("the rules in force will not survive the loss of their source: %s", why.text);
    publish->unkept_told = !written;
}

void publish_last_good(struct publish *publish)
{
    if (!publish->files)
        return;
    unkept_drop(publish);
    publish->unkept = publish->files;
    publish->files = NULL;
    publish_last_good_flush(publish, false);
}
