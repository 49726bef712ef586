#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { READ_SIZE = 64 * 1024 };

uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void die(const char *what)
{
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, what);
    exit(1);
}

struct sockaddr_in address_read(const char *text)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    char host[64];
    unsigned port;
    if (sscanf(text, "%63[^:]:%u", host, &port) != 2 || port > 65535)
        die("an address is HOST:PORT");
    if (inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &to.sin_addr) != 1)
        die("a host is localhost or an IPv4 address");
    to.sin_port = htons((uint16_t)port);
    return to;
}

/* ---- TLS ------------------------------------------------------------------ */

static int on_ticket(SSL *ssl, SSL_SESSION *session)
{
    struct client *client = SSL_get_app_data(ssl);
    SSL_SESSION_free(client->session);
    client->session = session;
    return 1; /* the reference is kept */
}

SSL_CTX *client_context(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (!context || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set1_groups_list(context, (char[]){"X25519"}) != 1 ||
        SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") != 1)
        die("OpenSSL does not speak TLS 1.3");
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, on_ticket);
    SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    return context;
}

static void tls_open(struct client *client, SSL_CTX *context)
{
    static const unsigned char http1[] = "\x08http/1.1";
    client->ssl = SSL_new(context);
    if (!client->ssl || SSL_set_fd(client->ssl, client->fd) != 1)
        die("OpenSSL has no memory");
    SSL_set_app_data(client->ssl, client);
    SSL_set_tlsext_host_name(client->ssl, (char[]){"localhost"});
    SSL_set_alpn_protos(client->ssl, http1, sizeof http1 - 1);
    SSL_set_connect_state(client->ssl);
    if (client->session)
        SSL_set_session(client->ssl, client->session);
}

/* What a call of OpenSSL means: bytes moved, 0 for the end, -1 later, -2 broken. */
static long tls_result(struct client *client, int result)
{
    if (result > 0)
        return result;
    switch (SSL_get_error(client->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return -1;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        ERR_clear_error();
        return -2;
    }
}

static long plain_result(ssize_t result)
{
    if (result >= 0)
        return result;
    return errno == EAGAIN ? -1 : -2;
}

static long bytes_read(struct client *client, char *at, size_t room)
{
    if (client->ssl)
        return tls_result(client, SSL_read(client->ssl, at, (int)room));
    return plain_result(read(client->fd, at, room));
}

static long bytes_write(struct client *client)
{
    if (client->ssl)
        return tls_result(client, SSL_write(client->ssl, client->request, (int)client->request_len));
    return plain_result(send(client->fd, client->request, client->request_len, MSG_NOSIGNAL));
}

/* ---- beginnings and ends ----------------------------------------------------- */

static int socket_open(uint32_t from)
{
    const struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr = {htonl(from)}};
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        die("no socket; is `ulimit -n` large enough?");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *)&own, sizeof own) < 0)
        die("no address to connect from");
    return fd;
}

void client_open(struct client *client, int epoll, const struct sockaddr_in *to, uint32_t from,
                 SSL_CTX *context)
{
    client->fd = socket_open(from);
    client->state = CLIENT_CONNECTING;
    if (connect(client->fd, (const struct sockaddr *)to, sizeof *to) < 0 && errno != EINPROGRESS)
        die("connecting failed at once");
    if (context)
        tls_open(client, context);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = client};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, client->fd, &event) < 0)
        die("a socket cannot be watched");
}

void client_close(struct client *client)
{
    if (client->state == CLIENT_CLOSED)
        return;
    if (client->ssl) {
        SSL_set_quiet_shutdown(client->ssl, 1); /* or its session would count as broken */
        SSL_shutdown(client->ssl);
        SSL_free(client->ssl);
    }
    client->ssl = NULL;
    close(client->fd);
    client->state = CLIENT_CLOSED;
}

void client_ask(struct client *client, const char *request, size_t len)
{
    client->request = request;
    client->request_len = len;
    client->head_len = 0;
    client->head_whole = false;
    client->body_left = 0;
    if (client->state == CLIENT_IDLE)
        client->state = CLIENT_SENDING;
}

/* ---- one request --------------------------------------------------------------- */

static bool connect_step(struct client *client)
{
    int error = 0;
    socklen_t len = sizeof error;
    struct sockaddr_in peer;
    socklen_t peer_len = sizeof peer;
    getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &len);
    if (!error && getpeername(client->fd, (struct sockaddr *)&peer, &peer_len) == 0)
        client->state = client->ssl ? CLIENT_SHAKING : CLIENT_SENDING;
    return !error;
}

/* Finds where the head ends and how long the body is. False: that is no answer to our liking. */
static bool head_look(struct client *client)
{
    client->head[client->head_len] = 0;
    const char *end = strstr(client->head, "\r\n\r\n");
    if (!end)
        return client->head_len < sizeof client->head - 1;
    const char *field = strcasestr(client->head, "\r\ncontent-length:");
    if (strncmp(client->head, "HTTP/1.1 2", 10) != 0 || !field || field > end)
        return false;
    size_t body = strtoul(field + strlen("\r\ncontent-length:"), NULL, 10);
    size_t here = client->head_len - (size_t)(end + 4 - client->head);
    client->head_whole = true;
    client->body_left = body - (here < body ? here : body);
    return here <= body;
}

static bool answer_add(struct client *client, const char *at, size_t len)
{
    if (client->head_whole) {
        client->body_left -= len < client->body_left ? len : client->body_left;
        return true;
    }
    size_t room = sizeof client->head - 1 - client->head_len;
    size_t copied = len < room ? len : room;
    memcpy(client->head + client->head_len, at, copied);
    client->head_len += copied;
    return head_look(client) && (copied == len || answer_add(client, at + copied, len - copied));
}

static bool answer_whole(const struct client *client)
{
    return client->head_whole && client->body_left == 0;
}

static enum client_turn read_step(struct client *client)
{
    static char buffer[READ_SIZE];
    for (;;) {
        if (answer_whole(client) && !client->until_end) {
            client->state = CLIENT_IDLE;
            return CLIENT_DONE;
        }
        long got = bytes_read(client, buffer, sizeof buffer);
        if (got == -1)
            return CLIENT_WAITS;
        if (got == 0)
            return answer_whole(client) ? CLIENT_DONE : CLIENT_FAILED;
        if (got < 0 || !answer_add(client, buffer, (size_t)got))
            return CLIENT_FAILED;
    }
}

static enum client_turn send_step(struct client *client)
{
    while (client->request_len) {
        long put = bytes_write(client);
        if (put < 0)
            return put == -1 ? CLIENT_WAITS : CLIENT_FAILED;
        client->request += put;
        client->request_len -= (size_t)put;
    }
    client->state = CLIENT_READING;
    return CLIENT_WAITS;
}

static enum client_turn shake_step(struct client *client)
{
    long result = tls_result(client, SSL_do_handshake(client->ssl));
    if (result > 0)
        client->state = CLIENT_SENDING;
    return result > 0 || result == -1 ? CLIENT_WAITS : CLIENT_FAILED;
}

static enum client_turn turn_take(struct client *client)
{
    switch (client->state) {
    case CLIENT_CONNECTING:
        return connect_step(client) ? CLIENT_WAITS : CLIENT_FAILED;
    case CLIENT_SHAKING:
        return shake_step(client);
    case CLIENT_SENDING:
        return send_step(client);
    case CLIENT_READING:
        return read_step(client);
    case CLIENT_IDLE:
    case CLIENT_CLOSED:
        break;
    }
    return CLIENT_WAITS;
}

enum client_turn client_step(struct client *client)
{
    enum client_state before;
    enum client_turn turn;
    do {
        before = client->state;
        turn = turn_take(client);
    } while (turn == CLIENT_WAITS && client->state != before);
    return turn;
}

/* ---- figures --------------------------------------------------------------------- */

static int number_order(const void *a, const void *b)
{
    uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;
    return (first > second) - (first < second);
}

void sort_numbers(uint32_t *numbers, size_t count)
{
    if (count)
        qsort(numbers, count, sizeof *numbers, number_order);
}

uint32_t percentile(const uint32_t *sorted, size_t count, double share)
{
    return count ? sorted[(size_t)(share * (double)(count - 1))] : 0;
}
