/* What is read keeps to its bounds, does not depend on what follows, and reads the same when written again.
 */
#include <stdlib.h>

#include "wire/proxy_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct proxy_protocol *header, int version)
{
    char buffer[PROXY_PROTOCOL_BINARY_MAX];
    struct text text;
    struct proxy_protocol again;
    struct fail why;
    size_t used;
    text_init_fixed(&text, buffer, sizeof buffer);
    proxy_protocol_write(&text, version, header);
    if (proxy_protocol_read(text_bytes(&text), &again, &used, &why) != PROXY_PROTOCOL_DONE ||
        used != text.len || !address_equal(&again.source, &header->source) ||
        !address_equal(&again.target, &header->target) || again.source_port != header->source_port)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proxy_protocol header;
    struct fail why;
    size_t used = 0, cut = 0;
    enum proxy_protocol_turn turn = proxy_protocol_read(bytes_make(data, size), &header, &used, &why);
    if (turn == PROXY_PROTOCOL_MORE && size >= PROXY_PROTOCOL_BINARY_MAX)
        abort();
    if (turn != PROXY_PROTOCOL_DONE)
        return 0;
    if (!used || used > size || used > PROXY_PROTOCOL_BINARY_MAX ||
        proxy_protocol_read(bytes_make(data, used - 1), &header, &cut, &why) != PROXY_PROTOCOL_MORE)
        abort();
    check(&header, 1);
    check(&header, 2);
    return 0;
}
