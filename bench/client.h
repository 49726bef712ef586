/*
 * client: one HTTP/1.1 connection of a load generator, plain or TLS 1.3, one request at a time.
 *
 * It never waits: client_step goes as far as the socket lets it, edge-triggered
 * epoll says when to call it again. It shares no code with what it measures and
 * believes what servers say only as far as counting goes.
 */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum client_turn {
    CLIENT_WAITS,  /* for the socket */
    CLIENT_DONE,   /* the answer is whole */
    CLIENT_FAILED, /* connecting, TLS or HTTP broke, or the status was none of 2xx */
};

enum client_state {
    CLIENT_CLOSED,
    CLIENT_CONNECTING,
    CLIENT_SHAKING,
    CLIENT_SENDING,
    CLIENT_READING,
    CLIENT_IDLE
};

struct client {
    int fd;
    enum client_state state;
    SSL *ssl;             /* NULL: plain */
    SSL_SESSION *session; /* the newest ticket; resumed by the next connection */
    const char *request;  /* what is left of it, borrowed */
    size_t request_len;
    bool until_end;  /* the answer ends with the connection, not with its length */
    char head[4096]; /* of the answer */
    size_t head_len; /* bytes in it; the head is whole when body_left is set */
    bool head_whole;
    size_t body_left;
    uint64_t due_us; /* the owner's: when the request should have begun */
};

uint64_t now_us(void);
_Noreturn void die(const char *what);
/* "127.0.0.1:443" or "localhost:443"; ends the process when it is neither. */
struct sockaddr_in address_read(const char *text);
/* Verifies no certificate: what is measured is the server. */
SSL_CTX *client_context(void);

/* Begins to connect from `from`, so that thousands of connections a second do not run out of ports, and
 * registers the socket with `epoll`, the client as its data. `context` NULL: plain. */
void client_open(struct client *client, int epoll, const struct sockaddr_in *to, uint32_t from,
                 SSL_CTX *context);
void client_ask(struct client *client, const char *request, size_t len);
enum client_turn client_step(struct client *client);
void client_close(struct client *client);

/* The value below which `share` of the sorted ones lie. */
uint32_t percentile(const uint32_t *sorted, size_t count, double share);
void sort_numbers(uint32_t *numbers, size_t count);

#endif
