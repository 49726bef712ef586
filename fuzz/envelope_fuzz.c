/* Nothing that was not sealed opens, also not as a session, a state or an attempt; what was sealed does. */
#include <stdlib.h>

#include "crypt/envelope.h"
#include "rules/decide/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct envelope_keys keys = {{{1, {{1, 2, 3}}}, {2, {{4}}}}, 2};
    static const struct envelope_use use = {BYTES_INIT("p"), BYTES_INIT("o")};
    struct bytes in = bytes_make(data, size), out;
    struct session session;
    struct login_state state;
    struct login_attempt attempt;
    struct arena arena;
    struct fail why;
    arena_init(&arena);
    if (envelope_open(&keys, &use, in, &arena, &out, &why))
        abort();
    if (envelope_close(&keys, &use, in, &arena, &out, &why) &&
        (!envelope_is_current(&keys, out, &arena) || !envelope_open(&keys, &use, out, &arena, &out, &why) ||
         !bytes_equal(in, out)))
        abort();
    if (session_unpack(in, &session) && !bytes_equal(session_pack(&session, &arena), in))
        abort();
    if (login_state_unpack(in, &state) && !bytes_equal(login_state_pack(&state, &arena), in))
        abort();
    if (login_attempt_unpack(in, &attempt) && !bytes_equal(login_attempt_pack(&attempt, &arena), in))
        abort();
    arena_done(&arena);
    return 0;
}
