/* Services: what their ports' names say, and several for one workload that contradict. */
#include "rules/analyze/analyzers.h"
#include "rules/analyze/mesh.h"

/* ---- names of ports --------------------------------------------------- */

static bool is_any(struct bytes word, const char *const *names)
{
    for (size_t i = 0; names[i]; i++)
        if (bytes_equal_nocase(word, bytes_of(names[i])))
            return true;
    return false;
}

/* Ports that have always been TCP, whatever their name: SMTP, DNS, MySQL, MongoDB. */
static bool is_well_known(int64_t port)
{
    return port == 25 || port == 53 || port == 3306 || port == 27017;
}

/* NAME or PROTOCOL-suffix, unless appProtocol says it. */
static bool protocol_told(const struct yaml_node *port)
{
    static const char *const protocols[] = {"tcp",   "udp", "grpc",  "http",  "http_proxy", "http2",
                                            "https", "tls", "mongo", "redis", "mysql",      NULL};
    static const char *const standard[] = {"kubernetes.io/h2c", "kubernetes.io/ws", "kubernetes.io/wss",
                                           NULL};
    struct bytes name = tree_text(port, "name"), word;
    int64_t number = 0;
    if (tree_is(port, "protocol", "UDP"))
        return true;
    if (tree_has(port, "appProtocol"))
        name = tree_text(port, "appProtocol");
    if (tree_has(port, "appProtocol") && is_any(name, standard))
        return true;
    if (bytes_starts_nocase(name, BYTES("grpc-web")))
        return true;
    bytes_cut(&name, '-', &word);
    tree_number(port, "port", &number);
    return is_any(word, protocols) || is_well_known(number);
}

/* Services that Istio makes for gateways are nobody's to name. */
static bool is_generated(const struct object *service)
{
    static const char *const makers[] = {"istio.io-gateway-controller", "istio.io-mesh-controller",
                                         "istio.io-eastwest-controller", NULL};
    return is_any(label_of(service->labels, "gateway.istio.io/managed"), makers);
}

static void port_check(struct analysis *analysis, const struct object *service, const struct yaml_node *port)
{
    bool external = tree_is(service->spec, "type", "ExternalName");
    struct bytes name = tree_text(port, "name");
    if (protocol_told(port) && !(external && bytes_equal(name, BYTES("tcp"))))
        return;
    if (external)
        say(analysis, service, port, "IST0150",
            "the port's name '%.*s' does not tell its protocol: TCP may not be forwarded", BYTES_FMT(name));
    else
        say(analysis, service, port, "IST0118",
            "the name '%.*s' of port %.*s does not begin with its protocol, as in http-web", BYTES_FMT(name),
            BYTES_FMT(tree_text(port, "port")));
}

void analyze_port_names(struct analysis *analysis)
{
    OBJECTS_EACH(service, &analysis->objects, OBJECT_SERVICE)
        if (!is_control_plane(service) && !is_generated(service))
            TREE_EACH(port, tree_at(service->spec, "ports"))
                port_check(analysis, service, port);
}

/* ---- several Services for one Deployment ------------------------------ */

struct use { /* one port of one Service that reaches the workload */
    const struct object *service;
    struct bytes port, protocol, target;
};

struct uses {
    struct use *at;
    size_t count;
};

static struct bytes or_else(struct bytes text, struct bytes preset)
{
    return text.len && !bytes_equal(text, BYTES("0")) ? text : preset;
}

static struct uses uses_of(struct analysis *analysis, const struct object *deployment)
{
    size_t count, ports = 0;
    const struct yaml_node *labels = tree_at(deployment->spec, "template.metadata.labels");
    const struct object *at =
        objects_within(&analysis->objects, OBJECT_SERVICE, deployment->namespace, &count);
    for (size_t i = 0; i < count; i++)
        ports += tree_at(at[i].spec, "ports") ? tree_at(at[i].spec, "ports")->count : 0;
    struct uses uses = {arena_array(analysis->arena, struct use, ports + 1), 0};
    for (size_t i = 0; i < count; i++) {
        const struct yaml_node *selector = tree_at(at[i].spec, "selector");
        if (!tree_first(selector) || !labels_fit(selector, labels))
            continue;
        TREE_EACH(port, tree_at(at[i].spec, "ports")) {
            struct bytes number = tree_text(port, "port");
            uses.at[uses.count++] =
                (struct use){&at[i], number, or_else(tree_text(port, "protocol"), BYTES("TCP")),
                             or_else(tree_text(port, "targetPort"), number)};
        }
    }
    return uses;
}

/* Is it the first with its value? So that each value is judged once. */
static bool is_first(const struct uses *uses, size_t at, bool by_target)
{
    for (size_t i = 0; i < at; i++)
        if (bytes_equal(by_target ? uses->at[i].target : uses->at[i].port,
                        by_target ? uses->at[at].target : uses->at[at].port))
            return false;
    return true;
}

/* The Services of all uses with the value, when they disagree about the other one; else empty. */
static struct bytes disagreeing(const struct uses *uses, size_t at, bool by_target, struct arena *arena)
{
    struct text names;
    bool differ = false;
    const struct use *first = &uses->at[at];
    text_init_arena(&names, arena);
    for (size_t i = 0; i < uses->count; i++) {
        const struct use *each = &uses->at[i];
        if (!bytes_equal(by_target ? each->target : each->port, by_target ? first->target : first->port))
            continue;
        differ = differ || !bytes_equal(by_target ? each->port : each->protocol,
                                        by_target ? first->port : first->protocol);
        text_add_s(&names, names.len ? ", " : "");
        text_add(&names, object_shown(each->service, arena));
    }
    return differ ? text_bytes(&names) : (struct bytes){0};
}

static void deployment_check(struct analysis *analysis, const struct object *deployment)
{
    struct uses uses = uses_of(analysis, deployment);
    for (size_t i = 0; i < uses.count; i++) {
        struct bytes names =
            is_first(&uses, i, false) ? disagreeing(&uses, i, false, analysis->arena) : (struct bytes){0};
        if (names.len)
            say(analysis, deployment, NULL, "IST0116",
                "the Services %.*s reach it at port %.*s with different protocols", BYTES_FMT(names),
                BYTES_FMT(uses.at[i].port));
        names = is_first(&uses, i, true) ? disagreeing(&uses, i, true, analysis->arena) : (struct bytes){0};
        if (names.len)
            say(analysis, deployment, NULL, "IST0137",
                "the Services %.*s reach its port %.*s from different ports", BYTES_FMT(names),
                BYTES_FMT(uses.at[i].target));
    }
}

void analyze_service_association(struct analysis *analysis)
{
    OBJECTS_EACH(deployment, &analysis->objects, OBJECT_DEPLOYMENT) {
        const struct yaml_node *template = tree_at(deployment->spec, "template");
        struct bytes maker = label_of(deployment->labels, "gateway.istio.io/managed");
        if (!bytes_equal(maker, BYTES("istio.io-mesh-controller")) &&
            pod_in_mesh(analysis, deployment->namespace, tree_at(template, "metadata.labels"),
                        tree_at(template, "metadata.annotations"), tree_at(template, "spec")))
            deployment_check(analysis, deployment);
    }
}
