/* SPDX-License-Identifier: ISC */
/* question - one transaction of PAM, without a word to anybody. */
#include "question.h"

#include "base/log.h"
#include "mail/saslprep.h"

#include <pwd.h>
#include <security/pam_appl.h>
#include <stdlib.h>
#include <string.h>

#define SERVICE "valija"

/* crypt(3)'s own setting for new passwords, as in /etc/shadow. */
#define DUMMY STR("$y$j9T$mVZuDRMiFYHgYXxLrLtlF/$")

/* ---- what was asked ---- */

static bool
take(struct str *rest, size_t max, const char **ret)
{
	struct str word;

	if (!str_cut(*rest, '\0', &word, rest) || word.len > max)
		return false;
	*ret = word.p;
	return true;
}

bool
question_parse(struct str text, struct question *ret)
{
	return take(&text, SECRETS_USER_MAX, &ret->name) &&
	       take(&text, PASSWORD_MAX, &ret->password) &&
	       take(&text, PAM_ADDRESS_MAX, &ret->address) && text.len == 0 &&
	       *ret->name != '\0';
}

/* ---- what PAM says ---- */

/* Its answers it frees itself. */
static int
converse(int n, const struct pam_message **messages, struct pam_response **ret,
    void *arg)
{
	const struct question *q = arg;
	struct pam_response *answers;

	if (n <= 0 || n > PAM_MAX_NUM_MSG)
		return PAM_CONV_ERR;
	answers = calloc((size_t)n, sizeof(*answers));
	if (answers == NULL)
		return PAM_BUF_ERR;
	for (int i = 0; i < n; i++)
		if (messages[i]->msg_style == PAM_PROMPT_ECHO_OFF)
			answers[i].resp = strdup(q->password);
	*ret = answers;
	return PAM_SUCCESS;
}

/* Who waits after a failure, and how long, is auth's affair. */
static void
no_delay(int status, unsigned usec, void *arg)
{
	(void)status;
	(void)usec;
	(void)arg;
}

static int
set_items(pam_handle_t *h, const struct question *q)
{
	void (*delay)(int, unsigned, void *) = no_delay;
	void *item;
	int r = pam_set_item(h, PAM_TTY, SERVICE);

	memcpy(&item, &delay, sizeof(item));
	if (r == PAM_SUCCESS)
		r = pam_set_item(h, PAM_FAIL_DELAY, item);
	if (r == PAM_SUCCESS && *q->address != '\0')
		r = pam_set_item(h, PAM_RHOST, q->address);
	return r;
}

static enum pam_answer
answer_of(int r, const char *text)
{
	switch (r) {
	case PAM_SUCCESS:
		return PAM_RIGHT;
	case PAM_AUTH_ERR:
	case PAM_USER_UNKNOWN:
	case PAM_MAXTRIES:
	case PAM_PERM_DENIED:
	case PAM_ACCT_EXPIRED:
	case PAM_NEW_AUTHTOK_REQD:
	case PAM_AUTHTOK_EXPIRED:
	case PAM_CRED_INSUFFICIENT:
		return PAM_WRONG;
	default:
		log_warning("PAM service " SERVICE ": %s", text);
		return PAM_RETRY;
	}
}

static enum pam_answer
ask_pam(const struct question *q)
{
	struct pam_conv conv = {
	    .conv = converse, .appdata_ptr = (void *)(uintptr_t)q};
	pam_handle_t *h = NULL;
	enum pam_answer answer;
	int r = pam_start(SERVICE, q->name, &conv, &h);

	if (r == PAM_SUCCESS)
		r = set_items(h, q);
	if (r == PAM_SUCCESS)
		r = pam_authenticate(h, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
	if (r == PAM_SUCCESS)
		r = pam_acct_mgmt(h, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
	answer = answer_of(r, pam_strerror(h, r));
	if (h != NULL)
		pam_end(h, r);
	return answer;
}

/* SECURITY: root and the system's own users have no mail to send from afar.
 * The very name, as in lookup. */
static bool
is_user(const struct question *q)
{
	const struct passwd *pw = getpwnam(q->name);

	return pw != NULL && strcmp(pw->pw_name, q->name) == 0 &&
	       pw->pw_uid != 0 && pw->pw_uid >= q->min_uid;
}

/* SECURITY: who is no user costs a hash as well. */
static enum pam_answer
ask(const struct question *q)
{
	const struct secret dummy = {STR_NONE, STR("CRYPT"), DUMMY};

	if (is_user(q))
		return ask_pam(q);
	(void)password_matches(&dummy, str_c(q->password));
	return PAM_WRONG;
}

/* What was typed, and if that is another one what it is when prepared: clients
 * may write "ü" as one character or as two. */
enum pam_answer
question_ask(const struct question *q)
{
	BUF_CLEANUP struct buf prepared = {0};
	struct question other = *q;
	enum pam_answer answer = ask(q);

	buf_init_secret(&prepared, PASSWORD_MAX);
	if (answer != PAM_WRONG ||
	    saslprep_or_same(str_c(q->password), &prepared) < 0 ||
	    str_eq(buf_str(&prepared), str_c(q->password)))
		return answer;
	other.password = prepared.p;
	return ask(&other);
}
