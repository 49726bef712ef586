#include "cli/paint.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool paint_wanted(int fd)
{
    const char *none = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    return isatty(fd) && !(none && none[0]) && !(term && strcmp(term, "dumb") == 0);
}

const char *paint_begin(enum paint paint, bool on)
{
    static const char *const codes[] = {"",         "\033[1m",  "\033[2m", "\033[31m",
                                        "\033[32m", "\033[33m", "\033[34m"};
    return on ? codes[paint] : "";
}

const char *paint_end(bool on)
{
    return on ? "\033[0m" : "";
}
