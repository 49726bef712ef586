#include "base/fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 0))) static void fail_write(struct fail *why, enum fail_kind kind,
                                                             const char *format, va_list args)
{
    why->kind = kind;
    vsnprintf(why->text, sizeof why->text, format, args);
}

bool(fail)(struct fail *why, enum fail_kind kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fail_write(why, kind, format, args);
    va_end(args);
    return false;
}

bool(fail_errno)(struct fail *why, enum fail_kind kind, const char *format, ...)
{
    int error = errno;
    va_list args;
    va_start(args, format);
    fail_write(why, kind, format, args);
    va_end(args);
    size_t len = strlen(why->text);
    char buffer[128];
    snprintf(why->text + len, sizeof why->text - len, ": %s", strerror_r(error, buffer, sizeof buffer));
    return false;
}

bool(fail_in)(struct fail *why, const char *format, ...)
{
    char old[sizeof why->text];
    memcpy(old, why->text, sizeof old);
    va_list args;
    va_start(args, format);
    vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
    size_t len = strlen(why->text);
    snprintf(why->text + len, sizeof why->text - len, ": %s", old);
    return false;
}

const char *fail_kind_name(enum fail_kind kind)
{
    static const char *const names[] = {"none", "input", "limit", "denied", "peer", "late", "self"};
    return names[kind];
}
