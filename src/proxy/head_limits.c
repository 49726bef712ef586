#include "proxy/head_limits.h"

struct http1_limits head_limits(const struct rules_limits *limits)
{
    return (struct http1_limits){.line_max = (size_t)limits->line_bytes,
                                 .head_max = (size_t)limits->head_bytes,
                                 .name_max = (size_t)limits->name_bytes,
                                 .fields_max = (uint32_t)limits->fields,
                                 .no_underscores = limits->underscores == UNDERSCORES_REJECT};
}
