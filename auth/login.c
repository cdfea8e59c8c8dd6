/* SPDX-License-Identifier: ISC */
/* login - LOGIN (draft-murchison-sasl-login): two questions, two answers.
 * An initial response is the answer to the first. */
#include "mechanism.h"

enum step
login_step(struct exchange *x, bool has, struct str in)
{
	if (!has && x->steps == 0) {
		buf_add_c(&x->out, "Username:");
		return STEP_CHALLENGE;
	}
	if (x->name.len == 0) {
		if (!exchange_name(x, in))
			return STEP_BAD;
		buf_add_c(&x->out, "Password:");
		return STEP_CHALLENGE;
	}
	if (str_has_char(in, '\0') || buf_add_str(&x->password, in) < 0)
		return STEP_BAD;
	return STEP_CHECK;
}
