/*
 * image_memory: an image in memory that nobody can change any more, to be handed
 * on by descriptor.
 */
#ifndef CONTROL_IMAGE_MEMORY_H
#define CONTROL_IMAGE_MEMORY_H

#include "base/fail.h"
#include "wire/image.h"

/* Fills in the hash over everything behind the head. */
void image_hash(struct image_head *head, size_t size);
/* A sealed memfd with those bytes, or -1 with *why. */
int image_memory_seal(const struct image_head *head, size_t size, struct fail *why);

#endif
