# SPDX-License-Identifier: ISC
"""The suite's life: start, stop, reload, what dies and comes back, what is
refused at a start."""
import os
import re
import signal
import socket
import subprocess
import threading
import time

from lib.sink import Sink
from lib.suite import IS_ROOT, Suite, connects, free_port, processes_below, program, wait_until
from lib.tap import main, test

LONG = bool(os.environ.get("T_LONG"))
RELOADS = 200 if LONG else 20

v = Suite(main_cf={
    "virtual_mailbox_domains": "box.test",
    "virtual_mailbox_maps": "texthash:${config_directory}/boxes",
    "virtual_uid_maps": f"static:{5000 if IS_ROOT else os.getuid()}",
    "virtual_gid_maps": f"static:{5000 if IS_ROOT else os.getgid()}",
    "smtpd_banner": "one.test ESMTP",
}, start=False)
v.write("boxes", "a@box.test a/\n")
box = v.path("box")
os.mkdir(box)
if IS_ROOT:
    os.chown(box, 5000, 5000)
v.configure(virtual_mailbox_base=box)



def by_name(suite=v):
    """{program: pids} of what master started."""
    found = {}
    for pid, name in processes_below(suite.master_pid()).items():
        found.setdefault(name, []).append(pid)
    return found


@test("what is not running says so, with exit code 1")
def _(t):
    for command in ("stop", "reload", "status"):
        r = v.valija(command)
        t.eq(r.returncode, 1, command)
        t.ok("the Postfix mail system is not running" in r.err, f"{command} says why", r.err)
    t.eq(v.valija("nonsense").returncode, 1, "an unknown command")
    t.eq(v.valija().returncode, 1, "no command")


@test("start returns when mail is taken, once")
def _(t):
    v.start()
    with v.smtp() as s:
        t.eq(s.noop()[0], 250, "a session right after the start")
    r = v.valija("start")
    t.eq(r.returncode, 1, "a second start")
    t.ok("already running" in r.err, "says why", r.err)
    log = v.log()
    t.ok(re.search(r"postfix/postfix-script\[\d+\]: starting the Postfix mail system", log), "log of the start", log)
    t.ok(re.search(r"postfix/master\[\d+\]: daemon started -- version ", log), "log of master", log)


@test("status lists the programs")
def _(t):
    r = v.valija("status")
    t.eq(r.returncode, 0, "exit code")
    t.ok(f"the Postfix mail system is running: PID: {v.master_pid()}" in r.err, "the pid", r.err)
    for name in ("qmgr", "smtpd", "pickup", "local", "mda", "dns", "lookup", "keys"):
        t.ok(re.search(rf"^{name} .*\d+ .*ready", r.out, re.M), name, r.out)
    t.eq("as one user" in r.out, not IS_ROOT, "the note on users")
    wait_until("qmgr says how large the queue is", lambda: re.search(
        r"^qmgr .*ready +\d+  \d+ active, \d+ deferred, \d+ on hold$", v.valija("status").out, re.M))


@test("a reload with an error is refused and changes nothing")
def _(t):
    before = by_name()
    v.write("main.cf", open(v.path("etc", "main.cf")).read() + "smtpd_timeout = soon\n")
    lines = len(open(v.path("etc", "main.cf")).readlines())
    r = v.valija("reload")
    t.eq(r.returncode, 1, "exit code")
    t.ok(f"main.cf, line {lines}:" in r.err, "file and line", r.err)
    os.kill(v.master_pid(), signal.SIGHUP)
    v.wait_log(r"master\[\d+\]: error: reload refused")
    t.ok(re.search(rf"master\[\d+\]: error: .*main\.cf, line {lines}:", v.log()), "in the log as well", v.log())
    t.eq(by_name(), before, "the processes")
    t.eq(v.valija("status").returncode, 0, "status with a broken main.cf")
    v.configure()


@test("a reload takes the new settings; open sessions go on with the old ones")
def _(t):
    old = v.socket()
    t.ok("one.test" in old.reply(), "the old banner")
    v.configure(smtpd_banner="two.test ESMTP")
    v.reload()
    with v.smtp() as s:
        t.eq(s.noop()[0], 250, "a new session")
    new = v.socket()
    t.ok("two.test" in new.reply(), "the new banner")
    new.close()
    t.ok(old.say("EHLO client.test").startswith("250"), "the old session")
    t.ok(old.say("MAIL FROM:<x@client.test>").startswith("250"), "takes mail")
    t.ok(old.say("RCPT TO:<a@box.test>").startswith("250"), "still")
    t.ok(old.say("DATA").startswith("354"), "data")
    t.ok(old.say("Subject: old\r\n\r\nhello\r\n.").startswith("250"), "and it is queued")
    v.maildir(os.path.join(box, "a"))
    t.ok(old.say("QUIT").startswith("221"), "and ends well")
    old.close()
    wait_until("the old smtpd is gone", lambda: len(by_name()["smtpd"]) == 1)


@test("once a reload has returned no client and no message meets the old configuration")
def _(t):
    idle = v.socket()  # keeps an old smtpd alive
    idle.reply()
    for n in range(30):
        v.configure(smtpd_banner=f"{n}.test ESMTP", transport_maps=f"inline:{{{{way.test=error:way {n}}}}}",
                    smtpd_reject_unlisted_recipient="no")
        v.reload()
        for _ in range(4):
            new = v.socket()
            t.eq(new.reply(), f"220 {n}.test ESMTP", "the greeting")
            new.close()
        v.send("x@client.test", [f"a{n}@way.test"])
        t.ok(v.wait_log(rf"to=<a{n}@way\.test>, .*status=bounced \(way {n}\)"), "routed by the new one")
    v.configure(transport_maps=None, smtpd_reject_unlisted_recipient=None)
    v.reload()
    idle.close()


@test("a reload takes the agents along: none works on with the old settings, however busy it is")
def _(t):
    sink = Sink()
    sink.pause = 0.3
    v.configure(transport_maps=f"inline:{{busy.test=smtp:[127.0.0.1]:{sink.port}}}", smtp_helo_name="one.test")
    v.reload()

    def helos():
        return [said[1].split()[-1] for said in list(sink.sessions) if len(said) > 1]
    ends, sent = threading.Event(), []

    def send():
        while not ends.is_set():
            sent.append(f"a{len(sent)}@busy.test")
            v.send("x@client.test", sent[-1:])
            time.sleep(0.05)
    sender = threading.Thread(target=send)
    sender.start()
    try:
        wait_until("it is busy", lambda: len(sink.heard) > 10)
        v.configure(smtp_helo_name="two.test")
        v.reload()
        wait_until("all go by the new settings", lambda: len(set(helos()[-5:]) - {"two.test"}) == 0 and helos())
        wait_until("the old smtp is gone", lambda: len(by_name()["smtp"]) == 1)
        before = len(sink.sessions)
        wait_until("more has come", lambda: len(sink.heard) > 30)
        t.eq(set(helos()[before:]) - {"two.test"}, set(), "since then")
    finally:
        ends.set()
        sender.join()
    v.wait_log(r"to=<a\d+@busy\.test>, .*status=sent", count=len(sent))
    t.ok(not re.search(r"to=<a\d+@busy\.test>, .*status=deferred", v.log()), "nothing waited for it")
    sink.close()
    v.configure(transport_maps=None, smtp_helo_name=None)
    v.reload()


@test("at most two generations are leaving: the sessions of older ones get 421")
def _(t):
    old = v.socket()
    old.reply()
    for _ in range(4):
        v.reload()
    t.ok(old.reply().startswith("421"), "the oldest session is ended")
    old.close()


@test(f"{RELOADS} reloads refuse no connection")
def _(t):
    refused, done, ends = [], [0], threading.Event()

    def connect():
        while not ends.is_set():
            try:
                with v.smtp() as s:
                    s.noop()
                done[0] += 1
            except OSError as e:
                refused.append(repr(e))
    threads = [threading.Thread(target=connect) for _ in range(4)]
    for th in threads:
        th.start()
    try:
        for _ in range(RELOADS):
            v.reload()
    finally:
        ends.set()
        for th in threads:
            th.join()
    t.eq(refused, [], "connections that failed")
    t.ok(done[0] >= RELOADS, "there were some", done[0])


@test("a program that is killed is started again, and mail goes on")
def _(t):
    count = len(os.listdir(os.path.join(box, "a", "new")))
    for name in ("qmgr", "local", "mda", "dns", "lookup", "keys", "pickup", "smtpd"):
        pids = by_name()[name]
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        wait_until(f"another {name}", lambda: set(by_name().get(name, [])) - set(pids))
        v.wait_log(rf"warning: process .*/{name} pid {pids[0]} killed by signal 9")

        def sent():
            try:
                v.send("x@client.test", ["a@box.test"])
                return True
            except OSError:
                return False
        wait_until(f"mail after the end of {name}", sent)
        count += 1
        v.maildir(os.path.join(box, "a"), count)


@test("a table that changes is taken without a reload")
def _(t):
    with v.smtp() as s:
        s.ehlo()
        s.mail("x@client.test")
        t.eq(s.rcpt("later@box.test")[0], 550, "not there yet")
    v.write("boxes", "a@box.test a/\nlater@box.test later/\n")

    def known():
        with v.smtp() as s:
            s.ehlo()
            s.mail("x@client.test")
            return s.rcpt("later@box.test")[0] == 250
    wait_until("the new mailbox is known", known)
    v.send("x@client.test", ["later@box.test"])
    v.maildir(os.path.join(box, "later"))


@test("a port that is taken refuses the reload, and the start")
def _(t):
    port = free_port()
    with socket.socket() as s:
        s.bind(("127.0.0.1", port))
        s.listen()
        old = v.master_cf
        v.master_cf = old + f"127.0.0.1:{port} inet n - n - - smtpd\n"
        v.configure()
        t.eq(v.valija("reload").returncode, 1, "the reload")
        t.ok(re.search(rf"service 127\.0\.0\.1:{port}: cannot listen on 127\.0\.0\.1: Address already in use", v.log()),
             "the log says which", v.log()[-2000:])
        t.ok(v.smtp().noop()[0] == 250, "the suite still serves")
        v.stop()
        r = v.valija("start")
        t.eq(r.returncode, 1, "the start")
        t.ok("mail system startup failed" in r.err, "says so", r.err)
        v.master_cf = old
        v.configure()


@test("directories with a wrong owner or mode are refused by name")
def _(t):
    for name, mode in (("journal", 0o755), ("private", 0o777), ("maildrop", 0o1777)):
        path = os.path.join(v.queue, name)
        right = os.lstat(path).st_mode & 0o7777
        os.chmod(path, mode)
        r = v.valija("start")
        t.eq(r.returncode, 1, f"{name} with mode {mode:o}")
        t.ok(re.search(rf"{path} has owner \d+ and mode {mode:04o}: must be \d+ and {right:04o}", v.log()),
             "is named", v.log()[-2000:])
        os.chmod(path, right)
    os.chmod(v.queue, 0o777)
    t.eq(v.valija("start").returncode, 1, "a queue directory that all may write to")
    os.chmod(v.queue, 0o755)
    real = v.queue + ".real"
    os.rename(v.queue, real)
    os.symlink(real, v.queue)
    t.eq(v.valija("start").returncode, 1, "a queue directory that is a link")
    os.unlink(v.queue)
    os.rename(real, v.queue)
    v.start()


@test("stop works with a broken main.cf")
def _(t):
    v.write("main.cf", open(v.path("etc", "main.cf")).read() + "what is this\n")
    v.stop()
    t.eq(v.valija("status").returncode, 1, "it is down")
    v.configure()


@test("check says file, line and reason, and what was meant")
def _(t):
    for text, meant in (("smtpd_bannner = x\n", "smtpd_banner"),
                        ("smtpd_recipient_restrictions = permit_mynetwork, reject\n", "permit_mynetworks"),
                        ("smtpd_timeout = soon\n", "smtpd_timeout")):
        v.configure()
        v.write("main.cf", open(v.path("etc", "main.cf")).read() + text)
        lines = len(open(v.path("etc", "main.cf")).readlines())
        r = v.valija("check")
        t.ok(re.search(rf"main\.cf, line {lines}: error: .*{meant}\b", r.err), text, r.err)
        t.eq(r.returncode, 1, "exit code")
    v.configure()
    t.eq(v.valija("check").returncode, 0, "a good one")


@test("start-fg stays, logs to standard output, and ends on SIGTERM")
def _(t):
    v.configure(maillog_file="/dev/stdout")
    p = subprocess.Popen([program("valija"), "-c", v.conf, "start-fg"], stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        wait_until("it takes mail", lambda: connects(v.port))
        v.send("x@client.test", ["a@box.test"])
    finally:
        p.send_signal(signal.SIGTERM)
        out = p.communicate(timeout=60)[0].decode()
    t.eq(p.returncode, 0, "exit code")
    t.ok(re.search(r"postfix/smtpd\[\d+\]: connect from ", out), "the log", out)
    v.configure(maillog_file=v.log_path)


if IS_ROOT:
    @test("without the users, start says which command makes them")
    def _(t):
        passwd = v.path("passwd")
        with open("/etc/passwd") as f, open(passwd, "w") as out:
            out.writelines(line for line in f if not line.startswith("valija-queue:"))
        r = v.run("unshare", "--mount", "sh", "-c",
                  f'mount --bind {passwd} /etc/passwd && exec "$@"', "sh",
                  program("valija"), "-c", v.conf, "start")
        t.eq(r.returncode, 1, "exit code")
        t.ok(re.search(r"no user valija-queue: useradd .* valija-queue", r.err), "the useradd line", r.err)
        t.ok(re.search(r"systemd-sysusers \S+/sysusers\.d/valija\.conf", r.err), "the systemd line", r.err)

    @test("as process 1 it reaps what others leave behind")
    def _(t):
        v.configure(maillog_file="/dev/stdout")
        p = subprocess.Popen(["unshare", "--pid", "--fork", "--mount-proc", program("valija"), "-c", v.conf,
                              "start-fg"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             stdin=subprocess.DEVNULL)
        try:
            wait_until("it takes mail", lambda: connects(v.port))
            first = next(q for q, n in processes_below(p.pid).items() if n == "master")
            # a process whose parent dies becomes process 1's child
            subprocess.run(["nsenter", "--target", str(first), "--pid", "--mount", "sh", "-c", "(sleep 0.2 &)"],
                           check=True)
            wait_until("no zombie", lambda: not zombies(first) and "sleep" not in processes_below(first).values())
        finally:
            os.kill(first, signal.SIGTERM)
            p.communicate(timeout=60)
        t.eq(p.returncode, 0, "exit code")
        v.configure(maillog_file=v.log_path)


def zombies(pid):
    r = subprocess.run(["ps", "--ppid", str(pid), "-o", "stat="], capture_output=True, text=True)
    return [s for s in r.stdout.split() if s.startswith("Z")]


main(cleanup=v.close, evidence=lambda: v.log()[-4000:])
