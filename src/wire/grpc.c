#include "wire/grpc.h"

/* By number. */
static const struct {
    const char *name;
    unsigned http;
} statuses[] = {
    {"OK", 200},
    {"CANCELLED", 499},
    {"UNKNOWN", 500},
    {"INVALID_ARGUMENT", 400},
    {"DEADLINE_EXCEEDED", 504},
    {"NOT_FOUND", 404},
    {"ALREADY_EXISTS", 409},
    {"PERMISSION_DENIED", 403},
    {"RESOURCE_EXHAUSTED", 429},
    {"FAILED_PRECONDITION", 400},
    {"ABORTED", 409},
    {"OUT_OF_RANGE", 400},
    {"UNIMPLEMENTED", 501},
    {"INTERNAL", 500},
    {"UNAVAILABLE", 503},
    {"DATA_LOSS", 500},
    {"UNAUTHENTICATED", 401},
};

enum { STATUS_COUNT = sizeof statuses / sizeof statuses[0], STATUS_UNKNOWN = 2 };

bool grpc_status_read(struct bytes name, uint32_t *out)
{
    for (uint32_t i = 0; i < STATUS_COUNT; i++) {
        if (bytes_equal(name, bytes_of(statuses[i].name))) {
            *out = i;
            return true;
        }
    }
    return false;
}

unsigned grpc_status_to_http(uint32_t status)
{
    return statuses[status < STATUS_COUNT ? status : STATUS_UNKNOWN].http;
}

uint32_t grpc_status_from_http(unsigned status)
{
    static const struct {
        unsigned http;
        const char *name;
    } map[] = {
        {200, "OK"},
        {400, "INTERNAL"},
        {401, "UNAUTHENTICATED"},
        {403, "PERMISSION_DENIED"},
        {404, "UNIMPLEMENTED"},
        {429, "UNAVAILABLE"},
        {502, "UNAVAILABLE"},
        {503, "UNAVAILABLE"},
        {504, "UNAVAILABLE"},
    };
    uint32_t found = STATUS_UNKNOWN;
    for (size_t i = 0; i < sizeof map / sizeof map[0]; i++)
        if (map[i].http == status)
            grpc_status_read(bytes_of(map[i].name), &found);
    return found;
}

bool grpc_is_type(struct bytes content_type)
{
    struct bytes name = BYTES("application/grpc");
    if (!bytes_starts_nocase(content_type, name))
        return false;
    return content_type.len == name.len || content_type.at[name.len] == '+' ||
           content_type.at[name.len] == ';';
}
