/*
 * key_wait: exchanges whose token names a key that is not known yet, waiting until
 * control has asked the provider anew.
 *
 * A key set is asked for at most once a minute from here (control has the same
 * limit for the node); in between such tokens are refused at once, so that
 * invented key ids cost nothing.
 */
#ifndef PROXY_KEY_WAIT_H
#define PROXY_KEY_WAIT_H

#include "proxy/worker.h"

struct key_waits *key_waits_new(void);
void key_waits_free(struct key_waits *waits);
/* True: x waits (its wait is filled in). False: asked too recently. */
bool key_wait_start(struct exchange *x, uint64_t key_set);
/* The answer from control: everybody who waits for it goes on. */
void key_wait_answer(struct worker *worker, uint64_t key_set, bool fetched);

#endif
