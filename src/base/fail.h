/*
 * fail: why something could not be done.
 *
 * The one convention for failing: `bool f(..., struct fail *why)` answers true
 * with its outputs set, or false with nothing visible changed and *why filled
 * in. `why` belongs to the caller and must not be NULL; failing never allocates.
 */
#ifndef BASE_FAIL_H
#define BASE_FAIL_H

#include <stdbool.h>

enum fail_kind {
    FAIL_NONE,
    FAIL_INPUT,  /* what came in is wrong */
    FAIL_LIMIT,  /* too much of something */
    FAIL_DENIED, /* not allowed */
    FAIL_PEER,   /* the other side misbehaved or is not there */
    FAIL_LATE,   /* time ran out */
    FAIL_SELF,   /* our own machine or mistake */
};

struct fail {
    enum fail_kind kind;
    char text[500]; /* one sentence, lower case, no newline */
};

/* Fills *why in and answers false, so that `return fail(why, ...)` reads well. */
bool fail(struct fail *why, enum fail_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with ": <text of errno>" behind it. */
bool fail_errno(struct fail *why, enum fail_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Puts a place or a reason in front of the sentence already there. Answers false. */
bool fail_in(struct fail *why, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *fail_kind_name(enum fail_kind kind);

#ifdef __clang_analyzer__
/* It sees one file at a time, and takes outputs of a function that failed for used unless it knows this. */
static inline bool fail_answer(bool answer)
{
    (void)answer;
    return false;
}
#define fail(...) fail_answer(fail(__VA_ARGS__))
#define fail_errno(...) fail_answer(fail_errno(__VA_ARGS__))
#define fail_in(...) fail_answer(fail_in(__VA_ARGS__))
#endif

#endif
