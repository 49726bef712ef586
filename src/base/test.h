/*
 * test: what every unit test includes, first of all.
 *
 * cmocka with its prerequisites, less its macro `fail`, whose name is ours.
 */
#ifndef BASE_TEST_H
#define BASE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#undef fail

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))

#endif
