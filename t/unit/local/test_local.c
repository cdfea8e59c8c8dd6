/* SPDX-License-Identifier: ISC */
#include "fake.h"

#define MAIN_CF                                                                \
	"myhostname = mx.here.test\n"                                          \
	"mydomain = here.test\n"                                               \
	"myorigin = here.test\n"                                               \
	"mydestination = here.test, mx.here.test\n"                            \
	"recipient_delimiter = +\n"                                            \
	"virtual_alias_maps = inline:{ va@alias.test=carol@here.test,"         \
	" {vb@alias.test = x@out.test, y@out.test} }\n"                        \
	"virtual_alias_domains = alias.test\n"                                 \
	"alias_maps = texthash:/aliases\n"

/* A table as postalias makes it, read as text: keys have no colon. */
static struct fake_host host = {
    .env.files = {{"/aliases", STR("postmaster root\n"
				   "root ann\n"
				   "sysroot \\root\n"
				   "mixed \\root, bob@out.test\n"
				   "team ann, bob\n"
				   "owner-team carol\n"
				   "owned ann\n"
				   "owner-owned bob@out.test\n"
				   "remote x@out.test\n"
				   "bob bob, copy@out.test\n"
				   "ghost ghost, copy@out.test\n"
				   "whole+tag carol\n"
				   "cmd \"|/bin/cat > x, y\"\n"
				   "file /var/log/some mail\n"
				   "box /srv/box/\n"
				   "null /dev/null\n"
				   "upfile /srv/../etc/x\n"
				   "direct \\ann\n"
				   "list :include:/etc/list\n"
				   "nolist :include:/etc/nolist\n"
				   "badlist :include:/etc/badlist\n"
				   "nested :include:/etc/nested\n"
				   "cmdlist :include:/etc/cmdlist\n"
				   "virt va@alias.test\n"
				   "virts vb@alias.test, va@alias.test\n"
				   "one two\n"
				   "two three\n"
				   "three one\n"
				   "broken \"not closed\n"
				   "twice ann@here.test, Ann@Here.test, ann\n"
				   "empty ,\n"
				   "unknown nosuch\n")}},
    .files = {
	{"/home/bob/.forward", FIND_YES, "\\bob, ann\n", 1002},
	{"/home/carol/.forward", FIND_YES, "# nothing yet\n", 1003},
	{"/etc/list", FIND_YES, "ann\nx@out.test\n", 65534},
	{"/etc/badlist", FIND_BROKEN, "group or world writable", 65534},
	{"/etc/nested", FIND_YES, ":include:/etc/nested\n", 65534},
	{"/etc/cmdlist", FIND_YES, "\"|/bin/rm\", /tmp/x, ann@out.test\n",
	    65534},
    }};

#define HOME_TEXT (64 * 1024)

#define ANN   "mbox 1001:11001+8 [/var/mail] ann"
#define BOB   "mbox 1002:11002+8 [/var/mail] bob"
#define CAROL "mbox 1003:11003+8 [/var/mail] carol"

static void
check_all(const char *const rows[][2], size_t n)
{
	for (size_t i = 0; i < n; i++)
		fake_check(&host, "local", rows[i][0], rows[i][1]);
}

static void
test_users(void **state)
{
	static const char *const rows[][2] = {
	    {"ann@here.test", ANN " to ann@here.test"},
	    {"ANN@mx.here.test", ANN " to ANN@mx.here.test"},
	    {"ann+lists@here.test", ANN " to ann+lists@here.test"},
	    {"nosuch@here.test", "bounced 5.1.1 unknown user: \"nosuch\""},
	    {"nosuch+x@here.test", "bounced 5.1.1 unknown user: \"nosuch\""},
	    {"later@here.test", "deferred 4.3.0 user lookup error"},
	    {"-ann@here.test", "bounced 5.1.1 unknown user: \"-ann\""},
	    {"../ann@here.test", "bounced 5.1.1 unknown user: \"../ann\""},
	    {"|/bin/sh@here.test", "bounced 5.1.1 unknown user: \"|/bin/sh\""},
	    {"/etc/x@here.test", "bounced 5.1.1 unknown user: \"/etc/x\""},
	    {"\\ann@here.test", "bounced 5.1.1 unknown user: \"\\ann\""},
	    {":include:/etc/list@here.test",
		"bounced 5.1.1 unknown user: \":include:/etc/list\""},
	    {"", "bounced 5.1.3 bad address syntax"},
	};

	(void)state;
	fake_open_host(&host, MAIN_CF);
	check_all(rows, sizeof(rows) / sizeof(rows[0]));
	fake_close_host(&host);
}

static void
test_aliases(void **state)
{
	static const char *const rows[][2] = {
	    /* One other name of this host leads on. */
	    {"postmaster@here.test", ANN " to ann@here.test"},
	    {"PostMaster+x@here.test", ANN " to ann@here.test"},
	    {"remote@here.test", "from <s@out.test>; x@out.test"},
	    {"whole+tag@here.test", CAROL " to carol@here.test"},
	    {"direct@here.test", ANN " to direct@here.test"},
	    {"virt@here.test", CAROL " to carol@here.test"},
	    {"virts@here.test", "from <s@out.test>; x@out.test; y@out.test; "
				"carol@here.test"},
	    {"twice@here.test", ANN " to ann@here.test"},
	    /* An owner is who hears of errors, so it is a message anew. */
	    {"team@here.test", "from <owner-team@here.test>; ann@here.test; "
			       "bob@here.test"},
	    {"owned@here.test",
		"from <owner-owned@here.test>; ann@here.test = " ANN},
	    /* Itself: the user, by way of his .forward. */
	    {"bob@here.test", "from <s@out.test>; bob@here.test = " BOB
			      "; ann@here.test; copy@out.test"},
	    {"ghost@here.test", "from <s@out.test>; copy@out.test"},
	    /* What needs the rights of somebody: nobody's. */
	    {"cmd@here.test",
		"command 65534:75534 [] /bin/cat > x, y to cmd@here.test"},
	    {"file@here.test", "file 65534:75534 [/var/log] /var/log/some "
			       "mail to file@here.test"},
	    {"box@here.test",
		"maildir 65534:75534 [/srv] /srv/box/ to box@here.test"},
	    {"null@here.test", "sent 2.0.0 delivered to file: /dev/null"},
	    {"upfile@here.test", "bounced 5.7.1 bad path for mail: "
				 "\"/srv/../etc/x\""},
	    /* Broken by whoever wrote them: mail waits. */
	    {"broken@here.test", "deferred 4.3.5 alias broken: a quote or "
				 "comment that is not closed in \"\"not "
				 "closed\""},
	    {"empty@here.test",
		"deferred 4.3.5 nothing is named for empty@here.test"},
	    {"unknown@here.test", "bounced 5.1.1 unknown user: \"nosuch\""},
	    {"one@here.test",
		"bounced 5.4.6 mail forwarding loop for one@here.test"},
	    /* Nothing here becomes root. */
	    {"sysroot@here.test", "deferred 4.3.5 mail for the system's user "
				  "root (id 0) needs an alias"},
	    {"mixed@here.test", "from <s@out.test>; bob@out.test"},
	};

	(void)state;
	fake_open_host(&host, MAIN_CF);
	check_all(rows, sizeof(rows) / sizeof(rows[0]));
	fake_close_host(&host);
}

static void
test_includes(void **state)
{
	static const char *const rows[][2] = {
	    {"list@here.test", "from <s@out.test>; ann@here.test; x@out.test"},
	    {"nolist@here.test", "deferred 4.3.5 cannot read include file "
				 "/etc/nolist: no such file"},
	    {"badlist@here.test", "deferred 4.3.5 cannot read include file "
				  "/etc/badlist: group or world writable"},
	    {"nested@here.test", "deferred 4.3.5 include files in include "
				 "files, at /etc/nested"},
	    {"cmdlist@here.test", "from <s@out.test>; ann@out.test"},
	};

	(void)state;
	fake_open_host(&host, MAIN_CF);
	check_all(rows, sizeof(rows) / sizeof(rows[0]));
	fake_close_host(&host);
}

static void
check_forward(
    const char *path, enum find find, const char *text, const char *expected)
{
	struct fake_host h = {
	    .files = {{path, find, text, 1001}},
	};

	fake_open_host(&h, MAIN_CF "alias_maps = inline:{a=\\ann}\n");
	fake_check(&h, "local", "ann+ext@here.test", expected);
	fake_close_host(&h);
}

static void
test_forward(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
	    {"x@out.test\n", "from <s@out.test>; x@out.test"},
	    {"bob\n", BOB " to bob@here.test"},
	    {"\\ann\n", ANN " to ann+ext@here.test"},
	    {"ann\n", ANN " to ann+ext@here.test"},
	    {"ann@here.test, x@out.test\n",
		"from <s@out.test>; ann+ext@here.test = " ANN "; x@out.test"},
	    {"\"|/bin/x y\"\n",
		"command 1001:11001 [] /bin/x y to ann+ext@here.test"},
	    {"/home/ann/Mail/in\n", "file 1001:11001 [/home/ann/Mail] "
				    "/home/ann/Mail/in to ann+ext@here.test"},
	    {"/home/ann/Mail/\n", "maildir 1001:11001 [/home/ann] "
				  "/home/ann/Mail/ to ann+ext@here.test"},
	    {"", ANN " to ann+ext@here.test"},
	    {"\"oops\n", "deferred 4.3.5 /home/ann/.forward: a quote or "
			 "comment that is not closed"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_forward("/home/ann/.forward", FIND_YES, rows[i].text,
		    rows[i].expected);
	check_forward("/home/ann/.forward+ext", FIND_YES, "y@out.test",
	    "from <s@out.test>; y@out.test");
	check_forward("/home/ann/.forward", FIND_BROKEN, "world writable",
	    "deferred 4.3.0 cannot use /home/ann/.forward: world writable");
	check_forward("/home/ann/.forward", FIND_RETRY, "no reader",
	    "deferred 4.3.0 cannot use /home/ann/.forward: no reader");
}

static void
test_too_many(void **state)
{
	BUF_CLEANUP struct buf text = {0};

	(void)state;
	buf_init(&text, 10000);
	for (int i = 0; i < DECIDE_FORWARDS + 1; i++)
		buf_addf(&text, "u%d@out.test\n", i);
	check_forward("/home/ann/.forward", FIND_YES, text.p,
	    "deferred 4.3.5 /home/ann/.forward: too many addresses");
}

/* An extension is what anybody wrote. */
static void
test_hostile_extension(void **state)
{
	static const char *const extensions[] = {"ann+/../../etc/x@here.test",
	    "ann+..@here.test", "ann+/@here.test"};
	struct fake_host h = {0};

	(void)state;
	fake_open_host(&h, MAIN_CF "alias_maps =\n"
				   "forward_path = $home/${extension}\n");
	for (size_t i = 0; i < 3; i++) {
		BUF_CLEANUP struct buf expected = {0};

		buf_init(&expected, 1000);
		buf_addf(&expected, ANN " to %s", extensions[i]);
		fake_check(&h, "local", extensions[i], expected.p);
	}
	fake_close_host(&h);
}

static void
test_mailboxes(void **state)
{
	static const struct {
		const char *setting, *expected;
	} rows[] = {
	    {"home_mailbox = Maildir/\n",
		"maildir 1001:11001 [/home/ann] Maildir/ to ann@here.test"},
	    {"home_mailbox = Mailbox\n",
		"mbox 1001:11001 [/home/ann] Mailbox to ann@here.test"},
	    {"mail_spool_directory = /srv/mail/\n",
		"maildir 1001:11001+8 [/srv/mail] ann/ to ann@here.test"},
	    {"mail_spool_directory = /srv/mail\n",
		"mbox 1001:11001+8 [/srv/mail] ann to ann@here.test"},
	    {"mailbox_command = /usr/bin/x -a \"$EXTENSION\"\n",
		"command 1001:11001 [] /usr/bin/x -a \"$EXTENSION\" to "
		"ann@here.test"},
	    {"mailbox_command = /x\n"
	     "command_execution_directory = /srv/$user${extension?/x}\n",
		"command 1001:11001 [/srv/ann] /x to ann@here.test"},
	    {"mailbox_command = /x\n"
	     "command_execution_directory = /srv/$extension\n",
		"deferred 4.3.5 command_execution_directory says nothing for "
		"ann@here.test"},
	    {"require_home_directory = yes\n",
		"deferred 4.3.0 cannot access home directory /home/ann: no "
		"such directory"},
	    {"prepend_delivered_header = file, forward\n"
	     "mailbox_command = /x\n",
		"command 1001:11001 [] /x to "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fake_host h = {0};
		BUF_CLEANUP struct buf main_cf = {0};

		buf_init(&main_cf, 10000);
		buf_addf(&main_cf, MAIN_CF "alias_maps =\n%s", rows[i].setting);
		fake_open_host(&h, main_cf.p);
		fake_check(&h, "local", "ann@here.test", rows[i].expected);
		fake_close_host(&h);
	}
}

static void
test_home_required(void **state)
{
	struct fake_host h = {
	    .files = {{"/home/ann", FIND_BROKEN, "is not a regular file",
		1001}},
	};

	(void)state;
	fake_open_host(
	    &h, MAIN_CF "alias_maps =\nrequire_home_directory = yes\n");
	fake_check(&h, "local", "ann@here.test", ANN " to ann@here.test");
	fake_close_host(&h);
	h.files[0].find = FIND_RETRY;
	fake_open_host(
	    &h, MAIN_CF "alias_maps =\nrequire_home_directory = yes\n");
	fake_check(&h, "local", "ann@here.test",
	    "deferred 4.3.0 cannot access home directory /home/ann: is not a "
	    "regular file");
	fake_close_host(&h);
}

static void
test_restricted(void **state)
{
	struct fake_host h = host;

	(void)state;
	fake_open_host(&h, MAIN_CF "allow_mail_to_commands =\n"
				   "allow_mail_to_files = include\n");
	fake_check(&h, "local", "cmd@here.test",
	    "bounced 5.7.1 mail to command is restricted: for cmd@here.test");
	fake_check(&h, "local", "file@here.test",
	    "bounced 5.7.1 mail to file is restricted: for file@here.test");
	fake_check(&h, "local", "cmdlist@here.test",
	    "from <s@out.test>; cmdlist@here.test = file 65534:75534 [/tmp] "
	    "/tmp/x; ann@out.test");
	fake_close_host(&h);
}

static void
test_could_not_ask(void **state)
{
	struct fake_host h = {0};

	(void)state;
	fake_open_host(&h, MAIN_CF "alias_maps = fail:x\n");
	fake_check(&h, "local", "ann@here.test",
	    "deferred 4.3.0 alias database unavailable");
	fake_close_host(&h);
	fake_open_host(&h, MAIN_CF "alias_maps = inline:{team=x}, fail:x\n");
	/* Whether it has an owner cannot be known. */
	fake_check(&h, "local", "team@here.test",
	    "deferred 4.3.0 alias database unavailable");
	fake_close_host(&h);
	fake_open_host(&h, MAIN_CF "alias_maps = inline:{{c=\"|x\"}}\n"
				   "default_privs = nosuch\n");
	fake_check(&h, "local", "c@here.test",
	    "deferred 4.3.5 default_privs: no such user, or root: nosuch");
	fake_close_host(&h);
	fake_open_host(&h, MAIN_CF "alias_maps = inline:{{c=\"|x\"}}\n"
				   "default_privs = root\n");
	fake_check(&h, "local", "c@here.test",
	    "deferred 4.3.5 default_privs: no such user, or root: root");
	fake_close_host(&h);
}

static void
test_loop_marks(void **state)
{
	struct loop_mark mark = {STR("ann@here.test")};
	struct expand_ask ask = {
	    .transport = STR("local"),
	    .sender = STR("s@out.test"),
	    .recipient = {.address = STR("Ann@here.test")},
	    .loops = {&mark, 1},
	};
	BUF_CLEANUP struct buf got = {0}, led = {0};

	(void)state;
	fake_open_host(&host, MAIN_CF);
	fake_ask(&host, &ask, &got);
	assert_string_equal(
	    got.p, "bounced 5.4.6 mail forwarding loop for Ann@here.test");
	/* Also when an alias leads there. */
	ask.recipient.address = STR("postmaster@here.test");
	fake_ask(&host, &ask, &led);
	assert_string_equal(
	    led.p, "bounced 5.4.6 mail forwarding loop for ann@here.test");
	fake_close_host(&host);
}

/* What a child inherits, its trace, and the null sender. */
static void
test_child(void **state)
{
	const struct expand_ask ask = {
	    .transport = STR("local"),
	    .recipient =
		{
		    .address = STR("team@here.test"),
		    .original = STR("sales@alias.test"),
		    .orcpt = STR("rfc822;sales@alias.test"),
		    .notify = NOTIFY_FAILURE,
		},
	};
	struct expand_answer w = {0};
	ARENA_CLEANUP struct arena a = {0};
	const struct expand_child *child;
	const struct recipient *r;

	(void)state;
	arena_init(&a, DECIDE_ARENA);
	fake_open_host(&host, MAIN_CF);
	decide_local(host.site, &ask, &a, &w);
	assert_int_equal(w.verdict, EXPAND_FORWARD);
	child = w.children.p;
	r = child->recipients.p;
	assert_str(child->sender, ""); /* nobody hears of errors: no owner */
	assert_true(str_has_prefix(
	    child->header, STR("Received: by mx.here.test (Valija)\n\tfor "
			       "<team@here.test>; ")));
	assert_true(str_has_suffix(
	    child->header, STR("\nDelivered-To: team@here.test\n")));
	assert_str(w.delivered_to, "team@here.test");
	assert_str(r->address, "ann@here.test");
	assert_str(r->original, "sales@alias.test");
	assert_str(r->orcpt, "rfc822;sales@alias.test");
	assert_int_equal(r->notify, NOTIFY_FAILURE);
	fake_close_host(&host);
}

/* Every answer can be handed on. */
static void
test_encodes(void **state)
{
	BUF_CLEANUP struct buf text = {0}, packet = {0};
	struct fake_host h = {.files = {{"/etc/l", FIND_YES, NULL, 65534}}};
	const struct expand_ask ask = {
	    .transport = STR("local"),
	    .recipient = {.address = STR("big@here.test")},
	};
	struct expand_answer w = {0};
	ARENA_CLEANUP struct arena a = {0};

	(void)state;
	buf_init(&text, HOME_TEXT);
	for (int i = 0; text.len < HOME_TEXT - 10; i++)
		buf_addf(&text, "%d@o.test\n", i);
	h.files[0].text = text.p;
	fake_open_host(
	    &h, MAIN_CF "alias_maps = inline:{big=:include:/etc/l}\n");
	arena_init(&a, DECIDE_ARENA);
	decide_local(h.site, &ask, &a, &w);
	assert_int_equal(w.verdict, EXPAND_FORWARD);
	buf_init(&packet, CHAN_PARCEL_MAX);
	assert_int_equal(
	    shape_encode(expand_protocol.shapes[EXPAND_ANSWER], &w, &packet),
	    0);
	fake_close_host(&h);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_users),
    cmocka_unit_test(test_aliases),
    cmocka_unit_test(test_includes),
    cmocka_unit_test(test_forward),
    cmocka_unit_test(test_too_many),
    cmocka_unit_test(test_hostile_extension),
    cmocka_unit_test(test_mailboxes),
    cmocka_unit_test(test_home_required),
    cmocka_unit_test(test_restricted),
    cmocka_unit_test(test_could_not_ask),
    cmocka_unit_test(test_loop_marks),
    cmocka_unit_test(test_child),
    cmocka_unit_test(test_encodes),
};

TAP_RUN(tests)
