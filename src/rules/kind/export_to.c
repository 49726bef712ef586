#include "rules/kind/export_to.h"

static bool is_word(struct bytes text, const char *word)
{
    return bytes_equal(text, bytes_of(word));
}

/* . is another name of the own namespace. */
static struct bytes meant(struct bytes text, struct bytes namespace)
{
    return is_word(text, ".") ? namespace : text;
}

static void check_one(struct report *report, const struct yaml_node *node, const struct text_list *list,
                      size_t index, struct bytes namespace, enum export_rule rule)
{
    struct bytes text = meant(list->at[index], namespace);
    for (size_t i = 0; i < index; i++)
        if (bytes_equal(meant(list->at[i], namespace), text)) {
            report_error(report, node, "'%.*s' stands in the list already", BYTES_FMT(list->at[index]));
            return;
        }
    if (is_word(text, "~") && rule == EXPORT_SERVICE)
        return;
    if (!is_word(text, "*") && !host_is_label(text))
        report_error(report, node, "'%.*s' is no namespace; one, . or * belongs here", BYTES_FMT(text));
    else if (rule == EXPORT_CALLERS && !bytes_equal(text, namespace))
        report_error(report, node,
                     "a rule with a workloadSelector holds in its own namespace alone; . belongs here");
}

void check_export_to(struct report *report, const struct group *group, const struct text_list *list,
                     struct bytes namespace, enum export_rule rule)
{
    const struct yaml_node *nodes = yaml_get(group->node, "exportTo");
    for (size_t i = 0; i < list->count; i++) {
        check_one(report, yaml_item(nodes, i), list, i, namespace, rule);
        if (list->count > 1 && is_word(list->at[i], "*"))
            report_error(report, yaml_item(nodes, i), "* is everybody; no other entry can stand beside it");
        if (list->count > 1 && is_word(list->at[i], "~") && rule == EXPORT_SERVICE)
            report_error(report, yaml_item(nodes, i), "~ is nobody; no other entry can stand beside it");
    }
}

void check_gateways(struct report *report, const struct group *group, const struct text_list *list)
{
    const struct yaml_node *nodes = yaml_get(group->node, "gateways");
    for (size_t i = 0; i < list->count; i++) {
        struct bytes rest = list->at[i], head;
        bool two = bytes_cut(&rest, '/', &head);
        if (two ? !host_is_label(head) || !host_is_label(rest) : !host_is_fqdn(head))
            report_error(report, yaml_item(nodes, i),
                         "'%.*s' is no gateway: NAME or NAMESPACE/NAME belongs here", BYTES_FMT(list->at[i]));
        else if (!two && bytes_find(head, '.') < head.len)
            report_warning(report, yaml_item(nodes, i), "is the old form of a name; NAMESPACE/NAME is meant");
    }
}
