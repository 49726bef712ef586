/*
 * A client's whole connection in a simulated world: whatever it says behind the preface, and however it is
 * cut, nothing is left of it once it is gone.
 *
 * The input: how long the pieces are, whether the upstream answers, then frames.
 */
#include "base/test.h"

#include "proxy/http2_fixture.h"

#include <stdlib.h>
#include <unistd.h>

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct play play;

static void world_begin(void)
{
    static bool open;
    if (open)
        return;
    play_open(&play, ROLE_GATEWAY, PLAY_SIMPLE);
    sim_port(play.sim, PLAY_PORT, SIM_SERVES);
    alarm(0);
    open = true;
}

static void upstreams_play(bool answers)
{
    static char heard[65536];
    int fd;
    while ((fd = sim_take(play.sim, PLAY_PORT)) >= 0) {
        while (sim_hear(play.sim, fd, heard, sizeof heard))
            play_go(&play);
        if (answers)
            sim_say(play.sim, fd, BYTES(OK));
        play_go(&play);
        sim_close(play.sim, fd);
    }
    play_go(&play);
}

static void answers_drop(int client)
{
    static char heard[65536];
    while (sim_hear(play.sim, client, heard, sizeof heard))
        play_go(&play);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    world_begin();
    size_t piece = data[0] + 1u;
    bool answers = data[1] & 1, ends = data[1] & 2;
    struct bytes left = bytes_make(data + 2, size - 2);
    int client = play_dial(&play);
    sim_say(play.sim, client, bytes_make(PREFACE, sizeof PREFACE - 1));
    while (left.len) {
        size_t took = sim_say(play.sim, client, bytes_part(left, 0, piece < left.len ? piece : left.len));
        left = bytes_part(left, took, left.len);
        play_go(&play);
        upstreams_play(answers);
        answers_drop(client);
        if (!took)
            break;
    }
    if (ends)
        sim_end(play.sim, client);
    play_pass(&play, 3000);
    upstreams_play(answers);
    answers_drop(client);
    sim_close(play.sim, client);
    play_go(&play);
    play_pass(&play, 200000);
    upstreams_play(false);
    if (!list_empty(&play.worker.exchanges) || !list_empty(&play.worker.clients) || sim_open(play.sim))
        abort();
    return 0;
}
