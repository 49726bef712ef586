/*
 * ended_list: which sessions have ended before their time, as this worker knows:
 * control tells all workers the same (control/ended_sessions.h).
 */
#ifndef PROXY_ENDED_LIST_H
#define PROXY_ENDED_LIST_H

#include "base/bytes.h"
#include "wire/login_message.h"

enum { ENDED_LIST_MAX = 32768 };

struct ended_list;
struct ended_list *ended_list_new(void);
void ended_list_free(struct ended_list *list);
void ended_list_add(struct ended_list *list, const struct ended *one, int64_t now_s);
/* Whether what bears the mark and began then has ended. */
bool ended_list_has(const struct ended_list *list, uint64_t mark, int64_t begun_s);
bool ended_list_any(const struct ended_list *list);

/* What ends is named by its kind ("id", "sid", "sub", "jti"), whose it is, and its name. */
uint64_t ended_mark(const char *kind, uint64_t login, struct bytes name);

#endif
