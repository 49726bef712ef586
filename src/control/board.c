#include "control/board.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/heap.h"

void board_init(struct board *board)
{
    memset(board, 0, sizeof *board);
    pthread_mutex_init(&board->lock, NULL);
    board->rules = board->endpoints = -1;
    snprintf(board->reason, sizeof board->reason, "starting");
}

static void page_free(struct bytes page)
{
    free((char *)(uintptr_t)page.at);
}

static void fd_close(int fd)
{
    if (fd >= 0)
        close(fd);
}

void board_done(struct board *board)
{
    for (int i = 0; i < BOARD_PAGES; i++)
        page_free(board->pages[i]);
    fd_close(board->rules);
    fd_close(board->endpoints);
    pthread_mutex_destroy(&board->lock);
}

void board_put(struct board *board, enum board_page page, struct bytes text)
{
    struct bytes new = bytes_make(heap_text(text), text.len);
    pthread_mutex_lock(&board->lock);
    struct bytes old = board->pages[page];
    board->pages[page] = new;
    pthread_mutex_unlock(&board->lock);
    page_free(old);
}

struct bytes board_get(struct board *board, enum board_page page, struct arena *arena)
{
    pthread_mutex_lock(&board->lock);
    struct bytes text = arena_bytes(arena, board->pages[page]);
    pthread_mutex_unlock(&board->lock);
    return text;
}

void board_images_put(struct board *board, int rules, int endpoints)
{
    pthread_mutex_lock(&board->lock);
    int old[] = {board->rules, board->endpoints};
    board->rules = rules;
    board->endpoints = endpoints;
    pthread_mutex_unlock(&board->lock);
    fd_close(old[0]);
    fd_close(old[1]);
}

static int fd_copy(int fd)
{
    return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

void board_images_get(struct board *board, int *rules, int *endpoints)
{
    pthread_mutex_lock(&board->lock);
    *rules = fd_copy(board->rules);
    *endpoints = fd_copy(board->endpoints);
    pthread_mutex_unlock(&board->lock);
}

void board_ready_set(struct board *board, bool ready, const char *reason)
{
    pthread_mutex_lock(&board->lock);
    board->ready = ready;
    snprintf(board->reason, sizeof board->reason, "%s", reason);
    pthread_mutex_unlock(&board->lock);
}

bool board_ready(struct board *board, struct arena *arena, struct bytes *reason)
{
    pthread_mutex_lock(&board->lock);
    bool ready = board->ready;
    *reason = arena_bytes(arena, bytes_of(board->reason));
    pthread_mutex_unlock(&board->lock);
    return ready;
}
