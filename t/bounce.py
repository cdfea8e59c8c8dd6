# SPDX-License-Identifier: ISC
"""What cannot be delivered goes back: one RFC 3464 notification to the
sender, none for a notification, none twice."""
import email
import os
import re
import signal
import smtplib
import time

from lib.peers import SmtpSink
from lib.sink import Sink
from lib.suite import Suite, wait_until
from lib.tap import main, test

v = Suite(start=False, main_cf={
    "smtpd_reject_unlisted_recipient": "no",  # gone.test bounces
    "minimal_backoff_time": "1s", "maximal_backoff_time": "2s",
    "virtual_mailbox_domains": "box.test", "virtual_mailbox_maps": "inline:{ sender@box.test=sender/ }",
    "virtual_uid_maps": "static:5000", "virtual_gid_maps": "static:5000",
    "virtual_alias_domains": "list.test", "smtpd_recipient_limit": "10000",
    "virtual_alias_maps": "inline:{ { all@list.test = one@hard.test, two@hard.test, sender@box.test } }",
})
box = v.path("box")
os.mkdir(box)
os.chown(box, 5000, 5000)
hard = SmtpSink(v.base, "-h", "hard.test", "-f", "RCPT")
data = SmtpSink(v.base, "-h", "data.test", "-f", ".")
later = Sink(rcpt="450 4.2.1 later")
v.configure(virtual_mailbox_base=box, transport_maps="inline:{ { hard.test = smtp:[127.0.0.1]:%d } "
            "{ later.test = smtp:[127.0.0.1]:%d } "
            "{ data.test = smtp:[127.0.0.1]:%d } { gone.test = error:5.1.6 the domain has moved } }"
            % (hard.port, later.port, data.port))
v.start()
inbox = os.path.join(box, "sender")
seen = 0


def notification():
    global seen
    got = v.maildir(inbox, seen + 1)
    seen = len(got)
    return email.message_from_bytes(got[-1]), got[-1]


def fields(part):
    """The groups of fields of a message/delivery-status part."""
    return [dict(group.items()) for group in part.get_payload()]


@test("a refused recipient comes back as RFC 3464 has it")
def _(t):
    v.send("sender@box.test", ["nobody@hard.test"],
           "Subject: lost one\nMessage-ID: <orig@box.test>\nFrom: sender@box.test\n\nthe text\n")
    m, raw = notification()
    t.eq(m.get_content_type(), "multipart/report", "type")
    t.eq(m.get_param("report-type"), "delivery-status", "report type")
    t.ok(m["From"].startswith("MAILER-DAEMON@"), "From", m["From"])
    t.eq(m["Subject"], "Undelivered Mail Returned to Sender", "Subject")
    t.eq(m["To"], "sender@box.test", "To")
    t.eq(m["Auto-Submitted"], "auto-replied", "Auto-Submitted")
    t.ok(m["Return-Path"] in ("<>", None) and b"Return-Path: <>\n" in raw, "null sender", raw[:200])
    parts = m.get_payload()
    t.eq([p.get_content_type() for p in parts],
         ["text/plain", "message/delivery-status", "message/rfc822"], "parts")
    t.ok("nobody@hard.test" in parts[0].get_payload(), "a text for people", parts[0].get_payload())
    message, recipient = fields(parts[1])[:2]
    t.ok(message["Reporting-MTA"].replace(" ", "") == "dns;mx.here.test", "Reporting-MTA", message)
    t.ok("Arrival-Date" in message, "Arrival-Date", message)
    t.eq(recipient["Final-Recipient"].replace(" ", ""), "rfc822;nobody@hard.test", "Final-Recipient")
    t.eq(recipient["Action"], "failed", "Action")
    t.ok(recipient["Status"].startswith("5."), "Status", recipient)
    t.ok("500" in recipient["Diagnostic-Code"], "Diagnostic-Code", recipient)
    t.ok("Remote-MTA" in recipient, "Remote-MTA", recipient)
    original = parts[2].get_payload()[0]
    t.eq(original["Subject"], "lost one", "the message")
    t.eq(original.get_payload(), "the text\n", "its body")
    log = v.wait_log(r"postfix/bounce\[\d+\]: (\w+): sender non-delivery notification: (\w+)")
    first, second = log[0].groups()
    t.ok(re.search(rf"{first}: to=<nobody@hard\.test>, .*status=bounced", v.log()), "the first id is the message's")
    v.wait_log(rf"{second}: to=<sender@box\.test>, .*status=sent")
    t.ok(re.search(rf"{second}: from=<>, size=", v.log()), "from nobody")


@test("several that fail: one notification")
def _(t):
    v.send("sender@box.test", ["a@hard.test", "b@hard.test", "c@gone.test"], "Subject: three\n\nx\n")
    m, _raw = notification()
    status = fields(m.get_payload()[1])
    t.eq(sorted(g["Final-Recipient"].split(";")[1].strip() for g in status[1:] if g),
         ["a@hard.test", "b@hard.test", "c@gone.test"], "all in one")
    t.ok(any("the domain has moved" in str(g) and g["Status"] == "5.1.6" for g in status), "with the table's reason")


@test("very many that fail: one notification, with a bound")
def _(t):
    v.send("sender@box.test", [f"u{i}@gone.test" for i in range(6000)], "Subject: many\n\nx\n")
    m, raw = notification()
    t.eq(len([g for g in fields(m.get_payload()[1])[1:] if g]), 1000, "so many are listed")
    t.ok("... and 5000 more recipients" in m.get_payload()[0].get_payload(), "and the others counted")
    t.ok(len(raw) < 1_000_000, "its size", len(raw))
    qid = re.findall(r"(\w+): sender non-delivery notification", v.log())[-1]
    v.wait_log(rf"{qid}: removed")
    t.eq(v.log().count(f"{qid}: sender non-delivery"), 1, "one")
    t.eq(len(re.findall(rf"{qid}: to=<u\d+@gone\.test>.*status=bounced", v.log())), 6000, "all are in the log")


@test("bounce_size_limit: of a larger one the header alone comes back")
def _(t):
    old = v.pids_of("bounce")
    v.configure(bounce_size_limit="3000")
    v.reload()
    wait_until("who has the old limit is gone", lambda: not set(old) & set(v.pids()))
    for lines, kind in ((1, "message/rfc822"), (100, "text/rfc822-headers")):
        v.send("sender@box.test", ["u@gone.test"], "Subject: size\n\n" + lines * (70 * "x" + "\n"))
        m, raw = notification()
        part = m.get_payload()[2]
        t.eq((part.get_content_type(), b"xxx" in raw), (kind, lines == 1), f"{lines} lines")
        t.ok("Subject: size\n" in part.as_string(), "its header", part)
    v.configure(bounce_size_limit=None)
    v.reload()


@test("maximal_queue_lifetime, bounce_queue_lifetime: who waited for too long comes back, once; from nobody, to nobody")
def _(t):
    v.configure(maximal_queue_lifetime="1d", bounce_queue_lifetime="2s")
    v.reload()
    began = time.monotonic()
    v.send("sender@box.test", ["old@later.test"], "Subject: too old\n\nx\n")
    v.send("<>", ["note@later.test"], "Subject: from nobody\n\nx\n")
    v.wait_log(r"from=<>, status=expired, returned to sender$")
    t.ok(time.monotonic() - began >= 2, "its own time", time.monotonic() - began)
    t.ok("sender@box.test" in [row["sender"] for row in v.queued().values()], "a sender's is another", v.mailq())
    v.configure(maximal_queue_lifetime="7s")
    v.reload()
    m, _raw = notification()
    t.ok(time.monotonic() - began >= 7, "which is over", time.monotonic() - began)
    v.wait_log(r"from=<sender@box\.test>, status=expired, returned to sender$")
    _message, recipient = fields(m.get_payload()[1])[:2]
    t.eq((recipient["Action"], recipient["Status"], recipient["Final-Recipient"].split(";")[1].strip()),
         ("failed", "4.2.1", "old@later.test"), "of whom, and why")
    t.ok("450 4.2.1 later" in m.get_payload()[0].get_payload(), "in the text")
    v.wait_empty()
    t.eq(len(os.listdir(os.path.join(inbox, "new"))), seen, "nothing more came")
    v.configure(maximal_queue_lifetime=None, bounce_queue_lifetime=None)
    v.reload()


@test("refused after the data; some delivered, some not")
def _(t):
    v.send("sender@box.test", ["x@data.test"], "Subject: at the dot\n\nx\n")
    m, _raw = notification()
    t.ok("end of DATA" in str(m.get_payload()[0].get_payload()) or "500" in str(m), "refused at the dot")
    v.send("sender@box.test", ["all@list.test"], "Subject: a list\n\nx\n")
    global seen
    got = v.maildir(inbox, seen + 2)
    seen = len(got)
    t.eq(sum(b"Subject: a list" in g and b"multipart/report" not in g for g in got), 1, "the copy")
    reports = [email.message_from_bytes(g) for g in got if b"Subject: a list" in g and b"multipart/report" in g]
    t.eq(len(reports), 1, "one report")
    t.eq(len([g for g in fields(reports[0].get_payload()[1])[1:] if g]), 2, "on two recipients")


@test("no backscatter: what would come back at once is not taken")
def _(t):
    v.configure(smtpd_reject_unlisted_recipient=None, virtual_mailbox_domains="box.test, ended.test",
                transport_maps=v.settings["transport_maps"][:-1] + "{ ended.test = retry:come later }"
                " { bare.test = error:4.7.0 no way } }")
    v.reload()
    v.wait_empty()
    with v.smtp() as s:
        s.ehlo()
        s.mail("forged@box.test")
        for to, reply in (("u@gone.test", b"550 5.1.6 <u@gone.test>: Recipient address rejected: the domain has moved"),
                          ("u@bare.test", b"550 5.7.0 <u@bare.test>: Recipient address rejected: no way"),
                          ("u@ended.test", b"450 4.1.1 <u@ended.test>: Recipient address rejected: come later"),
                          ("all@list.test", b"250 2.1.5 Ok")):
            code, text = s.rcpt(to)
            t.eq(b"%d %s" % (code, text), reply, to)
    t.eq(v.mailq(), "Mail queue is empty\n", "nothing is in the queue")
    v.configure(smtpd_reject_unlisted_recipient="no", virtual_mailbox_domains="box.test")
    v.reload()


@test("never a notification for a notification, nor to an unknown sender without end")
def _(t):
    v.send("<>", ["nobody@hard.test"], "Subject: from nobody\n\nx\n")
    v.send("unknown@hard.test", ["nobody@hard.test"], "Subject: double\n\nx\n")
    v.wait_log(r"to=<unknown@hard\.test>, .*status=bounced")
    v.wait_empty()
    log = v.log()
    notes = re.findall(r"(\w+): sender non-delivery notification: (\w+)", log)
    made = {second for _first, second in notes}
    t.ok(not any(first in made for first, _second in notes), "none about a notification")
    t.eq(len({first for first, _ in notes}), len(notes), "never two about one message")
    t.eq(len(os.listdir(os.path.join(inbox, "new"))), seen, "nothing more came")


def sent(recipients, text):
    """False: a client that is told 451, or nothing, sends it again."""
    try:
        v.send("sender@box.test", recipients, text)
        return True
    except (smtplib.SMTPException, OSError):
        return False


@test("none is repeated when qmgr and bounce are killed meanwhile")
def _(t):
    for i in range(20):
        # some with so many that their outcomes take several records
        to = [f"k{i}-{n}@gone.test" for n in range(900)] if i % 6 == 3 else [f"k{i}@hard.test"]
        wait_until("it is taken", lambda: sent(to, f"Subject: killed {i}\n\nx\n"))
        pids = [p for p, n in v.pids().items() if n in ("qmgr", "bounce")]
        if i % 2:
            os.kill(pids[i // 2 % len(pids)], signal.SIGKILL)
        wait_until("the suite takes mail", lambda: v.smtp().noop()[0] == 250)
    v.wait_empty(60)
    global seen
    got = [email.message_from_bytes(m) for m in v.maildir(inbox, seen + 20)[seen:]]
    originals = [m.get_payload()[2].get_payload()[0] for m in got if m.is_multipart() and "killed" in str(m)]
    t.eq({o["Subject"] for o in originals}, {f"killed {i}" for i in range(20)}, "about each")
    listed = {m.get_payload()[2].get_payload()[0]["Subject"]: len(m.get_payload()[1].get_payload()) - 1
              for m in got if m.is_multipart() and "killed" in str(m)}
    t.eq([listed[f"killed {i}"] for i in (3, 9, 15)], [900] * 3, "of many recipients each")
    ids = [o["Message-ID"] for o in originals]
    t.eq(len(set(ids)), len(ids), "about none twice")
    seen += len(got)


def clean():
    later.close()
    hard.close()
    data.close()
    v.close()


main(cleanup=clean, evidence=lambda: v.log()[-5000:])
