# SPDX-License-Identifier: ISC
"""Who logs in where, with the suite's own auth and TLS: by default under TLS
alone and not on port 25; STARTTLS begins anew; the program auth goes and
comes; nothing of a password is left in smtpd."""
import base64
import hashlib
import hmac
import os
import re
import smtplib
import ssl
import subprocess

from lib.memory import memory_with
from lib.suite import IS_ROOT, Line, Suite, free_port, kill, wait_until
from lib.tap import main, test

PASSWORD = "Qm7-geheim-xYz"
submission, submissions, clear, both = (free_port() for _ in range(4))
v = Suite(start=False, main_cf={
    "virtual_mailbox_domains": "box.test", "virtual_mailbox_maps": "static:in/", "virtual_minimum_uid": "1",
    "virtual_uid_maps": f"static:{5000 if IS_ROOT else os.getuid()}",
    "virtual_gid_maps": f"static:{5000 if IS_ROOT else os.getgid()}",
    "mynetworks": "192.0.2.1", "smtpd_tls_security_level": "may",
    "auth_users": "/nonexistent", "smtpd_sasl_authenticated_header": "yes",
})
ENABLED = "-o smtpd_sasl_auth_enable=yes -o smtpd_relay_restrictions=permit_sasl_authenticated,reject"
v.master_cf += f"""\
127.0.0.1:{submission} inet n - n - - smtpd
  -o syslog_name=postfix/submission -o smtpd_tls_security_level=encrypt {ENABLED}
127.0.0.1:{submissions} inet n - n - - smtpd
  -o syslog_name=postfix/submissions -o smtpd_tls_wrappermode=yes {ENABLED}
127.0.0.1:{clear} inet n - n - - smtpd
  -o smtpd_tls_security_level=may {ENABLED}
127.0.0.1:{both} inet n - n - - smtpd
  -o smtpd_tls_security_level=may -o smtpd_tls_auth_only=no -o smtpd_sasl_security_options=noplaintext,noanonymous
  -o smtpd_sasl_tls_security_options=noanonymous {ENABLED}
"""


def b64(data):
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def entry(name):
    """A user of passwd-file, with what SCRAM needs."""
    salted = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), b"0123456789abcdef", 4096)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    return (f"{name}:{{PLAIN}}{PASSWORD} {{SCRAM-SHA-256}}4096,{b64(b'0123456789abcdef')},{b64(stored)},"
            f"{b64(hmac.digest(salted, b'Server Key', 'sha256'))}\n")


os.mkdir(v.path("box"))
if IS_ROOT:
    os.chown(v.path("box"), 5000, 5000)
v.configure(virtual_mailbox_base=v.path("box"), auth_users=v.write("passwords", entry("alice")))
os.chmod(os.path.join(v.conf, "passwords"), 0o600)
v.start()


PLAIN = "AUTH PLAIN " + b64(f"\0alice\0{PASSWORD}")


def untrusting():
    c = ssl.create_default_context()
    c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
    return c


def connect(port, wrapped=False):
    s = (smtplib.SMTP_SSL("127.0.0.1", port, local_hostname="c.test", context=untrusting()) if wrapped else
         smtplib.SMTP("127.0.0.1", port, local_hostname="c.test"))
    s.ehlo()
    return s


def start_tls(s):
    s.starttls(context=untrusting())
    s.ehlo()
    return s


def auth(s):
    return s.esmtp_features.get("auth", "").split()


@test("port 25, as it is by default: no AUTH, with TLS neither")
def _(t):
    with connect(v.port) as s:
        t.eq(auth(s), [], "in the clear")
        t.eq(s.docmd(PLAIN), (503, b"5.5.1 Error: authentication not enabled"), "AUTH")
        start_tls(s)
        t.eq(auth(s), [], "under TLS")
        t.eq(s.docmd(PLAIN)[0], 503, "AUTH")


@test("where users log in: nothing before TLS, and all of it then")
def _(t):
    with connect(submission) as s:
        t.ok(s.has_extn("starttls") and not auth(s), "STARTTLS alone", s.esmtp_features)
        t.eq(s.docmd(PLAIN), (530, b"5.7.0 Must issue a STARTTLS command first"), "AUTH")
        t.eq(s.docmd("MAIL FROM:<alice@box.test>")[0], 530, "MAIL")
    with connect(clear) as s:
        t.eq(auth(s), [], "where TLS is not asked for")
        t.eq(s.docmd(PLAIN), (504, b"5.5.4 Encryption required for requested authentication mechanism"), "AUTH")
    for s in (start_tls(connect(submission)), start_tls(connect(clear)), connect(submissions, wrapped=True)):
        t.ok({"PLAIN", "LOGIN"} <= set(auth(s)), "under TLS", s.esmtp_features)
        t.eq(s.docmd("MAIL FROM:<alice@box.test>")[0], 250, "MAIL")
        t.eq(s.docmd("RCPT TO:<x@box.test>")[0], 554, "nobody yet")
        s.docmd("RSET")
        t.eq(s.docmd(PLAIN), (235, b"2.7.0 Authentication successful"), "AUTH")
        s.sendmail("alice@box.test", ["x@box.test"], "Subject: own\n\nx\n")
        s.quit()
    got = v.maildir(v.path("box", "in"), 3)
    for m in got:
        t.ok(re.search(rb"^\t\(Authenticated sender: alice\)\n\tby mx\.here\.test \(\S+\) with ESMTPSA id ", m, re.M), "Received", m[:600])
    v.wait_log(r"submission/smtpd\[\d+\]: \w+: client=unknown\[127\.0\.0\.1\], sasl_method=PLAIN, sasl_username=alice$")


@test("mechanisms by what is on the way; STARTTLS begins anew, and who had logged in has not")
def _(t):
    with connect(both) as s:
        weak = {"PLAIN", "LOGIN"}
        t.ok(not weak & set(auth(s)), "no password in the clear", s.esmtp_features)
        t.eq(s.docmd(PLAIN)[0], 535, "and it is not taken")
        strong = [m for m in auth(s) if m.startswith("SCRAM")]
        t.must(strong, "SCRAM", s.esmtp_features)
    r = subprocess.run(["msmtp", "--host=127.0.0.1", f"--port={both}", f"--auth={strong[0].lower()}", "--user=alice",
                        f"--passwordeval=echo {PASSWORD}", "--tls=off", "-f", "a@box.test", "x@box.test"],
                       input=b"Subject: scram\n\nx\n", capture_output=True, env=dict(os.environ, HOME=v.base))
    t.eq(r.returncode, 0, f"SCRAM in the clear {r.stderr}")
    v.wait_log(r"client=unknown\[127\.0\.0\.1\], sasl_method=SCRAM-SHA-\d+, sasl_username=alice$")
    with connect(both) as s:
        t.eq(login_by_scram(s, strong[0]), 235, "SCRAM before TLS")
        start_tls(s)
        t.eq(s.docmd("MAIL FROM:<a@box.test>")[0], 250, "MAIL")
        t.eq(s.docmd("RCPT TO:<x@box.test>")[0], 554, "forgotten")
        s.docmd("RSET")
        t.eq(s.docmd(PLAIN)[0], 235, "and again")


def login_by_scram(s, mechanism):
    """RFC 5802; the code at its end."""
    name = "sha256" if "256" in mechanism else "sha1"
    bare = "n=alice,r=0123456789abcdef"
    code, text = s.docmd(f"AUTH {mechanism} " + b64("n,," + bare))
    first = base64.b64decode(text).decode()
    a = dict(f.split("=", 1) for f in first.split(","))
    salted = hashlib.pbkdf2_hmac(name, PASSWORD.encode(), base64.b64decode(a["s"]), int(a["i"]))
    key = hmac.digest(salted, b"Client Key", name)
    final = "c=biws,r=" + a["r"]
    proof = hmac.digest(hashlib.new(name, key).digest(), f"{bare},{first},{final}".encode(), name)
    code, text = s.docmd(b64(final + ",p=" + b64(bytes(x ^ y for x, y in zip(key, proof)))))
    return s.docmd("")[0] if code == 334 else code  # it proved that it knows us


@test("auth killed: for now, and then it is there again; a user who is gone is gone at once")
def _(t):
    s = connect(submissions, wrapped=True)
    kill(v.pids_of("auth"))
    wait_until("it is there again", lambda: v.pids_of("auth"))
    code = s.docmd(PLAIN)[0]
    t.ok(code in (235, 454), "yes, or for now", code)
    if code == 454:
        wait_until("a login", lambda: s.docmd(PLAIN)[0] == 235)
    s.close()
    s = connect(submissions, wrapped=True)
    v.write("passwords", entry("bob"))
    wait_until("alice is nobody", lambda: connect(submissions, wrapped=True).docmd(PLAIN)[0] == 535)
    t.eq(s.docmd("AUTH PLAIN " + b64(f"\0bob\0{PASSWORD}"))[0], 235, "and bob is")
    s.close()


def never_run(secret):
    """Lines of an AUTH that is too long, ends wrongly, never ends; responses too."""
    for asked, line in ((False, b"AUTH PLAIN " + secret + b"A" * 13000 + b"\r\n"), (False, b"AUTH PLAIN " + secret + b"\n"),
                        (False, b"AUTH PLAIN " + secret), (True, secret + b"A" * 70000 + secret + b"\r\n"), (True, secret)):
        for s, mechanism in ((connect(submissions, wrapped=True), "PLAIN"), (connect(both), "SCRAM-SHA-256")):
            if asked:
                assert s.docmd(f"AUTH {mechanism}")[0] == 334
            n = len(re.findall("disconnect from", v.log()))
            s.sock.sendall(line)
            if line.endswith(b"\n"):
                assert s.getreply()[0] in (500, 550), line[:20]
            s.close()
            wait_until("it is over", lambda: len(re.findall("disconnect from", v.log())) > n)


if IS_ROOT:
    @test("nothing of a password is left in smtpd, TLS or not")
    def _(t):
        v.write("passwords", entry("alice"))
        wait_until("alice is back", lambda: connect(submissions, wrapped=True).docmd(PLAIN)[0] == 235)
        s = connect(submissions, wrapped=True)
        s.docmd("AUTH LOGIN")
        s.docmd(b64("alice"))
        t.eq(s.docmd(b64(PASSWORD))[0], 235, "LOGIN")
        s.docmd("NOOP marker-under-tls")
        secrets = [PASSWORD.encode(), b64(PASSWORD).encode(), b64(f"\0alice\0{PASSWORD}").encode()]
        early = connect(submissions, wrapped=True)
        early.send(f"{PLAIN}\r\nNOOP {b64(PASSWORD)}\r\n")
        t.eq(early.getreply()[0], 554, "what may not follow came with it")
        never_run(b64(PASSWORD).encode())
        for pid in v.pids_of("smtpd"):
            t.eq(memory_with(pid, secrets), [], f"smtpd {pid}")
        early.close()
        with open(v.log_path, "rb") as f:
            log = f.read()
        t.ok(not any(x in log for x in secrets), "nor in the log")
        s.quit()


main(cleanup=v.close, evidence=lambda: v.log()[-5000:])
