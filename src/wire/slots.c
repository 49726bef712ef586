#include "wire/slots.h"

static uint32_t slot_at(uint32_t room, uint64_t key, uint32_t i)
{
    return ((uint32_t)(key >> 32) + i) & (room - 1);
}

uint32_t slots_find(const _Atomic uint64_t *keys, uint32_t room, uint64_t key)
{
    for (uint32_t i = 0; i < SLOTS_RUN; i++) {
        uint32_t slot = slot_at(room, key, i);
        uint64_t there = atomic_load_explicit(&keys[slot], memory_order_acquire);
        if (there == key)
            return slot;
        if (!there)
            break;
    }
    return SLOTS_NONE;
}

/* The first that is empty, else the first that is idle: all who look choose the same one. */
static uint32_t slot_choose(const _Atomic uint64_t *keys, uint32_t room, uint64_t key, slots_idle *idle,
                            const void *owner, uint64_t *was)
{
    uint32_t chosen = SLOTS_NONE;
    for (uint32_t i = 0; i < SLOTS_RUN; i++) {
        uint32_t slot = slot_at(room, key, i);
        uint64_t there = atomic_load_explicit(&keys[slot], memory_order_acquire);
        if (!there || (chosen == SLOTS_NONE && idle(owner, slot))) {
            chosen = slot;
            *was = there;
        }
        if (!there)
            break;
    }
    return chosen;
}

uint32_t slots_take(_Atomic uint64_t *keys, uint32_t room, uint64_t key, slots_idle *idle, const void *owner)
{
    /* Each failure means that another worker took one; they cannot do that for ever. */
    for (uint32_t tries = 0; tries < SLOTS_RUN; tries++) {
        uint64_t was = 0;
        uint32_t slot = slots_find(keys, room, key);
        if (slot != SLOTS_NONE)
            return slot;
        slot = slot_choose(keys, room, key, idle, owner, &was);
        if (slot == SLOTS_NONE)
            return SLOTS_NONE;
        if (atomic_compare_exchange_strong(&keys[slot], &was, key))
            return slot;
    }
    return SLOTS_NONE;
}
