/* Webhooks of injection and validation: exactly one for each case, each leading somewhere. */
#include "rules/analyze/analyzers.h"
#include "wire/address.h"

/* ---- overlaps --------------------------------------------------------- */

/* More are not combined: their number counts squared. */
enum { REVISIONS_MAX = 30 };

struct revisions {
    struct bytes at[REVISIONS_MAX];
    size_t count;
};

struct hook {
    const struct object *configuration;
    const struct yaml_node *node;
};

struct hooks {
    struct hook *at;
    size_t count;
};

static void revision_add(struct revisions *revisions, struct bytes name)
{
    for (size_t i = 0; i < revisions->count; i++)
        if (bytes_equal(revisions->at[i], name))
            return;
    if (revisions->count < REVISIONS_MAX)
        revisions->at[revisions->count++] = name;
}

static void selector_revisions(const struct yaml_node *selector, struct revisions *revisions)
{
    const struct yaml_node *plain = yaml_get(tree_at(selector, "matchLabels"), "istio.io/rev");
    if (plain)
        revision_add(revisions, plain->text);
    TREE_EACH(expression, tree_at(selector, "matchExpressions"))
        TREE_EACH(value, tree_is(expression, "key", "istio.io/rev") ? tree_at(expression, "values") : NULL)
            revision_add(revisions, value->text);
}

/* Whether the configuration is Istio's, by its revisions or its hooks' names; its revisions are added. */
static bool is_istios(const struct object *configuration, struct revisions *revisions)
{
    size_t before = revisions->count;
    bool named = false;
    const struct yaml_node *own = yaml_get(configuration->labels, "istio.io/rev");
    if (own)
        revision_add(revisions, own->text);
    TREE_EACH(webhook, tree_at(configuration->node, "webhooks")) {
        selector_revisions(tree_at(webhook, "namespaceSelector"), revisions);
        selector_revisions(tree_at(webhook, "objectSelector"), revisions);
        named = named || bytes_ends(tree_text(webhook, "name"), BYTES("istio.io"));
    }
    return own || named || revisions->count > before;
}

/* A made-up set of labels as a tree, the way selectors are compared. */
static const struct yaml_node *labels_make(struct arena *arena, struct bytes name, struct bytes value,
                                           struct bytes revision)
{
    struct yaml_node *map = arena_new(arena, struct yaml_node);
    struct yaml_node *pairs = arena_array(arena, struct yaml_node, 2);
    map->kind = YAML_MAP;
    if (value.len)
        pairs[map->count++] = (struct yaml_node){.kind = YAML_TEXT, .key = name, .text = value};
    if (revision.len)
        pairs[map->count++] =
            (struct yaml_node){.kind = YAML_TEXT, .key = BYTES("istio.io/rev"), .text = revision};
    if (map->count == 2)
        pairs[0].next = &pairs[1];
    map->first = map->count ? pairs : NULL;
    return map;
}

static bool hook_takes(const struct hook *hook, const struct yaml_node *namespace,
                       const struct yaml_node *object)
{
    return selector_fits(tree_at(hook->node, "namespaceSelector"), namespace) &&
           selector_fits(tree_at(hook->node, "objectSelector"), object);
}

/* The others that take it too, by configuration and name. */
static struct bytes others_of(const struct hooks *hooks, const struct hook *but,
                              const struct yaml_node *namespace, const struct yaml_node *object,
                              struct arena *arena)
{
    struct text names;
    text_init_arena(&names, arena);
    for (size_t i = 0; i < hooks->count; i++) {
        const struct hook *hook = &hooks->at[i];
        if (hook != but && hook_takes(hook, namespace, object))
            text_format(&names, "%s%.*s/%.*s", names.len ? ", " : "", BYTES_FMT(hook->configuration->name),
                        BYTES_FMT(tree_text(hook->node, "name")));
    }
    return text_bytes(&names);
}

static void case_check(struct analysis *analysis, const struct hooks *hooks,
                       const struct yaml_node *namespace, const struct yaml_node *object)
{
    for (size_t i = 0; i < hooks->count; i++) {
        const struct hook *hook = &hooks->at[i];
        struct bytes others = {0};
        if (hook_takes(hook, namespace, object))
            others = others_of(hooks, hook, namespace, object, analysis->arena);
        if (others.len)
            say_once(analysis, hook->configuration, hook->node, "IST0139",
                     "a webhook overlaps with others (%.*s): Pods may be injected twice", BYTES_FMT(others));
    }
}

static void cases_check(struct analysis *analysis, const struct hooks *hooks,
                        const struct revisions *revisions)
{
    static const char *const namespaces[] = {"", "enabled", "disabled"}, *const objects[] = {"", "true",
                                                                                             "false"};
    for (size_t n = 0; n < 3 * (revisions->count + 1); n++)
        for (size_t o = 0; o < 3 * (revisions->count + 1); o++) {
            struct bytes none = {0};
            const struct yaml_node *namespace =
                labels_make(analysis->arena, BYTES("istio-injection"), bytes_of(namespaces[n % 3]),
                            n < 3 ? none : revisions->at[n / 3 - 1]);
            const struct yaml_node *object =
                labels_make(analysis->arena, BYTES("sidecar.istio.io/inject"), bytes_of(objects[o % 3]),
                            o < 3 ? none : revisions->at[o / 3 - 1]);
            case_check(analysis, hooks, namespace, object);
        }
}

static void service_check(struct analysis *analysis, const struct hook *hook)
{
    const struct yaml_node *service = tree_at(hook->node, "clientConfig.service");
    struct bytes name = tree_text(service, "name"), namespace = tree_text(service, "namespace");
    if (service && !object_find(&analysis->objects, OBJECT_SERVICE, namespace, name))
        say_once(analysis, hook->configuration, service, "IST0139",
                 "the webhook asks a Service that does not exist: %.*s/%.*s", BYTES_FMT(namespace),
                 BYTES_FMT(name));
}

void analyze_webhooks(struct analysis *analysis)
{
    size_t most = 1;
    struct hooks hooks = {0};
    OBJECTS_EACH(configuration, &analysis->objects, OBJECT_MUTATING_WEBHOOK)
        most +=
            tree_at(configuration->node, "webhooks") ? tree_at(configuration->node, "webhooks")->count : 0;
    hooks.at = arena_array(analysis->arena, struct hook, most);
    struct revisions revisions = {.count = 0};
    OBJECTS_EACH(configuration, &analysis->objects, OBJECT_MUTATING_WEBHOOK) {
        if (!is_istios(configuration, &revisions))
            continue;
        TREE_EACH(webhook, tree_at(configuration->node, "webhooks"))
            hooks.at[hooks.count++] = (struct hook){configuration, webhook};
    }
    cases_check(analysis, &hooks, &revisions);
    for (size_t i = 0; i < hooks.count; i++)
        service_check(analysis, &hooks.at[i]);
}

/* ---- control planes elsewhere ----------------------------------------- */

/* scheme://host:port/path -> host; what has no host or holds what no URL may is refused. */
static bool url_host(struct bytes url, struct bytes *host)
{
    size_t at = bytes_find_text(url, BYTES("://"));
    struct bytes rest = bytes_part(url, at < url.len ? at + 3 : 0, url.len), tail;
    for (size_t i = 0; i < url.len; i++)
        if ((unsigned char)url.at[i] <= ' ' || url.at[i] == 0x7F)
            return false;
    tail = rest;
    bytes_cut(&tail, '/', &rest);
    if (bytes_starts(rest, BYTES("["))) {
        size_t end = bytes_find(rest, ']');
        *host = bytes_part(rest, 1, end);
        return end < rest.len;
    }
    bool port = bytes_cut(&rest, ':', host);
    uint64_t number;
    return !port || rest.len == 0 || bytes_to_u64(rest, UINT16_MAX, &number);
}

static void remote_check(struct analysis *analysis, const struct object *configuration,
                         const struct yaml_node *webhook)
{
    const struct yaml_node *client = tree_at(webhook, "clientConfig"), *url = tree_at(client, "url");
    struct address address;
    struct bytes host;
    if (!tree_has(client, "url")) {
        if (!tree_has(client, "service"))
            say(analysis, configuration, webhook, "IST0163", "the webhook %.*s names nobody to ask",
                BYTES_FMT(tree_text(webhook, "name")));
    } else if (!url_host(url->text, &host)) {
        say(analysis, configuration, url, "IST0163", "'%.*s' is no URL to ask", BYTES_FMT(url->text));
    } else if (address_parse(host, &address)) {
        say(analysis, configuration, url, "IST0164", "%.*s is an address; a name can move", BYTES_FMT(host));
    }
}

void analyze_remote_control(struct analysis *analysis)
{
    OBJECTS_EACH(configuration, &analysis->objects, OBJECT_VALIDATING_WEBHOOK)
        if (bytes_equal(configuration->name, BYTES("istiod-default-validator")) ||
            bytes_starts(configuration->name, BYTES("istio-validator")))
            TREE_EACH(webhook, tree_at(configuration->node, "webhooks"))
                remote_check(analysis, configuration, webhook);
    OBJECTS_EACH(configuration, &analysis->objects, OBJECT_MUTATING_WEBHOOK)
        if (bytes_starts(configuration->name, BYTES("istio-sidecar-injector")))
            TREE_EACH(webhook, tree_at(configuration->node, "webhooks"))
                remote_check(analysis, configuration, webhook);
}
