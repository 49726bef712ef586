#include "rules/compile/value.h"

#include <arpa/inet.h>
#include <string.h>

#include "wire/path_template.h"

bool network_read(struct bytes text, struct rules_network *out)
{
    char address[64];
    struct rules_network network = {0};
    struct bytes bits = text, host;
    bool sized = bytes_cut(&bits, '/', &host);
    uint64_t number = 0;
    if (host.len >= sizeof address)
        return false;
    memcpy(address, host.at, host.len);
    address[host.len] = 0;
    bool four = inet_pton(AF_INET, address, network.address + 12) == 1;
    if (four)
        network.address[10] = network.address[11] = 0xFF;
    else if (inet_pton(AF_INET6, address, network.address) != 1)
        return false;
    if (sized && !bytes_to_u64(bits, four ? 32 : 128, &number))
        return false;
    network.bits = sized ? (uint32_t)number + (four ? 96 : 0) : 128;
    *out = network;
    return true;
}

/* "*", "*x", "x*" or a text; a star in front counts first. */
static struct image_text pattern(struct work *work, struct bytes text, uint32_t *match)
{
    *match = VALUE_EXACT;
    if (bytes_equal(text, BYTES("*"))) {
        *match = VALUE_PRESENT;
        return (struct image_text){0, 0};
    }
    if (bytes_starts(text, BYTES("*"))) {
        *match = VALUE_SUFFIX;
        return work_text(work, bytes_part(text, 1, text.len));
    }
    if (bytes_ends(text, BYTES("*"))) {
        *match = VALUE_PREFIX;
        return work_text(work, bytes_part(text, 0, text.len - 1));
    }
    return work_text(work, text);
}

static void pattern_add(struct work *work, struct rows *rows, struct bytes text)
{
    struct rules_value value = {0};
    value.text = pattern(work, text, &value.match);
    rows_add(work, rows, &value);
}

/* ---- trust domains ---------------------------------------------------- */

/* Does the policy's trust domain (which may be "*-td") mean that one of ours? */
static bool domain_means(struct bytes written, struct bytes domain)
{
    if (bytes_starts(written, BYTES("*")))
        return bytes_ends(domain, bytes_part(written, 1, written.len));
    return bytes_equal(written, domain);
}

/* cluster.local stands for the local trust domain whatever it is called. */
static bool domain_is_ours(const struct work *work, struct bytes written)
{
    for (size_t i = 0; i < work->node->trust_domain_count; i++)
        if (domain_means(written, work->node->trust_domains[i]))
            return true;
    return bytes_equal(written, BYTES("cluster.local"));
}

/* TD/ns/NS/sa/SA once for each of our trust domains; with a wildcard in front the value as it is, once. */
static void principal_expand(struct work *work, struct rows *rows, struct bytes text, struct bytes domain)
{
    struct bytes rest = bytes_part(text, domain.len, text.len);
    bool as_written = false;
    for (size_t i = 0; i < work->node->trust_domain_count; i++) {
        struct bytes own = work->node->trust_domains[i];
        if (!domain_means(domain, own))
            pattern_add(work, rows, arena_format(work->arena, "%.*s%.*s", BYTES_FMT(own), BYTES_FMT(rest)));
        else if (!as_written)
            pattern_add(work, rows, text);
        as_written = as_written || domain_means(domain, own);
    }
}

static bool principal_add(struct work *work, struct rows *rows, struct bytes text)
{
    struct bytes domain = bytes_part(text, 0, bytes_find(text, '/'));
    size_t slashes = 0;
    for (size_t i = 0; i < text.len; i++)
        slashes += text.at[i] == '/';
    if (slashes == 4 && !bytes_equal(domain, BYTES("*")) && domain_is_ours(work, domain))
        principal_expand(work, rows, text, domain);
    else
        pattern_add(work, rows, text);
    return true;
}

static bool trust_domain_add(struct work *work, struct rows *rows, struct bytes text)
{
    bool wild = bytes_find(text, '*') < text.len;
    if (wild || !domain_is_ours(work, text)) {
        pattern_add(work, rows, text);
        return true;
    }
    for (size_t i = 0; i < work->node->trust_domain_count; i++)
        pattern_add(work, rows, work->node->trust_domains[i]);
    return true;
}

/* ---- other attributes ------------------------------------------------- */

/* iss/sub, split at the last slash. Without one the token must carry an empty `sub`. */
static bool request_principal_add(struct work *work, struct rows *rows, struct bytes text)
{
    struct rules_value value = {0};
    size_t slash = bytes_find_last(text, '/');
    if (bytes_equal(text, BYTES("*"))) {
        value.match = value.match2 = VALUE_PRESENT;
    } else {
        value.text = pattern(work, bytes_part(text, 0, slash), &value.match);
        value.text2 = pattern(work, bytes_part(text, slash + 1, text.len), &value.match2);
        if (slash >= text.len)
            value.match2 = VALUE_EXACT;
    }
    rows_add(work, rows, &value);
    return true;
}

static bool namespace_add(struct work *work, struct rows *rows, struct bytes text)
{
    struct bytes glob = arena_format(work->arena, "*/ns/%.*s/*", BYTES_FMT(text));
    rows_add(work, rows, &(struct rules_value){.match = VALUE_GLOB, .text = work_text(work, glob)});
    return true;
}

static bool account_add(struct work *work, struct rows *rows, struct bytes text,
                        struct bytes policy_namespace)
{
    struct bytes account = text, name_space;
    if (!bytes_cut(&account, '/', &name_space)) {
        account = text;
        name_space = policy_namespace;
    }
    if (!account.len || !name_space.len || bytes_find(account, '/') < account.len)
        return false;
    rows_add(work, rows,
             &(struct rules_value){.match = VALUE_EXACT,
                                   .text = work_text(work, name_space),
                                   .text2 = work_text(work, account)});
    return true;
}

static bool network_add(struct work *work, struct rows *rows, struct bytes text)
{
    struct rules_value value = {.match = VALUE_NETWORK};
    if (!network_read(text, &value.network))
        return false;
    rows_add(work, rows, &value);
    return true;
}

static bool port_add(struct work *work, struct rows *rows, struct bytes text)
{
    uint64_t number;
    if (!bytes_to_u64(text, 65535, &number))
        return false;
    rows_add(work, rows, &(struct rules_value){.match = VALUE_NUMBER, .number = (uint32_t)number});
    return true;
}

static bool path_add(struct work *work, struct rows *rows, struct bytes text)
{
    struct fail why;
    if (!path_template_is(text)) {
        pattern_add(work, rows, text);
        return true;
    }
    if (!path_template_check(text, &why))
        return false;
    rows_add(work, rows, &(struct rules_value){.match = VALUE_TEMPLATE, .text = work_text(work, text)});
    return true;
}

bool value_add(struct work *work, struct rows *rows, enum rules_attribute attribute, struct bytes text,
               struct bytes policy_namespace)
{
    switch (attribute) {
    case ATTRIBUTE_PRINCIPAL:
        return principal_add(work, rows, text);
    case ATTRIBUTE_TRUST_DOMAIN:
        return trust_domain_add(work, rows, text);
    case ATTRIBUTE_NAMESPACE:
        return namespace_add(work, rows, text);
    case ATTRIBUTE_ACCOUNT:
        return account_add(work, rows, text, policy_namespace);
    case ATTRIBUTE_REQUEST_PRINCIPAL:
        return request_principal_add(work, rows, text);
    case ATTRIBUTE_PEER_IP:
    case ATTRIBUTE_REMOTE_IP:
    case ATTRIBUTE_DESTINATION_IP:
        return network_add(work, rows, text);
    case ATTRIBUTE_DESTINATION_PORT:
        return port_add(work, rows, text);
    case ATTRIBUTE_PATH:
        return path_add(work, rows, text);
    default:
        pattern_add(work, rows, text);
        return true;
    }
}
