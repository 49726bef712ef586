/* Values of annotations, as the injector takes them. */
#include "rules/analyze/annotation.h"
#include "wire/address.h"
#include "wire/yaml.h"

static bool is_any(struct bytes word, const char *const *names)
{
    for (size_t i = 0; names[i]; i++)
        if (bytes_equal(word, bytes_of(names[i])))
            return true;
    return false;
}

bool annotation_mode(struct bytes value, struct arena *arena, struct fail *why)
{
    static const char *const modes[] = {"REDIRECT", "TPROXY", "NONE", NULL};
    (void)arena;
    return is_any(value, modes) || fail(why, FAIL_INPUT, "is none of REDIRECT, TPROXY, NONE");
}

bool annotation_port(struct bytes value, struct arena *arena, struct fail *why)
{
    uint64_t port;
    (void)arena;
    return bytes_to_u64(bytes_trim(value), UINT16_MAX, &port) || fail(why, FAIL_INPUT, "is no port");
}

bool annotation_ports(struct bytes value, struct arena *arena, struct fail *why)
{
    struct bytes rest = bytes_trim(value), one;
    for (bool more = rest.len > 0; more;) {
        more = bytes_cut(&rest, ',', &one);
        if (!annotation_port(one, arena, why))
            return fail(why, FAIL_INPUT, "is no list of ports with commas between");
    }
    return true;
}

bool annotation_ports_or_all(struct bytes value, struct arena *arena, struct fail *why)
{
    return bytes_equal(value, BYTES("*")) || annotation_ports(value, arena, why);
}

bool annotation_number(struct bytes value, struct arena *arena, struct fail *why)
{
    uint64_t number;
    (void)arena;
    return bytes_to_u64(value, UINT32_MAX, &number) || fail(why, FAIL_INPUT, "is no number from 0 on");
}

bool annotation_networks(struct bytes value, struct arena *arena, struct fail *why)
{
    struct bytes rest = value, one;
    struct address_block block;
    (void)arena;
    for (bool more = value.len > 0; more;) {
        more = bytes_cut(&rest, ',', &one);
        if (bytes_find(one, '/') == one.len || !address_block_parse(one, &block, why))
            return fail(why, FAIL_INPUT, "is no list of networks such as 10.0.0.0/8 with commas between");
    }
    return true;
}

bool annotation_networks_or_all(struct bytes value, struct arena *arena, struct fail *why)
{
    return bytes_equal(value, BYTES("*")) || annotation_networks(value, arena, why);
}

/* Linux: at most 15 bytes. */
static bool is_interface(struct bytes name)
{
    bool good = name.len > 0 && name.len <= 15;
    for (size_t i = 0; good && i < name.len; i++)
        good = ascii_is_alpha(name.at[i]) || ascii_is_digit(name.at[i]) ||
               (name.at[i] && strchr("._-@:+", name.at[i]));
    return good;
}

bool annotation_interfaces(struct bytes value, struct arena *arena, struct fail *why)
{
    struct bytes rest = value, one;
    (void)arena;
    for (bool more = value.len > 0; more;) {
        more = bytes_cut(&rest, ',', &one);
        if (!is_interface(bytes_trim(one)))
            return fail(why, FAIL_INPUT, "is no list of network interfaces with commas between");
    }
    return true;
}

bool annotation_truth(struct bytes value, struct arena *arena, struct fail *why)
{
    static const char *const truths[] = {"1", "t", "T",     "true",  "TRUE",  "True", "0",
                                         "f", "F", "false", "FALSE", "False", NULL};
    (void)arena;
    return is_any(value, truths) || fail(why, FAIL_INPUT, "is neither true nor false");
}

bool annotation_settings(struct bytes value, struct arena *arena, struct fail *why)
{
    struct yaml_stream stream;
    struct fail ignored;
    if (!yaml_read("-", value, arena, &stream, &ignored))
        return fail(why, FAIL_INPUT, "is no YAML");
    return !stream.count || stream.documents[0]->kind == YAML_MAP ||
           fail(why, FAIL_INPUT, "is no map of settings");
}

/* Kubernetes' quantities: 100m, 1.5, 128Mi, 1e3. */
bool annotation_quantity(struct bytes value, struct arena *arena, struct fail *why)
{
    static const char *const units[] = {"",  "n",  "u",  "m",  "k",  "M",  "G",  "T", "P",
                                        "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", NULL};
    struct bytes rest = value;
    size_t digits = 0, dots = 0, at = 0;
    uint64_t power;
    (void)arena;
    if (rest.len && (rest.at[0] == '+' || rest.at[0] == '-'))
        at++;
    for (; at < rest.len && (ascii_is_digit(rest.at[at]) || rest.at[at] == '.'); at++) {
        digits += ascii_is_digit(rest.at[at]);
        dots += rest.at[at] == '.';
    }
    rest = bytes_part(rest, at, rest.len);
    bool power_good = rest.len > 1 && (rest.at[0] == 'e' || rest.at[0] == 'E') &&
                      bytes_to_u64(bytes_part(rest, rest.at[1] == '-' || rest.at[1] == '+' ? 2 : 1, rest.len),
                                   1000, &power);
    return (digits && dots <= 1 && (is_any(rest, units) || power_good)) ||
           fail(why, FAIL_INPUT, "is no quantity such as 100m or 128Mi");
}
