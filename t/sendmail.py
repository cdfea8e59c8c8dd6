# SPDX-License-Identifier: ISC
"""sendmail(1) and its kin as programs call them."""
import json
import os
import pwd
import re
import stat
import subprocess

from lib.suite import Suite, program, wait_until
from lib.tap import main, test

v = Suite(start=False, main_cf={
    "virtual_mailbox_domains": "box.test", "virtual_mailbox_maps": "static:in/",
    "virtual_uid_maps": "static:5000", "virtual_gid_maps": "static:5000",
})
box = v.path("box")
os.mkdir(box)
os.chown(box, 5000, 5000)
v.configure(virtual_mailbox_base=box)
v.start()
inbox = os.path.join(box, "in")
taken = 0


def sendmail(*options, text="Subject: x\n\nx\n", user="vt-alice", env=None):
    return v.run("sendmail", "-C", v.conf, *options, input=text.encode(), user=user, env=env)


def arrived(marker):
    global taken
    got = v.maildir(inbox, taken + 1)
    found = [m.decode() for m in got if marker in m.decode()]
    taken = len(got)
    assert len(found) == 1, f"{marker}: {len(found)} of {len(got)}"
    return found[0]


@test("the options programs use")
def _(t):
    t.eq(sendmail("-oi", "-f", "f@out.test", "-F", "Full Name", "a@box.test",
                  text="Subject: opt1\n\n.\nafter a dot\n").returncode, 0, "-oi -f -F")
    m = arrived("Subject: opt1")
    t.ok("Return-Path: <f@out.test>" in m and "\n\n.\nafter a dot\n" in m, "sender, and a lone dot", m)
    t.ok(re.search(r'^From: .*Full Name.*f@out\.test', m, re.M), "From from -F", m)
    for options in (("-f", "<>"), ("-f", ""), ("-F", "Full Name", "-f", "<>")):
        t.eq(sendmail(*options, "a@box.test", text=f"Subject: from {options}\n\nx\n").returncode, 0, f"{options}")
        m = arrived(f"Subject: from {options}")
        t.eq(re.findall(r"^From: .*", m, re.M), ["From: MAILER-DAEMON"], f"{options}: no name")
    t.eq(sendmail("a@box.test", text="Subject: opt2\n\nbefore\n.\nafter\n").returncode, 0, "no -i")
    m = arrived("Subject: opt2")
    t.ok("before\n" in m and "after" not in m, "a lone dot ends it", m)
    t.eq(sendmail("-t", "-i", "c@box.test", text="To: a@box.test\nCc: b@box.test\nSubject: opt3\n\nx\n").returncode,
         0, "-t with arguments")
    global taken
    got = v.maildir(inbox, taken + 3)
    t.eq(sorted(re.search(r"Delivered-To: (\S+)", m.decode()).group(1) for m in got if b"opt3" in m),
         ["a@box.test", "b@box.test", "c@box.test"], "recipients of headers and arguments")
    taken = len(got)
    for options in (("-bm",), ("-B8BITMIME",), ("-om", "-oem"), ("-odq", "-o7"), ("-n", "-m"),
                    ("-L", "tag"), ("-X", "/dev/null"), ("-U",), ("-G",), ("-h", "3"), ("-O", "Timeout=1")):
        r = sendmail(*options, "--", "a@box.test", text=f"Subject: ign {options}\n\nx\n")
        t.eq(r.returncode, 0, f"{options}: {r.err}")
        arrived(f"Subject: ign {options}")


@test("a null sender; the envelope sender is the login name by default")
def _(t):
    sendmail("-f", "<>", "a@box.test", text="Subject: null\n\nx\n")
    t.ok("Return-Path: <>\n" in arrived("Subject: null"), "-f <>")
    sendmail("a@box.test", text="Subject: login\n\nx\n", user="vt-bob")
    t.ok("Return-Path: <vt-bob@here.test>\n" in arrived("Subject: login"), "login name at myorigin")


@test("real exit codes")
def _(t):
    t.eq(sendmail().returncode, 64, "no recipients: EX_USAGE")
    t.ok(sendmail("-t", text="Subject: none\n\nx\n").returncode in (64, 65), "-t without recipients")
    t.eq(sendmail("-Z", "a@box.test").returncode, 64, "unknown option")
    t.eq(sendmail("-C", "/nonexistent", "a@box.test").returncode, 78, "no such configuration")


def smtp_dialogue(text, user="vt-alice"):
    r = sendmail("-bs", text=text, user=user)
    t_code = [line[:3] for line in r.out.replace("\r\n", "\n").split("\n") if line[3:4] == " "]
    return r, " ".join(t_code)


@test("-bs: SMTP on standard input and output, without privilege")
def _(t):
    r, codes = smtp_dialogue(
        "EHLO me\r\nMAIL FROM:<s1@out.test> SIZE=100 BODY=8BITMIME\r\nRCPT TO:<a@box.test>\r\n"
        "DATA\r\nSubject: bs1\r\n\r\n..one dot\r\n...\r\n.\r\n"
        "MAIL FROM:<>\r\nRCPT TO:<a@box.test>\r\nDATA\r\nSubject: bs2\r\n\r\n.\r\nQUIT\r\n")
    t.eq((r.returncode, codes), (0, "220 250 250 250 354 250 250 250 354 250 221"), r.out)
    t.ok(re.search(r"250 2\.0\.0 Ok: queued as \w+\r\n", r.out), "the queue id", r.out)
    t.ok(r.out.startswith("220 mx.here.test ESMTP") and "\r\n250-SIZE 10240000\r\n" in r.out, "banner, SIZE", r.out)
    global taken
    got = [m.decode() for m in v.maildir(inbox, taken + 2)[taken:]]
    taken += 2
    one = [m for m in got if "bs1" in m][0]
    t.ok("Return-Path: <s1@out.test>\n" in one and "\n\n.one dot\n..\n" in one, "sender, dots", one)
    t.ok(f"from userid {pwd.getpwnam('vt-alice').pw_uid})" in one, "who sent it", one)
    t.ok(re.search(r"^Date: ", one, re.M) and re.search(r"^From: s1@out\.test", one, re.M), "completed", one)
    t.ok(any("bs2" in m and "Return-Path: <>\n" in m for m in got), "the second one", str(got))


@test("-bs: lines that end in LF, what is wrong, and a message that was cut short")
def _(t):
    r, codes = smtp_dialogue(
        "HELO me\nRCPT TO:<a@box.test>\nMAIL FROM:<a b@c>\nMAIL FROM:<x@out.test> SIZE=999999999\n"
        "MAIL FROM:<x@out.test> FOO=1\nMAIL FROM:<x@out.test>\nMAIL FROM:<y@out.test>\nDATA\nRCPT TO:<>\n"
        "RCPT TO:<a@box.test>\nVRFY x\nNOOP\nWHAT\n\nRSET\nDATA\n" + "x" * 5000 + "\n"
        "MAIL FROM:<lf@out.test>\nRCPT TO:a@box.test\nDATA\nSubject: bs3\n\nbody\n.\n"
        "MAIL FROM:<lf@out.test>\nRCPT TO:<a@box.test>\nDATA\nSubject: never whole\n\nbody\n")
    t.eq((r.returncode, codes),
         (0, "220 250 503 501 552 555 250 503 554 501 250 252 250 502 500 250 503 500 250 250 354 250 250 250 354"),
         r.out)
    m = arrived("Subject: bs3")
    t.ok("Return-Path: <lf@out.test>\n" in m and m.endswith("\n\nbody\n"), "delivered", m)
    sendmail("a@box.test", text="Subject: after bs\n\nx\n")
    arrived("Subject: after bs")  # and nothing else


@test("-bs: swaks submits through it over a pipe, and a client that waits for each reply")
def _(t):
    r = v.run("/usr/bin/swaks", "--silent", "2", "--pipe", f"{program('sendmail')} -C {v.conf} -bs",
              "--from", "sw@out.test", "--to", "a@box.test", "--body", "by swaks and a pipe", user="vt-bob")
    t.eq(r.returncode, 0, r.out + r.err)
    t.ok("by swaks and a pipe" in arrived("by swaks and a pipe"), "delivered")
    # pine and mutt-like: each reply is read before the next command is said
    p = subprocess.Popen([program("sendmail"), "-C", v.conf, "-bs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         user="vt-bob", group="vt-bob", extra_groups=[])
    said = []
    for line in ("", "EHLO x", "MAIL FROM:<st@out.test>", "RCPT TO:<a@box.test>", "DATA",
                 "Subject: in step\r\n\r\nx\r\n.", "QUIT"):
        if line:
            p.stdin.write(line.encode() + b"\r\n")
            p.stdin.flush()
        while True:
            said.append(p.stdout.readline().decode())
            if said[-1][3:4] != "-":
                break
    t.eq((p.wait(), [s[:3] for s in said if s[3:4] == " "]), (0, "220 250 250 250 354 250 221".split()), str(said))
    arrived("Subject: in step")


@test("-bs: a message that is too large, and a user who may not send")
def _(t):
    v.configure(message_size_limit="20000")
    v.reload()
    r, codes = smtp_dialogue("HELO x\nMAIL FROM:<a@out.test>\nRCPT TO:<a@box.test>\nDATA\n" + "x\n" * 20000 +
                             ".\nMAIL FROM:<a@out.test>\nRCPT TO:<a@box.test>\nDATA\nSubject: fits\n.\nQUIT\n")
    t.eq(codes, "220 250 250 250 354 552 250 250 354 250 221", r.out)
    arrived("Subject: fits")
    v.configure(message_size_limit=None, authorized_submit_users="!vt-bob, static:all")
    v.reload()
    r, codes = smtp_dialogue("HELO x\nMAIL FROM:<a@out.test>\nRCPT TO:<a@box.test>\nDATA\n.\nQUIT\n", user="vt-bob")
    t.eq(codes, "220 250 250 250 354 554 221", r.out)
    t.ok("554 5.7.1 Error: User vt-bob(" in r.out, "the reason", r.out)
    v.configure(authorized_submit_users=None)
    v.reload()


@test("-bv: what recipients become, and where they would go")
def _(t):
    v.configure(virtual_alias_maps="inline:{ { list@box.test = a@box.test, far@out.example } { bad@box.test = no@here.test } }",
                transport_maps="inline:{ { closed.example = error:5.1.2 closed } }")
    r = sendmail("-bv", "vt-alice", "list@box.test")
    t.eq((r.returncode, r.out),
         (0, "vt-alice... (vt-alice@here.test) deliverable: mailer local, host mx.here.test, user vt-alice@here.test\n"
             "list@box.test... (a@box.test) deliverable: mailer virtual, host box.test, user a@box.test\n"
             "list@box.test... (far@out.example) deliverable: mailer smtp, host out.example, user far@out.example\n"), r.err)
    r = sendmail("-bv", "vt-nobody-here", "bad@box.test", "x@closed.example")
    t.eq((r.returncode, r.out),
         (67, "vt-nobody-here... (vt-nobody-here@here.test) User unknown in local recipient table\n"
              "bad@box.test... (no@here.test) User unknown in local recipient table\n"
              "x@closed.example... 5.1.2 closed\n"), r.err)
    v.configure(virtual_alias_maps="hash:/nonexistent")
    t.eq(sendmail("-bv", "x@box.test").returncode, 75, "a table that cannot be asked")
    v.configure(virtual_alias_maps=None, transport_maps=None)


@test("mailq, postqueue -p, newaliases")
def _(t):
    t.eq(v.run("mailq", "-C", v.conf).out, "Mail queue is empty\n", "mailq")
    t.eq(v.run("postqueue", "-c", v.conf, "-p").out, "Mail queue is empty\n", "postqueue -p")
    t.eq(sendmail("-bp").out, "Mail queue is empty\n", "sendmail -bp")
    v.write("aliases", "root: vt-alice\nfriends: vt-alice, vt-bob\n")
    r = v.run("newaliases", "-C", v.conf)
    t.eq((r.returncode, r.err), (0, ""), "newaliases")
    t.ok(os.path.exists(os.path.join(v.conf, "aliases.cdb")), "the table is built")
    t.eq(v.run("postalias", "-c", v.conf, "-q", "friends", f"hash:{v.conf}/aliases").out, "vt-alice, vt-bob\n", "asked")


@test("a listing of what waits, to the letter")
def _(t):
    v.send("w@out.test", ["x@wait.example", "y@wait.example"], "Subject: waits\n\nx\n")
    v.wait_log(r"to=<y@wait\.example>, .*status=deferred")
    out = v.mailq()
    t.ok(re.match(r"----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------\n"
                  r"\w{17} +\d+ \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d +w@out\.test\n"
                  r" *\(.*\)\n {41,47}x@wait\.example\n", out) or
         re.match(r"-Queue ID-|----Queue ID-----", out) and "w@out.test" in out and "x@wait.example" in out,
         "postqueue -p", out)
    t.ok(re.search(r"\n-- \d+ Kbytes in 1 Request\.\n$", out), "the last line", out)
    rows = [json.loads(line) for line in v.run("postqueue", "-c", v.conf, "-j").out.splitlines()]
    t.eq(len(rows), 1, "postqueue -j")
    t.eq(list(rows[0])[:7], ["queue_name", "queue_id", "arrival_time", "message_size", "forced_expire",
                             "sender", "recipients"], "its fields")
    t.eq((rows[0]["queue_name"], rows[0]["sender"]), ("deferred", "w@out.test"), "its values")
    t.eq(sorted(r["address"] for r in rows[0]["recipients"]), ["x@wait.example", "y@wait.example"], "recipients")


@test("while the suite is stopped a message waits, durable, and goes out at the next start")
def _(t):
    v.stop()
    r = sendmail("-i", "-f", "down@out.test", "a@box.test", text="Subject: was down\n\nx\n")
    t.eq(r.returncode, 0, r.err)
    drop = os.path.join(v.queue, "maildrop")
    [name] = os.listdir(drop)
    s = os.lstat(os.path.join(drop, name))
    t.eq((s.st_uid, stat.S_IMODE(s.st_mode) & 0o007, s.st_nlink), (pwd.getpwnam("vt-alice").pw_uid, 0, 1),
         "the user's, nobody else's")
    listed = v.run("ls", drop, user="vt-bob")
    t.ok(listed.returncode != 0, "the directory cannot be listed by users")
    t.ok(v.run("cat", os.path.join(drop, name), user="vt-bob").returncode != 0, "nor the file read")
    t.ok(v.run("rm", "-f", os.path.join(drop, name), user="vt-bob").returncode != 0, "nor removed")
    v.start()
    t.ok("Return-Path: <down@out.test>" in arrived("Subject: was down"), "delivered")
    wait_until("maildrop is empty", lambda: not os.listdir(drop))


@test("-bs while the suite is stopped")
def _(t):
    v.stop()
    r, codes = smtp_dialogue("HELO x\nMAIL FROM:<a@out.test>\nRCPT TO:<a@box.test>\nDATA\nSubject: bs down\n\n.\nQUIT\n")
    t.eq(codes, "220 250 250 250 354 250 221", r.out)
    v.start()
    t.ok("Return-Path: <a@out.test>" in arrived("Subject: bs down"), "delivered")


@test("rubbish in maildrop harms nobody")
def _(t):
    v.stop()
    drop = os.path.join(v.queue, "maildrop")
    code = f"""
import os
os.chdir({drop!r})
open('junk', 'wb').write(os.urandom(5000))
open('empty', 'wb').close()
os.symlink('/etc/shadow', 'link')
os.mkfifo('fifo')
os.mkdir('dir')
open('a'*200, 'wb').write(b'x'*100)
"""
    r = v.run("python3", "-c", code, user="vt-bob")
    t.eq(r.returncode, 0, r.err)
    sendmail("a@box.test", text="Subject: among junk\n\nx\n")
    v.start()
    arrived("Subject: among junk")
    sendmail("a@box.test", text="Subject: after junk\n\nx\n")
    arrived("Subject: after junk")


@test("from a service without new privileges")
def _(t):
    r = subprocess.run(["setpriv", "--no-new-privs", "--reuid", "vt-alice", "--clear-groups", program("sendmail"),
                        "-C", v.conf, "a@box.test"], input=b"Subject: nnp\n\nx\n", capture_output=True)
    t.eq(r.returncode, 0, r.stderr.decode())
    arrived("Subject: nnp")


@test("no file of the installation is set-id")
def _(t):
    prefix = os.path.dirname(os.path.dirname(program("sendmail")))
    out = v.run("find", prefix, "-perm", "/6000").out
    t.eq(out, "", "set-id files")


main(cleanup=v.close, evidence=lambda: v.log()[-5000:])
