#include "base/test.h"

#include "wire/grpc.h"

static void names_are_numbers(void **state)
{
    (void)state;
    uint32_t status = 99;
    assert_false(grpc_status_read(BYTES("BUSY"), &status));
    assert_false(grpc_status_read(BYTES("unavailable"), &status));
    assert_int_equal(status, 99);
    assert_true(grpc_status_read(BYTES("UNAVAILABLE"), &status));
    assert_int_equal(status, 14);
    assert_true(grpc_status_read(BYTES("UNAUTHENTICATED"), &status));
    assert_int_equal(status, 16);
}

static void numbers_have_a_fellow_in_http(void **state)
{
    (void)state;
    assert_int_equal(grpc_status_to_http(14), 503);
    assert_int_equal(grpc_status_to_http(16), 401);
    assert_int_equal(grpc_status_to_http(17), 500);
    assert_int_equal(grpc_status_from_http(503), 14);
    assert_int_equal(grpc_status_from_http(403), 7);
    assert_int_equal(grpc_status_from_http(418), 2);
}

static void types_are_told_apart(void **state)
{
    (void)state;
    assert_true(grpc_is_type(BYTES("application/grpc")));
    assert_true(grpc_is_type(BYTES("Application/gRPC+proto")));
    assert_true(grpc_is_type(BYTES("application/grpc;x=y")));
    assert_false(grpc_is_type(BYTES("application/grpc-web")));
    assert_false(grpc_is_type(BYTES("application/json")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_numbers),
        cmocka_unit_test(numbers_have_a_fellow_in_http),
        cmocka_unit_test(types_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
