/*
 * logins: the Logins that apply to this node as rows, and what control needs to
 * know about their providers.
 */
#ifndef RULES_COMPILE_LOGINS_H
#define RULES_COMPILE_LOGINS_H

#include "rules/compile/work.h"

struct image_rows logins_compile(struct work *work);

#endif
