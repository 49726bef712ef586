/*
 * io_sim: a world in memory for tests: sockets that are pairs of bounded queues,
 * a clock that jumps to the next timer, chance that repeats itself, and calls
 * that fail when told to.
 *
 * What is tested gets &sim->io. The test holds the other ends: it dials the
 * tested side's listeners, and serves ports that the tested side connects to.
 */
#ifndef LOOP_IO_SIM_H
#define LOOP_IO_SIM_H

#include "base/text.h"
#include "loop/io.h"

enum { SIM_SOCKETS = 256, SIM_PORTS = 16, SIM_ROOM_MAX = 1 << 20, SIM_FIRST_FD = 1000 };

enum sim_call { SIM_READ, SIM_WRITE, SIM_CONNECT, SIM_ACCEPT, SIM_CALLS };

/* The n-th call of that kind (from 1; 0: none): fails with `error`, or moves one byte only when that is 0. */
struct sim_fault {
    enum sim_call call;
    unsigned n;
    int error;
};

enum sim_port_state { SIM_REFUSES, SIM_SERVES, SIM_HANGS };

struct sim_socket {
    bool used;
    bool listening;
    bool pending; /* not accepted (tested side's listener) or not yet taken by the test */
    bool connecting;
    int connect_error;
    int listener; /* of a pending one: where it waits */
    int peer;     /* index, or -1 */
    char *in;     /* what the peer sent and nobody read */
    size_t in_at;
    size_t in_len;
    bool in_end; /* the peer sends no more */
    bool out_end;
    bool reset;
    bool full; /* a write was refused or cut: tell when there is room */
    struct io_keepalive keepalive;
    void *tag;
    bool watched;
    unsigned ready; /* to be told */
};

struct io_sim {
    struct io io;
    struct sim_socket sockets[SIM_SOCKETS];
    struct {
        unsigned port;
        enum sim_port_state state;
    } ports[SIM_PORTS];
    unsigned port_count;
    size_t room; /* bytes a queue takes; 64 KiB at first */
    uint64_t now_ms;
    int64_t wall_us;
    uint64_t chance;
    unsigned calls[SIM_CALLS];
    struct sim_fault fault;
    unsigned told; /* events that the last wait gave */
};

struct io_sim *io_sim_new(void); /* freed by sim->io.free */

/* A listening socket for the tested side. */
int sim_listen(struct io_sim *sim);
/* The test's end of a new connection to it. */
int sim_dial(struct io_sim *sim, int listener);
void sim_port(struct io_sim *sim, unsigned port, enum sim_port_state state);
/* The test's end of the next connection that the tested side made to the port; -1: none waits. */
int sim_take(struct io_sim *sim, unsigned port);
/* Connections that hang at the port are made after all. */
void sim_relent(struct io_sim *sim, unsigned port);
/* Whether the tested side has connections open. */
unsigned sim_open(const struct io_sim *sim);

/* On the test's ends. Bytes taken: less than all when the queue is full. */
size_t sim_say(struct io_sim *sim, int fd, struct bytes bytes);
size_t sim_hear(struct io_sim *sim, int fd, char *at, size_t room);
bool sim_ended(const struct io_sim *sim, int fd); /* heard everything, and there is no more */
void sim_end(struct io_sim *sim, int fd);         /* half close */
void sim_reset(struct io_sim *sim, int fd);
void sim_close(struct io_sim *sim, int fd);

#endif
