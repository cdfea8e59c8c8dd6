# SPDX-License-Identifier: ISC
"""Delivery status notifications on request (RFC 3461): what a client asks
for, who is asked in turn, and which notifications come of it (RFC 3464)."""
import email
import os
import re
import signal
import smtplib

from lib.peers import Postfix
from lib.sink import Sink
from lib.suite import Suite, wait_until
from lib.tap import main, test

v = Suite(start=False, main_cf={
    "smtpd_reject_unlisted_recipient": "no",  # gone.test bounces
    "minimal_backoff_time": "1s", "maximal_backoff_time": "2s", "confirm_delay_cleared": "no",
    "virtual_mailbox_domains": "box.test", "virtual_mailbox_maps": "static:all/",
    "virtual_uid_maps": "static:5000", "virtual_gid_maps": "static:5000",
    "virtual_alias_domains": "list.test",
    "virtual_alias_maps": "inline:{ { all@list.test = one@knows.test, two@plain.test } { him@list.test = box@box.test }"
                          " { self@box.test = self@box.test } }",
})
box = v.path("box")
os.mkdir(box)
os.chown(box, 5000, 5000)
knows = Sink(("PIPELINING", "8BITMIME", "DSN"))
plain = Sink()
slow = Sink(rcpt="450 4.2.1 come again")
v.write("boxes.txt", "".join(f"{n}@box.test {n}/\n" for n in ("sender", "pm", "box", "self")))
v.write("aliases.txt", "two: box@box.test, one@knows.test\n"
                       "team: box@box.test, one@knows.test\nowner-team: pm@box.test\n"
                       "null: /dev/null\n")
v.configure(virtual_mailbox_base=box, virtual_mailbox_maps=f"texthash:{v.conf}/boxes.txt",
            transport_maps=(ways := "inline:{ { knows.test = smtp:[127.0.0.1]:%d } { plain.test = smtp:[127.0.0.1]:%d }"
            " { slow.test = smtp:[127.0.0.1]:%d } { gone.test = error:5.1.6 the domain has moved } }"
                            % (knows.port, plain.port, slow.port)))
v.start()
seen = {}


def arrived(name, count=1):
    """The next `count` messages of a mailbox."""
    done = seen.get(name, 0)
    got = v.maildir(os.path.join(box, name), done + count)
    seen[name] = done + count
    return [email.message_from_bytes(m) for m in got[done:done + count]]


def nothing_more(t, *names):
    """All mail has left the queue, and these mailboxes have no more."""
    v.wait_empty()
    for name in names:
        new = os.path.join(box, name, "new")
        there = len(os.listdir(new)) if os.path.isdir(new) else 0
        t.eq(there, seen.get(name, 0), f"nothing more for {name}")


def send(recipients, mail=(), rcpt=(), sender="sender@box.test", text="Subject: x\n\nbody\n"):
    with v.smtp() as s:
        s.ehlo()
        return s.sendmail(sender, recipients, text, mail_options=mail, rcpt_options=rcpt)


def fields(m):
    """Of a notification: those of the message, and of each recipient."""
    groups = [dict(g.items()) for g in m.get_payload()[1].get_payload()]
    return groups[0], {g["Final-Recipient"].split(";")[1].strip(): g for g in groups[1:] if g}


@test("what was asked for is asked of a server that knows DSN, which reports itself")
def _(t):
    with v.smtp() as s:
        s.ehlo()
        t.ok(s.has_extn("dsn"), "EHLO offers DSN", s.esmtp_features)
    n = len(knows.heard)
    send(["a@knows.test"], ["RET=HDRS", "ENVID=QQ+20+2B1"], ["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;Him+2BHer@x.test"])
    mail, to, _content = knows.transactions(n + 1)
    t.eq(mail.split("> ")[1].split()[-2:], ["ENVID=QQ+20+2B1", "RET=HDRS"], "MAIL")
    t.eq(to, ["RCPT TO:<a@knows.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Him+2BHer@x.test"], "RCPT")
    send(["\"b c\"@knows.test"])
    mail, to, _content = knows.transactions(n + 2)
    t.ok("ENVID" not in mail and "RET" not in mail, "nothing was asked", mail)
    t.eq(to, ["RCPT TO:<\"b c\"@knows.test> ORCPT=rfc822;\"b+20c\"@knows.test"], "as the client gave it")
    nothing_more(t, "sender")


@test("of one that does not it is reported: relayed")
def _(t):
    send(["a@plain.test"], ["RET=FULL", "ENVID=job+2017"], ["NOTIFY=SUCCESS", "ORCPT=rfc822;orig@x.test"])
    [m] = arrived("sender")
    message, to = fields(m)
    mail, rcpt, _content = plain.heard[-1]
    t.ok("ENVID" not in mail and "NOTIFY" not in rcpt[0] + mail, "it is not asked", (mail, rcpt))
    t.eq(m["Subject"], "Successful Mail Delivery Report", "Subject")
    t.eq(message["Original-Envelope-Id"], "job 17", "Original-Envelope-Id")
    t.eq(to["a@plain.test"]["Action"], "relayed", "Action")
    t.eq(to["a@plain.test"]["Original-Recipient"], "rfc822;orig@x.test", "Original-Recipient")
    t.ok(to["a@plain.test"]["Status"].startswith("2."), "Status", to)
    t.eq(m.get_payload()[2].get_content_type(), "text/rfc822-headers", "its header alone, RET or not")
    nothing_more(t, "sender")


@test("what is delivered here is reported where success was asked for, once, in one notification")
def _(t):
    send(["box@box.test", "self@box.test", "null@here.test"], [], ["NOTIFY=SUCCESS"])
    [m] = arrived("sender")
    _message, to = fields(m)
    t.eq({k: g["Action"] for k, g in to.items()},
         {"box@box.test": "delivered", "self@box.test": "delivered", "null@here.test": "delivered"}, "Action")
    qid = re.findall(r"(\w+): sender delivery status notification: (\w+)", v.log())[-1]
    v.wait_log(rf"{qid[1]}: to=<sender@box\.test>, .*status=sent")
    arrived("box"), arrived("self")
    for notify in ("NEVER", "FAILURE", "DELAY", "FAILURE,DELAY"):
        send(["box@box.test"], [], [f"NOTIFY={notify}"])
    send(["box@box.test"], [], ["NOTIFY=SUCCESS"], sender="<>")
    arrived("box", 5)
    nothing_more(t, "sender", "box")


@test("failures are reported as NOTIFY and RET say")
def _(t):
    for notify in ("NEVER", "SUCCESS", "DELAY", "SUCCESS,DELAY"):
        send(["u@gone.test"], [], [f"NOTIFY={notify}"])
    nothing_more(t, "sender")
    for ret, kind in (("FULL", "message/rfc822"), ("HDRS", "text/rfc822-headers")):
        send(["u@gone.test"], [f"RET={ret}"], ["NOTIFY=FAILURE"])
        [m] = arrived("sender")
        t.eq(m.get_payload()[2].get_content_type(), kind, f"RET={ret}")
        t.eq(fields(m)[1]["u@gone.test"]["Action"], "failed", "Action")
    # some of a message may hear, and others not
    with v.smtp() as s:
        s.ehlo()
        s.mail("sender@box.test")
        for name, option in (("a", "NOTIFY=NEVER"), ("b", "NOTIFY=FAILURE"), ("c", "NOTIFY=SUCCESS")):
            s.rcpt(f"{name}@gone.test", [option])
        s.rcpt("box@box.test", ["NOTIFY=SUCCESS"])
        s.data("Subject: mixed\n\nx\n")
    got = arrived("sender", 2)
    t.eq(sorted(tuple(fields(m)[1]) for m in got), [("b@gone.test",), ("box@box.test",)], "of whom who asked")
    arrived("box")
    nothing_more(t, "sender", "box")


@test("aliases: expanded, and the members are asked for the rest")
def _(t):
    n = len(knows.heard)
    send(["all@list.test"], ["ENVID=e1"], ["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;all@list.test"])
    [m] = arrived("sender")
    t.eq({k: g["Action"] for k, g in fields(m)[1].items()}, {"all@list.test": "expanded"}, "virtual alias")
    t.ok("alias expanded" in m.get_payload()[0].get_payload(), "a text for people")
    mail, to, _content = knows.transactions(n + 1)
    t.ok("ENVID=e1" in mail, "ENVID goes on", mail)
    t.eq(to, ["RCPT TO:<one@knows.test> NOTIFY=FAILURE ORCPT=rfc822;all@list.test"], "NOTIFY without SUCCESS")
    send(["him@list.test"], [], ["NOTIFY=SUCCESS"])
    t.eq({k: g["Action"] for k, g in fields(arrived("sender")[0])[1].items()}, {"him@list.test": "expanded"}, "to one")
    arrived("box")
    send(["two@here.test"], [], ["NOTIFY=SUCCESS"])
    t.eq({k: g["Action"] for k, g in fields(arrived("sender")[0])[1].items()}, {"two@here.test": "expanded"}, "an alias")
    mail, to, _content = knows.transactions(n + 2)
    t.eq(to, ["RCPT TO:<one@knows.test> NOTIFY=NEVER ORCPT=rfc822;two@here.test"], "nothing is left to be asked")
    arrived("box")
    nothing_more(t, "sender", "box")


@test("a mailing list, an alias with an owner: delivered, and its mail is its own")
def _(t):
    n = len(knows.heard)
    send(["team@here.test"], ["ENVID=e2", "RET=HDRS"], ["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;t@x.test"])
    [m] = arrived("sender")
    t.eq({k: g["Action"] for k, g in fields(m)[1].items()}, {"team@here.test": "delivered"}, "Action")
    mail, to, _content = knows.transactions(n + 1)
    t.ok(mail.startswith("MAIL FROM:<owner-team@here.test>") and "ENVID" not in mail and "RET" not in mail,
         "from its owner", mail)
    t.ok("NOTIFY" not in to[0] and "t@x.test" not in to[0], "nothing is passed on", to)
    v.wait_log(r"to=<box@box\.test>, orig_to=<team@here\.test>,")
    arrived("box")
    nothing_more(t, "sender", "box")


@test("sendmail -N -R -V")
def _(t):
    n = len(knows.heard)
    v.run("sendmail", "-f", "sender@box.test", "-N", "failure,delay", "-R", "hdrs", "-V", "my id", "a@knows.test",
          input=b"Subject: x\n\nx\n", check=True)
    mail, to, _content = knows.transactions(n + 1)
    t.ok("ENVID=my+20id" in mail and "RET=HDRS" in mail, "MAIL", mail)
    t.ok("NOTIFY=FAILURE,DELAY" in to[0], "RCPT", to)
    r = v.run("sendmail", "-f", "sender@box.test", "-N", "sometimes", "-R", "half", "a@knows.test", input=b"\nx\n")
    t.eq(r.returncode, 0, "what is wrong is ignored")
    t.eq(r.err.count("ignored"), 2, "with a warning")
    knows.transactions(n + 2)
    v.run("sendmail", "-f", "sender@box.test", "-t", "-N", "success", input=b"To: box@box.test\n\nx\n", check=True)
    t.eq(fields(arrived("sender")[0])[1]["box@box.test"]["Action"], "delivered", "-t too")
    arrived("box")


@test("a delay is told once, to who wants to hear of it; and its end, where that is said")
def _(t):
    v.configure(delay_warning_time="2s", confirm_delay_cleared="yes")
    v.reload()
    with v.smtp() as s:
        s.ehlo()
        s.mail("sender@box.test", ["ENVID=late"])
        for name, options in (("a", []), ("b", ["NOTIFY=NEVER"]), ("c", ["NOTIFY=DELAY"]), ("d", ["NOTIFY=FAILURE"])):
            s.rcpt(f"{name}@slow.test", options)
        s.data("Subject: late\n\nx\n")
    send(["e@slow.test"], sender="<>")
    [m] = arrived("sender")
    t.eq(m["Subject"], "Delayed Mail (still being retried)", "Subject")
    message, to = fields(m)
    t.eq(message["Original-Envelope-Id"], "late", "Original-Envelope-Id")
    t.eq({k: g["Action"] for k, g in to.items()}, {"a@slow.test": "delayed", "c@slow.test": "delayed"}, "of whom")
    t.ok(all(g["Status"].startswith("4.") and "Will-Retry-Until" in g for g in to.values()), "Status", to)
    qid = re.findall(r"(\w+): sender delay notification", v.log())
    t.eq(len(qid), 1, "once")
    tried = slow.tried
    v.stop()
    v.start()
    wait_until("it is tried again, twice", lambda: slow.tried >= tried + 8)
    t.eq(v.log().count("sender delay notification"), 1, "also after a restart")
    slow.rcpt = "250 2.1.5 Ok"
    [m] = arrived("sender")
    t.eq(set(fields(m)[1]), {"a@slow.test", "c@slow.test"}, "who was warned hears that it is sent")
    t.eq({g["Action"] for g in fields(m)[1].values()}, {"relayed"}, "Action")
    slow.rcpt = "450 4.2.1 come again"
    v.configure(delay_warning_time="0", confirm_delay_cleared="no")
    v.reload()
    nothing_more(t, "sender")


@test("postmasters hear what notify_classes says, from double-bounce, and it ends there")
def _(t):
    send(["u@gone.test"], sender="<>")
    nothing_more(t, "pm")
    v.write("bounce.cf", "failure_template = <<EOF\nCharset: utf-8\nFrom: Post <MAILER-DAEMON>\nSubject: Zurück\n\n"
                         "x\nEOF\nfailure_template = <<EOF\nCharset: utf-8\nSubject: Zurueck\n"
                         "Postmaster-Subject: Kopie\n\nGrüße von $myhostname\nEOF\n")
    v.configure(notify_classes="2bounce, delay, bounce", bounce_notice_recipient="pm@box.test",
                delay_notice_recipient="pm@box.test", delay_warning_time="2s", bounce_template_file=f"{v.conf}/bounce.cf",
                **{"2bounce_notice_recipient": "pm@box.test"})
    v.reload()
    send(["u@gone.test"], sender="<>", text="Subject: from nobody\n\nits text\n")
    [m] = arrived("pm")
    v.wait_log(r"bounce\.cf, line 1: a field that is not printable ASCII: the built-in text is used")
    t.eq(m["Subject"], "Kopie", "2bounce")
    t.eq(m.get_payload()[2].get_payload()[0].get_payload(), "its text\n", "all of it")
    t.ok(m["Return-Path"] == "<double-bounce@mx.here.test>", "its sender", m["Return-Path"])
    send(["u@gone.test"], [], ["NOTIFY=FAILURE"])
    [copy], [mine] = arrived("pm"), arrived("sender")
    t.eq((copy["Subject"], mine["Subject"]), ("Kopie", "Zurueck"), "bounce")
    t.eq(copy.get_payload()[2].get_content_type(), "text/rfc822-headers", "the header alone")
    t.eq(mine.get_payload()[0].get_content_charset(), "utf-8", "charset")
    t.ok("Grüße von mx.here.test" in mine.get_payload()[0].get_payload(decode=True).decode(), "the site's own text")
    t.eq(v.log().count("postmaster non-delivery notification"), 2, "in the log")
    send(["u@gone.test"], [], ["NOTIFY=NEVER"])
    t.eq(set(fields(arrived("pm")[0])[1]), {"u@gone.test"}, "what its sender does not hear of")
    send(["a@slow.test"])
    [copy], [mine] = arrived("pm"), arrived("sender")
    t.eq((copy["Subject"], mine["Subject"]),
         ("Postmaster Warning: Delayed Mail", "Delayed Mail (still being retried)"), "delay")
    slow.rcpt = "550 5.1.1 no"
    arrived("pm"), arrived("sender")
    # a postmaster who cannot be told
    v.configure(bounce_notice_recipient="u@gone.test", **{"2bounce_notice_recipient": "u@gone.test"})
    v.reload()
    send(["u@gone.test"], sender="<>")
    send(["u@gone.test"])
    arrived("sender")
    nothing_more(t, "sender", "pm")
    v.configure(notify_classes=None, bounce_template_file=None, delay_warning_time=None)
    v.reload()


@test("with a real Postfix behind, which reports itself, and before us")
def _(t):
    peer = Postfix(v.base, f"relayhost = [127.0.0.1]:{v.port}\nmydestination = postfix.test\n"
                   "virtual_mailbox_domains = far.test\nlocal_recipient_maps =\n")
    try:
        wait_until("Postfix listens", lambda: "daemon started" in peer.log())
        v.configure(transport_maps=f"inline:{{ {{ far.test = smtp:[127.0.0.1]:{peer.port} }}"
                    " { gone.test = error:5.1.6 the domain has moved } }")
        v.reload()
        send(["x@far.test"], ["ENVID=behind+2B", "RET=HDRS"], ["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;y+2Bz@x.test"])
        peer.messages(1)
        [m] = arrived("sender")
        message, to = fields(m)
        t.ok("postfix.test" in message["Reporting-MTA"], "Postfix reports", message)
        t.eq(message["Original-Envelope-Id"], "behind+", "ENVID")
        t.eq((to["x@far.test"]["Action"], to["x@far.test"]["Original-Recipient"].replace(" ", "")),
             ("delivered", "rfc822;y+z@x.test"), "what it was asked")
        # the other way round: it asks us
        with smtplib.SMTP("127.0.0.1", peer.port, local_hostname="client.test") as s:
            s.ehlo()
            s.sendmail("x@far.test", ["box@box.test", "u@gone.test"], "Subject: x\n\nx\n", ["ENVID=before"],
                       ["NOTIFY=SUCCESS,FAILURE"])
        arrived("box")
        got = [email.message_from_bytes(m) for m in peer.messages(3)]
        got = [fields(m) for m in got if m.is_multipart()]
        t.eq({m["Original-Envelope-Id"] for m, _to in got}, {"before"}, "ENVID")
        t.eq({k: g["Action"] for _m, to in got for k, g in to.items()},
             {"box@box.test": "delivered", "u@gone.test": "failed"}, "we report")
        nothing_more(t, "sender", "box")
        v.configure(transport_maps=ways)
        v.reload()
    finally:
        peer.close()


@test("double-bounce hears of nothing: mail to it ends here")
def _(t):
    v.configure(notify_classes="2bounce", mydestination="here.test, mx.here.test, localhost",
                **{"2bounce_notice_recipient": "pm@box.test"})
    v.reload()
    send(["double-bounce@mx.here.test"], sender="<>")
    v.wait_log(r"to=<double-bounce@mx\.here\.test>, .*status=sent \(undeliverable postmaster notification discarded\)")
    nothing_more(t, "pm", "sender")


@test("transcripts of sessions with errors, as notify_classes says")
def _(t):
    def talk(*lines):
        s = v.socket()
        s.reply()
        got = [s.say(line) for line in ("EHLO client.test", *lines)]
        s.say("QUIT")
        s.close()
        return got
    bad = ("MAIL FROM:<a@b.test> RET=X", "AUTH PLAIN c2VjcmV0", "RCPT TO:<x>")
    v.configure(notify_classes="resource, software", error_notice_recipient="pm@box.test",
                bounce_notice_recipient="sender@box.test", message_size_limit="20000",
                smtpd_recipient_restrictions="check_recipient_access inline:{{u@here.test=REJECT no, none}}")
    v.reload()
    talk(*bad)
    talk("MAIL FROM:<a@b.test>", "RCPT TO:<u@here.test>")
    nothing_more(t, "pm", "sender")
    v.configure(notify_classes="protocol")
    v.reload()
    talk("MAIL FROM:<a@b.test>", "RCPT TO:<u@here.test>")
    talk(*bad)
    [m] = arrived("pm")
    t.ok("SMTP server: errors from unknown[127.0.0.1]" in m["Subject"], "Subject", m["Subject"])
    t.eq(m["Return-Path"], "<double-bounce@mx.here.test>", "its sender")
    text = m.get_payload()
    for line in (" In:  MAIL FROM:<a@b.test> RET=X", " Out: 501 5.5.4 Bad RET parameter syntax",
                 " In:  AUTH ...", " In:  QUIT"):
        t.ok(line + "\n" in text, "in and out", text)
    t.ok("c2VjcmV0" not in text, "no password")
    v.configure(notify_classes="policy, bounce")
    v.reload()
    talk(*bad)
    talk("MAIL FROM:<a@b.test>", "RCPT TO:<u@here.test>")
    [m] = arrived("pm")
    t.ok(" Out: 554 5.7.1 <u@here.test>: Recipient address rejected: no, none" in m.get_payload(), "policy", m)
    try:
        send(["box@box.test"], text="Subject: x\n\n" + 400 * (70 * "x" + "\n"))
    except smtplib.SMTPResponseException:
        pass
    t.ok(" Out: 552 5.3.4" in arrived("sender")[0].get_payload(), "bounce: for bounce_notice_recipient")
    nothing_more(t, "pm", "sender")
    v.configure(notify_classes=None, message_size_limit=None, smtpd_recipient_restrictions=None)
    v.reload()


@test("what a server says against the protocol, told by the smtp client")
def _(t):
    v.configure(notify_classes="policy", error_notice_recipient="pm@box.test")
    v.reload()
    odd = Sink(rcpt="502 5.5.1 I know no RCPT")
    v.configure(transport_maps=ways[:-1] + "{ odd.test = smtp:[127.0.0.1]:%d } }" % odd.port)
    v.reload()
    send(["one@odd.test"])
    v.wait_log(r"to=<one@odd\.test>, .*status=bounced")
    arrived("sender")
    nothing_more(t, "pm", "sender")
    v.configure(notify_classes="protocol")
    v.reload()
    send(["two@odd.test"])
    [m] = arrived("pm")
    t.ok(f"SMTP client: errors from 127.0.0.1[127.0.0.1]:{odd.port}" in m["Subject"], "Subject", m["Subject"])
    t.eq(m["Return-Path"], "<double-bounce@mx.here.test>", "its sender")
    for line in (" In:  220 sink.test ESMTP", " Out: EHLO mx.here.test", " In:  250 8BITMIME",
                 " Out: RCPT TO:<two@odd.test>", " In:  502 5.5.1 I know no RCPT"):
        t.ok(line + "\n" in m.get_payload(), "in and out", m.get_payload())
    arrived("sender")
    odd.rcpt = "hello there"
    send(["three@odd.test"])
    t.ok(" In:  hello there\n" in arrived("pm")[0].get_payload(), "what is no reply")
    v.wait_log(r"to=<three@odd\.test>, .*status=deferred")
    v.run("postsuper", "-c", v.conf, "-d", "ALL", check=True)
    odd.rcpt = "550 5.1.1 no such user"
    send(["four@odd.test"])
    v.wait_log(r"to=<four@odd\.test>, .*status=bounced")
    arrived("sender")
    nothing_more(t, "pm", "sender")
    odd.close()
    v.configure(notify_classes=None, transport_maps=ways)
    v.reload()


@test("none is lost or repeated when qmgr and bounce are killed meanwhile")
def _(t):
    def sent(i):
        try:
            send([f"k{i}-{n}@plain.test" for n in range(8)], [f"ENVID=k{i}"], ["NOTIFY=SUCCESS"])
            return True
        except (smtplib.SMTPException, OSError):
            return False
    for i in range(10):
        wait_until("it is taken", lambda: sent(i))
        for pid, name in v.pids().items():
            if i % 3 == 1 and name == ("qmgr", "bounce")[i % 2]:
                os.kill(pid, signal.SIGKILL)
        wait_until("the suite takes mail", lambda: v.smtp().noop()[0] == 250)
    v.wait_empty(60)
    got = [fields(m) for m in arrived("sender", 10)]
    t.eq({m["Original-Envelope-Id"] for m, _to in got}, {f"k{i}" for i in range(10)}, "about each")
    told = [to for _m, all_of in got for to in all_of]
    t.eq(len(told), len(set(told)), "about none twice")
    t.eq(len(told), 80, "about all")


def clean():
    for sink in (knows, plain, slow):
        sink.close()
    v.close()


main(cleanup=clean, evidence=lambda: v.log()[-5000:])
