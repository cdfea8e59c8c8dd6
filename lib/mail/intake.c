/* SPDX-License-Identifier: ISC */
/*
 * intake - a message on its way into the queue: gathering it.  What is then
 * decided and handed over stands in intake_commit.c.
 */
#include "mail/intake_state.h"

#include "base/log.h"
#include "mail/bounds.h"
#include "mail/received.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What ENVELOPE_RCPT_MAX recipients with the longest of fields take, as given
 * and as they become. */
#define ARENA_MAX                                                              \
	((size_t)ENVELOPE_RCPT_MAX * (4 * ADDR_MAX + 2 * BOUND_ORCPT + 512))

static void
copy_origin(struct intake *t, const struct intake_origin *o)
{
	struct str *const strs[] = {&t->origin.client, &t->origin.client_name,
	    &t->origin.client_addr, &t->origin.helo, &t->origin.proto,
	    &t->origin.tls, &t->origin.login, &t->origin.full_name,
	    &t->origin.envid};

	t->origin = *o;
	for (size_t i = 0; i < sizeof(strs) / sizeof(*strs); i++)
		*strs[i] = arena_str(&t->arena, *strs[i]);
}

static uint64_t
size_limit(const struct conf *c)
{
	int64_t limit = conf_int(c, PARAM_message_size_limit);

	return limit <= 0 || (uint64_t)limit > CONTENT_MAX ? CONTENT_MAX
	                                                   : (uint64_t)limit;
}

/* What comes from inside is looked at where main.cf says so. */
static bool
is_looked_at(const struct intake *t)
{
	const struct intake_origin *o = &t->origin;

	return taker_checks(t->taker) != NULL &&
	       (!o->is_bounce ||
		   conf_has_word(t->conf, PARAM_internal_mail_filter_classes,
		       o->is_notice ? STR("notify") : STR("bounce")));
}

struct intake *
intake_begin(struct taker *taker, const struct intake_origin *o)
{
	struct intake *t = calloc(1, sizeof(*t));

	if (t == NULL)
		log_fatal("out of memory for an intake");
	arena_init(&t->arena, ARENA_MAX);
	t->taker = taker;
	t->conf = taker_conf(taker);
	copy_origin(t, o);
	t->sender = (struct addr){STR_NONE, STR_NONE, STR_NONE};
	t->rewrite = rewrite_of(t->conf);
	/* A notification has a limit of its own, bounce_size_limit. */
	t->bytes_max = o->is_bounce ? CONTENT_MAX : size_limit(t->conf);
	t->builder = content_builder_new(CONTENT_MAX);
	t->parent = STR_NONE;
	t->dsn = t->text = STR_NONE;
	t->redirect = STR_NONE;
	t->filter =
	    o->is_bounce ? STR_NONE : conf_str(t->conf, PARAM_content_filter);
	t->is_expanded = !conf_has_word(t->conf, PARAM_receive_override_options,
	    STR("no_address_mappings"));
	buf_init(&t->part, REPAIR_BYTES_MAX + 1);
	if (is_looked_at(t))
		t->sift = sift_new(taker_checks(taker), &intake_checks, t);
	t->has_id = taker_next_id(taker, clock_after(INTAKE_BEGIN_TIME), t->id,
			&t->generation) == 0;
	if (!t->has_id)
		snprintf(t->id, sizeof(t->id), "NOQUEUE");
	t->arrival = clock_wall();
	return t;
}

void
intake_end(struct intake **tp)
{
	struct intake *t = *tp;

	if (t == NULL)
		return;
	sift_free(&t->sift);
	repair_done(&t->repair);
	content_builder_free(&t->builder);
	buf_done(&t->part);
	free(t->given.p);
	free(t->copies.p);
	free(t->final.p);
	free(t->extracted.p);
	free(t->extracted_resent.p);
	arena_done(&t->arena);
	free(t);
	*tp = NULL;
}

struct str
intake_id(const struct intake *t)
{
	return str_c(t->id);
}

void
intake_sender(struct intake *t, struct addr sender)
{
	struct addr whole = rewrite_addr(&t->rewrite, sender, &t->arena);

	if (addr_parse(arena_str(&t->arena, whole.text), &t->sender) < 0)
		t->sender = (struct addr){STR_NONE, STR_NONE, STR_NONE};
}

struct recipient *
intake_row_add(struct intake_row *row)
{
	if (row->n == row->cap) {
		size_t cap = row->cap == 0 ? 4 : row->cap * 2;
		struct recipient *p = realloc(row->p, cap * sizeof(*p));

		if (p == NULL)
			log_fatal("out of memory for %zu recipients", cap);
		row->p = p;
		row->cap = cap;
	}
	return &row->p[row->n++];
}

int
intake_recipient(struct intake *t, const struct recipient *r)
{
	struct addr a;

	if (t->given.n >= ENVELOPE_RCPT_MAX)
		return -E2BIG;
	if (addr_parse(r->address, &a) < 0)
		return -EINVAL;
	shape_copy(&recipient_shape, r, &t->arena, intake_row_add(&t->given));
	return 0;
}

void
intake_hold(struct intake *t)
{
	t->is_held = true;
}

int
intake_redirect(struct intake *t, struct str to)
{
	struct addr a;

	if (addr_parse(to, &a) < 0)
		return -EINVAL;
	t->redirect = arena_str(&t->arena, to);
	return 0;
}

int
intake_copy(struct intake *t, struct str to)
{
	struct addr a;

	if (t->copies.n >= ENVELOPE_RCPT_MAX)
		return -E2BIG;
	if (addr_parse(to, &a) < 0)
		return -EINVAL;
	to = arena_str(&t->arena, to);
	*intake_row_add(&t->copies) = (struct recipient){
	    .address = to,
	    .original = to,
	    .orcpt = STR_NONE,
	    .notify = NOTIFY_NEVER,
	};
	return 0;
}

void
intake_filter(struct intake *t, struct str filter)
{
	t->filter = arena_str(&t->arena, str_sub(filter, 0, BOUND_NEXTHOP));
}

void
intake_parent(struct intake *t, struct str parent_id)
{
	t->parent = arena_str(&t->arena, parent_id);
}

void
intake_fail(struct intake *t, int error)
{
	if (t->error == 0)
		t->error = error;
}

void
intake_append(struct intake *t, struct str bytes)
{
	int r = t->error == 0 ? content_append(t->builder, bytes) : 0;

	if (r < 0)
		intake_fail(t, r);
}

/* The address as headers have it. */
static struct str
quote(struct intake *t, struct addr a)
{
	struct str s = a.text;
	struct buf b;

	buf_init(&b, ADDR_MAX * 2 + 2);
	if (addr_format(a, &b) == 0)
		s = arena_str(&t->arena, buf_str(&b));
	buf_done(&b);
	return s;
}

static void
put_received(struct intake *t)
{
	const struct intake_origin *o = &t->origin;
	struct received r = {
	    .from = o->is_bounce || o->is_hidden ? RECEIVED_FROM_SUITE
	            : o->proto.len > 0           ? RECEIVED_FROM_CLIENT
	                                         : RECEIVED_FROM_USER,
	    .hostname = conf_str(t->conf, PARAM_myhostname),
	    .mail_name = conf_str(t->conf, PARAM_mail_name),
	    .helo = o->helo,
	    .client_name = o->client_name,
	    .client_addr = o->client_addr,
	    .proto = o->proto,
	    .login = o->shows_login ? o->login : STR_NONE,
	    .tls = o->tls,
	    .uid = o->uid,
	    .id = intake_id(t),
	    .arrival = t->arrival,
	};
	struct addr to;
	struct buf b;

	if (o->proto.len > 0 && t->given.n == 1 &&
	    addr_parse(t->given.p[0].address, &to) == 0)
		r.recipient = quote(t, to);
	buf_init(&b, 8192);
	received_format(&r, &b);
	if (t->sift != NULL)
		intake_put_trace(t, buf_str(&b));
	else
		intake_append(t, buf_str(&b));
	buf_done(&b);
}

/* -t: an address of To, Cc or Bcc. */
static void
take_extracted(void *arg, struct addr a, bool is_resent)
{
	struct intake *t = arg;
	struct intake_row *row =
	    is_resent ? &t->extracted_resent : &t->extracted;

	if (row->n >= ENVELOPE_RCPT_MAX) {
		intake_fail(t, -E2BIG);
		return;
	}
	*intake_row_add(row) = (struct recipient){
	    .address = arena_str(&t->arena, a.text),
	    .original = arena_str(&t->arena, a.text),
	    .orcpt = STR_NONE,
	    .notify = t->origin.notify,
	};
}

static void
set_completion(struct intake *t, struct repair_rule *rule)
{
	struct str remote =
	    conf_str(t->conf, PARAM_remote_header_rewrite_domain);

	if (t->origin.is_bounce)
		return;
	rule->origin = t->origin.is_local_header ? t->rewrite.origin : remote;
	rule->mydomain =
	    t->origin.is_local_header ? t->rewrite.mydomain : remote;
	rule->complete = rule->origin.len > 0 || rule->mydomain.len > 0;
	rule->add_missing =
	    t->origin.is_local_header ||
	    conf_bool(t->conf, PARAM_always_add_missing_headers);
}

/* Before the first byte: the trace line, and what is to be done with the
 * header. */
static void
begin_content(struct intake *t)
{
	struct repair_rule rule = {
	    .is_local = t->origin.proto.len == 0,
	    .field_max = (size_t)conf_int(t->conf, PARAM_header_size_limit),
	    .id = intake_id(t),
	    .hostname = conf_str(t->conf, PARAM_myhostname),
	    .sender = addr_is_null(t->sender) ? STR("MAILER-DAEMON")
	                                      : quote(t, t->sender),
	    .full_name =
		addr_is_null(t->sender) ? STR_NONE : t->origin.full_name,
	    .undisclosed =
		conf_str(t->conf, PARAM_undisclosed_recipients_header),
	    .arrival = t->arrival,
	};

	set_completion(t, &rule);
	if (t->origin.extract_recipients) {
		rule.recipient = take_extracted;
		rule.arg = t;
	}
	put_received(t);
	repair_init(&t->repair, &rule, t->builder, &t->arena);
	t->has_begun = true;
}

void
intake_take_line(struct intake *t, struct str line)
{
	enum repair_took took = repair_line(&t->repair, line);

	t->in_body = t->repair.is_done;
	if (t->repair.error < 0)
		intake_fail(t, t->repair.error);
	if (took == REPAIR_BODY) {
		intake_append(t, line);
		intake_append(t, STR("\n"));
	}
}

static void
sift_through(struct intake *t, struct str bytes)
{
	int r = sift_bytes(t->sift, bytes);

	t->has_sifted = true;
	if (r < 0)
		intake_fail(t, r);
}

/* A mailbox's separator in front of the first field is none of them. */
static void
take_header_line(struct intake *t, struct str line)
{
	if (t->sift == NULL || (!t->has_sifted && repair_is_from_line(line))) {
		intake_take_line(t, line);
		return;
	}
	sift_through(t, line);
	sift_through(t, STR("\n"));
}

/* Take the header's lines off `bytes`; what is left is the body's. */
static struct str
take_header(struct intake *t, struct str bytes)
{
	while (bytes.len > 0 && !t->in_body && t->error == 0 && !t->is_over) {
		ptrdiff_t eol = str_find(bytes, '\n');

		if (eol < 0 || t->part.len > 0) {
			struct str piece =
			    eol < 0 ? bytes : str_sub(bytes, 0, (size_t)eol);

			if (buf_add_str(&t->part, piece) < 0)
				intake_fail(t, -EMSGSIZE);
		}
		if (eol < 0)
			return STR_NONE;
		take_header_line(t, t->part.len > 0
					? buf_str(&t->part)
					: str_sub(bytes, 0, (size_t)eol));
		buf_reset(&t->part);
		bytes = str_from(bytes, (size_t)eol + 1);
	}
	return bytes;
}

static bool
is_8bit(struct str s)
{
	uint64_t all = 0, word;
	size_t i = 0;

	for (; i + sizeof(word) <= s.len; i += sizeof(word)) {
		memcpy(&word, s.p + i, sizeof(word));
		all |= word;
	}
	for (; i < s.len; i++)
		all |= (unsigned char)s.p[i];
	return (all & UINT64_C(0x8080808080808080)) != 0;
}

int
intake_bytes(struct intake *t, struct str bytes)
{
	t->bytes += bytes.len;
	if (t->bytes > t->bytes_max)
		intake_fail(t, -EMSGSIZE);
	if (t->error < 0 || t->is_over || bytes.len == 0)
		return t->error;
	if (!t->has_begun)
		begin_content(t);
	t->has_8bit = t->has_8bit || is_8bit(bytes);
	t->ends_in_lf = bytes.p[bytes.len - 1] == '\n';
	bytes = take_header(t, bytes);
	if (t->is_over)
		return t->error;
	if (t->sift != NULL && bytes.len > 0)
		sift_through(t, bytes);
	else
		intake_append(t, bytes);
	return t->error;
}

int
intake_line(struct intake *t, struct str line)
{
	intake_bytes(t, line);
	return intake_bytes(t, STR("\n"));
}

static void
end_sift(struct intake *t)
{
	int r = sift_end(t->sift);

	if (r < 0)
		intake_fail(t, r);
}

void
intake_finish(struct intake *t)
{
	if (!t->ends_in_lf && t->bytes > 0)
		intake_bytes(t, STR("\n"));
	if (!t->has_begun)
		begin_content(t);
	if (t->sift != NULL && !t->is_over)
		end_sift(t);
	repair_end(&t->repair);
	if (t->repair.error < 0)
		intake_fail(t, t->repair.error);
}
