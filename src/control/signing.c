#include "control/signing.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/log.h"
#include "control/key_deposit.h"
#include "control/seal_file.h"
#include "control/state_file.h"
#include "crypt/digest.h"

#define PURPOSE BYTES("selvage signing-keys 1")
#define STATE_MAX ((size_t)1 << 20)

enum {
    LOOK_MS = 10 * 1000, /* how often the others' keys are looked at */
    MAX_AGE_S = 300,
};

struct signing {
    pthread_t thread;
    struct mailbox inbox;
    struct mailbox *out;
    const struct settings *settings;
    bool wanted;
    bool held;
    bool read;   /* the state file was */
    bool rotate; /* somebody said so */
    bool kept;   /* what we have lies on disk and in the deposit */
    struct signing_plan plan;
    struct signing_keys keys;
    struct digest posted; /* of the last letter */
};

static void letter_wipe(struct letter *letter)
{
    struct signing_letter *signing = (struct signing_letter *)letter;
    heap_wipe(signing->keys, signing->count * sizeof *signing->keys);
}

static const char *state_path(const struct signing *signing, struct arena *arena)
{
    return path_join(arena, signing->settings->state, "signing-keys");
}

static bool state_read(struct signing *signing, struct arena *arena, struct fail *why)
{
    struct seal_key seal;
    struct bytes plain;
    if (!seal_key_obtain(signing->settings, signing->settings->state, &seal, why))
        return false;
    bool opened = seal_file_read(state_path(signing, arena), &seal, PURPOSE, STATE_MAX, arena, &plain, why);
    heap_wipe(&seal, sizeof seal);
    if (!opened)
        return false;
    bool done = signing_keys_read(plain, arena, &signing->keys, why);
    heap_wipe((char *)(uintptr_t)plain.at, plain.len);
    return done;
}

static bool state_write(const struct signing *signing, struct arena *arena, struct fail *why)
{
    struct seal_key seal;
    if (!seal_key_obtain(signing->settings, signing->settings->state, &seal, why))
        return false;
    struct bytes plain = signing_keys_write(&signing->keys, arena);
    bool done = seal_file_write(state_path(signing, arena), &seal, PURPOSE, plain, why);
    heap_wipe((char *)(uintptr_t)plain.at, plain.len);
    heap_wipe(&seal, sizeof seal);
    return done;
}

static struct bytes deposit_directory(const struct signing *signing, struct arena *arena)
{
    const struct settings_ca *ca = signing->settings->identity->ca;
    return ca ? bytes_of(path_join(arena, ca->directory, "keys")) : (struct bytes){0};
}

static void keys_read_once(struct signing *signing, struct arena *arena)
{
    struct fail why;
    if (signing->read)
        return;
    signing->read = true;
    if (access(state_path(signing, arena), F_OK) == 0 && !state_read(signing, arena, &why))
        log_error("signing keys of before cannot be used, new ones are made: %s", why.text);
}

/* Kept before they are used: after a crash the same keys go on. */
static void keys_keep(const struct signing *signing, struct arena *arena)
{
    struct fail why;
    struct bytes deposit = deposit_directory(signing, arena);
    if (!state_write(signing, arena, &why))
        log_warning("signing keys will not survive a restart: %s", why.text);
    if (deposit.len &&
        !key_deposit_write(deposit, signing->settings->node, &signing->keys, &signing->plan, &why))
        log_warning("other nodes do not learn of our signing keys: %s", why.text);
}

static uint32_t max_age(const struct signing_plan *plan)
{
    int64_t age = plan->ahead_s / 4;
    return (uint32_t)(age < 1 ? 1 : age > MAX_AGE_S ? MAX_AGE_S : age);
}

static void facts_fill(const struct signing *signing, struct signing_letter *letter)
{
    letter->fact_count = signing->keys.count;
    letter->facts = arena_array(&letter->letter.arena, struct signing_fact, letter->fact_count);
    for (size_t i = 0; i < letter->fact_count; i++) {
        const struct signing_key *key = &signing->keys.at[i];
        struct signing_fact *fact = &letter->facts[i];
        memcpy(fact->kid, key->kid, sizeof fact->kid);
        fact->made_s = key->made_s;
        fact->from_s = key->from_s;
        fact->until_s = key->until_s;
        fact->forget_s = signing_key_forget_s(key, &signing->plan);
    }
}

/* The key in use first, then those that follow. */
static void letter_fill(const struct signing *signing, struct signing_letter *letter, int64_t now_s)
{
    struct arena *arena = &letter->letter.arena;
    const struct signing_key *current = signing_keys_current(&signing->keys, now_s);
    const struct signing_key *end = signing->keys.at + signing->keys.count;
    letter->letter.wipe = letter_wipe;
    letter->count = (size_t)(end - current);
    letter->keys = arena_array(arena, struct signing_key, letter->count);
    memcpy(letter->keys, current, letter->count * sizeof *current);
    letter->published = key_deposit_union(deposit_directory(signing, arena), &signing->keys, now_s, arena);
    letter->max_age_s = max_age(&signing->plan);
    facts_fill(signing, letter);
}

static struct digest letter_digest(const struct signing_letter *letter)
{
    struct digest_work *work = digest_start();
    for (size_t i = 0; i < letter->count; i++) {
        digest_more(work, bytes_make(letter->keys[i].kid, sizeof letter->keys[i].kid));
        digest_more(work, bytes_make(&letter->keys[i].from_s, sizeof letter->keys[i].from_s));
        digest_more(work, bytes_make(&letter->keys[i].until_s, sizeof letter->keys[i].until_s));
    }
    digest_more(work, letter->published);
    digest_more(work, bytes_make(&letter->max_age_s, sizeof letter->max_age_s));
    return digest_end(work);
}

static void keys_post(struct signing *signing, int64_t now_s)
{
    struct signing_letter *letter = letter_new(LETTER_SIGNING, sizeof *letter);
    letter_fill(signing, letter, now_s);
    struct digest digest = letter_digest(letter);
    if (memcmp(&digest, &signing->posted, sizeof digest) == 0) {
        letter_free(&letter->letter);
        return;
    }
    signing->posted = digest;
    mailbox_post(signing->out, &letter->letter);
}

static void turn(struct signing *signing)
{
    struct arena arena;
    struct fail why;
    bool changed;
    int64_t now_s = clock_wall_s();
    arena_init(&arena);
    keys_read_once(signing, &arena);
    if (!signing->held || !signing->keys.count) {
        if (signing->rotate)
            signing_keys_rotate(&signing->keys, now_s);
        signing->rotate = false;
        if (!signing_keys_step(&signing->keys, &signing->plan, now_s, &changed, &why))
            log_error("no new signing key: %s", why.text);
        else if (changed || !signing->kept)
            keys_keep(signing, &arena);
        signing->kept = true;
    }
    arena_done(&arena);
    if (signing->keys.count)
        keys_post(signing, now_s);
}

static int64_t pause_ms(const struct signing *signing)
{
    if (!signing->wanted)
        return -1;
    int64_t now_s = clock_wall_s();
    int64_t wait_ms = (signing_keys_next(&signing->keys, &signing->plan, now_s) - now_s) * 1000;
    int64_t look_ms = signing->plan.ahead_s * 250; /* the others' next keys must be seen in time */
    look_ms = look_ms < LOOK_MS ? look_ms : LOOK_MS;
    wait_ms = wait_ms < look_ms ? wait_ms : look_ms;
    return wait_ms < 200 ? 200 : wait_ms;
}

/* The same order comes with every change of the rules. */
static void order_take(struct signing *signing, const struct signing_order *order)
{
    if (order->wanted == signing->wanted && memcmp(&order->plan, &signing->plan, sizeof order->plan) == 0)
        return;
    signing->wanted = order->wanted;
    signing->plan = order->plan;
    signing->kept = false;
    memset(&signing->posted, 0, sizeof signing->posted);
}

static bool inbox_read(struct signing *signing)
{
    struct letter *letter;
    bool stop = false;
    while ((letter = mailbox_take(&signing->inbox))) {
        stop |= letter->kind == LETTER_STOP;
        if (letter->kind == LETTER_HOLD)
            signing->held = ((const struct hold_letter *)letter)->on;
        signing->rotate |= letter->kind == LETTER_ROTATE;
        if (letter->kind == LETTER_SIGNING)
            order_take(signing, (const struct signing_order *)letter);
        letter_free(letter);
    }
    return !stop;
}

static void *signing_run(void *of)
{
    struct signing *signing = of;
    do {
        if (signing->wanted)
            turn(signing);
        mailbox_wait(&signing->inbox, pause_ms(signing));
    } while (inbox_read(signing));
    arena_stock_drop();
    return NULL;
}

struct signing *signing_start(const struct settings *settings, struct mailbox *out)
{
    struct signing *signing = heap_new(struct signing);
    signing->settings = settings;
    signing->out = out;
    mailbox_init(&signing->inbox);
    if (pthread_create(&signing->thread, NULL, signing_run, signing) != 0)
        abort();
    return signing;
}

void signing_order_post(struct signing *signing, bool wanted, const struct signing_plan *plan)
{
    struct signing_order *order = letter_new(LETTER_SIGNING, sizeof *order);
    order->wanted = wanted;
    order->plan = *plan;
    mailbox_post(&signing->inbox, &order->letter);
}

void signing_hold(struct signing *signing, bool on)
{
    struct hold_letter *letter = letter_new(LETTER_HOLD, sizeof *letter);
    letter->on = on;
    mailbox_post(&signing->inbox, &letter->letter);
}

void signing_rotate(struct signing *signing)
{
    mailbox_post(&signing->inbox, letter_new(LETTER_ROTATE, sizeof(struct letter)));
}

void signing_stop(struct signing *signing)
{
    if (!signing)
        return;
    mailbox_post(&signing->inbox, letter_new(LETTER_STOP, sizeof(struct letter)));
    pthread_join(signing->thread, NULL);
    mailbox_done(&signing->inbox);
    signing_keys_wipe(&signing->keys);
    free(signing);
}
