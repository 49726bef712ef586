/*
 * clock: the two times.
 *
 * Inside there is one clock: milliseconds, monotonic. Wall time is for what is
 * written down or compared with what others wrote (tokens, certificates, logs).
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_ms(void);
uint64_t clock_us(void);
int64_t clock_wall_s(void);
int64_t clock_wall_us(void);

/* 2026-11-21T09:08:07.123Z, 24 characters and NUL. */
#define CLOCK_TEXT_SIZE 25
void clock_text(int64_t wall_us, char out[CLOCK_TEXT_SIZE]);

#endif
