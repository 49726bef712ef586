#include "base/test.h"

#include "wire/http2_frame.h"

/* A preface's worth of bytes, DATA with three of payload, an empty PING-like frame, half a head. */
static const char stream[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                             "\0\0\3\0\1\x80\0\0\5abc"
                             "\0\0\0\6\0\0\0\0\0"
                             "\0\x40\0\1";

static void heads_are_found_however_the_bytes_are_cut(void **state)
{
    (void)state;
    for (size_t piece = 1; piece <= sizeof stream - 1; piece++) {
        struct http2_scan scan = {.skip = HTTP2_PREFACE_SIZE};
        struct http2_frame_head heads[4];
        size_t ends[4], count = 0;
        for (size_t at = 0; at < sizeof stream - 1;) {
            size_t len = sizeof stream - 1 - at < piece ? sizeof stream - 1 - at : piece, used;
            if (http2_scan_next(&scan, bytes_make(stream + at, len), &used, &heads[count]))
                ends[count++] = at + used;
            at += used;
        }
        assert_int_equal(count, 2);
        assert_int_equal(heads[0].length, 3);
        assert_int_equal(heads[0].type, HTTP2_FRAME_DATA);
        assert_int_equal(heads[0].flags, HTTP2_FLAG_END_STREAM);
        assert_int_equal(heads[0].stream, 5); /* the reserved bit is none of it */
        assert_int_equal(ends[0], 24 + 9);
        assert_int_equal(heads[1].type, HTTP2_FRAME_PING);
        assert_int_equal(ends[1], 24 + 9 + 3 + 9);
    }
}

static void the_longest_payload_is_passed_over(void **state)
{
    (void)state;
    struct http2_scan scan = {0};
    struct http2_frame_head head;
    size_t used;
    assert_true(http2_scan_next(&scan, bytes_make("\xFF\xFF\xFF\x63\xFF\x7F\xFF\xFF\xFF", 9), &used, &head));
    assert_int_equal(head.length, 0xFFFFFF);
    assert_int_equal(head.stream, 0x7FFFFFFF);
    assert_int_equal(scan.skip, 0xFFFFFF);
    assert_false(http2_scan_next(&scan, bytes_make(stream, 24), &used, &head));
    assert_int_equal(scan.skip, 0xFFFFFF - 24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_found_however_the_bytes_are_cut),
        cmocka_unit_test(the_longest_payload_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
