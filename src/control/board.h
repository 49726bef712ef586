/*
 * board: what the main thread tells whoever asks the admin server: finished
 * texts, replaced as a whole. A lock inside.
 */
#ifndef CONTROL_BOARD_H
#define CONTROL_BOARD_H

#include <pthread.h>

#include "base/arena.h"

enum board_page {
    BOARD_SNAPSHOT, /* JSON */
    BOARD_CERTS,    /* JSON */
    BOARD_KEYS,     /* JSON */
    BOARD_METRICS,  /* the selvage_* part that main knows */
    BOARD_PAGES,
};

struct board {
    pthread_mutex_t lock;
    struct bytes pages[BOARD_PAGES]; /* heap */
    int rules;                       /* descriptors of the images that workers have, or -1 */
    int endpoints;
    bool ready;
    char reason[500]; /* why not ready */
};

void board_init(struct board *board);
void board_done(struct board *board);
void board_put(struct board *board, enum board_page page, struct bytes text);
/* A copy in the arena. */
struct bytes board_get(struct board *board, enum board_page page, struct arena *arena);
/* Both are taken. */
void board_images_put(struct board *board, int rules, int endpoints);
/* Descriptors of one's own, or -1. */
void board_images_get(struct board *board, int *rules, int *endpoints);
void board_ready_set(struct board *board, bool ready, const char *reason);
bool board_ready(struct board *board, struct arena *arena, struct bytes *reason);

#endif
