# SPDX-License-Identifier: ISC
"""header_checks(5) on the way in: each action and its line in the log, MIME
and bodies; whose mail is looked at; a second cleanup as docker-mailserver,
mailcow and Mail-in-a-Box have it."""
import os
import re
import smtplib

from lib.suite import Suite, free_port, wait_until
from lib.tap import main, test

# as these projects write them
DMS = r"""
/^\s*Received:.*with ESMTP/         IGNORE
/^\s*X-Originating-IP:/             IGNORE
/^\s*Mime-Version: 1.0.*/           REPLACE MIME-Version: 1.0
/^\s*User-Agent/                    IGNORE
/^Message-Id:/i                     PREPEND X-MS-Reactions: disallow
"""
MIAB = r"""
/^\s*Received:[^\n]*(.*)/         REPLACE Received: from authenticated-user (mx.here.test [192.0.2.1])$1
/^\s*User-Agent:/        IGNORE
/^\s*X-Originating-IP:/  IGNORE
/^\s*(Mime-Version:\s*[0-9\.]+)\s.+/  REPLACE $1
"""
MAILCOW = r"""
if /^\s*Received:.*client\.test.*\(Postcow\)/
/^Received: from .*? \([\w\-.]+ \[.*?\]\)\s+by (.+) \(Postcow\) with (.*)/
  REPLACE Received: from [127.0.0.1] (localhost [127.0.0.1]) by $1 (Mailerdaemon) with $2
endif
/^\s*X-Originating-IP/  IGNORE
"""

v = Suite(start=False, main_cf={
    "virtual_mailbox_domains": "box.test", "virtual_mailbox_maps": "static:in/",
    "virtual_uid_maps": "static:5000", "virtual_gid_maps": "static:5000",
    "virtual_alias_maps": "inline:{ { both@box.test = one@box.test, two@box.test } }",
    "smtpd_peername_lookup": "no", "mail_name": "Postcow",
    "local_header_rewrite_clients": "static:all",
})
box = v.path("box")
os.mkdir(box)
os.chown(box, 5000, 5000)
inbox = os.path.join(box, "in")
v.configure(virtual_mailbox_base=box)
ports = {name: free_port() for name in ("dms", "miab", "mailcow", "pre", "off")}
v.master_cf = f"""\
127.0.0.1:{v.port} inet n - n - - smtpd
127.0.0.1:{ports["dms"]} inet n       -       n       -       -       smtpd
  -o syslog_name=postfix/submission
  -o smtpd_reject_unlisted_recipient=no
  -o smtpd_client_restrictions=permit_mynetworks,reject
  -o milter_macro_daemon_name=ORIGINATING
  -o cleanup_service_name=sender-cleanup
sender-cleanup unix n   -       -       -       0       cleanup
  -o syslog_name=postfix/sender-cleanup
  -o header_checks=pcre:{v.conf}/dms.pcre
127.0.0.1:{ports["miab"]} inet n       -       -       -       -       smtpd
  -o syslog_name=postfix/submission
  -o milter_macro_daemon_name=ORIGINATING
  -o cleanup_service_name=authclean
authclean unix  n       -       -       -       0       cleanup
  -o header_checks=pcre:{v.conf}/miab.pcre
  -o nested_header_checks=
127.0.0.1:{ports["mailcow"]} inet n      -       n       -       -       smtpd
  -o smtpd_client_restrictions=permit_mynetworks,permit_sasl_authenticated,reject
  -o cleanup_service_name=smtp_sender_cleanup
smtp_sender_cleanup unix n      -       n       -       0       cleanup
  -o header_checks=pcre:{v.conf}/mailcow.pcre
127.0.0.1:{ports["pre"]} inet n - n - - smtpd
  -o cleanup_service_name=pre-cleanup
pre-cleanup unix n - n - 0 cleanup
  -o virtual_alias_maps=
127.0.0.1:{ports["off"]} inet n - n - - smtpd
  -o receive_override_options=no_header_body_checks
pickup unix n - n 60 1 pickup
  -o cleanup_service_name=pickup-cleanup
pickup-cleanup unix n - - - 0 cleanup
  -o {{ header_checks = pcre:{{ {{ /^subject:.*local/ REJECT not from here }} }} }}
"""
v.write("dms.pcre", DMS)
v.write("miab.pcre", MIAB)
v.write("mailcow.pcre", MAILCOW)
v.write("header.regexp", r"""
/^Subject: refuse/        REJECT
/^Subject: own/           REJECT 5.7.2 Not here
/^Subject: later/         REJECT 4.7.3 Come again
/^Subject: discard/       DISCARD so
/^Subject: hold/          HOLD
/^Subject: bcc/           BCC spy@box.test
/^Subject: redirect/      REDIRECT else@box.test
/^Subject: filter/        FILTER lmtp:unix:private/nobody
/^Subject: warn/          WARN look
/^Subject: info/          INFO
/^Subject: pass/          PASS
/^Subject: strip/         STRIP
/^Subject: put (.*)/      PREPEND X-Put: $1
/^Subject: say (.*)/      REPLACE Subject: said $1
/^Subject: wrong/         REPLACE what
/^X-Gone:/                IGNORE
/^Content-Type:.*\.exe/   REJECT no programs
""")
v.write("body.regexp", "/buy now/ REJECT spam\n/secret/ REPLACE ***\n")
v.configure(header_checks=f"regexp:{v.conf}/header.regexp", body_checks=f"regexp:{v.conf}/body.regexp")
v.start()
taken = 0
FROM = r"from unknown\[127\.0\.0\.1\]; from=<a@out\.test> to=<one@box\.test> proto=ESMTP helo=<client\.test>"


def arrived(count=1):
    global taken
    got = [m.decode() for m in v.maildir(inbox, taken + count)]
    new, taken = got[taken:], len(got)
    assert len(new) == count, f"{len(new)} and not {count}: {new}"
    return new


def send(text, port=None, to=("one@box.test",)):
    """The reply to the end of DATA."""
    with smtplib.SMTP("127.0.0.1", port or v.port, local_hostname="client.test", timeout=30) as s:
        s.ehlo()
        s.mail("a@out.test")
        for who in to:
            s.rcpt(who)
        code, said = s.data(text)
        return f"{code} {said.decode()}"


def subject(s):
    return f"Subject: {s}\n\nx\n"


@test("REJECT: the reply and the log, as Postfix writes them")
def _(t):
    t.eq(send(subject("refuse")), "550 5.7.1 message content rejected", "without a text")
    v.wait_log(rf"postfix/cleanup\[\d+\]: \w+: reject: header Subject: refuse {FROM}: 5\.7\.1 message content rejected$")
    t.eq(send(subject("own")), "550 5.7.2 Not here", "with its own")
    v.wait_log(rf"reject: header Subject: own {FROM}: 5\.7\.2 Not here$")
    t.eq(send(subject("later")), "450 4.7.3 Come again", "for now")
    t.ok("Mail queue is empty" in v.mailq(), "nothing was kept")


@test("DISCARD, HOLD, BCC, REDIRECT, FILTER")
def _(t):
    t.ok(send(subject("discard")).startswith("250 2.0.0 Ok: queued as"), "taken")
    v.wait_log(rf"discard: header Subject: discard {FROM}: so$")
    send(subject("redirect"), to=("one@box.test", "two@box.test"))
    t.ok("Delivered-To: else@box.test" in arrived()[0], "to one alone")
    v.wait_log(r"redirect: header Subject: redirect from .*: else@box\.test$")
    send(subject("bcc"))
    t.eq(sorted(re.search(r"Delivered-To: (\S+)", m).group(1) for m in arrived(2)), ["one@box.test", "spy@box.test"],
         "to both")
    v.wait_empty()
    send(subject("hold"))
    v.wait_log(rf"hold: header Subject: hold {FROM}$")
    rows = wait_until("it waits", v.queued)
    t.eq([r["queue_name"] for r in rows.values()], ["hold"], "in hold")
    v.run("postsuper", "-c", v.conf, "-d", "ALL", check=True)
    send(subject("filter"))
    v.wait_log(r"status=deferred \(connect to mx\.here\.test\[private/nobody\]: No such file")
    v.run("postsuper", "-c", v.conf, "-d", "ALL", check=True)
    wait_until("all gone", lambda: not v.queued())


@test("WARN, INFO, PASS, STRIP, PREPEND, REPLACE, IGNORE; an answer that is none")
def _(t):
    for word, log in (("warn", ": look$"), ("info", "$"), ("pass", "$")):
        send(f"Subject: {word}\nX-Gone: a\n b\n\nsecret\n")
        v.wait_log(rf"{'warning' if word == 'warn' else word}: header Subject: {word} {FROM}{log}")
        text = arrived()[0]
        t.eq(("X-Gone" in text, "secret" in text), (word == "pass",) * 2, f"{word}: what follows")
    send(subject("strip"))
    t.ok("Subject" not in arrived()[0], "stripped")
    v.wait_log(rf"strip: header Subject: strip {FROM}$")
    send(subject("put this"))
    t.ok("X-Put: this\nSubject: put this\n" in arrived()[0], "in front")
    send(subject("say this"))
    t.ok("\nSubject: said this\n" in arrived()[0], "in its place")
    v.wait_log(rf"replace: header Subject: say this {FROM}: Subject: said this$")
    send(subject("wrong"))
    t.ok("Subject: wrong\n" in arrived()[0], "unchanged")
    v.wait_log(r'warning: \w+: header_checks: not a header field, "name: value": "REPLACE what"')


@test("MIME: the headers of parts and of messages in it; bodies, and how far they are looked at")
def _(t):
    mime = ("Subject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n%s\n"
            "--b\nContent-Type: application/x;\n name=a.%s\n\nx\n"
            "--b\nContent-Type: message/rfc822\n\nSubject: inner\nX-Gone: y\n\nz\n--b--\n")
    t.eq(send(mime % ("hello", "exe")), "550 5.7.1 no programs", "by its name")
    v.wait_log(r"reject: header Content-Type: application/x;\? name=a\.exe from unknown")
    send(mime % ("hello", "txt"))
    t.eq(arrived()[0].split("\n\n", 1)[1].replace("hello", "%s"),
         (mime % ("%s", "txt")).split("\n\n", 1)[1].replace("X-Gone: y\n", ""), "an inner field is gone, nothing else")
    t.eq(send(subject("x") + "you must buy now\n"), "550 5.7.1 spam", "a line of a body")
    v.wait_log(rf"reject: body you must buy now {FROM}: 5\.7\.1 spam$")
    send(subject("x") + "a secret\nmore\n")
    t.ok(arrived()[0].endswith("x\n***\nmore\n"), "replaced")
    send(subject("x") + ("y" * 60 + "\n") * 1000 + "buy now\n")
    t.ok(arrived()[0].endswith("buy now\n"), "beyond body_checks_size_limit")


@test("a second cleanup as docker-mailserver has it: no trace of the client, a field before another, its own name in the log")
def _(t):
    send("Message-Id: <1@x>\nUser-Agent: y\nMime-Version: 1.0 (z)\nX-Originating-IP: 1.2.3.4\nSubject: refuse\n\nx\n",
         ports["dms"])
    text = arrived()[0].split("\n\n")[0]
    t.ok("Received" not in text and "client.test" not in text, "who sent it is not told", text)
    t.ok("X-MS-Reactions: disallow\nMessage-Id: <1@x>\nMIME-Version: 1.0\nSubject: refuse" in text, "the rest", text)
    v.wait_log(r"postfix/sender-cleanup/cleanup\[\d+\]: \w+: message-id=<1@x>")
    v.wait_log(r"postfix/submission/smtpd\[\d+\]: \w+: client=unknown")


@test("as Mail-in-a-Box has it: a trace line of which the first line is another")
def _(t):
    send("User-Agent: y\nMime-Version: 1.0 (Mac OS X Mail 8.1)\nSubject: x\n\nx\n", ports["miab"])
    text = arrived()[0]
    t.ok(re.search(r"^Received: from authenticated-user \(mx\.here\.test \[192\.0\.2\.1\]\)\n\tby mx\.here\.test \(Postcow\) "
                   r"with ESMTP id \w+\n\tfor <one@box\.test>; .*\nMime-Version: 1\.0\nSubject: x$", text, re.M), "so it is",
         text)
    t.ok("127.0.0.1" not in text and "client.test" not in text, "and no client")


@test("as mailcow has it: if, and what the pattern took of it")
def _(t):
    send("X-Originating-IP: 1\nSubject: x\n\nx\n", ports["mailcow"])
    text = arrived()[0]
    t.ok(re.search(r"^Received: from \[127\.0\.0\.1\] \(localhost \[127\.0\.0\.1\]\) by mx\.here\.test \(Mailerdaemon\) with "
                   r"ESMTP id \w+\n\tfor <one", text, re.M), "so it is", text)
    t.ok("X-Originating" not in text, "and the other is gone")


@test("what a cleanup sets counts for messages, and not for who is let in")
def _(t):
    t.ok(send(subject("x"), to=("both@box.test",)).startswith("250"), "expanded")
    arrived(2)
    send(subject("x"), ports["pre"], to=("both@box.test",))
    t.ok("Delivered-To: both@box.test" in arrived()[0], "let in, and not expanded")


@test("receive_override_options; pickup's own cleanup; notifications are looked at where main.cf says so")
def _(t):
    send(subject("refuse"), ports["off"])
    t.ok("Subject: refuse" in arrived()[0], "not looked at")
    r = v.run("sendmail", "-C", v.conf, "one@box.test", input=b"Subject: very local\n\nx\n")
    t.ok(r.returncode != 0 and "not from here" in r.err, "sendmail is told", r.err)
    v.wait_log(r"reject: header Subject: very local from local; from=<root@here\.test> to=<one@box\.test>: 5\.7\.1 not from")
    t.eq(v.run("sendmail", "-C", v.conf, "one@box.test", input=subject("refuse").encode()).returncode, 0, "only by its own")
    arrived()
    v.write("header.regexp", "/^Subject: Undelivered Mail/ REPLACE Subject: Alas\n")
    for classes in ("", "bounce"):
        v.configure(internal_mail_filter_classes=classes)
        v.reload()
        v.run("sendmail", "-C", v.conf, "-f", "one@box.test", "nobody-here@here.test", input=b"x\n")
        text = arrived()[0]
        t.eq("\nSubject: Alas\n" in text, classes == "bounce", f"classes {classes or 'none'}")
    v.configure(internal_mail_filter_classes="")


@test("a table that cannot be asked: later; a field without end: refused; a cleanup that is not there: an error")
def _(t):
    v.configure(header_checks="fail:x")
    v.reload()
    t.eq(send(subject("x")), "451 4.3.0 Error: Temporary lookup failure", "later")
    v.configure(header_checks=f"regexp:{v.conf}/header.regexp", header_size_limit="2000")
    v.reload()
    t.eq(send("X: " + "y" * 900 + ("\n " + "z" * 900) * 2 + "\n\nx\n"), "552 5.3.4 Error: message header too large", "a bound")
    v.master_cf += f"127.0.0.1:{free_port()} inet n - n - - smtpd -o cleanup_service_name=nobody\n"
    v.configure()
    r = v.valija("check")
    t.ok(r.returncode != 0 and "cleanup_service_name: there is no cleanup service nobody in master.cf" in r.out + r.err,
         "check says so", r.out + r.err)


main(cleanup=v.close, evidence=lambda: v.log()[-6000:])
