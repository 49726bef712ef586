/*
 * Routes and matches of a VirtualService that nothing reaches, since something
 * above takes it all. What is equal or plainly wider is found; what only a
 * prover could tell is not.
 */
#include "rules/analyze/analyzers.h"

/* "name" or #2 */
static struct bytes shown(const struct yaml_node *rule, struct arena *arena)
{
    struct bytes name = tree_text(rule, "name");
    if (name.len)
        return arena_format(arena, "\"%.*s\"", BYTES_FMT(name));
    return arena_format(arena, "#%zu", rule->index);
}

/* An earlier match that is the same; names do not count. */
static const struct yaml_node *match_before(const struct yaml_node *match)
{
    const struct yaml_node *rules = match->parent->parent->parent;
    TREE_EACH(rule, rules)
        TREE_EACH(each, tree_at(rule, "match")) {
            if (each == match)
                return NULL;
            if (tree_same(each, match, "name"))
                return each;
        }
    return NULL;
}

static void rule_check(struct analysis *analysis, const struct object *service, const struct yaml_node *rule,
                       bool taken)
{
    const struct yaml_node *matches = tree_at(rule, "match");
    struct bytes name = shown(rule, analysis->arena);
    size_t twice = 0;
    TREE_EACH(match, matches) {
        if (taken) {
            say_once(analysis, service, match, "IST0130",
                     "rule %.*s is never used: a rule without match stands before it", BYTES_FMT(name));
            continue;
        }
        const struct yaml_node *first = match_before(match);
        if (!first)
            continue;
        twice++;
        say(analysis, service, match, "IST0131",
            "match %.*s of rule %.*s is never used: rule %.*s has the same",
            BYTES_FMT(shown(match, analysis->arena)), BYTES_FMT(name),
            BYTES_FMT(shown(first->parent->parent, analysis->arena)));
    }
    if (twice == matches->count)
        say(analysis, service, rule, "IST0130", "rule %.*s is never used: earlier rules have all its matches",
            BYTES_FMT(name));
}

static void rules_check(struct analysis *analysis, const struct object *service,
                        const struct yaml_node *rules)
{
    bool taken = false;
    TREE_EACH(rule, rules) {
        if (tree_first(tree_at(rule, "match"))) {
            rule_check(analysis, service, rule, taken);
            continue;
        }
        if (taken)
            say(analysis, service, rule, "IST0130",
                "rule %.*s is never used: only the last can have no match",
                BYTES_FMT(shown(rule, analysis->arena)));
        taken = true;
    }
}

/* ---- a shorter prefix before a longer one ----------------------------- */

/* exact or prefix as one text that a longer one may begin with; regular expressions are not compared. */
static struct bytes match_text(const struct yaml_node *match, struct arena *arena)
{
    struct bytes exact = tree_text(match, "exact"), prefix = tree_text(match, "prefix");
    if (exact.len)
        return arena_format(arena, "=%.*s", BYTES_FMT(exact));
    return prefix.len ? arena_format(arena, "~%.*s", BYTES_FMT(prefix)) : (struct bytes){0};
}

static bool texts_cover(const struct yaml_node *wide, const struct yaml_node *narrow, const char *preset,
                        struct arena *arena)
{
    struct bytes a = match_text(wide, arena), b = match_text(narrow, arena);
    if (preset) {
        a = a.len ? a : bytes_of(preset);
        b = b.len ? b : bytes_of(preset);
    }
    return bytes_starts(a, b);
}

static bool maps_cover(const struct yaml_node *wide, const struct yaml_node *narrow, struct arena *arena)
{
    if ((wide ? wide->count : 0) != (narrow ? narrow->count : 0))
        return false;
    TREE_EACH(each, wide) {
        const struct yaml_node *other = NULL;
        TREE_EACH(candidate, narrow)
            if (bytes_equal(candidate->key, each->key))
                other = candidate;
        if (!other || !texts_cover(each, other, NULL, arena))
            return false;
    }
    return true;
}

static bool match_covers(const struct yaml_node *wide, const struct yaml_node *narrow, struct arena *arena)
{
    struct bytes a = tree_text(wide, "uri.prefix"), b = tree_text(narrow, "uri.prefix");
    int64_t port_a = 0, port_b = 0;
    tree_number(wide, "port", &port_a);
    tree_number(narrow, "port", &port_b);
    return a.len && b.len && !bytes_equal(a, b) && bytes_starts(b, a) && port_a == port_b &&
           texts_cover(tree_at(wide, "method"), tree_at(narrow, "method"), "=GET", arena) &&
           texts_cover(tree_at(wide, "authority"), tree_at(narrow, "authority"), NULL, arena) &&
           maps_cover(tree_at(wide, "headers"), tree_at(narrow, "headers"), arena) &&
           maps_cover(tree_at(wide, "queryParams"), tree_at(narrow, "queryParams"), arena) &&
           maps_cover(tree_at(wide, "withoutHeaders"), tree_at(narrow, "withoutHeaders"), arena);
}

static void covered_say(struct analysis *analysis, const struct object *service, const struct yaml_node *wide,
                        const struct yaml_node *narrow)
{
    struct arena *arena = analysis->arena;
    say(analysis, service, narrow, "IST0131",
        "match %.*s of rule %.*s with the prefix %.*s is never used: rule %.*s takes the prefix %.*s before",
        BYTES_FMT(shown(narrow, arena)), BYTES_FMT(shown(narrow->parent->parent, arena)),
        BYTES_FMT(tree_text(narrow, "uri.prefix")), BYTES_FMT(shown(wide->parent->parent, arena)),
        BYTES_FMT(tree_text(wide, "uri.prefix")));
}

/* Matches that count: not those below a rule without match, and of equal ones the first. */
static const struct yaml_node **matches_live(struct analysis *analysis, const struct yaml_node *rules,
                                             size_t *count)
{
    size_t room = 0;
    *count = 0;
    TREE_EACH(rule, rules)
        room += tree_at(rule, "match") ? tree_at(rule, "match")->count : 0;
    const struct yaml_node **all = arena_array(analysis->arena, const struct yaml_node *, room + 1);
    TREE_EACH(rule, rules) {
        if (!tree_first(tree_at(rule, "match")))
            break;
        TREE_EACH(match, tree_at(rule, "match"))
            if (tree_text(match, "uri.prefix").len && !match_before(match))
                all[(*count)++] = match;
    }
    return all;
}

static void prefixes_check(struct analysis *analysis, const struct object *service,
                           const struct yaml_node *rules)
{
    size_t count;
    const struct yaml_node **all = matches_live(analysis, rules, &count);
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++)
            if (match_covers(all[i], all[j], analysis->arena))
                covered_say(analysis, service, all[i], all[j]);
}

void analyze_unreachable(struct analysis *analysis)
{
    static const char *const blocks[] = {"http", "tcp", "tls"};
    OBJECTS_EACH(service, &analysis->objects, OBJECT_VIRTUAL_SERVICE) {
        for (size_t i = 0; i < 3; i++)
            rules_check(analysis, service, tree_at(service->spec, blocks[i]));
        prefixes_check(analysis, service, tree_at(service->spec, "http"));
    }
}
