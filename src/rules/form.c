#include "rules/form.h"

#include <assert.h>
#include <pthread.h>

#include "wire/regex.h"

#define DNS_LABEL "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
#define DNS_NAME DNS_LABEL "(\\." DNS_LABEL ")*"
#define TOKEN "[-A-Za-z0-9!#$%&'*+.^_`|~]+"
#define PATH_AFTER_DOMAIN "[-A-Za-z0-9/._~%!$&'()*+,;=:]+"
#define LABEL_NAME "([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]"

const struct field_form form_dns_name = {"^" DNS_NAME "$", "a lower-case DNS name such as shop.example.com"};
const struct field_form form_dns_label = {"^" DNS_LABEL "$", "a name of lower-case letters, digits and -"};
const struct field_form form_group = {"^(" DNS_NAME ")?$",
                                      "an API group such as gateway.networking.k8s.io, or '' for the core"};
const struct field_form form_kind = {"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$", "a kind such as Service"};
const struct field_form form_host = {"^(\\*\\.)?" DNS_NAME "$",
                                     "a lower-case host such as shop.example.com or *.example.com"};
const struct field_form form_domain_path = {"^" DNS_NAME "/" PATH_AFTER_DOMAIN "$",
                                            "a name with a domain in front such as example.com/gateway"};
const struct field_form form_protocol = {"^([a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?|" DNS_NAME
                                         "/[A-Za-z0-9]+)$",
                                         "a protocol such as HTTP, HTTPS, TLS, TCP, UDP or example.com/own"};
const struct field_form form_address_type = {"^(Hostname|IPAddress|NamedAddress|" DNS_NAME
                                             "/" PATH_AFTER_DOMAIN ")$",
                                             "one of IPAddress, Hostname, NamedAddress, example.com/own"};
const struct field_form form_header_name = {"^" TOKEN "$", "a header's name"};
const struct field_form form_header_value = {"^[!-~]+([\\t ]?[!-~]+)*$",
                                             "a header's value: visible ASCII with single blanks between"};
const struct field_form form_path = {"^([-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+$",
                                     "a path of letters, digits, -/._~!$&'()*+,;=:@ and %XX"};
const struct field_form form_short_duration = {"^([0-9]{1,5}(h|m|s|ms)){1,4}$",
                                               "a duration such as 1h30m or 500ms, without fractions"};
const struct field_form form_origin = {
    "^(\\*|https?://((\\*\\.)?([a-zA-Z0-9-]+\\.)*[a-zA-Z0-9-]+|\\*)(:[0-9]{1,5})?)$",
    "an origin such as https://shop.example.com, https://*.example.com:8443 or *"};
const struct field_form form_uri = {"^[^:/?#]+://[^/?#]*[^?#]*(\\?[^#]*)?(#.*)?$",
                                    "a URI such as spiffe://mesh.example/ns/shop/sa/cart"};
const struct field_form form_known_roots = {"^(System|" DNS_NAME "/" LABEL_NAME ")$",
                                            "System or example.com/own"};
const struct field_form form_label_key = {"^(" DNS_NAME "/)?" LABEL_NAME "$",
                                          "a label's name such as app or example.com/app"};
const struct field_form form_label_value = {"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$",
                                            "a label's value: letters, digits, -, _ and . within"};
const struct field_form form_port_name = {"^[a-z0-9]+(-[a-z0-9]+)*$",
                                          "a port's name: lower-case letters, digits and single - within"};
const struct field_form form_grpc_service = {"^\\.?[A-Za-z_][A-Za-z_0-9]*(\\.[A-Za-z_][A-Za-z_0-9]*)*$",
                                             "a gRPC service such as shop.v1.Cart"};
const struct field_form form_grpc_method = {"^[A-Za-z_][A-Za-z_0-9]*$", "a gRPC method such as Add"};

static struct {
    pthread_mutex_t lock;
    struct {
        const struct field_form *form;
        struct regex *regex;
    } at[64];
    size_t count;
} known = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const struct regex *regex_of(const struct field_form *form)
{
    struct fail why;
    for (size_t i = 0; i < known.count; i++)
        if (known.at[i].form == form)
            return known.at[i].regex;
    assert(known.count < sizeof(known.at) / sizeof(known.at[0]));
    struct regex *regex = regex_new(bytes_of(form->pattern), &why);
    if (!regex)
        return NULL;
    known.at[known.count].form = form;
    known.at[known.count++].regex = regex;
    return regex;
}

bool form_fits(const struct field_form *form, struct bytes text)
{
    pthread_mutex_lock(&known.lock);
    const struct regex *regex = regex_of(form);
    pthread_mutex_unlock(&known.lock);
    return regex && regex_matches(regex, text);
}
