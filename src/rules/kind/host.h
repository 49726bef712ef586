/*
 * host: names of hosts as Istio's validation takes them, and which of two names
 * covers the other. Letters of both cases are taken; a dot may stand at the end.
 */
#ifndef RULES_KIND_HOST_H
#define RULES_KIND_HOST_H

#include "rules/finding.h"

bool host_is_label(struct bytes text); /* one DNS label (RFC 1123), at most 63 bytes */
bool host_is_fqdn(struct bytes host);  /* labels with dots between; the last is no number */
/* The same, or the first label is *, *label or *-label; a single label may be a number. */
bool host_is_name(struct bytes host);
/* A name that AUTO_PASSTHROUGH makes: outbound_.80_._.shop.example.com. */
bool host_is_outbound(struct bytes host);

/* Does everything that `host` means lie within `wide`? */
bool host_covers(struct bytes wide, struct bytes host);
/* Does one of them cover the other? */
bool host_overlaps(struct bytes a, struct bytes b);

/* Checks; each says what is wrong at `node` and answers whether all is well. */
bool check_host(struct report *report, const struct yaml_node *node, struct bytes host); /* or an address */
bool check_host_name(struct report *report, const struct yaml_node *node, struct bytes host); /* no address */
/* NAMESPACE/HOST. At a gateway also HOST, and the host may be an address; a sidecar's namespace may be ~ or
 * begin with it. */
bool check_host_in(struct report *report, const struct yaml_node *node, struct bytes text, bool gateway);

#endif
