/* head_limits: the bounds of a request's head, as readers of every version of HTTP take them. */
#ifndef PROXY_HEAD_LIMITS_H
#define PROXY_HEAD_LIMITS_H

#include "rules/snapshot.h"
#include "wire/http1.h"

struct http1_limits head_limits(const struct rules_limits *limits);

#endif
