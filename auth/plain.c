/* SPDX-License-Identifier: ISC */
/* plain - RFC 4616: [authzid] NUL authcid NUL passwd, in one message. */
#include "mechanism.h"

enum step
plain_step(struct exchange *x, bool has, struct str in)
{
	struct str authzid, name, password;

	if (!has && x->steps == 0)
		return STEP_CHALLENGE;
	if (!str_cut(in, '\0', &authzid, &name) ||
	    !str_cut(name, '\0', &name, &password) ||
	    str_has_char(password, '\0'))
		return STEP_BAD;
	/* SECURITY: nobody may act for another. */
	if (authzid.len > 0 && !str_eq_case(authzid, name))
		return STEP_BAD;
	if (!exchange_name(x, name) || buf_add_str(&x->password, password) < 0)
		return STEP_BAD;
	return STEP_CHECK;
}
