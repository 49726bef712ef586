#include "control/identity.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/log.h"
#include "control/ca_directory.h"
#include "control/join_client.h"
#include "control/state_file.h"
#include "crypt/certificate.h"
#include "wire/spiffe_id.h"

enum {
    PEM_MAX = 1 << 20,
    RETRY_MIN_MS = 1000,
    RETRY_MAX_MS = 60 * 1000,
    LOOK_MS = 5 * 1000,      /* how often files of somebody else are looked at */
    IDENTITY_FRESH = 1 << 8, /* beside the bits of enum ca_rotate: a new certificate in any case */
    SHORT_MS = 200,
    OVERDUE_S = 60, /* how often what the authority could not do is tried again */
};

struct identity {
    pthread_t thread;
    struct mailbox inbox;
    struct mailbox *out;
    const struct settings *settings;
    int64_t not_before_s; /* of the certificate in force; not_after_s 0: none */
    int64_t not_after_s;
    int64_t issued_s;
    int64_t authority_next_s;
    unsigned rotate;  /* bits of enum ca_rotate */
    bool wanted;      /* somebody said that there shall be a new one */
    uint64_t touched; /* of the files it came from */
    int64_t retry_ms;
};

/* LETTER_ROTATE */
struct identity_order {
    struct letter letter;
    unsigned rotate;
};

static void letter_wipe(struct letter *letter)
{
    struct identity_letter *identity = (struct identity_letter *)letter;
    heap_wipe((char *)(uintptr_t)identity->pem.key.at, identity->pem.key.len);
}

static void facts_fill(const struct authority_level *level, bool root, struct identity_letter *out)
{
    for (size_t i = 0; i < level->count; i++) {
        const struct authority_key *key = &level->at[i];
        struct authority_fact *fact = &out->authority[out->authority_count++];
        *fact = (struct authority_fact){.root = root,
                                        .made_s = key->made_s,
                                        .from_s = key->from_s,
                                        .until_s = key->until_s,
                                        .forget_s = authority_key_forget_s(key)};
        memcpy(fact->serial, key->serial, sizeof fact->serial);
    }
}

static void authority_tell(const struct settings *settings, const struct authority_keys *keys,
                           struct arena *arena, struct identity_letter *out)
{
    struct authority_plan plan = ca_directory_plan(settings);
    int64_t now_s = clock_wall_s();
    out->authority = arena_array(arena, struct authority_fact, keys->roots.count + keys->intermediates.count);
    out->authority_count = 0;
    facts_fill(&keys->roots, true, out);
    facts_fill(&keys->intermediates, false, out);
    out->authority_next_s = authority_keys_next(keys, &plan, now_s);
    if (out->authority_next_s <= now_s)
        out->authority_next_s = now_s + OVERDUE_S;
}

static bool leaf_issue(const struct settings *settings, const struct authority *authority,
                       struct arena *arena, struct identity_letter *out, struct fail *why)
{
    struct bytes uri =
        spiffe_id_format(arena, settings->trust_domain, settings->name_space, settings->account);
    return authority_issue(authority, uri, NULL, 0, settings->identity->certificate_lifetime_ms / 1000, arena,
                           &out->pem, why);
}

static bool embedded_issue(const struct settings *settings, unsigned rotate, struct arena *arena,
                           struct identity_letter *out, struct fail *why)
{
    struct certificate_facts facts;
    struct ca_directory *directory = ca_directory_open(settings, rotate, why);
    if (!directory)
        return false;
    bool issued = leaf_issue(settings, ca_directory_authority(directory), arena, out, why) &&
                  certificate_facts(out->pem.chain, arena, &facts, why) &&
                  ca_directory_issued(directory, facts.not_after_s, why);
    if (issued)
        authority_tell(settings, ca_directory_keys(directory), arena, out);
    ca_directory_close(directory);
    return issued;
}

static bool cacerts_issue(const struct settings *settings, struct arena *arena, struct identity_letter *out,
                          struct fail *why)
{
    struct authority *authority = ca_directory_cacerts(settings->identity->cacerts->directory, why);
    bool issued = authority && leaf_issue(settings, authority, arena, out, why);
    authority_free(authority);
    return issued;
}

/* It says when to ask again; what went wrong while the old one is good is only told. */
static bool joined_obtain(const struct settings *settings, bool fresh, struct arena *arena,
                          struct identity_letter *out, struct fail *why)
{
    struct bytes problem;
    if (!join_client_obtain(settings, fresh, arena, &out->pem, &out->authority_next_s, &problem, why))
        return false;
    if (problem.len)
        log_warning("the certificate and the roots stay as they are: %.*s", BYTES_FMT(problem));
    return true;
}

static bool files_read(const struct settings_files *files, struct arena *arena, struct identity_letter *out,
                       struct fail *why)
{
    struct identity_pem pem;
    const char *certificate = arena_text(arena, files->certificate);
    if (!file_read(certificate, PEM_MAX, arena, &pem.chain, why) ||
        !file_read(arena_text(arena, files->roots), PEM_MAX, arena, &pem.roots, why) ||
        !file_read(arena_text(arena, files->key), PEM_MAX, arena, &pem.key, why))
        return false;
    out->pem = pem;
    return (certificate_key_matches(pem.chain, pem.key, why) && certificate_shape_check(pem.chain, why)) ||
           fail_in(why, "%s", certificate);
}

static bool facts_judge(struct identity_letter *letter, struct arena *arena, struct fail *why)
{
    struct certificate_facts facts;
    if (!certificate_facts(letter->pem.chain, arena, &facts, why))
        return false;
    if (facts.not_after_s <= clock_wall_s())
        return fail(why, FAIL_INPUT, "the certificate with serial %.*s has expired", BYTES_FMT(facts.serial));
    letter->spiffe_uri = facts.uri;
    letter->serial = facts.serial;
    letter->not_before_s = facts.not_before_s;
    letter->not_after_s = facts.not_after_s;
    return true;
}

bool identity_obtain(const struct settings *settings, unsigned rotate, struct arena *arena,
                     struct identity_letter *out, struct fail *why)
{
    const struct settings_identity *identity = settings->identity;
    bool obtained = identity->files  ? files_read(identity->files, arena, out, why)
                    : identity->ca   ? embedded_issue(settings, rotate, arena, out, why)
                    : identity->join ? joined_obtain(settings, rotate & IDENTITY_FRESH, arena, out, why)
                                     : cacerts_issue(settings, arena, out, why);
    if (obtained && facts_judge(out, arena, why))
        return true;
    heap_wipe((char *)(uintptr_t)out->pem.key.at, out->pem.key.len);
    out->pem = (struct identity_pem){0};
    return false;
}

static uint64_t path_touched(uint64_t sum, struct arena *arena, struct bytes path)
{
    struct stat stat_of;
    if (stat(arena_text(arena, path), &stat_of) != 0)
        return sum * 31;
    return sum * 1000003 + (uint64_t)stat_of.st_ino + (uint64_t)stat_of.st_mtim.tv_sec * 1000000007 +
           (uint64_t)stat_of.st_mtim.tv_nsec + (uint64_t)stat_of.st_size;
}

/* A number that changes when somebody touches what the certificate is made from. */
static uint64_t files_touched(const struct settings_identity *identity)
{
    struct arena arena;
    uint64_t sum = 1;
    arena_init(&arena);
    if (identity->join) {
        sum = path_touched(sum, &arena, identity->join->token_file);
    } else if (identity->files) {
        sum = path_touched(sum, &arena, identity->files->certificate);
        sum = path_touched(sum, &arena, identity->files->key);
        sum = path_touched(sum, &arena, identity->files->roots);
    } else {
        struct bytes directory = identity->ca ? identity->ca->directory : identity->cacerts->directory;
        sum = path_touched(sum, &arena, bytes_of(path_join(&arena, directory, "ca-cert.pem")));
        sum = path_touched(sum, &arena, bytes_of(path_join(&arena, directory, "root-cert.pem")));
    }
    arena_done(&arena);
    return sum;
}

static void obtain(struct identity *identity)
{
    struct identity_letter *letter = letter_new(LETTER_IDENTITY, sizeof *letter);
    struct fail why;
    letter->letter.wipe = letter_wipe;
    if (identity_obtain(identity->settings, identity->rotate, &letter->letter.arena, letter, &why)) {
        identity->authority_next_s = letter->authority_next_s;
        identity->not_after_s = letter->not_after_s;
        identity->issued_s = clock_wall_s();
        identity->retry_ms = 0;
        log_info("certificate %.*s for %.*s is good until %lld", BYTES_FMT(letter->serial),
                 BYTES_FMT(letter->spiffe_uri), (long long)letter->not_after_s);
    } else {
        identity->retry_ms = identity->retry_ms ? identity->retry_ms * 2 : RETRY_MIN_MS;
        if (identity->retry_ms > RETRY_MAX_MS)
            identity->retry_ms = RETRY_MAX_MS;
        log_error("no certificate for this node: %s", why.text);
        letter->problem = arena_bytes(&letter->letter.arena, bytes_of(why.text));
    }
    identity->rotate = 0;
    identity->wanted = false;
    identity->touched = files_touched(identity->settings->identity); /* making the CA touches it too */
    mailbox_post(identity->out, &letter->letter);
}

static bool is_due(const struct identity *identity)
{
    if (identity->wanted || files_touched(identity->settings->identity) != identity->touched)
        return true;
    if (identity->settings->identity->files)
        return false; /* somebody else renews it */
    int64_t now_s = clock_wall_s(), half_s = (identity->not_after_s - identity->issued_s) / 2;
    bool set_back = now_s < identity->issued_s - half_s; /* by so much that nobody may find it valid yet */
    bool authority_due = identity->authority_next_s && now_s >= identity->authority_next_s;
    return set_back || authority_due || now_s >= identity->issued_s + half_s;
}

/* Often enough to see a changed file, a clock that was set, and a root before anything is signed by it. */
static int64_t pause_ms(const struct identity *identity)
{
    const struct settings_ca *ca = identity->settings->identity->ca;
    int64_t wait_ms = identity->retry_ms ? identity->retry_ms : LOOK_MS;
    int64_t half_ms = (identity->not_after_s - identity->issued_s) * 500;
    if (!identity->retry_ms && half_ms > 0 && half_ms < wait_ms)
        wait_ms = half_ms;
    int64_t next_ms = (identity->authority_next_s - clock_wall_s()) * 1000;
    if (identity->retry_ms)
        return wait_ms;
    if (ca && ca->publish_ahead_ms / 4 < wait_ms)
        wait_ms = ca->publish_ahead_ms / 4;
    if (identity->authority_next_s && next_ms < wait_ms)
        wait_ms = next_ms < SHORT_MS ? SHORT_MS : next_ms;
    return wait_ms;
}

/* False: end. */
static bool pause_until_due(struct identity *identity)
{
    struct letter *letter;
    bool stop = false;
    mailbox_wait(&identity->inbox, pause_ms(identity));
    while ((letter = mailbox_take(&identity->inbox))) {
        stop |= letter->kind == LETTER_STOP;
        if (letter->kind == LETTER_ROTATE) {
            identity->rotate |= IDENTITY_FRESH | ((const struct identity_order *)letter)->rotate;
            identity->wanted = true;
        }
        letter_free(letter);
    }
    return !stop;
}

static void *identity_run(void *of)
{
    struct identity *identity = of;
    obtain(identity);
    while (pause_until_due(identity))
        if (identity->retry_ms || is_due(identity))
            obtain(identity);
    arena_stock_drop();
    return NULL;
}

struct identity *identity_start(const struct settings *settings, struct mailbox *out)
{
    const struct settings_identity *wanted = settings->identity;
    if (!settings_identity_any(wanted))
        return NULL;
    struct identity *identity = heap_new(struct identity);
    identity->settings = settings;
    identity->out = out;
    mailbox_init(&identity->inbox);
    if (pthread_create(&identity->thread, NULL, identity_run, identity) != 0)
        abort();
    return identity;
}

void identity_rotate(struct identity *identity, unsigned rotate)
{
    struct identity_order *order = letter_new(LETTER_ROTATE, sizeof *order);
    order->rotate = rotate;
    mailbox_post(&identity->inbox, &order->letter);
}

void identity_stop(struct identity *identity)
{
    if (!identity)
        return;
    mailbox_post(&identity->inbox, letter_new(LETTER_STOP, sizeof(struct letter)));
    pthread_join(identity->thread, NULL);
    mailbox_done(&identity->inbox);
    free(identity);
}
