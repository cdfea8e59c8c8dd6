# SPDX-License-Identifier: ISC
"""What an access table has done with a message: HOLD, REDIRECT, BCC, FILTER,
PREPEND, DISCARD; and a content filter from which mail comes back."""
import os
import re
import signal

from lib.peers import SmtpSink
from lib.suite import Suite, free_port, wait_until
from lib.tap import main, test

v = Suite(start=False, main_cf={
    "virtual_mailbox_domains": "box.test", "virtual_mailbox_maps": "static:in/",
    "virtual_uid_maps": "static:5000", "virtual_gid_maps": "static:5000",
    "virtual_alias_maps": "inline:{ { both@box.test = one@box.test, two@box.test } }",
})
box = v.path("box")
os.mkdir(box)
os.chown(box, 5000, 5000)
inbox = os.path.join(box, "in")
back = free_port()
sink = SmtpSink(v.base, "-h", "scan.test")
v.master_cf = (f"127.0.0.1:{v.port} inet n - n - - smtpd\n"
               f"127.0.0.1:{back} inet n - n - - smtpd\n"
               "    -o content_filter= -o syslog_name=postfix/back\n"
               "    -o receive_override_options=no_address_mappings,no_unknown_recipient_checks\n"
               "    -o smtpd_sender_restrictions=\n"
               "scan unix - - n - 2 smtp\n")
table = ("check_sender_access inline:{ { hold@out.test = HOLD } { red@out.test = REDIRECT else@box.test } "
         "{ bcc@out.test = BCC spy@box.test } { disc@out.test = DISCARD } { pre@out.test = PREPEND X-Seen: yes } "
         "{ filt@out.test = FILTER scan:[127.0.0.1]:%d } }" % sink.port)
v.configure(virtual_mailbox_base=box, smtpd_sender_restrictions=table)
v.start()
taken = 0


def arrived(count=1):
    """The new messages, once there are `count`."""
    global taken
    got = [m.decode() for m in v.maildir(inbox, taken + count)]
    new, taken = got[taken:], len(got)
    assert len(new) == count, f"{len(new)} and not {count}: {new}"
    return new


def delivered_to(messages):
    return sorted(re.search(r"^Delivered-To: (\S+)", m, re.M).group(1) for m in messages)


@test("HOLD: it waits in hold/, in the list with a mark, across a flush, a kill of all, and a restart")
def _(t):
    v.send("hold@out.test", ["small@box.test"], "Subject: held\n\nsmall\n")
    v.send("hold@out.test", ["large@box.test"], "Subject: held\n\n" + "large\n" * 100000)
    t.ok(len(v.wait_log(r"NOQUEUE: hold: RCPT from \S+: <hold@out\.test>: Sender address triggers HOLD action;", 2)) == 2,
         "said by smtpd")
    hold = os.path.join(v.queue, "hold")
    wait_until("both are in hold/", lambda: len(os.listdir(hold)) == 2)
    t.eq(len(re.findall(r"^\w+! ", v.mailq(), re.M)), 2, "marked in the list")
    v.run("postqueue", "-c", v.conf, "-f", check=True)
    v.send("ok@out.test", ["a@box.test"])
    t.eq(delivered_to(arrived()), ["a@box.test"], "nothing else was delivered")
    for pid in list(v.pids()):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    v.start()
    v.send("ok@out.test", ["b@box.test"])
    t.eq(delivered_to(arrived()), ["b@box.test"], "nor after a crash")
    t.eq(len(re.findall(r"^\w+! ", v.mailq(), re.M)), 2, "still marked")


@test("HOLD: killed at once after the 250, it is held all the same")
def _(t):
    for i in range(5):
        v.send("hold@out.test", [f"kill{i}@box.test"])
        for pid, name in v.pids().items():
            if name == "qmgr":
                os.kill(pid, signal.SIGKILL)
        v.wait_log(r"qmgr\S*: .*killed|terminated.*qmgr|qmgr.*signal", i + 1)
    wait_until("all seven", lambda: len(re.findall(r"^\w+! ", v.mailq(), re.M)) == 7)
    v.send("ok@out.test", ["c@box.test"])
    t.eq(delivered_to(arrived()), ["c@box.test"], "none of them was delivered")


@test("REDIRECT, BCC, DISCARD, PREPEND")
def _(t):
    v.send("red@out.test", ["a@box.test", "b@box.test"])
    t.eq(delivered_to(arrived()), ["else@box.test"], "REDIRECT: there, and nowhere else")
    v.send("bcc@out.test", ["a@box.test"])
    t.eq(delivered_to(arrived(2)), ["a@box.test", "spy@box.test"], "BCC: a copy")
    v.send("disc@out.test", ["a@box.test"])
    v.send("pre@out.test", ["a@box.test"])
    [m] = arrived()
    t.ok(re.search(r"^X-Seen: yes$", m, re.M), "PREPEND, and what was discarded is not there", m)


@test("FILTER: to the filter, whoever the recipient")
def _(t):
    v.send("filt@out.test", ["a@box.test", "x@far.test"], "Subject: filter me\n\nx\n")
    [m] = sink.messages()
    t.ok(b"X-Rcpt-Args: <a@box.test>" in m and b"X-Rcpt-Args: <x@far.test>" in m, "both in one", m)
    v.wait_log(r"postfix/scan/smtp\S*: \w+: to=<x@far\.test>, relay=127\.0\.0\.1\S*, .*status=sent|"
               r"smtp\S*: \w+: to=<x@far\.test>, relay=127\.0\.0\.1\S*, .*status=sent")


@test("content_filter: mail goes out to it and comes back, once, with its aliases expanded")
def _(t):
    # The filter of this test gives all back unchanged: it is our own second port.
    v.configure(content_filter=f"scan:[127.0.0.1]:{back}", smtpd_sender_restrictions="")
    v.stop()
    v.start()
    v.send("s@out.test", ["both@box.test"], "Subject: through\n\nx\n")
    new = arrived(2)
    t.eq(delivered_to(new), ["one@box.test", "two@box.test"], "the aliases")
    t.eq([len(re.findall(r"^Received:", m, re.M)) for m in new], [2, 2], "once through the filter")
    r = v.run("sendmail", "-C", v.conf, "-f", "l@out.test", "both@box.test", input=b"Subject: local\n\nx\n", check=True)
    t.eq(delivered_to(arrived(2)), ["one@box.test", "two@box.test"], "from sendmail(1) too")
    v.configure(content_filter="scann:[127.0.0.1]:25")
    r = v.valija("check")
    t.ok("content_filter: there is no service scann in master.cf" in r.out + r.err, "a slip is told", r.out + r.err)


main(cleanup=lambda: (sink.close(), v.close()), evidence=lambda: v.log()[-6000:])
