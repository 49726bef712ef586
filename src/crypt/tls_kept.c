#include "crypt/tls_kept.h"

#include <stdlib.h>

#include "base/heap.h"

struct kept {
    uint64_t server;
    SSL_SESSION *session; /* NULL: free */
    int64_t until_s;
    uint64_t age; /* counts up */
};

struct tls_kept {
    uint64_t age;
    struct kept at[TLS_KEPT_MAX];
};

void tls_kept_free(struct tls_kept *kept)
{
    for (size_t i = 0; kept && i < TLS_KEPT_MAX; i++)
        SSL_SESSION_free(kept->at[i].session);
    free(kept);
}

SSL_SESSION *tls_kept_get(const struct tls_kept *kept, uint64_t server, int64_t now_s, int64_t *until_s)
{
    for (size_t i = 0; kept && i < TLS_KEPT_MAX; i++) {
        const struct kept *one = &kept->at[i];
        if (!one->session || one->server != server)
            continue;
        if (one->until_s <= now_s || !SSL_SESSION_is_resumable(one->session))
            return NULL;
        *until_s = one->until_s;
        SSL_SESSION_up_ref(one->session);
        return one->session;
    }
    return NULL;
}

/* That of the server, else a free one, else the oldest. */
static struct kept *place_for(struct tls_kept *kept, uint64_t server)
{
    struct kept *best = &kept->at[0];
    for (size_t i = 0; i < TLS_KEPT_MAX; i++) {
        struct kept *one = &kept->at[i];
        if (one->session && one->server == server)
            return one;
        if (best->session && (!one->session || one->age < best->age))
            best = one;
    }
    return best;
}

void tls_kept_put(struct tls_kept **kept, uint64_t server, SSL_SESSION *take, int64_t until_s)
{
    if (!*kept)
        *kept = heap_new(struct tls_kept);
    struct kept *place = place_for(*kept, server);
    SSL_SESSION_free(place->session);
    *place = (struct kept){server, take, until_s, ++(*kept)->age};
}
