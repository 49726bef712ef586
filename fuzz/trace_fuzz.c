/* What was read is written and reads the same again. */
#include <assert.h>
#include <string.h>

#include "wire/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trace trace, again;
    char buffer[TRACE_TEXT_SIZE];
    if (trace_parse(bytes_make(data, size), &trace)) {
        assert(trace_parse(trace_text(&trace, buffer), &again));
        assert(memcmp(&trace, &again, sizeof trace) == 0);
    }
    if (size >= TRACE_RANDOM_SIZE) {
        trace_start(data, data[0] & 1, &trace);
        assert(trace_parse(trace_text(&trace, buffer), &again));
    }
    trace_state_ok(bytes_make(data, size));
    return 0;
}
