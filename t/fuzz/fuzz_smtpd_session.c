/* SPDX-License-Identifier: ISC */
/* Any bytes from a client: a whole session over a descriptor, with qmgr, dns
 * and lookup played by the desk of the unit tests. */
#include "base/task.h"
#include "desk.h"
#include "fake_auth.h"
#include "net/stream.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char main_cf[] =
    "myhostname = mail.example.com\n"
    "mydestination = example.com\n"
    "mynetworks = 10.0.0.0/8\n"
    "relay_domains = relayed.test\n"
    "local_recipient_maps = inline:{ user=x other=x }\n"
    "alias_maps =\n"
    "message_size_limit = 20000\n"
    "smtpd_forbid_unauth_pipelining = no\n"
    "smtpd_error_sleep_time = 0s\n"
    "smtpd_sasl_auth_enable = yes\n"
    "smtpd_sasl_path = private/auth\n"
    "smtpd_tls_auth_only = no\n"
    "smtpd_sender_login_maps = inline:{ a@b=alice }\n"
    "smtpd_client_restrictions = reject_rbl_client bl.test\n"
    "smtpd_helo_restrictions = reject_unknown_helo_hostname\n"
    "smtpd_sender_restrictions = reject_unknown_sender_domain, "
    "reject_known_sender_login_mismatch, "
    "check_sender_access inline:{ { a = REJECT } { b = DISCARD } "
    "{ c = PREPEND X: y } { d = DEFER_IF_PERMIT } { e = WARN x } }\n"
    "smtpd_data_restrictions = reject_unauth_pipelining\n"
    "smtpd_end_of_data_restrictions = check_sender_access "
    "inline:{ { f = REJECT } }\n";

struct input {
	const uint8_t *data;
	size_t size;
};

/* Replies are lines of printable text. */
static void
read_replies(struct stream *client)
{
	struct str line;
	bool crlf;

	stream_deadline(client, clock_after(60 * CLOCK_SEC));
	for (;;) {
		int r = stream_read_line(client, 1000, &line, &crlf);

		if (r == -ECONNRESET)
			return;
		assert(r == 0 && crlf && line.len >= 4);
		for (size_t i = 0; i < line.len; i++)
			assert((unsigned char)line.p[i] >= ' ' &&
			       line.p[i] != 0x7f);
	}
}

static void
check_messages(void)
{
	for (size_t i = 0; i < desk_messages(); i++)
		assert(!str_has_char(buf_str(&desk_message(i)->content), '\r'));
	desk_forget();
}

static void
play(void *arg)
{
	const struct input *in = arg;
	struct stream client;
	bool is_stranger = in->data[0] & 1;

	if (desk_server() == NULL)
		desk_open(main_cf);
	/* Not a no, which is said late. */
	fake_auth(in->data[0] & 2 ? STR("say CONT\tID\tYQ==\n")
				  : STR("say OK\tID\tuser=alice\n"));
	assert(stream_init(&client,
		   desk_connect(
		       is_stranger ? STR("192.0.2.1") : STR("10.0.0.1"))) == 0);
	(void)stream_write(
	    &client, str_n((const char *)in->data + 1, in->size - 1));
	(void)stream_flush(&client);
	(void)shutdown(client.io.fd, SHUT_WR);
	read_replies(&client);
	stream_done(&client);
	desk_wait();
	check_messages();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};

	if (size < 2 || size > 32 * 1024)
		return 0;
	desk_run(play, &in);
	return 0;
}
