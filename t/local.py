# SPDX-License-Identifier: ISC
"""Mail for this host: by SMTP and by sendmail(1), into mbox, Maildir, virtual
Maildirs, through aliases and .forward."""
import os
import pwd
import re
import stat

from lib.suite import IS_ROOT, Suite, wait_until
from lib.tap import main, test

assert IS_ROOT, "these tests need root: they deliver as several users"
alice = pwd.getpwnam("vt-alice")
bob = pwd.getpwnam("vt-bob")

v = Suite(main_cf={
    "recipient_delimiter": "+",
    "virtual_mailbox_domains": "virtual.test",
    "virtual_mailbox_maps": "inline:{ info@virtual.test=virtual.test/info/, "
                            "box@virtual.test=box }",
    "virtual_uid_maps": "static:5000",
    "virtual_gid_maps": "static:5000",
    "virtual_mailbox_base": "VBASE",
    "virtual_alias_domains": "alias.test",
}, start=False)
vbase = v.path("vmail")
os.mkdir(vbase)
os.chown(vbase, 5000, 5000)
v.write("aliases.txt", """
team: vt-alice, vt-bob
hello: "|/bin/cat > %s/command.out"
turns: "|/bin/sh %s/turn"
never: "|/bin/sh -c 'echo busy; exit 75'"
archive: %s/archive
owner-team: vt-bob
loop: vt-carol
""" % ((v.path("pub"),) * 3))
os.mkdir(v.path("pub"))
os.chmod(v.path("pub"), 0o777)
v.write("virtual.txt", "sales@alias.test vt-alice@here.test, info@virtual.test\n"
                       "@catchall.test vt-bob@here.test\n")
v.configure(virtual_mailbox_base=vbase,
            virtual_alias_domains="alias.test, catchall.test",
            virtual_alias_maps=f"texthash:{v.conf}/virtual.txt")
v.start()


def mbox(user):
    path = os.path.join(v.mail, user)
    try:
        with open(path, "rb") as f:
            return f.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


def wait_mbox(user, text):
    wait_until(f"{text!r} in {user}'s mbox; log: {v.log()[-2500:]}", lambda: text in mbox(user))
    return mbox(user)


@test("by SMTP into /var/mail's mbox")
def _(t):
    v.send("sender@out.test", ["vt-alice@here.test"],
           "Subject: one\nFrom: sender@out.test\n\nFrom here on\n.dots\n\nend\n")
    box = wait_mbox("vt-alice", "Subject: one")
    t.ok(box.startswith("From sender@out.test "), "begins with a From line", box[:80])
    for line in ("Return-Path: <sender@out.test>", "X-Original-To: vt-alice@here.test",
                 "Delivered-To: vt-alice@here.test", "\n>From here on\n", "\n.dots\n"):
        t.ok(line in box, f"has {line!r}", box)
    t.ok(re.search(r"\nReceived: from client\.test \(.*127\.0\.0\.1\]\)\n"
                   r"\tby mx\.here\.test \(Valija\) with ESMTP id [0-9A-Za-z]{12,}\n"
                   r"\tfor <vt-alice@here\.test>; ", box), "has a Received line", box)
    t.ok(box.endswith("end\n\n"), "ends in an empty line")
    s = os.stat(os.path.join(v.mail, "vt-alice"))
    t.eq((s.st_uid, stat.S_IMODE(s.st_mode)), (alice.pw_uid, 0o600), "is the user's")
    m = v.wait_log(r"postfix/local\[\d+\]: (\w+): to=<vt-alice@here\.test>, relay=local, "
                   r"delay=[\d.]+, delays=[\d./]+, dsn=2\.0\.0, status=sent \(delivered to mailbox\)")
    v.wait_log(r"postfix/qmgr\[\d+\]: %s: removed" % m[0].group(1))


@test("by sendmail(1), as a user, headers completed")
def _(t):
    r = v.run("sendmail", "-C", v.conf, "-i", "-t", user="vt-bob",
              input=b"To: vt-alice\nBcc: vt-bob\nSubject: two\n\nhi\n")
    t.eq((r.returncode, r.err), (0, ""), "exit code")
    box = wait_mbox("vt-alice", "Subject: two")
    box = box[box.rindex("From vt-bob@"):]
    t.ok(re.search(r"^From: .*vt-bob@here\.test", box, re.M), "From added", box)
    t.ok(re.search(r"^Message-I[dD]: <", box, re.M), "Message-Id added", box)
    t.ok(re.search(r"^Date: \w{3}, ", box, re.M), "Date added", box)
    t.ok("Bcc" not in box, "Bcc removed", box)
    t.ok(re.search(r"^To: vt-alice@here\.test", box, re.M), "To completed", box)
    t.ok(re.search(r"^Received: by mx\.here\.test \(Valija, from userid %d\)\n\tid " % bob.pw_uid, box, re.M),
         "Received by userid", box)
    wait_mbox("vt-bob", "Subject: two")
    v.wait_log(r"postfix/pickup\[\d+\]: \w+: uid=%d from=<vt-bob>" % bob.pw_uid)


@test("an unknown user is refused at RCPT")
def _(t):
    s = v.smtp()
    s.ehlo()
    s.mail("a@out.test")
    t.eq(s.rcpt("nobody-here@here.test"), (550, b"5.1.1 <nobody-here@here.test>: Recipient address "
         b"rejected: User unknown in local recipient table"), "reply")
    t.eq(s.rcpt("nix@virtual.test"), (550, b"5.1.1 <nix@virtual.test>: Recipient address "
         b"rejected: User unknown in virtual mailbox table"), "reply")
    t.eq(s.rcpt("nix@alias.test"), (550, b"5.1.1 <nix@alias.test>: Recipient address "
         b"rejected: User unknown in virtual alias table"), "reply")
    t.eq(s.rcpt("vt-alice@here.test")[0], 250, "a known one")
    s.quit()
    v.wait_log(r"NOQUEUE: reject: RCPT from unknown\[127\.0\.0\.1\]: 550 5\.1\.1 <nobody-here@here\.test>: "
               r"Recipient address rejected: User unknown in local recipient table; "
               r"from=<a@out\.test> to=<nobody-here@here\.test> proto=ESMTP helo=<client\.test>")


@test("user+extension")
def _(t):
    v.send("s@out.test", ["vt-alice+lists@here.test"], "Subject: ext\n\nx\n")
    box = wait_mbox("vt-alice", "Subject: ext")
    t.ok("X-Original-To: vt-alice+lists@here.test" in box, "original kept")


@test("virtual Maildir and virtual mbox, as their uid")
def _(t):
    v.send("s@out.test", ["info@virtual.test", "box@virtual.test"], "Subject: virt\n\nx\n")
    got = v.maildir(vbase + "/virtual.test/info")
    t.ok(b"Delivered-To: info@virtual.test\n" in got[0], "Delivered-To", got[0])
    name = os.listdir(vbase + "/virtual.test/info/new")[0]
    s = os.stat(f"{vbase}/virtual.test/info/new/{name}")
    t.eq((s.st_uid, stat.S_IMODE(s.st_mode)), (5000, 0o600), "owner and mode")
    v.wait_log(r"postfix/virtual\[\d+\]: \w+: to=<info@virtual\.test>, relay=virtual, .* \(delivered to maildir\)")
    v.wait_log(r"postfix/virtual\[\d+\]: \w+: to=<box@virtual\.test>, relay=virtual, .* \(delivered to mailbox\)")


@test("virtual aliases: several targets, a catch-all")
def _(t):
    v.send("s@out.test", ["sales@alias.test", "any@catchall.test"], "Subject: valias\n\nx\n")
    wait_mbox("vt-alice", "Subject: valias")
    box = wait_mbox("vt-bob", "Subject: valias")
    t.ok("X-Original-To: any@catchall.test" in box, "original recipient kept", box)
    wait_until("virtual copy", lambda: any(b"valias" in m for m in v.maildir(vbase + "/virtual.test/info", 2)))
    v.wait_log(r"to=<vt-bob@here\.test>, orig_to=<any@catchall\.test>, relay=local,")


@test("an alias with several members is forwarded, with its owner as sender")
def _(t):
    v.send("s@out.test", ["team@here.test"], "Subject: team\n\nx\n")
    box = wait_mbox("vt-alice", "Subject: team")
    wait_mbox("vt-bob", "Subject: team")
    t.ok("Delivered-To: team@here.test" in box, "Delivered-To of the alias", box)
    t.ok("From owner-team@here.test " in box, "the owner is the sender", box)
    v.wait_log(r"to=<team@here\.test>, relay=local, .*dsn=2\.0\.0, status=sent \(forwarded as \w+\)")


@test("an alias that is a command, and one that is a file, run as nobody")
def _(t):
    v.send("s@out.test", ["hello@here.test", "archive@here.test"], "Subject: cmd\n\nfor the command\n")
    out = v.path("pub", "command.out")
    wait_until("the command's output", lambda: os.path.exists(out) and "for the command" in open(out).read())
    t.eq(os.stat(out).st_uid, pwd.getpwnam("nobody").pw_uid, "command as nobody")
    archive = v.path("pub", "archive")
    wait_until("the archive", lambda: os.path.exists(archive) and "Subject: cmd" in open(archive).read())
    v.wait_log(r"status=sent \(delivered to command: /bin/cat > ")
    v.wait_log(r"status=sent \(delivered to file: ")


@test(".forward: a copy kept, one sent on; an unsafe one waits")
def _(t):
    forward = os.path.join(bob.pw_dir, ".forward")
    with open(forward, "w") as f:
        f.write("\\vt-bob, vt-alice\n")
    os.chown(forward, bob.pw_uid, bob.pw_gid)
    os.chmod(forward, 0o644)
    try:
        v.send("s@out.test", ["vt-bob@here.test"], "Subject: fwd\n\nx\n")
        wait_mbox("vt-bob", "Subject: fwd")
        box = wait_mbox("vt-alice", "Subject: fwd")
        t.ok("Delivered-To: vt-bob@here.test" in box, "marked as seen", box)
        os.chmod(forward, 0o666)
        before = mbox("vt-alice")
        v.send("s@out.test", ["vt-bob@here.test"], "Subject: unsafe\n\nx\n")
        v.wait_log(r"to=<vt-bob@here\.test>, .*status=(deferred|sent)", count=2)
        t.ok("Subject: unsafe" not in mbox("vt-alice"), "an unsafe .forward is not followed")
        t.ok(before == mbox("vt-alice"), "nothing else came")
    finally:
        os.unlink(forward)


@test("a loop of forwards ends in a bounce")
def _(t):
    carol = pwd.getpwnam("vt-carol")
    forward = os.path.join(carol.pw_dir, ".forward")
    with open(forward, "w") as f:
        f.write("loop@here.test\n")
    os.chown(forward, carol.pw_uid, carol.pw_gid)
    os.chmod(forward, 0o644)
    try:
        v.send("vt-alice@here.test", ["loop@here.test"], "Subject: looping\n\nx\n")
        v.wait_log(r"dsn=5\.4\.6, status=bounced \(mail forwarding loop for ")
        wait_mbox("vt-alice", "Undelivered Mail Returned to Sender")
    finally:
        os.unlink(forward)


@test("a command's verdict that is for now is the mail's: it comes back when its time is over")
def _(t):
    v.configure(minimal_backoff_time="1s", maximal_backoff_time="1s", maximal_queue_lifetime="2s")
    v.reload()
    v.send("vt-carol@here.test", ["never@here.test"], "Subject: never taken\n\nx\n")
    v.wait_log(r"to=<never@here\.test>,.* dsn=4\.3\.0, status=deferred "
               r"\(temporary failure\. Command output: busy\)$")
    returned = wait_mbox("vt-carol", "Subject: never taken")
    t.ok("Diagnostic-Code: x-unix; temporary failure. Command output: busy\n" in returned, "and why", returned)
    v.configure(minimal_backoff_time=None, maximal_backoff_time=None, maximal_queue_lifetime=None)
    v.reload()


@test("home_mailbox = Maildir/")
def _(t):
    v.configure(home_mailbox="Maildir/")
    v.reload()
    v.send("s@out.test", ["vt-alice@here.test"], "Subject: maildir\n\nx\n")
    got = v.maildir(os.path.join(alice.pw_dir, "Maildir"))
    t.ok(b"Subject: maildir" in got[0], "content", got[0])
    v.wait_log(r"to=<vt-alice@here\.test>, relay=local, .* \(delivered to maildir\)")


@test("commands for one recipient, two at a time, as local_destination_concurrency_limit is")
def _(t):
    count = 8
    path, go = v.path("pub", "turns"), v.path("pub", "go")
    with open(v.path("pub", "turn"), "w") as f:
        f.write(f"echo in >>{path}; until [ -e {go} ]; do sleep 0.1; done; sleep 0.3; echo out >>{path}\n")
    open(path, "x").close()
    os.chmod(path, 0o666)
    for i in range(count):
        v.send("a@out.test", ["turns+%d@here.test" % i])

    def lines():
        with open(path) as f:
            return f.read().split()
    wait_until("two run", lambda: lines() == ["in"] * 2)
    open(go, "x").close()
    wait_until("all have run", lambda: lines().count("out") == count)
    running = most = 0
    for line in lines():
        running += 1 if line == "in" else -1
        most = max(most, running)
    t.eq(most, 2, "at a time")


main(cleanup=v.close, evidence=lambda: v.log()[-6000:])
