#include "rules/kind/host.h"

#include "rules/kind/common.h"

#define LABEL_MAX 63
#define NAME_MAX_BYTES 255

static bool is_inner(char c)
{
    return ascii_is_alpha(c) || ascii_is_digit(c) || c == '-';
}

bool host_is_label(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_inner(text.at[i]))
            return false;
    return text.len > 0 && text.len <= LABEL_MAX && text.at[0] != '-' && text.at[text.len - 1] != '-';
}

static bool is_number(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!ascii_is_digit(text.at[i]))
            return false;
    return text.len > 0;
}

/* What stands between dots; nothing may follow the last one. */
static bool are_labels(struct bytes host)
{
    struct bytes label = {0};
    for (bool more = true; more;) {
        more = bytes_cut(&host, '.', &label);
        if (!more && label.len == 0)
            return true;
        if (!host_is_label(label))
            return false;
    }
    return !is_number(label);
}

bool host_is_fqdn(struct bytes host)
{
    return host.len > 0 && host.len <= NAME_MAX_BYTES && are_labels(host);
}

bool host_is_name(struct bytes host)
{
    struct bytes rest = host, first;
    if (host.len == 0 || host.len > NAME_MAX_BYTES)
        return false;
    bool more = bytes_cut(&rest, '.', &first);
    if (first.len > LABEL_MAX)
        return false;
    if (bytes_starts(first, BYTES("*-")) && first.len > 2)
        first = bytes_part(first, 2, first.len);
    else if (bytes_starts(first, BYTES("*")) && first.len > 1)
        first = bytes_part(first, 1, first.len);
    return (host_is_label(first) || bytes_equal(first, BYTES("*"))) && (!more || are_labels(rest));
}

/* outbound, port, subset and host stand between underlines; dots around them do not count. */
bool host_is_outbound(struct bytes host)
{
    struct bytes rest = host, part[4];
    bool digit = false, letter = false;
    for (size_t i = 0; i < 4; i++)
        if (!bytes_cut(&rest, '_', &part[i]) && i < 3)
            return false;
    for (size_t i = 0; i < part[1].len; i++)
        digit = digit || ascii_is_digit(part[1].at[i]);
    for (size_t i = 0; i < part[3].len; i++)
        letter = letter || ascii_is_alpha(part[3].at[i]);
    return host.len <= NAME_MAX_BYTES && bytes_equal(part[0], BYTES("outbound")) && digit && letter;
}

static bool is_wild(struct bytes host)
{
    return host.len > 0 && host.at[0] == '*';
}

bool host_covers(struct bytes wide, struct bytes host)
{
    if (!is_wild(wide))
        return bytes_equal(wide, host);
    if (is_wild(host) && host.len < wide.len)
        return false;
    return bytes_ends(is_wild(host) ? bytes_part(host, 1, host.len) : host, bytes_part(wide, 1, wide.len));
}

bool host_overlaps(struct bytes a, struct bytes b)
{
    return host_covers(a, b) || host_covers(b, a);
}

static bool wrong(struct report *report, const struct yaml_node *node, struct bytes host, const char *what)
{
    report_error(report, node, "'%.*s' %s", BYTES_FMT(host), what);
    return false;
}

static bool is_partial(struct bytes host)
{
    return is_wild(host) && host.len > 1 && host.at[1] != '.';
}

bool check_host_name(struct report *report, const struct yaml_node *node, struct bytes host)
{
    if (!host_is_name(host))
        return wrong(report, node, host,
                     "is no host: a name such as shop.example.com, *.example.com or * belongs here");
    if (is_partial(host))
        report_not_yet(report, node, "a wildcard that is a part of a label");
    return true;
}

bool check_host(struct report *report, const struct yaml_node *node, struct bytes host)
{
    return address_is_ip(host) || check_host_name(report, node, host);
}

static bool check_host_part(struct report *report, const struct yaml_node *node, struct bytes host,
                            bool gateway)
{
    if (gateway && address_is_ip(host))
        return true;
    if (is_partial(host))
        return wrong(report, node, host, "is no host: * is a whole label, as in *.example.com");
    if (!check_host_name(report, node, host))
        return false;
    if (bytes_find(host, '.') < host.len || bytes_equal(host, BYTES("*")))
        return true;
    return wrong(report, node, host, "is a short name; a full one such as shop.example.com belongs here");
}

static bool is_namespace(struct bytes name, bool gateway)
{
    if (!gateway && bytes_starts(name, BYTES("~"))) {
        name = bytes_part(name, 1, name.len);
        if (name.len == 0)
            return true;
    }
    return bytes_equal(name, BYTES("*")) || bytes_equal(name, BYTES(".")) || host_is_label(name);
}

bool check_host_in(struct report *report, const struct yaml_node *node, struct bytes text, bool gateway)
{
    struct bytes rest = text, head;
    if (!bytes_cut(&rest, '/', &head))
        return gateway ? check_host_part(report, node, text, true)
                       : wrong(report, node, text, "is not of the form NAMESPACE/HOST");
    if (!is_namespace(head, gateway))
        return wrong(report, node, head,
                     gateway ? "is no namespace; one, . or * stands before the /"
                             : "is no namespace; one, ., * or ~ stands before the /");
    return check_host_part(report, node, rest, gateway);
}
