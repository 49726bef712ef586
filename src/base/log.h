/*
 * log: what the node tells its operator, one line each on standard error.
 *
 *   2026-11-21T09:08:07.123Z info control node=edge-1: rules 3f2a.. in force
 *
 * Not the access log: that is made from records (wire/record.h). A line never
 * holds a secret: no token, key, cookie or password is ever an argument.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* Names the process in each line; both are copied (31 bytes each at most). */
void log_init(const char *process, const char *node);
void log_level_set(enum log_level level);
enum log_level log_level_get(void);
bool log_level_parse(const char *name, enum log_level *out);
const char *log_level_name(enum log_level level);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
