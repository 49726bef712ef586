/*
 * secret: Kubernetes' core Secret, as far as certificates and keys lie in it.
 *
 * Values are secrets: never print, log or hash them.
 */
#ifndef RULES_KIND_SECRET_H
#define RULES_KIND_SECRET_H

#include "rules/kind/common.h"

struct secret {
    struct group group;
    struct bytes type;           /* kubernetes.io/tls, Opaque, ... */
    struct text_map data;        /* base64 as written */
    struct text_map string_data; /* plain */
    /* Worked out from both (stringData wins), decoded; empty when absent. */
    struct bytes certificate; /* tls.crt, or cert, PEM */
    struct bytes key;         /* tls.key, or key, PEM */
    struct bytes ca;          /* ca.crt, or cacert, PEM */
};

/* A value of `data` or `stringData`, decoded; false when it is absent or no base64. */
bool secret_entry(const struct secret *secret, const char *name, struct arena *arena, struct bytes *out);
/* Could a worker serve with it? Of certificate and key both or none, an authority or none. */
bool secret_usable(struct bytes certificate, struct bytes key, struct bytes ca, struct fail *why);

extern const struct kind secret_kind;

#endif
