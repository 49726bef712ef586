#include "control/name.h"

#include <stdio.h>

bool name_is_asking(const struct name *name)
{
    return name->halves[NAME_V4].asking || name->halves[NAME_V6].asking;
}

void name_ask(struct name *name)
{
    for (int i = 0; i < NAME_FAMILIES; i++)
        name->halves[i].asking = true;
    name->problem[0] = '\0';
}

static bool has(const struct name_half *half, const struct address *address)
{
    for (size_t i = 0; i < half->count; i++)
        if (address_equal(&half->at[i], address))
            return true;
    return false;
}

static void half_replace(struct name_half *half, const struct name_answer *answer)
{
    half->count = 0;
    half->known = true;
    for (size_t i = 0; i < answer->count && half->count < NAME_ADDRESSES_MAX; i++)
        if (!has(half, &answer->at[i]))
            half->at[half->count++] = answer->at[i];
    half->ttl_s = answer->ttl_s;
    if (half->ttl_s < NAME_TTL_MIN_S)
        half->ttl_s = NAME_TTL_MIN_S;
    if (half->ttl_s > NAME_TTL_MAX_S)
        half->ttl_s = NAME_TTL_MAX_S;
}

static int64_t retry_ms(int64_t last_ms)
{
    int64_t next_ms = last_ms ? last_ms * 2 : NAME_RETRY_MIN_MS;
    return next_ms > NAME_RETRY_MAX_MS ? NAME_RETRY_MAX_MS : next_ms;
}

/* Both have been answered. */
static void settle(struct name *name, uint64_t now_ms)
{
    const struct name_half *halves = name->halves;
    name->ttl_s = NAME_TTL_MAX_S;
    for (int i = 0; i < NAME_FAMILIES; i++)
        if (halves[i].count && halves[i].ttl_s < name->ttl_s)
            name->ttl_s = halves[i].ttl_s;
    if (!halves[NAME_V4].count && !halves[NAME_V6].count)
        name->ttl_s = NAME_NONE_S;
    bool failed = halves[NAME_V4].failed || halves[NAME_V6].failed;
    name->retry_ms = failed ? retry_ms(name->retry_ms) : 0;
    name->next_ms = now_ms + (uint64_t)(failed ? name->retry_ms : name->ttl_s * 1000);
}

void name_take(struct name *name, enum name_family family, const struct name_answer *answer, uint64_t now_ms)
{
    struct name_half *half = &name->halves[family];
    half->asking = false;
    half->failed = answer->outcome == NAME_FAILED;
    if (half->failed)
        snprintf(name->problem, sizeof name->problem, "%s: %s", family == NAME_V6 ? "AAAA" : "A",
                 answer->problem);
    else
        half_replace(half, answer);
    if (!name_is_asking(name))
        settle(name, now_ms);
}

size_t name_addresses(const struct name *name, bool (*six)(const struct address *), struct address *to)
{
    const struct name_half *v4 = &name->halves[NAME_V4], *v6 = &name->halves[NAME_V6];
    size_t count = 0;
    for (size_t i = 0; i < v4->count; i++)
        to[count++] = v4->at[i];
    for (size_t i = 0; i < v6->count; i++)
        if (!v4->count || six(&v6->at[i]))
            to[count++] = v6->at[i];
    return count;
}
