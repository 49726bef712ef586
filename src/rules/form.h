/*
 * form: what a text field has to look like, as an expression that the reader
 * and the editor's schema share.
 */
#ifndef RULES_FORM_H
#define RULES_FORM_H

#include "base/bytes.h"

struct field_form {
    const char *pattern; /* anchored at both ends, in what RE2 and ECMA 262 have in common */
    const char *article; /* "a lower-case DNS name such as shop.example.com" */
};

/* The first use in the process compiles the expression; it stays. Any thread. */
bool form_fits(const struct field_form *form, struct bytes text);

extern const struct field_form form_dns_name;     /* lower case, dots */
extern const struct field_form form_dns_label;    /* lower case, no dots */
extern const struct field_form form_group;        /* an API group: a DNS name, or empty for the core */
extern const struct field_form form_kind;         /* HTTPRoute */
extern const struct field_form form_host;         /* a DNS name, "*." in front allowed */
extern const struct field_form form_domain_path;  /* example.com/controller */
extern const struct field_form form_protocol;     /* HTTP, or example.com/protocol */
extern const struct field_form form_address_type; /* IPAddress, Hostname, NamedAddress, example.com/type */
extern const struct field_form form_header_name;  /* RFC 9110 section 5.1 */
extern const struct field_form form_header_value; /* visible ASCII, single blanks between */
extern const struct field_form form_path;         /* RFC 3986's pchars, % and / */
extern const struct field_form
    form_short_duration;                    /* Gateway API's: 1h30m, at most four parts, no fractions */
extern const struct field_form form_origin; /* scheme, host with or without wildcard, port; or one star */
extern const struct field_form form_uri;    /* with an authority */
extern const struct field_form form_known_roots; /* System, or example.com/name */
extern const struct field_form form_label_key;
extern const struct field_form form_label_value;
extern const struct field_form
    form_port_name; /* of a container: letters and digits, 15 at most, one letter */
extern const struct field_form form_grpc_service;
extern const struct field_form form_grpc_method;

#endif
