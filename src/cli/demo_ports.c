#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/demo.h"

static const struct {
    uint16_t port;
    const char *use;
} ports[] = {
    {DEMO_ISSUER, "the issuer"},
    {DEMO_EDGE, "the edge"},
    {8480, "the edge's key set"},
    {DEMO_GATEWAY, "the gateway"},
    {15480, "the gateway's key set"},
    {DEMO_ORDERS, "the sidecar, for orders"},
    {15212, "the sidecar, for payments"},
    {DEMO_REPORTS, "the sidecar, for reports"},
    {15000, "the edge's admin server"},
    {15020, "the edge's merged metrics"},
    {DEMO_STATUS_EDGE, "the edge's health"},
    {15090, "the edge's metrics"},
    {15100, "the gateway's admin server"},
    {15120, "the gateway's merged metrics"},
    {DEMO_STATUS_GATEWAY, "the gateway's health"},
    {15190, "the gateway's metrics"},
    {15200, "the sidecar's admin server"},
    {15220, "the sidecar's merged metrics"},
    {DEMO_STATUS_SIDECAR, "the sidecar's health"},
    {15290, "the sidecar's metrics"},
};

bool demo_port_known(uint64_t port)
{
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++)
        if (ports[i].port == port)
            return true;
    return false;
}

/* 0, or errno. */
static int port_try(uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    int error = bind(fd, (struct sockaddr *)&at, sizeof at) == 0 ? 0 : errno;
    close(fd);
    return error;
}

bool demo_ports_free(int64_t offset, struct fail *why)
{
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
        int64_t port = ports[i].port + offset;
        int error = port_try((uint16_t)port);
        if (error == EADDRINUSE)
            return fail(why, FAIL_SELF,
                        "port %lld, meant for %s, is taken; `selvage demo --port-offset %lld` takes others",
                        (long long)port, ports[i].use, (long long)(offset + 1000) % DEMO_OFFSET_MAX);
        if (error) {
            errno = error;
            return fail_errno(why, FAIL_SELF, "port %lld, meant for %s", (long long)port, ports[i].use);
        }
    }
    return true;
}
