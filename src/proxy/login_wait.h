/*
 * login_wait: exchanges that wait for what control is told by an identity provider
 * (wire/login_message.h).
 */
#ifndef PROXY_LOGIN_WAIT_H
#define PROXY_LOGIN_WAIT_H

#include "proxy/worker.h"
#include "wire/login_message.h"

/* x waits (its wait is filled in). When it is resumed with CAME, login_wait_answer has the answer. */
void login_wait_start(struct exchange *x, const struct login_ask *ask);
/* In the exchange's arena. False: nothing came that could be read. */
bool login_wait_answer(const struct exchange *x, struct login_answer *out);
/* Nobody waits for what comes of it. */
void login_ask_forget(struct exchange *x, const struct login_ask *ask);
/* From control. */
void login_wait_came(struct worker *worker, uint64_t id, struct bytes answer);

#endif
