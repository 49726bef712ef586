/* What is read keeps to its bounds, never waits beyond them, and does not depend on what follows. */
#include <stdlib.h>
#include <string.h>

#include "wire/client_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct client_hello hello, again;
    struct fail why;
    enum client_hello_turn turn = client_hello_read(bytes_make(data, size), &hello, &why);
    if (turn == CLIENT_HELLO_MORE && size >= CLIENT_HELLO_WIRE_MAX)
        abort();
    if (turn != CLIENT_HELLO_DONE)
        return 0;
    if (strlen(hello.sni) > CLIENT_HELLO_SNI_MAX || hello.alpn_len > CLIENT_HELLO_ALPN_MAX)
        abort();
    (void)client_hello_offers(&hello, BYTES("h2"));
    char *more = malloc(size + 1);
    memcpy(more, data, size);
    more[size] = 'x';
    if (client_hello_read(bytes_make(more, size + 1), &again, &why) != CLIENT_HELLO_DONE ||
        memcmp(&again, &hello, sizeof hello) != 0)
        abort();
    free(more);
    return 0;
}
