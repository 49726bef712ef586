#include "control/key_list.h"

#include <string.h>

#include "base/clock.h"
#include "control/ca_directory.h"
#include "crypt/bundle.h"
#include "crypt/certificate.h"
#include "crypt/digest.h"
#include "rules/kind/secret.h"
#include "wire/jwk.h"

struct row {
    const char *purpose;
    const char *state;
    struct bytes id;
    struct bytes of; /* whose, or what for */
    struct bytes algorithm;
    int64_t made_s; /* 0: not known */
    int64_t since_s;
    int64_t until_s;
    int64_t ends_s;
};

static void text_put(struct text *out, const char *name, struct bytes value)
{
    if (!value.len)
        return;
    text_format(out, "%s\"%s\":", out->at[out->len - 1] == '{' ? "" : ",", name);
    text_add_json(out, value);
}

static void time_put(struct text *out, const char *name, int64_t wall_s)
{
    char when[CLOCK_TEXT_SIZE];
    if (!wall_s)
        return;
    clock_text(wall_s * 1000000, when);
    memcpy(when + 19, "Z", 2); /* whole seconds */
    text_put(out, name, bytes_of(when));
}

static void row_write(struct text *out, const struct row *row)
{
    text_add_s(out, out->at[out->len - 1] == '[' ? "{" : ",\n{");
    text_put(out, "purpose", bytes_of(row->purpose));
    text_put(out, "state", bytes_of(row->state));
    text_put(out, "id", row->id);
    text_put(out, "of", row->of);
    text_put(out, "algorithm", row->algorithm);
    time_put(out, "made", row->made_s);
    time_put(out, "since", row->since_s);
    time_put(out, "until", row->until_s);
    time_put(out, "ends", row->ends_s);
    text_add_c(out, '}');
}

static const char *state_of(int64_t from_s, int64_t until_s, int64_t now_s)
{
    return now_s < from_s ? "next" : now_s < until_s ? "in force" : "retired";
}

/* ---- certificates ---------------------------------------------------------------------- */

static void certificate_write(struct text *out, const char *purpose, struct bytes of, struct bytes chain)
{
    struct certificate_facts facts;
    struct fail why;
    if (!chain.len || !certificate_facts(chain, out->arena, &facts, &why))
        return;
    struct row row = {.purpose = purpose,
                      .state = state_of(facts.not_before_s, facts.not_after_s, clock_wall_s()),
                      .id = facts.serial,
                      .of = of.len ? of : facts.uri,
                      .algorithm = facts.algorithm,
                      .made_s = facts.not_before_s,
                      .since_s = facts.not_before_s,
                      .ends_s = facts.not_after_s};
    row_write(out, &row);
}

static void authority_write(const struct identity_letter *identity, struct text *out)
{
    int64_t now_s = clock_wall_s();
    for (size_t i = 0; i < identity->authority_count; i++) {
        const struct authority_fact *fact = &identity->authority[i];
        struct row row = {.purpose = key_purpose_name(fact->root ? KEY_ROOT : KEY_INTERMEDIATE),
                          .state = state_of(fact->from_s, fact->until_s, now_s),
                          .id = bytes_of(fact->serial),
                          .algorithm = BYTES("ECDSA P-256"),
                          .made_s = fact->made_s,
                          .since_s = fact->from_s,
                          .until_s = fact->until_s,
                          .ends_s = fact->forget_s};
        row_write(out, &row);
    }
    if (!identity->authority_count)
        certificate_write(out, key_purpose_name(KEY_ROOT), (struct bytes){0}, identity->pem.roots);
}

static void credentials_write(const struct publish *publish, struct text *out)
{
    const struct edition *current = publish->current;
    for (size_t i = 0; current && i < current->result.credential_count; i++) {
        const struct compile_credential *credential = &current->result.credentials[i];
        struct keys_credential file = {0};
        if (credential->secret)
            certificate_write(out, "credential", credential->name,
                              ((const struct secret *)credential->secret->spec)->certificate);
        else if (credential_files_get(&publish->credential_files, credential->id, &file))
            certificate_write(out, "credential", credential->name, file.chain);
    }
}

/* ---- key sets -------------------------------------------------------------------------- */

static const char *algorithm_of(const struct jwk *key)
{
    static const char *const types[] = {"RSA", "ECDSA P-256", "ECDSA P-384", "ECDSA P-521", "Ed25519"};
    return key->alg == JWS_NONE_KNOWN ? types[key->type] : jws_alg_name(key->alg);
}

static void set_write(struct text *out, struct bytes issuer, struct bytes text, int64_t since_s)
{
    struct jwk_set set;
    struct fail why;
    if (!text.len || !jwk_set_read(text, out->arena, &set, &why))
        return;
    for (uint32_t i = 0; i < set.count; i++) {
        const struct jwk *key = &set.keys[i];
        struct row row = {.purpose = key_purpose_name(KEY_PROVIDER),
                          .state = "in force",
                          .id = key->kid.len ? key->kid : jwk_thumbprint(key, out->arena),
                          .of = issuer,
                          .algorithm = bytes_of(algorithm_of(key)),
                          .since_s = since_s};
        row_write(out, &row);
    }
}

static void providers_write(const struct publish *publish, struct text *out)
{
    const struct edition *current = publish->current;
    for (size_t i = 0; current && i < current->result.key_set_count; i++) {
        const struct compile_key_set *set = &current->result.key_sets[i];
        const struct key_entry *entry = key_table_find(&publish->keys, set->id);
        if (set->inline_text.len)
            set_write(out, set->issuer, set->inline_text, 0);
        else if (entry)
            set_write(out, set->issuer, entry->text, entry->fetched_s);
    }
}

/* ---- our own --------------------------------------------------------------------------- */

static void signing_write(const struct signing_letter *signing, struct text *out)
{
    int64_t now_s = clock_wall_s();
    for (size_t i = 0; signing && i < signing->fact_count; i++) {
        const struct signing_fact *fact = &signing->facts[i];
        struct row row = {.purpose = key_purpose_name(KEY_ASSERTION),
                          .state = state_of(fact->from_s, fact->until_s, now_s),
                          .id = bytes_of(fact->kid),
                          .algorithm = BYTES("ES256"),
                          .made_s = fact->made_s,
                          .since_s = fact->from_s,
                          .until_s = fact->until_s,
                          .ends_s = fact->forget_s};
        row_write(out, &row);
    }
}

/* Its name in a ticket is a part of the key, so what is shown is a digest of the whole. */
static struct bytes ticket_id(const struct session_ticket_key *key, struct arena *arena)
{
    struct digest digest = digest_of(bytes_make(key->key, TICKET_KEY_SIZE));
    struct text id;
    text_init_arena(&id, arena);
    text_add_hex(&id, bytes_make(digest.bytes, 8));
    return text_bytes(&id);
}

static void tickets_write(const struct publish *publish, struct text *out)
{
    int64_t lifetime_s = publish->settings->ticket_keys_ms / 1000;
    for (size_t i = 0; i < publish->tickets.count; i++) {
        const struct session_ticket_key *key = &publish->tickets.at[i];
        struct row row = {.purpose = key_purpose_name(KEY_TICKET),
                          .state = i == 0 ? "in force" : "retired",
                          .id = ticket_id(key, out->arena),
                          .algorithm = BYTES("AES-256-CBC, HMAC-SHA256"),
                          .made_s = key->from_s,
                          .since_s = key->from_s,
                          .until_s = i == 0 ? key->from_s + lifetime_s : publish->tickets.at[i - 1].from_s,
                          .ends_s = key->from_s + 2 * lifetime_s};
        row_write(out, &row);
    }
}

/* By number: where it begins and ends is the clock's business, unless it was changed on command. */
static void sessions_write(const struct publish *publish, struct text *out)
{
    static const char *const states[ENVELOPE_KEYS_MAX] = {"in force", "retired", "next"};
    int64_t lifetime_s = publish->settings->session_keys_ms / 1000;
    int64_t turn_s = (clock_wall_s() / lifetime_s + 1) * lifetime_s;
    const int64_t untils[ENVELOPE_KEYS_MAX] = {turn_s, 0, turn_s + lifetime_s};
    const int64_t ends[ENVELOPE_KEYS_MAX] = {turn_s + lifetime_s, turn_s, turn_s + 2 * lifetime_s};
    for (size_t i = 0; publish_logins_any(publish) && i < publish->sessions.keys.count; i++) {
        struct row row = {
            .purpose = key_purpose_name(KEY_SESSION),
            .state = states[i],
            .id = arena_format(out->arena, "%llu", (unsigned long long)publish->sessions.keys.at[i].id),
            .algorithm = BYTES("AES-256-GCM"),
            .until_s = untils[i],
            .ends_s = ends[i]};
        row_write(out, &row);
    }
}

/* ---- what resources say of others ---------------------------------------------------- */

static void bundles_write(const struct publish *publish, struct text *out)
{
    const struct edition *current = publish->current;
    for (size_t i = 0; current && i < current->result.bundle_count; i++) {
        const struct compile_bundle *bundle = &current->result.bundles[i];
        struct bytes text = publish_bundle_text(publish, bundle), roots;
        struct fail why;
        if (text.len && bundle_roots(text, out->arena, &roots, &why))
            certificate_write(out, "bundle", bundle->trust_domain, roots);
    }
}

static void revoked_write(const struct publish *publish, struct text *out)
{
    const struct edition *current = publish->current;
    for (size_t i = 0; current && i < current->result.revoked_count; i++) {
        const struct compile_revoked *revoked = &current->result.revoked[i];
        struct row row = {
            .purpose = "revoked", .state = "refused", .id = revoked->serial, .of = revoked->reason};
        row_write(out, &row);
    }
}

void key_list_write(const struct publish *publish, struct text *out)
{
    text_add_s(out, "{\"keys\":[");
    if (publish->identity) {
        authority_write(publish->identity, out);
        certificate_write(out, key_purpose_name(KEY_NODE), (struct bytes){0}, publish->identity->pem.chain);
    }
    signing_write(publish->signing, out);
    tickets_write(publish, out);
    sessions_write(publish, out);
    providers_write(publish, out);
    credentials_write(publish, out);
    bundles_write(publish, out);
    revoked_write(publish, out);
    text_add_s(out, "]}\n");
}

/* ---- on command ------------------------------------------------------------------------ */

static const struct {
    const char *name;
    const char *about;
} purposes[KEY_PURPOSES] = {
    [KEY_PROVIDER] = {"provider", "the key sets of all issuers are read again, each at most once a minute"},
    [KEY_ASSERTION] = {"assertion", "the next key is published now, and signs after publishAhead"},
    [KEY_NODE] = {"node", "the node gets a new certificate and key"},
    [KEY_INTERMEDIATE] = {"intermediate", "the authority gets a new intermediate, and the node a certificate"
                                          " below it"},
    [KEY_ROOT] = {"root", "the next root is published now, and signs after publishAhead"},
    [KEY_TICKET] = {"ticket", "a new key seals TLS session tickets; the one before still opens them"},
    [KEY_SESSION] = {"session", "a new key seals sessions of browsers; the one before still opens them"},
};

const char *key_purpose_name(enum key_purpose purpose)
{
    return purposes[purpose].name;
}

enum key_purpose key_purpose_find(struct bytes name)
{
    enum key_purpose at = 0;
    while (at < KEY_PURPOSES && !bytes_equal(bytes_of(purposes[at].name), name))
        at++;
    return at;
}

bool key_rotate_check(const struct settings *settings, enum key_purpose purpose, const char **about)
{
    const struct settings_identity *identity = settings->identity;
    *about = purposes[purpose].about;
    if (purpose == KEY_NODE && !settings_identity_any(identity)) {
        *about = "the node has no certificate";
        return false;
    }
    if ((purpose == KEY_ROOT || purpose == KEY_INTERMEDIATE) && !identity->ca) {
        *about = "the authority is not this node's: whoever keeps it renews it";
        return false;
    }
    if (purpose == KEY_NODE && identity->files) {
        *about = "the node's certificate is not made here: whoever writes its files renews it";
        return false;
    }
    return true;
}

static void providers_read_again(struct publish *publish)
{
    list_for(item, &publish->keys.list)
    {
        if (publish->providers)
            providers_need(publish->providers, container_of(item, struct key_entry, link)->id);
    }
}

void key_rotate(struct publish *publish, enum key_purpose purpose)
{
    const char *about;
    if (!key_rotate_check(publish->settings, purpose, &about))
        return;
    switch (purpose) {
    case KEY_PROVIDER:
        providers_read_again(publish);
        break;
    case KEY_ASSERTION:
        if (publish->signing_thread)
            signing_rotate(publish->signing_thread);
        break;
    case KEY_NODE:
        identity_rotate(publish->identity_thread, 0);
        break;
    case KEY_INTERMEDIATE:
        identity_rotate(publish->identity_thread, CA_ROTATE_INTERMEDIATE);
        break;
    case KEY_ROOT:
        identity_rotate(publish->identity_thread, CA_ROTATE_ROOT);
        break;
    case KEY_TICKET:
        publish->tickets.wanted = true;
        break;
    case KEY_SESSION:
        session_keys_change(&publish->sessions, publish->settings);
        break;
    case KEY_PURPOSES:
        break;
    }
}
