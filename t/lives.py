# SPDX-License-Identifier: ISC
"""valija log: the lives of messages, from our own log and from Postfix's, from
files, rotated files, standard input and the journal."""
import gzip
import os
import re
import subprocess

from lib.peers import SmtpSink
from lib.suite import IS_ROOT, IS_SANITIZED, Suite, program
from lib.tap import main, test

assert IS_ROOT, "these tests need root: they deliver as several users"

v = Suite(start=False, main_cf={
    "virtual_mailbox_domains": "box.test",
    "virtual_mailbox_maps": "inline:{ sender@box.test=sender/ }",
    "virtual_uid_maps": "static:5000", "virtual_gid_maps": "static:5000",
})
box = v.path("box")
os.mkdir(box)
os.chown(box, 5000, 5000)
hard = SmtpSink(v.base, "-h", "hard.test", "-f", "RCPT")
v.write("aliases.txt", "team: vt-alice, sender@box.test, nobody@hard.test\n")
v.configure(virtual_mailbox_base=box,
            smtpd_recipient_restrictions="check_recipient_access inline:{ { refused@box.test = REJECT } }, permit",
            transport_maps="inline:{ hard.test=smtp:[127.0.0.1]:%d }" % hard.port)
v.start()

# What Postfix wrote for a message with a notification, and for another one in
# between, whose id is used again.
POSTFIX = """\
Nov 24 09:00:01 mx postfix/smtpd[10]: connect from a.example[192.0.2.1]
Nov 24 09:00:01 mx postfix/smtpd[10]: 0A1B2C3D4E: client=a.example[192.0.2.1]
Nov 24 09:00:01 mx postfix/smtpd[11]: 0F0F0F0F0F: client=b.example[192.0.2.2]
Nov 24 09:00:01 mx postfix/cleanup[12]: 0A1B2C3D4E: message-id=<one@a.example>
Nov 24 09:00:01 mx postfix/qmgr[13]: 0A1B2C3D4E: from=<s@a.example>, size=321, nrcpt=1 (queue active)
Nov 24 09:00:02 mx postfix/smtp[14]: 0A1B2C3D4E: to=<t@far.example>, relay=mx.far.example[192.0.2.9]:25, delay=1, \
delays=0.1/0/0.5/0.4, dsn=5.1.1, status=bounced (host mx.far.example[192.0.2.9] said: 550 5.1.1 <t@far.example>: \
no such user (in reply to RCPT TO command))
Nov 24 09:00:02 mx postfix/cleanup[12]: 1234ABCDEF: message-id=<2.1234ABCDEF@mx>
Nov 24 09:00:02 mx postfix/bounce[15]: 0A1B2C3D4E: sender non-delivery notification: 1234ABCDEF
Nov 24 09:00:02 mx postfix/qmgr[13]: 1234ABCDEF: from=<>, size=2345, nrcpt=1 (queue active)
Nov 24 09:00:02 mx postfix/qmgr[13]: 0A1B2C3D4E: removed
Nov 24 09:00:03 mx postfix/smtp[14]: 1234ABCDEF: to=<s@a.example>, relay=a.example[192.0.2.1]:25, delay=1, \
delays=0/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 0F0F0F0F0F)
Nov 24 09:00:03 mx postfix/qmgr[13]: 1234ABCDEF: removed
"""


def log(*args, **kw):
    return v.run("valija", "-c", v.conf, "log", *args, **kw)


def file(name, text):
    path = v.path(name)
    with (gzip.open if name.endswith(".gz") else open)(path, "wt") as f:
        f.write(text)
    return path


def blocks(text):
    """[(head, [lines])]"""
    return [(b.split("\n")[0], [line[2:] for line in b.rstrip("\n").split("\n")[1:]])
            for b in text.split("\n\n") if b]


@test("a message, what it was forwarded as, and the notification: one life in order")
def _(t):
    v.send("sender@box.test", ["team@here.test"], "Subject: x\nMessage-ID: <whole.life@box.test>\n\nx\n")
    v.wait_log(r"sender non-delivery notification: \w+")
    notification = re.search(r"sender non-delivery notification: (\w+)", v.log()).group(1)
    v.wait_log(rf"{notification}: removed")
    first = re.search(r"(\w+): message-id=<whole.life@box.test>", v.log()).group(1)
    v.wait_log(rf"{first}: removed")
    r = log(first)
    t.eq((r.returncode, r.err), (0, ""), "exit code")
    got = blocks(r.out)
    t.must(len(got) == 3, "three messages", r.out)
    child = re.match(r"(\w+): ", got[1][0]).group(1)
    t.ok(got[0][0].startswith(f"{first}: from=<sender@box.test>, size="), "its head", got[0][0])
    t.ok(got[0][0].endswith(", sent=1, removed"), "its end", got[0][0])
    t.ok(got[1][0].startswith(f"{child}: forwarded from {first}; from="), "the forward's head", got[1][0])
    t.ok(", sent=2, bounced=1, removed" in got[1][0], "its end", got[1][0])
    t.ok(got[2][0].startswith(f"{notification}: sender non-delivery notification of {child}; from=<>"),
         "the notification's head", got[2][0])
    for (head, lines), qid in zip(got, (first, child, notification)):
        want = [line for line in v.log().splitlines() if re.search(rf"\]: (warning: )?{qid}: ", line)]
        t.eq(lines, want, f"the lines of {qid}, as they stand in the log")
    for question in ("whole.life@box.test", "<whole.life@box.test>", "team@here.test", "TEAM@here.test"):
        r = log(question)
        t.eq((r.returncode, [h for h, _ in blocks(r.out)][0]), (0, got[0][0]), question)
    t.eq([h.split(":")[0] for h, _ in blocks(log("@hard.test").out)], [child, notification], "by domain")


@test("what was refused is found by its recipient")
def _(t):
    with v.smtp() as s:
        s.ehlo()
        s.mail("sender@box.test")
        t.ok(s.rcpt("refused@box.test")[0] >= 500, "refused")
    v.wait_log(r"NOQUEUE: reject:")
    r = log("refused@box.test")
    t.eq(r.returncode, 0, r.err)
    (head, lines), = blocks(r.out)
    t.eq(head, "NOQUEUE: not taken", "head")
    t.ok(re.search(r"NOQUEUE: reject: RCPT from .*refused@box.test", lines[0]), "the line", lines)


@test("Postfix's own lines, from a file, compressed, from a pipe")
def _(t):
    path, zipped = file("postfix.log", POSTFIX), file("postfix.log.gz", POSTFIX)
    out = log("-f", path, "0A1B2C3D4E").out
    got = blocks(out)
    t.eq([h for h, _ in got], [
        "0A1B2C3D4E: from=<s@a.example>, size=321, nrcpt=1, bounced=1, removed",
        "1234ABCDEF: sender non-delivery notification of 0A1B2C3D4E; from=<>, size=2345, nrcpt=1, sent=1, removed",
    ], "heads")
    lines = POSTFIX.splitlines()
    t.eq(got[0][1], [lines[i] for i in (1, 3, 4, 5, 7, 9)], "its lines")
    t.eq(got[1][1], [lines[i] for i in (6, 8, 10, 11)], "the notification's")
    t.eq(log("-f", zipped, "0A1B2C3D4E").out, out, "compressed")
    t.eq(log("-f", "-", "0A1B2C3D4E", input=POSTFIX.encode()).out, out, "from a pipe")
    r = subprocess.run(f"cat {path} | {program('valija')} log -f - 0A1B2C3D4E | cat", shell=True,
                       capture_output=True)
    t.eq(r.stdout.decode(), out, "in a pipeline, without a configuration")
    t.eq(log("-f", path, "one@a.example").out, out, "by Message-ID")
    t.eq(log("-f", path, "s@a.example").out, out, "by the sender")
    t.eq([h.split(":")[0] for h, _ in blocks(log("-f", path, "t@far.example").out)], ["0A1B2C3D4E", "1234ABCDEF"],
         "by the recipient")
    iso = re.sub(r"^Nov 24 (\S+)", r"2026-11-24T\1.123456+00:00", POSTFIX, flags=re.M)
    t.eq(len(blocks(log("-f", "-", "s@a.example", input=iso.encode()).out)), 2, "with times of RFC 3339")


@test("rotated logs are read before the log, oldest first")
def _(t):
    lines = POSTFIX.splitlines(keepends=True)
    file("maillog", "".join(lines[8:]))
    file("maillog.1", "".join(lines[4:8]))
    file("maillog.2.gz", "".join(lines[:4]))
    file("maillog.10.xz", "not to be read")
    file("maillog.old", lines[1])
    for age, name in enumerate(("maillog", "maillog.1", "maillog.2.gz")):
        os.utime(v.path(name), (1800000000 - age, 1800000000 - age))
    os.mkdir(v.path("other"))
    with open(v.path("other", "main.cf"), "w") as f:
        f.write(f"maillog_file = {v.path('maillog')}\n")
    open(v.path("other", "master.cf"), "w").close()
    r = v.run("valija", "-c", v.path("other"), "log", "0A1B2C3D4E")
    t.eq((r.returncode, r.out), (0, log("-f", v.path("postfix.log"), "0A1B2C3D4E").out), "the whole life")
    os.rename(v.path("maillog"), v.path("maillog.0"))
    r2 = v.run("valija", "-c", v.path("other"), "log", "0A1B2C3D4E")
    t.eq((r2.returncode, r2.out), (0, r.out), "just rotated away")


@test("the journal's lines, where the log goes to syslog")
def _(t):
    os.mkdir(v.path("bin"))
    script = v.path("bin", "journalctl")
    with open(script, "w") as f:
        f.write(f"#!/bin/sh\n[ \"$*\" = '--quiet --no-pager --output=short-iso SYSLOG_FACILITY=2' ] || exit 9\n"
                f"cat {v.path('postfix.log')}\n")
    os.chmod(script, 0o755)
    os.mkdir(v.path("journal"))
    with open(v.path("journal", "main.cf"), "w") as f:
        f.write("myhostname = x.test\n")
    open(v.path("journal", "master.cf"), "w").close()
    env = {"PATH": v.path("bin") + ":/usr/bin:/bin"}
    r = v.run("valija", "-c", v.path("journal"), "log", "0A1B2C3D4E", env=env)
    t.eq((r.returncode, len(blocks(r.out)), r.err), (0, 2, ""), "found there")
    with open(script, "w") as f:
        f.write("#!/bin/sh\nexit 1\n")
    r = v.run("valija", "-c", v.path("journal"), "log", "0A1B2C3D4E", env=env)
    t.eq((r.returncode, r.out), (66, ""), "one that fails is not one that knows nothing")
    r = v.run("valija", "-c", v.path("journal"), "log", "0A1B2C3D4E", env={"PATH": v.path("journal")})
    t.eq(r.returncode, 66, "without journalctl")
    t.ok("-f" in r.err, "says what to do", r.err)


@test("exit codes: nothing found is not an error, what cannot be read is")
def _(t):
    path = v.path("postfix.log")
    t.eq(log("-f", path, "9999999999").returncode, 1, "no such message")
    for args in ([], ["-f", path], ["a", "b"], ["-x", "0A1B2C3D4E"], ["-f", path, "nonsense"], ["-f", path, "<>"],
                 ["-f", path, ""]):
        r = log(*args)
        t.eq((r.returncode, r.out), (64, ""), f"usage: {args}")
    t.eq(log("-f", v.path("none"), "0A1B2C3D4E").returncode, 66, "no such file")
    t.eq(log("-f", v.base, "0A1B2C3D4E").returncode, 66, "a directory")
    with open(v.path("postfix.log.gz"), "rb") as f:
        whole = f.read()
    with open(v.path("torn.gz"), "wb") as f:
        f.write(whole[:len(whole) - 40])
    with open(v.path("bad.gz"), "wb") as f:
        f.write(whole[:30] + b"\xff\xff\xff\xff" + whole[34:])
    for name in ("torn.gz", "bad.gz"):
        r = log("-f", v.path(name), "0A1B2C3D4E")
        t.eq(r.returncode, 74, name)
        t.ok("damaged" in r.err and name in r.err, "says which", r.err)
    os.chmod(path, 0o600)
    r = log("-f", path, "0A1B2C3D4E", user="vt-alice")
    t.eq(r.returncode, 66, "a log that is not the caller's to read")
    full = subprocess.run(f"{program('valija')} log -f {path} 0A1B2C3D4E >/dev/full", shell=True, capture_output=True)
    t.eq(full.returncode, 74, "a full disk behind standard output")


@test("control bytes of strangers do not reach the terminal; long lines are cut")
def _(t):
    evil = ("Nov 24 09:00:01 mx postfix/smtp[1]: 0A1B2C3D4E: to=<\x1b]0;x\x07@y>, status=sent (\x1b[2J)\n"
            "Nov 24 09:00:01 mx postfix/smtp[1]: 0A1B2C3D4E: " + "y" * 100000 + "\nno line\n\x00\x00\n")
    r = log("-f", "-", "0A1B2C3D4E", input=evil.encode())
    t.ok(not re.search(r"[\x00-\x09\x0b-\x1f]", r.out), "plain", r.out[:300])
    t.ok(16000 < len(r.out) < 17000, "bounded", len(r.out))


@test("a large log: memory stays small")
def _(t):
    path = v.path("large.log")
    with open(path, "w") as f:
        for i in range(300000):
            f.write(f"Nov 24 09:00:01 mx postfix/qmgr[1]: {i + 0x1000000:X}: from=<s{i}@a.test>, size=1, nrcpt=1 "
                    "(queue active)\n")
        f.write(POSTFIX)
    limit = "unlimited" if IS_SANITIZED else "60000"
    r = subprocess.run(["bash", "-c", f"ulimit -v {limit}; exec {program('valija')} log -f {path} t@far.example"], capture_output=True)
    t.eq((r.returncode, len(blocks(r.stdout.decode()))), (0, 2), r.stderr)
    r = log("-f", path, "@a.test")
    t.eq(r.returncode, 65, "more than can be shown")
    t.ok("more than can be shown" in r.err, "says so", r.err)
    t.ok(r.out.count("\n\n") == 19999, "and shows what it can", r.out.count("\n\n"))


main(cleanup=lambda: (hard.close(), v.close()))
