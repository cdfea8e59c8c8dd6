# SPDX-License-Identifier: ISC
"""AUTH in smtpd, by a real Dovecot: its socket where every guide has it, and
by TCP; real clients with all its mechanisms; wrong passwords; a Dovecot that
is stopped, restarted, silent; a server that is none.  Again as an ordinary
user."""
import base64
import os
import pwd
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time

from lib.dovecot import AuthServer
from lib.memory import memory_with
from lib.suite import IS_ROOT, Line, Suite, free_port, processes_below, wait_until
from lib.tap import diag, main, test

PASSWORD = "zYx-secret-Wv7"
OWNER = "postfix" if IS_ROOT else None  # as the guides have it: user and group; whom no process of ours is

v = Suite(start=False, main_cf={
    "virtual_mailbox_domains": "box.test", "virtual_mailbox_maps": "static:in/", "virtual_minimum_uid": "1",
    "virtual_uid_maps": f"static:{5000 if IS_ROOT else os.getuid()}",
    "virtual_gid_maps": f"static:{5000 if IS_ROOT else os.getgid()}",
    "mynetworks": "192.0.2.1", "smtpd_relay_restrictions": "permit_sasl_authenticated, reject",
    "smtpd_recipient_restrictions": "reject_sender_login_mismatch",
    "smtpd_sender_login_maps": "inline:{ alice@box.test=alice bob@box.test=bob }",
    "smtpd_sasl_auth_enable": "yes", "smtpd_sasl_type": "dovecot", "smtpd_sasl_path": "private/auth",
    "smtpd_tls_auth_only": "no", "smtpd_client_connection_count_limit": "0",
})
inet_port, fake_port, fake, dovecot_port = (free_port() for _ in range(4))
os.mkdir(v.path("box"))
if IS_ROOT:
    os.chown(v.path("box"), 5000, 5000)
v.master_cf += "".join(
    f"127.0.0.1:{port} inet n - n - - smtpd\n  -o smtpd_sasl_path=inet:{host}:{to}\n"
    for port, host, to in ((inet_port, "localhost", dovecot_port), (fake_port, "127.0.0.1", fake)))
v.configure(virtual_mailbox_base=v.path("box"))
v.start()
d = AuthServer(v.path("dovecot"), v.path("queue", "private", "auth"), {"alice": PASSWORD, "bob": "b"}, OWNER, dovecot_port)


def b64(text):
    return base64.b64encode(text.encode()).decode()


def plain(user, password):
    return "AUTH PLAIN " + b64(f"\0{user}\0{password}")


def session(port=None):
    s = Line(socket.create_connection(("127.0.0.1", port or v.port), 60))
    s.reply()
    s.say("EHLO client.test")
    return s


def login(user="alice", password=PASSWORD, port=None):
    s = session(port)
    r = s.say(plain(user, password))
    s.close()
    return r


if IS_ROOT:
    @test("the socket is where the guides have it, and as they have it")
    def _(t):
        st = os.stat(v.path("queue", "private", "auth"))
        t.eq((stat.S_ISSOCK(st.st_mode), st.st_mode & 0o777), (True, 0o660), "mode = 0660")
        with open(d.conf) as f:
            t.ok(re.search(r"mode = 0660\s+user = postfix\s+group = postfix\n", f.read()), "user = postfix, group = postfix")
        t.ok(st.st_uid not in {os.stat(f"/proc/{p}").st_uid for p in v.pids_of("smtpd")} | {0}, "neither smtpd's nor root's")


@test("its mechanisms are offered, and no others")
def _(t):
    s = v.smtp()
    s.ehlo()
    t.eq(sorted(s.esmtp_features["auth"].split()), ["CRAM-MD5", "LOGIN", "PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256"], "AUTH")
    s.quit()


def by_smtplib(mechanism):
    with v.smtp() as s:
        s.ehlo()
        s.user, s.password = "alice", PASSWORD
        s.auth(mechanism, getattr(s, "auth_" + mechanism.lower().replace("-", "_")))
        s.sendmail("alice@box.test", ["x@box.test"], "Subject: smtplib\n\nx\n")


def by_program(*argv, text=b"Subject: program\n\nx\n"):
    r = v.run(*argv, input=text, env={"HOME": v.base, "MAILRC": "/dev/null"})
    assert r.returncode == 0, f"{argv}: {r.out}{r.err}"


def by_curl(mechanism):
    by_program("curl", "-sS", f"smtp://127.0.0.1:{v.port}/client.test", "--mail-from", "alice@box.test", "--mail-rcpt",
               "x@box.test", "--user", f"alice:{PASSWORD}", "--login-options", f"AUTH={mechanism}", "-T", "-")


def by_swaks(mechanism):
    by_program("swaks", "--server", f"127.0.0.1:{v.port}", "-f", "alice@box.test", "-t", "x@box.test", "--auth", mechanism,
               "--auth-user", "alice", "--auth-password", PASSWORD, "--auth-hide-password")


def by_msmtp(mechanism):
    by_program("msmtp", "--host=127.0.0.1", f"--port={v.port}", f"--auth={mechanism.lower()}", "--user=alice",
               f"--passwordeval=echo {PASSWORD}", "--tls=off", "-f", "alice@box.test", "x@box.test")


def by_s_nail(mechanism):
    by_program("s-nail", "-:/", "-Sv15-compat", "-r", "alice@box.test", "-Sfrom=alice@box.test",
               f"-Smta=smtp://alice:{PASSWORD}@127.0.0.1:{v.port}", f"-Ssmtp-auth={mechanism.lower()}",
               "-s", "s-nail", "x@box.test")


@test("each mechanism by real clients; the log and the Received line say how")
def _(t):
    n = 0
    for client, mechanisms in ((by_smtplib, "PLAIN LOGIN CRAM-MD5"), (by_swaks, "PLAIN LOGIN CRAM-MD5"),
                               (by_curl, "PLAIN LOGIN CRAM-MD5"),
                               (by_msmtp, "PLAIN LOGIN SCRAM-SHA-1 SCRAM-SHA-256"), (by_s_nail, "PLAIN LOGIN")):
        for mechanism in mechanisms.split():
            client(mechanism)
            n += 1
            found = v.wait_log(r": client=unknown\[127.0.0.1\], sasl_method=(\S+), sasl_username=alice$", n)
            t.eq(found[-1][1], mechanism, client.__name__)
    got = v.maildir(v.path("box", "in"), n)
    t.ok(all(b" with ESMTPA id " in m for m in got), "ESMTPA", got[-1][:500])
    t.ok(not any(b"alice" in m.split(b"\n\n")[0].split(b"From:")[0].split(b"Return-Path:")[0] for m in got[:1]),
         "no login in Received", got[0][:500])


@test("a wrong password, and a user who is not there: the same, as late; fail2ban's filter sees both")
def _(t):
    before, results = len(v.log()), {}

    def one(name, user, password):
        start = time.monotonic()
        reply = login(user, password)
        results[name] = reply, time.monotonic() - start
    cases = {"wrong": ("alice", "wrong"), "unknown": ("mallory", PASSWORD), "empty": ("alice", ""), "right": ("alice", PASSWORD)}
    threads = [threading.Thread(target=one, args=(name, *case)) for name, case in cases.items()]
    for th in threads:
        th.start()
    for th in threads:
        th.join()
    t.eq(results["right"][0], "235 2.7.0 Authentication successful", "who is right meanwhile")
    t.ok(results["right"][1] < 1.5, "at once", results["right"][1])
    for name in ("wrong", "unknown", "empty"):
        t.eq(results[name][0], "535 5.7.8 Error: authentication failed: (reason unavailable)", name)
        t.ok(2 <= results[name][1] < 6, f"{name}: late", results[name][1])
    # fail2ban 1.0, filter.d/postfix.conf: prefregex and mdre-auth
    regex = (r"postfix/smtpd\[\d+\]: warning: [^[]*\[127\.0\.0\.1\](?::\d+)?: SASL (?:LOGIN|PLAIN|(?:CRAM|DIGEST)-MD5) "
             r"authentication failed:(?! Connection lost to authentication server| Invalid authentication mechanism)")
    t.eq(len(re.findall(regex, v.log()[before:])), 3, "lines that fail2ban counts")


@test("who may send as whom")
def _(t):
    s = session()
    t.eq(s.say(plain("bob", "b"))[:3], "235", "bob")
    s.say("MAIL FROM:<alice@box.test>")
    t.eq(s.say("RCPT TO:<x@box.test>"), "553 5.7.1 <alice@box.test>: Sender address rejected: not owned by user bob", "alice's")
    s.say("RSET")
    s.say("MAIL FROM:<bob@box.test>")
    t.eq(s.say("RCPT TO:<x@box.test>")[:3], "250", "his own")
    s.close()
    s = session()
    s.say("MAIL FROM:<bob@box.test>")
    t.eq(s.say("RCPT TO:<x@box.test>")[:3], "554", "who is not logged in")
    s.close()


@test("by TCP, to a name")
def _(t):
    t.eq(login(port=inet_port)[:3], "235", "alice")


@test("200 sessions log in at once, on one connection")
def _(t):
    got = []
    threads = [threading.Thread(target=lambda: got.append(login()[:3])) for _ in range(200)]
    for th in threads:
        th.start()
    for th in threads:
        th.join()
    t.eq(got, ["235"] * 200, "all of them")


@test("Dovecot stopped: for now; restarted: as before, in the same sessions and processes")
def _(t):
    pids = sorted(v.pids_of("smtpd"))
    idle, midst = session(), session()
    t.eq(midst.say("AUTH LOGIN"), "334 VXNlcm5hbWU6", "in the midst of it")
    d.stop()
    lost = "454 4.7.0 Temporary authentication failure: Connection lost to authentication server"
    t.eq(midst.say(b64("alice")), lost, "who was in the midst")
    t.eq(idle.say(plain("alice", PASSWORD)), lost, "who was there")
    t.eq(login(), lost, "who comes")
    new = v.smtp()
    new.ehlo()
    t.ok("PLAIN" in new.esmtp_features.get("auth", ""), "AUTH is offered all the same", new.esmtp_features)
    t.ok(f"warning: SASL: Connect to unix:private/auth failed:" in v.log(), "a line in the log")
    d.start()
    wait_until("it is asked again", lambda: login()[:3] == "235")
    t.eq(idle.say(plain("alice", PASSWORD))[:3], "235", "who was there")
    t.eq(midst.say(plain("alice", PASSWORD))[:3], "235", "who was in the midst")
    t.eq(sorted(v.pids_of("smtpd")), pids, "the same processes")
    for s in (idle, midst):
        s.close()
    new.close()


class Hostile:
    """A server of no protocol: says `greeting`, and to each line `answer`."""

    def __init__(self, port):
        self.greeting, self.answer, self.connections = b"", b"", 0
        self.sock = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                peer, _ = self.sock.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        try:
            peer.sendall(self.greeting)
            for line in peer.makefile("rb"):
                if line.startswith((b"AUTH", b"CONT")):
                    peer.sendall(self.answer.replace(b"ID", line.split(b"\t")[1]))
        except OSError:
            pass
        peer.close()


@test("a server that says what it may not: for now, never a yes, and smtpd lives")
def _(t):
    h = Hostile(fake)
    good = b"VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nDONE\n"
    pids = sorted(v.pids_of("smtpd"))

    for greeting, answer in ((b"220 mail.test ESMTP\r\n", b""), (b"x" * 20000, b""), (b"VERSION\t1\t1\n" + b"MECH\tX\n" * 2000, b""),
                             (good, b"y" * 40000), (good, b"OK\tID\n"),
                             (good, b"OK\t0\tuser=root\n" * 500 + b"OK\tID\tuser=a\1nb\n"), (good, b"CONT\tID\tno base64\r\n")):
        h.greeting, h.answer, before = greeting, answer, h.connections
        replies = []  # after a failure it is asked again in a second
        wait_until("it is asked", lambda: replies.append(login(port=fake_port)) or h.connections > before)
        t.eq({r[:9] for r in replies}, {"454 4.7.0"}, f"{greeting[:20]} {answer[:20]}")
    t.eq(sorted(v.pids_of("smtpd")), pids, "the same processes")
    h.greeting, h.answer = good, b"OK\tID\tuser=alice\n"
    wait_until("a good one is believed", lambda: login(port=fake_port)[:3] == "235")
    h.sock.close()


@test("one that is silent: for now, in half a minute; a Dovecot that sleeps: the same, and then it is asked again", long=True)
def _(t):
    h = Hostile(free_port())
    h.greeting = b"VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nDONE\n"
    v.master_cf = v.master_cf.replace(f"inet:127.0.0.1:{fake}", f"inet:127.0.0.1:{h.sock.getsockname()[1]}")
    v.configure()
    v.reload()
    t.eq(login()[:3], "235", "before")
    [auth] = [pid for pid, name in processes_below(d.process.pid).items() if name == "auth"]
    os.kill(auth, signal.SIGSTOP)
    got = {}
    threads = [threading.Thread(target=lambda p=p: got.update({p: login(port=p)})) for p in (fake_port, v.port)]
    for th in threads:
        th.start()
    for th in threads:
        th.join()
    os.kill(auth, signal.SIGCONT)
    t.eq({r[:9] for r in got.values()}, {"454 4.7.0"}, "for now")
    wait_until("it is asked again", lambda: login()[:3] == "235")
    h.sock.close()


@test("no password in the log, nor left in smtpd's memory")
def _(t):
    secrets = [PASSWORD.encode(), b64(PASSWORD).encode(), b64(f"\0alice\0{PASSWORD}").encode()]
    with open(v.log_path, "rb") as f:
        log = f.read()
    t.ok(not any(s in log for s in secrets), "the log")
    if not IS_ROOT:
        return
    s = session()
    s.say("AUTH LOGIN")
    s.say(b64("alice"))
    t.eq(s.say(b64(PASSWORD))[:3], "235", "LOGIN")
    for pid in v.pids_of("smtpd"):
        found = memory_with(pid, secrets)
        t.eq(found, [], f"smtpd {pid}")
    s.raw(b"NOOP marker-in-memory\r\n")
    s.reply()
    t.ok(any(memory_with(pid, [b"marker-in-memory"]) for pid in v.pids_of("smtpd")), "what is not wiped is found")
    s.close()


@test("what lets nobody log in, `check` says: no TLS, Cyrus SASL")
def _(t):
    v.configure(smtpd_tls_auth_only="yes")
    r = v.valija("check")
    v.configure(smtpd_tls_auth_only="no")
    t.ok("nobody can log in" in r.out + r.err, "no TLS", r.out + r.err)
    t.ok("nobody can log in" not in v.valija("check").err, "nothing to say")
    v.configure(smtpd_sasl_type="cyrus", smtpd_sasl_path="smtpd")
    r = v.valija("check")
    v.configure(smtpd_sasl_type="dovecot", smtpd_sasl_path="private/auth")
    t.ok(r.returncode != 0 and "there is no Cyrus SASL here" in r.out + r.err, "said", r.out + r.err)


if IS_ROOT:
    @test("all of this as an ordinary user")
    def _(t):
        me = pwd.getpwnam("vt-carol")
        r = subprocess.run([sys.executable, *sys.argv], user=me.pw_uid, group=me.pw_gid, extra_groups=[], capture_output=True,
                           env=dict(os.environ, HOME=me.pw_dir, USER="vt-carol"))
        if not t.eq(r.returncode, 0, "its tests"):
            diag(r.stdout.decode() + r.stderr.decode())


def close():
    d.close()
    v.close()


main(cleanup=close, evidence=lambda: v.log()[-4000:] + d.log()[-2000:])
