#include "wire/join.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read is written and read again: it must be the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct join_request request;
    struct join_reply reply;
    struct join_token token;
    struct fail why;
    struct text out;
    size_t len;
    arena_init(&arena);
    if (size >= JOIN_HEAD_SIZE)
        join_head_read(data, JOIN_MESSAGE_MAX, &len, &why);
    join_token_read(bytes_make(data, size), &token, &why);
    join_reply_read(bytes_make(data, size), &arena, &reply, &why);
    if (join_request_read(bytes_make(data, size), &arena, &request, &why)) {
        struct join_request again;
        text_init_arena(&out, &arena);
        join_request_write(&request, &out);
        struct bytes body = bytes_part(text_bytes(&out), JOIN_HEAD_SIZE, out.len);
        if (body.len <= JOIN_REQUEST_MAX &&
            (!join_request_read(body, &arena, &again, &why) || !bytes_equal(again.csr, request.csr)))
            __builtin_trap();
    }
    arena_done(&arena);
    return 0;
}
