/* Tests of the whole of control, between a fake supervisor and fake workers. */
#include "base/test.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/channel.h"
#include "control/control.h"
#include "control/control_fixture.h"
#include "rules/snapshot.h"

static const char tokens[] =
    "apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: r, namespace: default}\n"
    "spec:\n  jwtRules:\n  - {issuer: 'http://127.0.0.1:1', jwksUri: 'http://127.0.0.1:1/keys'}\n---\n"
    "apiVersion: selvage.dev/v1\nkind: Assertion\nmetadata: {name: a, namespace: default}\n"
    "spec: {issuer: 'https://edge.example', audiences: [mesh]}\n";

struct node {
    struct control_fixture fixture;
    pthread_t thread;
    struct channel supervisor; /* our end */
    struct channel worker;
    int status;
    int refuse_port; /* answered with EADDRINUSE */
    bool ready;
    uint32_t bound[8]; /* ports held */
    uint64_t bound_id[8];
    size_t bound_count;
    uint64_t generation[4];
    void *image[4];
    size_t image_size[4];
    int images;    /* received */
    int answers;   /* about keys */
    bool key_news; /* in the last of them */
};

static const char gateway_8080[] =
    "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g, namespace: default}\n"
    "spec:\n  servers:\n  - port: {number: 8080, name: http, protocol: HTTP}\n    hosts: ['*']\n";
static const char gateway_8081[] =
    "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g, namespace: default}\n"
    "spec:\n  servers:\n  - port: {number: 8081, name: http, protocol: HTTP}\n    hosts: ['*']\n";
static const char broken[] =
    "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g, namespace: default}\n"
    "spec:\n  servers:\n  - port: {number: 99999, name: http, protocol: HTTP}\n    hosts: ['*']\n";

static void *node_run(void *of)
{
    struct node *node = of;
    int fd = node->status;
    node->status = control_run(&node->fixture.settings, fd, NULL);
    return NULL;
}

static void pair_make(struct channel *ours, int *theirs)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    channel_init(ours, pair[0]);
    *theirs = pair[1];
}

static void worker_start(struct node *node)
{
    struct frame frame = {.type = FRAME_WORKER, .index = 0, .number = 4711};
    int theirs;
    if (node->worker.fd > 0)
        channel_done(&node->worker);
    pair_make(&node->worker, &theirs);
    assert_true(channel_send(&node->supervisor, &frame, theirs));
    close(theirs);
}

static void node_start(struct node *node)
{
    pair_make(&node->supervisor, &node->status);
    assert_int_equal(pthread_create(&node->thread, NULL, node_run, node), 0);
    worker_start(node);
}

static void node_stop(struct node *node)
{
    channel_done(&node->supervisor);
    channel_done(&node->worker);
    pthread_join(node->thread, NULL);
    assert_int_equal(node->status, 0);
    for (int i = 0; i < 4; i++)
        if (node->image[i])
            munmap(node->image[i], node->image_size[i]);
    struct control_fixture fixture = node->fixture;
    memset(node, 0, sizeof *node);
    node->fixture = fixture;
}

static void supervisor_take(struct node *node, const struct frame *frame)
{
    struct frame answer = {.type = FRAME_BOUND, .id = frame->id};
    if (frame->type == FRAME_READY)
        node->ready = true;
    if (frame->type == FRAME_BIND) {
        answer.number = (int)frame->number == node->refuse_port ? EADDRINUSE : 0;
        node->bound[node->bound_count] = answer.number ? 0 : (uint32_t)frame->number;
        node->bound_id[node->bound_count++] = frame->id;
        channel_send(&node->supervisor, &answer, -1);
    }
    for (size_t i = 0; frame->type == FRAME_UNBIND && i < node->bound_count; i++)
        if (node->bound_id[i] == frame->id)
            node->bound[i] = 0;
}

static void worker_take(struct node *node, const struct frame *frame, int fd)
{
    struct stat stat;
    if (frame->type == FRAME_KEYS_ANSWER) {
        node->answers++;
        node->key_news = frame->number != 0;
    }
    if (frame->type != FRAME_IMAGE)
        return;
    size_t kind = (size_t)frame->number;
    assert_true(fd >= 0 && kind >= IMAGE_RULES && kind <= IMAGE_KEYS);
    assert_int_equal(write(fd, "x", 1), -1); /* sealed */
    assert_int_equal(fstat(fd, &stat), 0);
    if (node->image[kind])
        munmap(node->image[kind], node->image_size[kind]);
    node->image_size[kind] = (size_t)stat.st_size;
    node->image[kind] = mmap(NULL, node->image_size[kind], PROT_READ, MAP_SHARED, fd, 0);
    node->generation[kind] = ((const struct image_head *)node->image[kind])->generation;
    node->images++;
}

/* Serves both channels until nothing came for `quiet_ms`. The worker does not say what it loaded. */
static void node_serve(struct node *node, int quiet_ms)
{
    for (;;) {
        struct pollfd fds[] = {{.fd = node->supervisor.fd, .events = POLLIN},
                               {.fd = node->worker.fd, .events = POLLIN}};
        struct frame frame;
        int fd;
        if (poll(fds, 2, quiet_ms) <= 0)
            return;
        while (channel_receive(&node->supervisor, &frame, &fd) == CHANNEL_FRAME)
            supervisor_take(node, &frame);
        while (channel_receive(&node->worker, &frame, &fd) == CHANNEL_FRAME) {
            worker_take(node, &frame, fd);
            close(fd);
        }
    }
}

static void worker_loads(struct node *node)
{
    for (uint64_t kind = IMAGE_RULES; kind <= IMAGE_KEYS; kind++) {
        struct frame frame = {.type = FRAME_LOADED, .number = kind, .id = node->generation[kind]};
        channel_send(&node->worker, &frame, -1);
    }
    node_serve(node, 300);
}

static bool holds(const struct node *node, uint32_t port)
{
    for (size_t i = 0; i < node->bound_count; i++)
        if (node->bound[i] == port)
            return true;
    return false;
}

static const struct rules_node *rules_of(const struct node *node, struct image *image)
{
    struct fail why;
    assert_non_null(node->image[IMAGE_RULES]);
    assert_true(
        image_open(node->image[IMAGE_RULES], node->image_size[IMAGE_RULES], &rules_schema, image, &why));
    return image_row(image, RULES_NODE, image_all(image, RULES_NODE), 0);
}

static uint32_t listeners_of(const struct node *node)
{
    struct image image;
    rules_of(node, &image);
    return image_all(&image, RULES_LISTENER).count;
}

static void node_make(struct node *node, const char *more)
{
    memset(node, 0, sizeof *node);
    control_make(&node->fixture);
    control_settings(&node->fixture, more);
}

static void rules_reach_the_workers_and_change_with_the_files(void **state)
{
    (void)state;
    struct node node;
    node_make(&node, "admin: off\n");
    control_write(&node.fixture, "rules/gateway.yaml", gateway_8080);
    node_start(&node);
    node_serve(&node, 500);
    assert_int_equal(node.images, 3);
    assert_true(holds(&node, 8080));
    assert_int_equal(listeners_of(&node), 1);
    assert_false(node.ready);
    worker_loads(&node);
    assert_true(node.ready);

    uint64_t before = node.generation[IMAGE_RULES];
    control_write(&node.fixture, "rules/gateway.yaml", gateway_8081);
    node_serve(&node, 500);
    assert_true(node.generation[IMAGE_RULES] > before);
    assert_true(holds(&node, 8080) && holds(&node, 8081)); /* the old one until all have the new rules */
    worker_loads(&node);
    assert_false(holds(&node, 8080));
    assert_true(holds(&node, 8081));

    before = node.generation[IMAGE_RULES];
    control_write(&node.fixture, "rules/gateway.yaml", broken);
    node_serve(&node, 500);
    assert_int_equal(node.generation[IMAGE_RULES], before);
    assert_true(holds(&node, 8081));

    node.images = 0;
    worker_start(&node); /* another one in its place gets all at once */
    node_serve(&node, 300);
    assert_int_equal(node.images, 3);
    assert_int_equal(node.generation[IMAGE_RULES], before);
    node_stop(&node);
    control_drop(&node.fixture);
}

static void a_port_that_is_taken_stops_nothing_else(void **state)
{
    (void)state;
    struct node node;
    node_make(&node, "admin: off\n");
    node.refuse_port = 8080;
    control_write(&node.fixture, "rules/a.yaml", gateway_8080);
    node_start(&node);
    node_serve(&node, 500);
    assert_int_equal(node.images, 3);
    assert_false(holds(&node, 8080));
    worker_loads(&node);
    assert_true(node.ready);
    node_stop(&node);
    control_drop(&node.fixture);
}

static void a_lost_source_is_replaced_by_the_last_good_rules(void **state)
{
    (void)state;
    struct node node;
    node_make(&node, "admin: off\n");
    control_write(&node.fixture, "rules/gateway.yaml", gateway_8080);
    node_start(&node);
    node_serve(&node, 500);
    node_stop(&node);
    assert_int_equal(rename(control_path(&node.fixture, "rules"), control_path(&node.fixture, "gone")), 0);
    node_start(&node);
    node_serve(&node, 500);
    assert_int_equal(listeners_of(&node), 1);
    assert_true(holds(&node, 8080));
    node_stop(&node);
    control_write(&node.fixture, "rules/gateway.yaml", broken); /* broken is no better than gone */
    node_start(&node);
    node_serve(&node, 500);
    assert_int_equal(listeners_of(&node), 1);
    node_stop(&node);
    control_drop(&node.fixture);
}

static void without_any_good_rules_everything_is_refused(void **state)
{
    (void)state;
    struct node node;
    struct image image;
    node_make(&node, "admin: off\n");
    control_write(&node.fixture, "rules/gateway.yaml", broken);
    control_write(&node.fixture, "state/last-good", "SLV1 not sealed by us, so it is not believed");
    node_start(&node);
    node_serve(&node, 500);
    assert_int_equal(rules_of(&node, &image)->deny_all, 1);
    control_write(&node.fixture, "rules/gateway.yaml", gateway_8080);
    node_serve(&node, 500);
    assert_int_equal(rules_of(&node, &image)->deny_all, 0);
    node_stop(&node);
    control_drop(&node.fixture);
}

static void the_identity_is_in_the_keys_and_survives_changes_of_rules(void **state)
{
    (void)state;
    struct node node;
    struct image image;
    struct fail why;
    node_make(&node, "admin: off\nidentity: {ca: {directory: $/ca}}\n");
    control_write(&node.fixture, "rules/gateway.yaml", gateway_8080);
    node_start(&node);
    node_serve(&node, 500);
    assert_true(image_open(node.image[IMAGE_KEYS], node.image_size[IMAGE_KEYS], &keys_schema, &image, &why));
    const struct keys_root *root = image_row(&image, KEYS_ROOT, image_all(&image, KEYS_ROOT), 0);
    const struct keys_certificate *own =
        image_row(&image, KEYS_CERTIFICATE, image_all(&image, KEYS_CERTIFICATE), 0);
    assert_int_equal(image_all(&image, KEYS_CERTIFICATE).count, 1);
    assert_int_equal(root->self, own->id);
    assert_true(
        bytes_equal(image_text(&image, own->name), BYTES("spiffe://cluster.local/ns/default/sa/default")));
    assert_true(bytes_starts(image_text(&image, own->key), BYTES("-----BEGIN PRIVATE KEY-----")));
    uint64_t keys = node.generation[IMAGE_KEYS];
    worker_loads(&node);
    control_write(&node.fixture, "rules/gateway.yaml", gateway_8081);
    node_serve(&node, 500);
    worker_loads(&node);
    assert_int_equal(node.generation[IMAGE_KEYS], keys); /* the same content is not sent again */
    node_stop(&node);
    control_drop(&node.fixture);
}

static void tokens_bring_key_sets_and_signers(void **state)
{
    (void)state;
    struct node node;
    struct image image;
    struct fail why;
    node_make(&node, "admin: off\n");
    node.fixture.settings.role = ROLE_EDGE;
    control_write(&node.fixture, "rules/gateway.yaml", gateway_8080);
    control_write(&node.fixture, "rules/tokens.yaml", tokens);
    node_start(&node);
    node_serve(&node, 500);
    assert_true(image_open(node.image[IMAGE_KEYS], node.image_size[IMAGE_KEYS], &keys_schema, &image, &why));
    const struct keys_root *root = image_row(&image, KEYS_ROOT, image_all(&image, KEYS_ROOT), 0);
    assert_int_equal(image_all(&image, KEYS_SIGNER).count, 1);
    assert_true(bytes_starts(image_text(&image, root->published), BYTES("{\"keys\":[{")));
    assert_int_equal(image_all(&image, KEYS_SET).count, 1);
    const struct keys_set *set = image_row(&image, KEYS_SET, image_all(&image, KEYS_SET), 0);
    assert_int_equal(set->fetched, 0); /* nobody answers there, and nothing stands in for the keys */
    assert_int_equal(set->keys.count, 0);
    for (int i = 0; i < 10; i++) {
        struct frame need = {.type = FRAME_NEED_KEYS, .id = set->id};
        assert_true(channel_send(&node.worker, &need, -1));
    }
    node_serve(&node, 500);
    assert_in_range(node.answers, 1, 10);
    assert_false(node.key_news);
    struct frame unknown = {.type = FRAME_NEED_KEYS, .id = 1};
    node.answers = 0;
    assert_true(channel_send(&node.worker, &unknown, -1));
    node_serve(&node, 300);
    assert_int_equal(node.answers, 1);
    worker_loads(&node);
    assert_true(node.ready); /* the set was tried, which is enough */
    node_stop(&node);
    control_drop(&node.fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_reach_the_workers_and_change_with_the_files),
        cmocka_unit_test(a_port_that_is_taken_stops_nothing_else),
        cmocka_unit_test(a_lost_source_is_replaced_by_the_last_good_rules),
        cmocka_unit_test(without_any_good_rules_everything_is_refused),
        cmocka_unit_test(tokens_bring_key_sets_and_signers),
        cmocka_unit_test(the_identity_is_in_the_keys_and_survives_changes_of_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
