# SPDX-License-Identifier: ISC
"""memo: the limits of clients and logins, over real connections: each with its
words, across processes, forgotten after its time, kept by a reload; what a
stolen password does; and memo killed, or standing still, under load."""
import base64
import contextlib
import os
import re
import signal
import socket
import socketserver
import threading

from lib.load import Load
from lib.suite import IS_ROOT, Line, Suite, free_port, kill, wait_until
from lib.tap import main, test

UID = 5000
EXEMPT = "127.0.0.99"
suites = contextlib.ExitStack()


def make_suite(**main_cf):
    v = Suite(start=False, main_cf={
        "mynetworks": f"{EXEMPT}/32", "smtpd_error_sleep_time": "0s",
        "virtual_mailbox_domains": "box.test", "virtual_mailbox_maps": "static:in/",
        "virtual_uid_maps": f"static:{UID}", "virtual_gid_maps": f"static:{UID}",
        "smtpd_reject_unlisted_recipient": "no", **main_cf})
    suites.callback(v.close)
    v.configure(virtual_mailbox_base=v.mail)
    if IS_ROOT:
        os.chown(v.mail, UID, -1)
    v.start()
    return v


def connect(v, address):
    s = Line(socket.create_connection(("127.0.0.1", v.port), 30, source_address=(address, 0)))
    suites.callback(s.close)
    return s


def greeting(v, address):
    """What one hears who connects; then he leaves."""
    s = connect(v, address)
    reply = s.reply()
    s.close()
    return reply


def talk(v, address, *commands):
    """The reply to the greeting and to each command."""
    s = connect(v, address)
    replies = [s.reply()] + [s.say(c) for c in ("HELO c.test", *commands)]
    s.close()
    return replies


def memo_pids(v):
    return v.pids_of("memo")


@test("rates of connections, messages, recipients: each client his own, until it is too much")
def _(t):
    v = make_suite(smtpd_client_connection_rate_limit="6", smtpd_client_message_rate_limit="2",
                   smtpd_client_recipient_rate_limit="3", anvil_status_update_time="1s")
    service = rf"127\.0\.0\.1:{v.port}"
    mail, rcpt = "MAIL FROM:<a@out.test>", "RCPT TO:<b@box.test>"
    r = talk(v, "127.0.0.2", mail, rcpt, "RCPT TO:<nobody@far.test>", rcpt, rcpt, "RSET", mail, "RSET", mail)
    t.eq([x[:9] for x in r[2:6]], ["250 2.1.0", "250 2.1.5", "454 4.7.1", "250 2.1.5"], "within the limits")
    t.eq(r[6], "450 4.7.1 Error: too many recipients from 127.0.0.2", "the fourth recipient")
    t.ok(r[8].startswith("250 "), "the second message", r[8])
    t.eq(r[10], "450 4.7.1 Error: too much mail from 127.0.0.2", "the third")
    v.wait_log(rf"warning: Recipient address rate limit exceeded: 4 from unknown\[127\.0\.0\.2\] for service {service}$")
    v.wait_log("warning: Message delivery request rate limit exceeded: 3 from "
               rf"unknown\[127\.0\.0\.2\] for service {service}$")
    heard = [greeting(v, "127.0.0.2") for _ in range(6)]
    t.ok(all(x.startswith("220 ") for x in heard[:5]), "six connections", heard)
    t.eq(heard[5], "421 4.7.0 mx.here.test Error: too many connections from 127.0.0.2", "and the seventh")
    v.wait_log(rf"warning: Connection rate limit exceeded: 7 from unknown\[127\.0\.0\.2\] for service {service}$")
    for address in ("127.0.0.3", EXEMPT):
        n = 4 if address == EXEMPT else 2
        r = talk(v, address, *[mail, "RSET"] * n)
        t.ok(all(x[0] == "2" for x in r), f"{address} is none of them", r)
    t.ok(all(greeting(v, EXEMPT).startswith("220 ") for _ in range(10)), "who is exempt may come often")
    for what, most in (("connection rate", "7/60s"), ("message rate", "3/60s"), ("recipient rate", "4/60s"),
                       ("connection count", "1")):
        v.wait_log(rf"/memo\[\d+\]: statistics: max {what} {most} for \({service}:127\.0\.0\.2\) at \w+ [ \d]\d ")
    v.wait_log(r"statistics: max cache size \d+ at ")
    t.ok(EXEMPT not in "".join(re.findall("statistics: .*", v.log())), "who is exempt is not known to memo")


@test("what was counted is forgotten after anvil_rate_time_unit; the line of anvil in master.cf sets it")
def _(t):
    v = make_suite(smtpd_client_connection_rate_limit="3")
    v.master_cf += "anvil unix - - n - 1 anvil\n  -o anvil_rate_time_unit=2s\n"
    v.configure()
    v.reload()
    wait_until("a refusal", lambda: greeting(v, "127.0.0.2").startswith("421 4.7.0 "))
    wait_until("a greeting", lambda: greeting(v, "127.0.0.2").startswith("220 "), 10)


@test("sessions at a time: counted in all processes, those of an old generation too; a reload forgets nothing")
def _(t):
    v = make_suite(smtpd_client_connection_count_limit="3", smtpd_client_message_rate_limit="2")
    held = [connect(v, "127.0.0.2") for _ in range(2)]
    t.ok(all(s.reply().startswith("220 ") for s in held), "two are greeted")
    replies = talk(v, "127.0.0.3", "MAIL FROM:<a@out.test>", "RSET", "MAIL FROM:<a@out.test>")
    t.ok(replies[-1].startswith("250 "), "two messages", replies)
    old_smtpd, old_memo = v.pids_of("smtpd"), memo_pids(v)
    v.reload()
    wait_until("a new smtpd beside the old one", lambda: len(v.pids_of("smtpd")) == 2)
    t.eq(memo_pids(v), old_memo, "memo stays")
    replies = talk(v, "127.0.0.3", "MAIL FROM:<a@out.test>")
    t.eq(replies[-1], "450 4.7.1 Error: too much mail from 127.0.0.3", "the third message is one too many")
    held.append(connect(v, "127.0.0.2"))
    t.ok(held[2].reply().startswith("220 "), "the third is greeted by the new process")
    t.eq(greeting(v, "127.0.0.2"), "421 4.7.0 mx.here.test Error: too many connections from 127.0.0.2", "not the fourth")
    v.wait_log(r"warning: Connection concurrency limit exceeded: 4 from unknown\[127\.0\.0\.2\] for service ")
    t.ok(greeting(v, "127.0.0.4").startswith("220 "), "another is")
    # a new memo is told what there is, by each process
    kill(old_memo)
    wait_until("a new memo", lambda: memo_pids(v) not in ([], old_memo))
    wait_until("a refusal", lambda: greeting(v, "127.0.0.2").startswith("421 "))
    held[0].say("QUIT")
    wait_until("a place that is free", lambda: greeting(v, "127.0.0.2").startswith("220 "))
    # what a process had goes with it
    kill(old_smtpd)
    wait_until("the end of the old one", lambda: len(v.pids_of("smtpd")) == 1)
    more = [connect(v, "127.0.0.2") for _ in range(2)]
    t.eq([s.reply()[:3] for s in more], ["220", "220"], "two more, besides the one of the new process")
    t.eq(greeting(v, "127.0.0.2")[:3], "421", "and no third")


@test("clients that are exempt, or no limit at all: memo is not even started")
def _(t):
    v = make_suite(mynetworks="127.0.0.0/8")
    v.send("a@out.test", ["b@box.test"])
    v.maildir(v.path("mail", "in"))
    t.eq(memo_pids(v), [], "the default, a client of this host")
    v.configure(mynetworks=f"{EXEMPT}/32", smtpd_client_connection_count_limit="0")
    v.reload()
    t.ok(talk(v, "127.0.0.2", "MAIL FROM:<a@out.test>", "RCPT TO:<b@box.test>")[-1].startswith("250 "), "a stranger")
    t.eq(memo_pids(v), [], "no limit")
    v.configure(smtpd_client_connection_count_limit=None)
    v.reload()
    t.ok(greeting(v, "127.0.0.2").startswith("220 "), "and the default, a stranger")
    t.eq(len(memo_pids(v)), 1, "memo is there")


@test("memo killed, and standing still, under load: no mail is lost or refused; then it counts again")
def _(t):
    v = make_suite(smtpd_client_event_limit_exceptions="", smtpd_client_connection_count_limit="40",
                   smtpd_client_message_rate_limit="1000000", smtpd_client_connection_rate_limit="1000000")
    load = Load(v.port, lambda serial: f"load{serial}@box.test", v.path("ledger"), sessions=10, size=100, pace=0.002).start()

    def more(n=30):
        before = len(load.acked)
        wait_until("more mail", lambda: len(load.acked) > before + n)
    seen = set()
    for _ in range(2):  # master makes each next one wait longer
        more()
        pid = wait_until("a memo", lambda: [p for p in memo_pids(v) if p not in seen])
        seen |= set(pid)
        kill(pid)
    more()
    pid = wait_until("a memo", lambda: [p for p in memo_pids(v) if p not in seen])
    # one that comes after its time is missed for a moment: each time is said once
    away, back = r"warning: memo does not answer: nobody is refused for a rate until it does", "memo answers again"
    wait_until("an answer", lambda: len(re.findall(away, v.log())) == len(re.findall(back, v.log())))
    times = len(re.findall(away, v.log())) + 1
    os.kill(pid[0], signal.SIGSTOP)
    try:
        v.wait_log(away, times)
        more(200)
    finally:
        os.kill(pid[0], signal.SIGCONT)
    v.wait_log(back, times)
    t.eq(len(re.findall(away, v.log())), times, "it was said once")
    more()
    load.stop()
    t.ok(len(load.acked) > 500, "mail was taken", len(load.acked))
    t.eq(load.refused, 0, "nobody was refused")
    bodies = v.maildir(v.path("mail", "in"), count=len(load.acked))
    serials = {int(re.search(rb"X-Serial: (\d+)", b).group(1)) for b in bodies}
    t.eq(sorted(set(load.acked) - serials), [], "none is lost")
    t.ok("limit exceeded" not in v.log(), "and none was too many")


# ---- logins ----

class Logins(socketserver.ThreadingTCPServer):
    """An authentication server of Dovecot's protocol: whose password is "right".
    What begins with "later" it answers when it is told to."""
    allow_reuse_address = daemon_threads = True

    class handler(socketserver.StreamRequestHandler):
        def handle(self):
            self.wfile.write(b"VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\tx\nDONE\n")
            for line in self.rfile:
                words = line.decode().rstrip("\n").split("\t")
                if words[0] != "AUTH":
                    continue
                secret = next(w[5:] for w in words if w.startswith("resp="))
                _, user, password = base64.b64decode(secret).decode().split("\0")
                verdict = "OK" if password.endswith("right") else "FAIL"
                answer = f"{verdict}\t{words[1]}\tuser={user}\n".encode()
                if password.startswith("later"):
                    self.server.held.append((self.wfile, answer))
                else:
                    self.wfile.write(answer)

    def __init__(self):
        super().__init__(("127.0.0.1", free_port()), self.handler)
        self.held = []
        threading.Thread(target=self.serve_forever, daemon=True).start()
        suites.callback(self.server_close)
        suites.callback(self.shutdown)
        self.settings = {
            "smtpd_sasl_auth_enable": "yes", "smtpd_sasl_type": "dovecot", "smtpd_tls_auth_only": "no",
            "smtpd_sasl_path": f"inet:127.0.0.1:{self.server_address[1]}",
            "smtpd_recipient_restrictions": "permit_sasl_authenticated, reject",
        }


logins = Logins()


def auth(v, address, user, password):
    """The session, and the reply."""
    s = connect(v, address)
    s.reply()
    s.say("EHLO c.test")
    return s, s.say("AUTH PLAIN " + base64.b64encode(f"\0{user}\0{password}".encode()).decode())


def all_fail(t, v, address, user, n):
    """Side by side: each costs its time."""
    replies = []
    tasks = [threading.Thread(target=lambda: replies.append(auth(v, address, user, "wrong")[1])) for _ in range(n)]
    for task in tasks:
        task.start()
    for task in tasks:
        task.join()
    t.eq({r[:9] for r in replies}, {"535 5.7.8"}, f"{n} wrong passwords of {user} from {address}")


@test("failed authentications: of a client, and of a login, which stays welcome at home")
def _(t):
    v = make_suite(smtpd_client_auth_failure_limit="2", smtpd_login_auth_failure_limit="3", **logins.settings)
    t.eq(auth(v, "127.0.0.5", "ann", "right")[1][:4], "235 ", "ann at home")
    all_fail(t, v, "127.0.0.2", "ann", 2)
    s, reply = auth(v, "127.0.0.2", "ann", "right")
    t.eq(reply, "421 4.7.0 mx.here.test Error: too many authentication failures from 127.0.0.2", "this client is done")
    t.eq(s.reply(), "", "its session as well")
    v.wait_log(r"warning: Authentication failure limit exceeded: 2 from unknown\[127\.0\.0\.2\] for service ")
    all_fail(t, v, "127.0.0.3", "ann", 1)
    t.eq(auth(v, "127.0.0.4", "ann", "right")[1][:9], "454 4.7.0", "ann from where she never was")
    t.eq(auth(v, "127.0.0.4", "bob", "right")[1][:4], "235 ", "bob from there")
    t.eq(auth(v, "127.0.0.5", "ann", "right")[1][:4], "235 ", "ann at home")


@test("guesses side by side: beyond the limit nobody hears which was right")
def _(t):
    v = make_suite(smtpd_client_auth_failure_limit="2", **logins.settings)
    heard = []

    def guess(password):
        heard.append(auth(v, "127.0.0.2", "ann", password)[1])

    tasks = [threading.Thread(target=guess, args=(f"later {word}",)) for word in ("wrong", "wrong", "right")]
    for task in tasks:
        task.start()
    wait_until("all are being asked about", lambda: len(logins.held) == len(tasks))
    all_fail(t, v, "127.0.0.2", "ann", 2)
    for to, answer in logins.held:
        to.write(answer)
    for task in tasks:
        task.join()
    t.eq(heard, ["421 4.7.0 mx.here.test Error: too many authentication failures from 127.0.0.2"] * 3, "whatever was said")
    v.wait_log(r"warning: unknown\[127\.0\.0\.2\]: SASL PLAIN authentication failed: ", 4)
    t.eq(auth(v, "127.0.0.3", "ann", "right")[1][:4], "235 ", "another client")


@test("a stolen password sends to 1,000: 200 go, the rest is on hold, the postmaster hears of it once")
def _(t):
    v = make_suite(error_notice_recipient="notice@box.test", smtpd_login_rate_limit_exceptions="list", **logins.settings)

    def send(s, n):
        for i in range(n):
            replies = [s.say("MAIL FROM:<ann@here.test>")]
            replies += [s.say(f"RCPT TO:<v{i}-{k}@box.test>") for k in range(10)]
            replies += [s.say("DATA"), s.say(f"Subject: spam {i}\r\n\r\nx\r\n.")]
            bad = [r for r in replies if r[:3] not in ("250", "354")]
            if bad:
                return bad
        return []

    s, reply = auth(v, "127.0.0.2", "ann", "right")
    t.eq(reply[:4], "235 ", "logged in")
    t.eq(send(s, 50), [], "all is taken")
    other, _reply = auth(v, EXEMPT, "ann", "right")
    t.eq(send(other, 50), [], "also from elsewhere")
    held = wait_until("80 on hold, and nothing else",
                      lambda: (q := [r["queue_name"] for r in v.queued().values()]) == ["hold"] * 80 and q)
    t.eq(len(held), 80, "on hold")
    arrived = v.maildir(v.path("mail", "in"), 201)
    t.eq(len(arrived), 201, "200 arrived, and a notice")
    notices = [m.decode() for m in arrived if b"put on hold" in m]
    t.eq(len(notices), 1, "one notice")
    t.ok(re.search(r"^Subject: .*SMTP server: mail of login ann is put on hold", notices[0], re.M)
         and "more than 200 recipients" in notices[0] and "unknown[127.0.0.2]" in notices[0], "it says what", notices)
    v.wait_log(r": hold: END-OF-MESSAGE from unknown\[127\.0\.0\.2\]: Recipient rate limit of login ann exceeded: 210; "
               r"from=<ann@here\.test> proto=ESMTP helo=<c\.test>")
    busy, _reply = auth(v, "127.0.0.2", "list", "right")
    t.eq(send(busy, 25), [], "one who may send as much as he likes")
    v.maildir(v.path("mail", "in"), 201 + 250)
    wait_until("and is not held", lambda: len(v.queued()) == 80)
    v.run("postsuper", "-c", v.conf, "-H", "ALL", check=True)
    v.wait_empty()
    t.eq(len(v.maildir(v.path("mail", "in"), 1001 + 250)), 1251, "postsuper -H ALL lets them go")


main(cleanup=suites.close, evidence=lambda: "")
