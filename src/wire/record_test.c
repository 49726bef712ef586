#include "base/test.h"

#include "wire/record.h"

static char encoded[RECORD_BYTES_MAX];

static struct bytes encode(const struct record *record)
{
    struct text text;
    text_init_fixed(&text, encoded, sizeof encoded);
    record_encode(&text, record);
    assert_false(text.cut);
    return text_bytes(&text);
}

static void every_text_of_the_record_is_a_field(void **state)
{
    (void)state;
    size_t texts = 0;
    for (size_t i = 0; i < record_field_count; i++)
        texts += record_fields[i].type == RECORD_TEXT;
    assert_int_equal(texts, (sizeof(struct record) - offsetof(struct record, node)) / sizeof(struct bytes));
}

static void a_record_comes_back_as_it_was(void **state)
{
    (void)state;
    struct record record = {.start_us = 1795251247123456,
                            .duration_us = 1500,
                            .status = 403,
                            .flags = RECORD_UAEX | RECORD_DC,
                            .direction = 1,
                            .method = BYTES("GET"),
                            .path = BYTES("/a?b"),
                            .revision = BYTES("0123456789ab")};
    struct record back;
    struct fail why;
    char line[2000], again[2000];
    struct text one, two;
    text_init_fixed(&one, line, sizeof line);
    text_init_fixed(&two, again, sizeof again);
    record_json(&one, &record);
    assert_true(record_decode(encode(&record), &back, &why));
    record_json(&two, &back);
    assert_string_equal(line, again);
    assert_string_equal(
        line, "{\"start_time\":\"2026-11-21T08:54:07.123Z\",\"duration\":1.500,\"bytes_received\":0,"
              "\"bytes_sent\":0,\"upstream_service_time\":0.000,\"response_code\":403,"
              "\"response_flags\":\"DC,UAEX\",\"role\":\"edge\",\"direction\":\"inbound\","
              "\"request_protocol\":\"http\",\"mutual_tls\":0,\"upstream_mutual_tls\":0,"
              "\"upstream_request_attempt_count\":0,\"retry_end\":\"-\",\"ejected\":0,\"worker\":0,"
              "\"method\":\"GET\",\"path\":\"/a?b\",\"revision\":\"0123456789ab\"}");
}

static void long_texts_are_cut_and_the_rest_still_fits(void **state)
{
    (void)state;
    static char longer[3000];
    struct record record = {0}, back;
    struct fail why;
    memset(longer, 'x', sizeof longer);
    for (size_t i = 0; i < record_field_count; i++)
        if (record_fields[i].type == RECORD_TEXT)
            *(struct bytes *)(void *)((char *)&record + record_fields[i].offset) =
                bytes_make(longer, sizeof longer);
    assert_true(record_decode(encode(&record), &back, &why));
    assert_int_equal(back.node.len, 1024);
    assert_int_equal(back.revision.len, 0);
}

static void what_no_encoder_wrote_is_refused(void **state)
{
    (void)state;
    struct record record = {.method = BYTES("GET"), .revision = BYTES("r")}, back;
    struct fail why;
    struct bytes good = encode(&record);
    for (size_t len = 0; len < good.len; len++)
        assert_false(record_decode(bytes_part(good, 0, len), &back, &why));
    assert_string_equal(why.text, "record: it ends inside revision");
    encoded[good.len] = 0;
    assert_false(record_decode(bytes_make(encoded, good.len + 1), &back, &why));
    assert_string_equal(why.text, "record: 1 bytes too many");
    assert_false(record_decode(bytes_make(encoded, 3), &back, &why));
    assert_string_equal(why.text, "record: 3 bytes are too few");
    record.protocol = 3;
    assert_false(record_decode(encode(&record), &back, &why));
    assert_string_equal(why.text, "record: a choice is out of range");
}

static void flags_are_written_in_order(void **state)
{
    (void)state;
    char buffer[100];
    struct text text;
    text_init_fixed(&text, buffer, sizeof buffer);
    record_flags_text(&text, 0);
    assert_string_equal(buffer, "-");
    text_init_fixed(&text, buffer, sizeof buffer);
    record_flags_text(&text, RECORD_URX | RECORD_UF);
    assert_string_equal(buffer, "UF,URX");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_text_of_the_record_is_a_field),
        cmocka_unit_test(a_record_comes_back_as_it_was),
        cmocka_unit_test(long_texts_are_cut_and_the_rest_still_fits),
        cmocka_unit_test(what_no_encoder_wrote_is_refused),
        cmocka_unit_test(flags_are_written_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
