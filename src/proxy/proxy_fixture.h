/*
 * proxy_fixture: a worker in a simulated world, for the tests of the data path:
 * rules from text, keys made here, clients and upstreams played by the test.
 *
 * Include base/test.h first.
 */
#ifndef PROXY_PROXY_FIXTURE_H
#define PROXY_PROXY_FIXTURE_H

#include "crypt/authority.h"
#include "crypt/tls.h"
#include "loop/io_sim.h"
#include "proxy/generation.h"
#include "proxy/worker.h"
#include "rules/compile/world_fixture.h"
#include "wire/login_message.h"
#include "wire/record.h"

enum { PLAY_RECORDS = 4096, PLAY_TURNS = 20000 };

#define PLAY_ISSUER "https://issuer"

struct play_wants { /* what the worker asked of the other processes */
    unsigned keys;
    uint64_t key_set;
    unsigned paths;
    uint64_t path_id;
    char path[128];
    unsigned logins;
    uint64_t login_id;
    struct login_ask login; /* in the play's arena */
};

struct play {
    struct world world;
    struct io_sim *sim;
    struct worker worker;
    struct loader *loader;
    struct arena arena;
    int listener; /* of the first listener */
    uint64_t listener_id;
    enum rules_role role;
    void *ring;
    struct record records[PLAY_RECORDS];
    unsigned record_count;
    struct play_wants wants;
    /* keys */
    const char *jwks;         /* of every key set that the rules name by address; NULL: not fetched yet */
    struct identity_pem self; /* .chain empty: none */
    const struct authority *authority;
    struct signer *signer;            /* the assertion's */
    uint64_t limit_hits[LIMIT_COUNT]; /* as the worker told them, a second later */
    uint64_t generation;
    size_t blocks; /* alive at the beginning */
};

/* Rules from text; every listener they name listens. Ports of upstreams refuse until sim_port says otherwise.
 */
void play_open(struct play *play, enum rules_role role, const char *yaml);
/* In pieces, to change world.node or keys in between. */
void play_init(struct play *play, enum rules_role role, const char *yaml);
void play_start(struct play *play);
/* Asserts that nothing is left over: exchanges, blocks, connections. */
void play_close(struct play *play);
/* New rules, or new keys, in force from now on. */
void play_rules(struct play *play, const char *yaml);
void play_keys(struct play *play);
/* The rules that stand when there are none to trust. */
void play_deny_all(struct play *play);

/* Turns until nothing moves; a hang ends the test. Then time passes. */
void play_go(struct play *play);
void play_pass(struct play *play, uint64_t ms);

/* A client at the first listener, or at that of the name. */
int play_dial(struct play *play);
int play_dial_at(struct play *play, const char *name);
/* Says it and goes on until nothing moves. */
void play_say(struct play *play, int fd, const char *text);
/* Sends a great deal, as fast as it is taken; what comes back at `fd` stays there. */
void play_say_many(struct play *play, int fd, char c, size_t count);
/* What has come since the last time; valid until the next call of this with the same parity. */
const char *play_hear(struct play *play, int fd);
size_t play_drain(struct play *play, int fd, size_t step);
/* The next connection that came to an upstream's port; the test fails when there is none. */
int play_took(struct play *play, unsigned port);

/* Else the test ends with what was said. */
void said_begins(const char *text, const char *with);
void said_has(const char *text, const char *what);
void said_lacks(const char *text, const char *what);
void said_ends(const char *text, const char *with);

/* The only record so far, or the newest; the test fails when there are others than `count`. */
const struct record *play_record(struct play *play, unsigned count);
void play_expect(struct play *play, unsigned count, unsigned status, uint32_t flags, const char *details);

/* A token of PLAY_ISSUER; claims without their braces. Signed by the key that play_jwks publishes under kid.
 */
const char *play_token(struct play *play, const char *kid, const char *claims);
const char *play_token_typed(struct play *play, const char *kid, const char *typ, const char *claims);
const char *play_jwks(struct play *play, const char *kid);
void play_keys_drop(void);                                        /* at the end of the program */
struct bytes play_payload(struct play *play, struct bytes token); /* the claims of a compact token */

/* A client's TLS over a dialled connection. */
struct play_tls {
    struct play *play;
    int fd;
    struct tls_session *session;
    bool open;
    bool broken;
};
void play_tls_open(struct play *play, struct play_tls *tls, int fd, const struct identity_pem *who,
                   bool mesh);
/* The same for another server than b.test. */
void play_tls_open_for(struct play *play, struct play_tls *tls, int fd, const struct identity_pem *who,
                       bool mesh, struct bytes sni);
void play_tls_say(struct play_tls *tls, const char *text);
const char *play_tls_hear(struct play_tls *tls);
void play_tls_close(struct play_tls *tls);

#define PLAY_HEAD(api, kind, name, ns)                                                                       \
    "---\napiVersion: " api "\nkind: " kind "\nmetadata: {name: " name ", namespace: " ns "}\nspec:\n"
#define PLAY_NET(kind, name) PLAY_HEAD("networking.istio.io/v1", kind, name, "foo")
#define PLAY_SEC(kind, name) PLAY_HEAD("security.istio.io/v1", kind, name, "foo")
/* A gateway at port 80 for all hosts. */
#define PLAY_GATEWAY                                                                                         \
    PLAY_NET("Gateway", "g")                                                                                 \
    "  selector: {app: web}\n  servers:\n  - {port: {number: 80, protocol: HTTP, name: p}, hosts: ['*']}\n"
/* Service NAME.test at 10.0.0.1:PORT, plain text. */
#define PLAY_SERVICE(name, port)                                                                             \
    PLAY_NET("ServiceEntry", name)                                                                           \
    "  hosts: [" name ".test]\n  location: MESH_EXTERNAL\n  resolution: STATIC\n"                            \
    "  ports: [{number: 80, protocol: HTTP, name: http, targetPort: " port "}]\n"                            \
    "  endpoints: [{address: 10.0.0.1}]\n"
#define PLAY_ROUTE(more)                                                                                     \
    PLAY_NET("VirtualService", "v")                                                                          \
    "  hosts: ['*']\n  gateways: [g]\n  http:\n  - route: [{destination: {host: b.test, port: {number: "     \
    "80}}}]\n" more
/* The usual: all goes to 10.0.0.1:8080. */
#define PLAY_SIMPLE PLAY_GATEWAY PLAY_SERVICE("b", "8080") PLAY_ROUTE("")
#define PLAY_PORT 8080

#endif
