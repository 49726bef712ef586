#include "proxy/login_wait.h"

enum { WAIT_MS = 10 * 1000 };

static void wait_cancel(struct exchange *x)
{
    x->waits_for_login = 0; /* the answer, when it comes, is nobody's */
}

static uint64_t ask_send(struct exchange *x, const struct login_ask *ask)
{
    struct worker *worker = x->worker;
    uint64_t id = ++worker->login_id;
    worker->ops->login_ask(worker, id, login_ask_pack(ask, &x->arena));
    return id;
}

void login_wait_start(struct exchange *x, const struct login_ask *ask)
{
    x->waits_for_login = ask_send(x, ask);
    x->login_answer = (struct bytes){0};
    x->wait = (struct wait){
        .what = "the identity provider", .until_ms = x->worker->loop.now_ms + WAIT_MS, .cancel = wait_cancel};
}

void login_ask_forget(struct exchange *x, const struct login_ask *ask)
{
    ask_send(x, ask);
}

bool login_wait_answer(const struct exchange *x, struct login_answer *out)
{
    return x->wait.result == WAIT_CAME && login_answer_unpack(x->login_answer, out);
}

void login_wait_came(struct worker *worker, uint64_t id, struct bytes answer)
{
    list_for_safe(link, after, &worker->exchanges)
    {
        struct exchange *x = container_of(link, struct exchange, link);
        if (x->waits_for_login != id)
            continue;
        x->waits_for_login = 0;
        x->login_answer = arena_bytes(&x->arena, answer);
        exchange_resume(x, WAIT_CAME);
        return;
    }
}
