/* Tests of endpoints given by name: from resources to what workers get. */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "control/endpoints_join.h"
#include "rules/compile/world_fixture.h"

#define ROUTES                                                                                               \
    "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g, namespace: foo}\nspec:\n"        \
    "  selector: {app: web}\n  servers:\n  - {port: {number: 80, protocol: HTTP, name: p}, hosts: ['*']}\n"  \
    "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v, namespace: foo}\n"   \
    "spec:\n  hosts: ['*']\n  gateways: [foo/g]\n"                                                           \
    "  http: [{route: [{destination: {host: api.example, port: {number: 80}}}]}]\n"
#define SERVICE(spec)                                                                                        \
    "---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: s, namespace: foo}\n"     \
    "spec:\n  hosts: [API.example]\n  ports: [{number: 80, name: http, protocol: HTTP, targetPort: 8080}]\n" \
    "  " spec "\n"
#define CLUSTER "outbound|80||api.example"

static struct name_table table;

static int table_make(void **state)
{
    (void)state;
    name_table_init(&table);
    return 0;
}

static int table_drop(void **state)
{
    (void)state;
    name_table_done(&table);
    return 0;
}

/* What the resolver says of a name that compile has asked for; NULL ends the addresses. */
static bool answered(const char *name, const char *first, const char *second)
{
    struct address at[2] = {0};
    struct name_letter letter = {.name = bytes_of(name), .at = at, .ended = true, .ttl_s = 30};
    if (first)
        assert_true(address_parse(bytes_of(first), &at[letter.count++]));
    if (second)
        assert_true(address_parse(bytes_of(second), &at[letter.count++]));
    return name_table_letter(&table, &letter);
}

static void named(const struct world *world)
{
    name_table_want_begin(&table);
    IMAGE_FOR(&world->endpoints, ENDPOINTS_HOST, struct endpoints_host, host,
              image_all(&world->endpoints, ENDPOINTS_HOST))
    {
        name_table_want(&table, image_text(&world->endpoints, host->name));
    }
    name_table_want_end(&table);
}

/* The addresses of the cluster in the image that workers get, with their weights where they are not 1. */
static void is(const struct world *before, const struct world *world, const char *wanted)
{
    struct image image;
    struct fail why;
    size_t size, len = 0;
    char text[1000] = "";
    uint64_t id = world_cluster(world, CLUSTER)->id;
    struct image_head *head = endpoints_join(before ? before->result.endpoints : NULL,
                                             world->result.endpoints, &table, 7, &size, &why);
    assert_non_null(head);
    assert_memory_equal(head->revision, world->result.endpoints->revision, sizeof head->revision);
    assert_true(image_open(head, size, &endpoints_schema, &image, &why));
    assert_int_equal(image_all(&image, ENDPOINTS_HOST).count, 0);
    IMAGE_FOR(&image, ENDPOINTS_CLUSTER, struct endpoints_cluster, cluster,
              image_all(&image, ENDPOINTS_CLUSTER))
    IMAGE_FOR(&image, ENDPOINTS_ENDPOINT, struct endpoints_endpoint, endpoint, cluster->endpoints)
    if (cluster->id == id) {
        struct bytes at = image_text(&image, endpoint->text);
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%.*s", len ? " " : "", BYTES_FMT(at));
        if (endpoint->weight != 1)
            len += (size_t)snprintf(text + len, sizeof text - len, "*%u", endpoint->weight);
    }
    assert_string_equal(text, wanted);
    free(head);
}

static void a_service_without_endpoints_runs_at_its_own_name(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, ROLE_GATEWAY, ROUTES SERVICE("resolution: DNS"));
    named(&world);
    assert_false(name_table_tried(&table));
    is(NULL, &world, "");
    assert_true(answered("api.example", "10.0.0.2", "10.0.0.1"));
    assert_true(name_table_tried(&table));
    is(NULL, &world, "10.0.0.1:8080 10.0.0.2:8080");
    answered("api.example", "2001:db8::1", NULL);
    is(NULL, &world, "[2001:db8::1]:8080");
    answered("api.example", NULL, NULL);
    is(NULL, &world, "");
    world_done(&world);
}

static void addresses_and_names_stand_side_by_side(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, ROLE_GATEWAY,
               ROUTES SERVICE("resolution: DNS\n  endpoints:\n  - {address: 192.0.2.1}\n"
                              "  - {address: A.example, weight: 5, ports: {http: 81}}\n"
                              "  - {address: b.example}"));
    named(&world);
    answered("a.example", "10.0.0.1", NULL);
    is(NULL, &world, "192.0.2.1:8080 10.0.0.1:81*5");
    answered("b.example", "10.0.0.1", "10.0.0.2");
    is(NULL, &world, "192.0.2.1:8080 10.0.0.1:81*5 10.0.0.1:8080 10.0.0.2:8080");
    world_done(&world);
}

static void round_robin_takes_the_first_of_the_answer(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, ROLE_GATEWAY,
               ROUTES SERVICE("resolution: DNS_ROUND_ROBIN\n  endpoints: [{address: a.example}]"));
    named(&world);
    answered("a.example", "10.0.0.2", "10.0.0.1");
    is(NULL, &world, "10.0.0.2:8080");
    assert_true(answered("a.example", "10.0.0.1", "10.0.0.2"));
    is(NULL, &world, "10.0.0.1:8080");
    world_done(&world);
}

static void entries_that_are_chosen_may_have_names(void **state)
{
    (void)state;
    struct world world;
    world_open(
        &world, ROLE_GATEWAY,
        ROUTES SERVICE(
            "resolution: DNS\n  workloadSelector: {labels: {app: api}}") "---\napiVersion: "
                                                                         "networking.istio.io/v1\nkind: "
                                                                         "WorkloadEntry\n"
                                                                         "metadata: {name: w, namespace: "
                                                                         "foo}\nspec: {address: w.example, "
                                                                         "labels: {app: api}}\n");
    named(&world);
    answered("w.example", "10.0.0.1", NULL);
    is(NULL, &world, "10.0.0.1:8080");
    world_done(&world);
    world_open(&world, ROLE_GATEWAY,
               ROUTES SERVICE(
                   "resolution: STATIC\n  workloadSelector: {labels: {app: api}}") "---\napiVersion: "
                                                                                   "networking.istio.io/"
                                                                                   "v1\nkind: WorkloadEntry\n"
                                                                                   "metadata: {name: w, "
                                                                                   "namespace: foo}\nspec: "
                                                                                   "{address: w.example, "
                                                                                   "labels: {app: api}}\n");
    assert_true(world_says(&world,
                           "address 'w.example' is no IP address or unix path, and the resolution of the "
                           "service is not DNS: the endpoint is left out"));
    is(NULL, &world, "");
    world_done(&world);
}

static void both_sets_of_rules_have_their_addresses(void **state)
{
    (void)state;
    struct world old, new;
    world_open(&old, ROLE_GATEWAY, ROUTES SERVICE("resolution: DNS"));
    world_open(&new, ROLE_GATEWAY, ROUTES SERVICE("resolution: DNS\n  endpoints: [{address: new.example}]"));
    name_table_want_begin(&table);
    name_table_want(&table, BYTES("api.example"));
    name_table_want(&table, BYTES("new.example"));
    name_table_want_end(&table);
    answered("api.example", "10.0.0.1", NULL);
    answered("new.example", "10.0.0.2", NULL);
    is(&old, &new, "10.0.0.2:8080"); /* the newer wins */
    is(&new, &old, "10.0.0.1:8080");
    world_done(&old);
    world_done(&new);
}

static void an_answer_turned_around_changes_only_the_first(void **state)
{
    (void)state;
    name_table_want(&table, BYTES("a.example"));
    assert_true(answered("a.example", "10.0.0.1", "10.0.0.2"));
    assert_false(answered("a.example", "10.0.0.1", "10.0.0.2"));
    assert_true(answered("a.example", "10.0.0.2", "10.0.0.1"));
    assert_false(answered("other.example", "10.0.0.1", NULL)); /* nobody wants it */
    struct name_letter failed = {.name = BYTES("a.example"),
                                 .at = &(struct address){0},
                                 .ended = true,
                                 .failed = true,
                                 .problem = BYTES("A: late")};
    name_table_letter(&table, &failed);
    const struct name_entry *entry = name_table_find(&table, BYTES("a.example"));
    assert_string_equal(entry->problem, "A: late");
    assert_int_equal(entry->failures, 1);
    assert_int_equal(entry->lookups, 3);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, table_make, table_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_service_without_endpoints_runs_at_its_own_name),
        CASE(addresses_and_names_stand_side_by_side),
        CASE(round_robin_takes_the_first_of_the_answer),
        CASE(entries_that_are_chosen_may_have_names),
        CASE(both_sets_of_rules_have_their_addresses),
        CASE(an_answer_turned_around_changes_only_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
