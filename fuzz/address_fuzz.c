/* Reads what inet_pton reads, writes what reads the same again; a block holds the address it was made of. */
#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

#include "wire/address.h"

/* inet_pton knows the same forms (it takes no zones either). */
static void compare_with_libc(struct bytes in, bool ok)
{
    char text[64];
    uint8_t at[16];
    if (in.len >= sizeof text || memchr(in.at, 0, in.len))
        return;
    memcpy(text, in.at, in.len);
    text[in.len] = '\0';
    bool v4 = inet_pton(AF_INET, text, at) == 1, v6 = inet_pton(AF_INET6, text, at) == 1;
    assert(ok == (v4 || v6));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_make(data, size), host;
    struct address address, again;
    struct address_block block;
    struct fail why;
    char buffer[ADDRESS_TEXT_SIZE];
    uint16_t port;
    bool ok = address_parse(in, &address);
    if (size)
        compare_with_libc(in, ok);
    if (ok) {
        assert(address_parse(address_text(&address, buffer), &again) && address_equal(&address, &again));
        assert(address_block_parse(in, &block, &why) && address_block_has(&block, &address));
    }
    if (address_block_parse(in, &block, &why))
        assert(address_block_has(&block, &block.address));
    if (address_split(in, &host, &port))
        assert(host.len > 0 && host.len <= size);
    return 0;
}
