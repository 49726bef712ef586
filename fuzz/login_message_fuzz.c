/* What another process sends: read or refused, and what was read is written the same; parcels stay in bounds.
 */
#include <stdlib.h>

#include "wire/login_message.h"
#include "wire/parcel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void frames_take(struct bytes in)
{
    struct parcel parcel = {0};
    struct ended ended[ENDED_IN_FRAME];
    while (in.len >= sizeof(struct frame)) {
        struct frame frame;
        struct bytes out;
        struct fail why;
        memcpy(&frame, in.at, sizeof frame);
        in = bytes_part(in, sizeof frame, in.len);
        if (!frame_check(&frame, sizeof frame, &why))
            continue;
        if (parcel_take(&parcel, &frame, &out) && out.len > PARCEL_MAX)
            abort();
        if (ended_unpack(&frame, ended) > ENDED_IN_FRAME)
            abort();
    }
    parcel_done(&parcel);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_make(data, size);
    struct login_ask ask;
    struct login_answer answer;
    struct arena arena;
    arena_init(&arena);
    if (login_ask_unpack(in, &ask) && !bytes_equal(login_ask_pack(&ask, &arena), in))
        abort();
    if (login_answer_unpack(in, &answer) && !bytes_equal(login_answer_pack(&answer, &arena), in))
        abort();
    frames_take(in);
    arena_done(&arena);
    return 0;
}
