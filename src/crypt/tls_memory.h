/*
 * tls_memory: two ends that talk through memory: for warming up, and tests.
 */
#ifndef CRYPT_TLS_MEMORY_H
#define CRYPT_TLS_MEMORY_H

#include "crypt/tls.h"

enum { TLS_MEMORY_SIZE = 64 * 1024 };

/* Bytes on their way in one direction. */
struct tls_memory {
    char at[TLS_MEMORY_SIZE];
    size_t from;
    size_t to;
    size_t step; /* at most so many bytes a read or write; 0: any number */
    bool ended;  /* no more will come */
    bool cut;    /* reads and writes fail */
};

/* One end: reads from `in`, writes to `out`. */
struct tls_memory_end {
    struct tls_memory *in;
    struct tls_memory *out;
};

/* For tls_session_new_*: `end` is the owner. */
struct tls_io tls_memory_io(struct tls_memory_end *end);

#endif
