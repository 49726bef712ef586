#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

static char process_name[32] = "selvage";
static char node_name[32];
static _Atomic int level_now = LOG_INFO;

static const char *const level_names[] = {"error", "warning", "info", "debug"};

void log_init(const char *process, const char *node)
{
    snprintf(process_name, sizeof process_name, "%s", process);
    snprintf(node_name, sizeof node_name, "%s", node ? node : "");
}

void log_level_set(enum log_level level)
{
    level_now = (int)level;
}

enum log_level log_level_get(void)
{
    return (enum log_level)level_now;
}

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

bool log_level_parse(const char *name, enum log_level *out)
{
    for (int i = LOG_ERROR; i <= LOG_DEBUG; i++)
        if (strcmp(name, level_names[i]) == 0) {
            *out = (enum log_level)i;
            return true;
        }
    return false;
}

__attribute__((format(printf, 2, 0))) static void log_write(enum log_level level, const char *format,
                                                            va_list args)
{
    if ((int)level > level_now)
        return;
    char message[1024], line[1400], when[CLOCK_TEXT_SIZE];
    vsnprintf(message, sizeof message, format, args);
    clock_text(clock_wall_us(), when);
    struct text text;
    text_init_fixed(&text, line, sizeof line - 1); /* room for the newline */
    text_format(&text, "%s %s %s", when, level_names[level], process_name);
    if (node_name[0])
        text_format(&text, " node=%s", node_name);
    text_add(&text, BYTES(": "));
    text_add_shown(&text, bytes_of(message), sizeof message);
    line[text.len] = '\n';
    if (write(STDERR_FILENO, line, text.len + 1) < 0)
        return; /* nowhere left to say so */
}

#define LOG_FUNCTION(name, level)                                                                            \
    void name(const char *format, ...)                                                                       \
    {                                                                                                        \
        va_list args;                                                                                        \
        va_start(args, format);                                                                              \
        log_write(level, format, args);                                                                      \
        va_end(args);                                                                                        \
    }

LOG_FUNCTION(log_error, LOG_ERROR)
LOG_FUNCTION(log_warning, LOG_WARNING)
LOG_FUNCTION(log_info, LOG_INFO)
LOG_FUNCTION(log_debug, LOG_DEBUG)
