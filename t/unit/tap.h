/* SPDX-License-Identifier: ISC */
/* tap - what every unit test includes: cmocka, printing TAP. */
#ifndef T_TAP_H
#define T_TAP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TAP_RUN(tests)                                                         \
	int main(void)                                                         \
	{                                                                      \
		cmocka_set_message_output(CM_OUTPUT_TAP);                      \
		return cmocka_run_group_tests(tests, NULL, NULL);              \
	}

/* A str against a literal. */
#define assert_str(s, literal)                                                 \
	do {                                                                   \
		struct str str_ = (s);                                         \
		struct str want_ = str_c(literal);                             \
		assert_int_equal(str_.len, want_.len);                         \
		assert_memory_equal(str_.p, want_.p, want_.len);               \
	} while (0)

#endif
