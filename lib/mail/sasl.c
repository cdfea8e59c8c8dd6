/* SPDX-License-Identifier: ISC */
/* sasl - the list of mechanisms, and what an exchange holds. */
#include "mail/sasl.h"

#include "base/log.h"
#include "mail/sasl_mechanism.h"

#include <stdlib.h>
#include <string.h>

/* The strongest first: the first that a server has is taken. */
static const struct sasl_mechanism *const mechanisms[] = {
    &sasl_scram_sha256,
    &sasl_scram_sha1,
    &sasl_cram_md5,
    &sasl_plain,
    &sasl_login,
};

#define MECHANISMS (sizeof(mechanisms) / sizeof(mechanisms[0]))

const struct sasl_mechanism *
sasl_at(size_t i)
{
	return i < MECHANISMS ? mechanisms[i] : NULL;
}

const struct sasl_mechanism *
sasl_find(struct str name)
{
	for (size_t i = 0; i < MECHANISMS; i++)
		if (str_eq_case(name, str_c(mechanisms[i]->name)))
			return mechanisms[i];
	return NULL;
}

const char *
sasl_name(const struct sasl_mechanism *m)
{
	return m->name;
}

unsigned
sasl_withstands(const struct sasl_mechanism *m)
{
	return m->withstands;
}

bool
sasl_speaks_first(const struct sasl_mechanism *m)
{
	return m->speaks_first;
}

static unsigned
property_bit(struct str word)
{
	static const struct {
		const char *word;
		unsigned bit;
	} words[] = {
	    {"noplaintext", SASL_NOPLAINTEXT},
	    {"noactive", SASL_NOACTIVE},
	    {"nodictionary", SASL_NODICTIONARY},
	    {"noanonymous", SASL_NOANONYMOUS},
	    {"mutual_auth", SASL_MUTUAL_AUTH},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_eq_case(word, str_c(words[i].word)))
			return words[i].bit;
	return 0;
}

bool
sasl_properties(struct str list, unsigned *ret, struct str *ret_bad)
{
	unsigned all = 0;
	struct str word;

	while ((word = str_word(&list, ", \t\r\n")).len > 0) {
		unsigned bit = property_bit(word);
		if (bit == 0) {
			*ret_bad = word;
			return false;
		}
		all |= bit;
	}
	*ret = all;
	return true;
}

/* ---- an exchange ---- */

static bool
is_usable(struct str s, size_t max)
{
	return s.len > 0 && s.len <= max && !str_has_char(s, '\0');
}

struct sasl *
sasl_new(const struct sasl_mechanism *m, struct str user, struct str password)
{
	if (!is_usable(user, SASL_USER_MAX) ||
	    !is_usable(password, SASL_PASSWORD_MAX))
		return NULL;
	struct sasl *s = calloc(1, sizeof(*s));
	if (s == NULL || (s->state = calloc(1, m->room + 1)) == NULL)
		log_fatal("out of memory for an authentication");
	s->mechanism = m;
	buf_init_secret(&s->user, SASL_USER_MAX);
	buf_init_secret(&s->password, SASL_PASSWORD_MAX);
	buf_add_str(&s->user, user);
	buf_add_str(&s->password, password);
	return s;
}

void
sasl_free(struct sasl **sp)
{
	struct sasl *s = *sp;

	if (s == NULL)
		return;
	if (s->mechanism->done != NULL)
		s->mechanism->done(s);
	explicit_bzero(s->state, s->mechanism->room);
	free(s->state);
	buf_done(&s->user);
	buf_done(&s->password);
	free(s);
	*sp = NULL;
}

bool
sasl_step(struct sasl *s, struct str challenge, struct buf *response,
    const char **why)
{
	buf_reset(response);
	*why = "it asks on where the mechanism has come to its end";
	if (s->is_broken || s->step >= s->mechanism->steps ||
	    !s->mechanism->step(s, challenge, response, why)) {
		s->is_broken = true;
		return false;
	}
	s->step++;
	if (!response->full)
		return true;
	*why = "the response is too long";
	s->is_broken = true;
	return false;
}

bool
sasl_is_complete(const struct sasl *s)
{
	return !s->is_broken && s->step == s->mechanism->steps;
}
