/* The third of publish that is about endpoints, and the names that some of them are given by. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/endpoints_join.h"
#include "control/name_keep.h"
#include "control/publish.h"

/* The endpoints image as compile made it; it was checked when it was made. */
static bool compiled_open(const struct edition *edition, struct image *image)
{
    struct fail why;
    if (!edition)
        return false;
    if (image_open(edition->result.endpoints, edition->result.endpoints_size, &endpoints_schema, image, &why))
        return true;
    log_error("endpoints of the rules cannot be read: %s", why.text);
    return false;
}

static void names_want(struct publish *publish, const struct edition *edition)
{
    struct image image;
    if (!compiled_open(edition, &image))
        return;
    IMAGE_FOR(&image, ENDPOINTS_HOST, struct endpoints_host, host, image_all(&image, ENDPOINTS_HOST))
    {
        name_table_want(&publish->names, image_text(&image, host->name));
    }
}

static void names_order_send(struct publish *publish)
{
    struct names_order *order = letter_new(LETTER_NAMES, sizeof *order);
    struct arena *arena = &order->letter.arena;
    order->at = arena_array(arena, struct bytes, publish->names.by_name.count);
    list_for(item, &publish->names.list)
    {
        const struct name_entry *entry = container_of(item, struct name_entry, link);
        order->at[order->count++] = arena_bytes(arena, bytes_of(entry->name));
    }
    resolver_order_post(publish->resolver, order);
}

/* Whenever there is a name that is new to us; nothing is taken for one that was answered for. */
static void kept_read(struct publish *publish)
{
    struct fail why;
    if (!name_table_tried(&publish->names) &&
        !name_keep_read(publish->settings, &publish->names, clock_wall_s(), &why))
        log_warning("addresses of before cannot be used: %s", why.text);
}

static void kept_write(struct publish *publish)
{
    struct fail why;
    uint64_t now_ms = clock_ms();
    if (!publish->names_unkept || now_ms < publish->names_kept_ms + NAMES_KEEP_MS)
        return;
    publish->names_unkept = false;
    publish->names_kept_ms = now_ms;
    if (!name_keep_write(publish->settings, &publish->names, &why))
        log_warning("addresses of names will not survive a restart: %s", why.text);
}

void publish_names_want(struct publish *publish)
{
    name_table_want_begin(&publish->names);
    names_want(publish, publish->before);
    names_want(publish, publish->current);
    names_want(publish, publish->next);
    name_table_want_end(&publish->names);
    kept_read(publish);
    if (publish->resolver)
        names_order_send(publish);
}

/* New rules wait for the first answers about their names, but never long. */
bool publish_names_waiting(struct publish *publish)
{
    uint64_t now_ms = clock_ms();
    if (!publish->resolver || name_table_tried(&publish->names))
        return false;
    if (!publish->names_wait_ms)
        publish->names_wait_ms = now_ms + NAMES_WAIT_MS;
    return now_ms < publish->names_wait_ms;
}

void publish_name(struct publish *publish, struct name_letter *take)
{
    if (name_table_letter(&publish->names, take))
        publish->endpoints_stale = publish->names_unkept = true;
    publish->changed = true;
    letter_free(&take->letter);
}

void publish_endpoints(struct publish *publish)
{
    const struct edition *before = publish->before, *current = publish->current;
    size_t size = 0;
    struct fail why;
    publish->endpoints_stale = false;
    struct image_head *head =
        endpoints_join(before ? before->result.endpoints : NULL, current->result.endpoints, &publish->names,
                       ++publish->generation, &size, &why);
    publish->joined = before && head;
    if (head)
        publish_image(publish, IMAGE_ENDPOINTS, head, size);
    else
        log_error("the endpoints of these rules cannot be put together: %s", why.text);
    free(head);
}

void publish_endpoints_flush(struct publish *publish)
{
    if (publish->endpoints_stale && publish->current)
        publish_endpoints(publish);
    kept_write(publish);
}
