# SPDX-License-Identifier: ISC
"""keys: private keys are in its memory and in no other program's; files as
Let's Encrypt lays them out; a certificate that was renewed is served without a
reload, a bad one is not; a host without any has its own."""
import contextlib
import os
import re
import shutil
import signal
import smtplib
import socket
import ssl
import stat
import subprocess
import threading
import time

from lib.suite import IS_ROOT, TOP, Suite, free_port, program, wait_until
from lib.tap import main, test

assert IS_ROOT, "the memory of others is root's to read"

submission, named, slow, *bad = (free_port() for _ in range(9))
# as on a fresh install
LEVEL = subprocess.run([program("postconf"), "-c", f"{TOP}/etc", "-h", "smtpd_tls_security_level"],
                       check=True, capture_output=True, text=True).stdout.strip()
v = Suite(start=False, main_cf={
    "smtpd_tls_security_level": LEVEL, "smtpd_tls_loglevel": "1",
    "smtpd_client_connection_count_limit": "0",
})
v.master_cf += f"""\
127.0.0.1:{submission} inet n - n - - smtpd -o syslog_name=postfix/submission
  -o smtpd_tls_chain_files={v.conf}/own.pem
127.0.0.1:{named} inet n - n - - smtpd -o syslog_name=postfix/named
  -o {{ tls_server_sni_maps = hash:{v.conf}/sni, texthash:{v.conf}/sni.txt }}
127.0.0.1:{slow} inet n - n - - smtpd -o syslog_name=postfix/slow -o keys_signature_rate_limit=1
""" + "".join(f"""\
127.0.0.1:{port} inet n - n - - smtpd -o syslog_name=postfix/bad
  -o smtpd_tls_cert_file={v.conf}/{port}.pem -o smtpd_tls_key_file={v.conf}/{port}.key
""" for port in bad)


def openssl(*argv, stdin=None):
    return subprocess.run(["openssl", *argv], input=stdin, check=True, capture_output=True).stdout


def make_key(kind="ec"):
    if kind == "ec":
        return openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout")
    return openssl("genrsa", "2048")


def make_cert(key, name, days=2):
    """Of its own signature; PEM."""
    path = v.path("key.tmp")
    with open(path, "wb") as f:
        f.write(key)
    request = openssl("req", "-new", "-key", path, "-subj", f"/CN={name}")
    return openssl("x509", "-req", "-signkey", path, "-days", str(days), stdin=request)


def put(path, data, mode=0o600):
    """In place of what is there."""
    with open(path + ".new", "wb") as f:
        os.fchmod(f.fileno(), mode)
        f.write(data)
    os.rename(path + ".new", path)


class LetsEncrypt:
    """live/NAME/*.pem are links into archive/NAME/; both folders are root's
    alone.  A renewal writes the next number, and moves one link after the
    other."""

    def __init__(self, base, name):
        self.live, self.archive = (os.path.join(base, d, name) for d in ("live", "archive"))
        self.number = 0
        for d in (self.live, self.archive):
            os.makedirs(d)
        for d in ("live", "archive"):
            os.chmod(os.path.join(base, d), 0o700)

    def renew(self, key, cert, pause=0.0):
        self.number += 1
        files = {"cert": cert, "chain": b"", "fullchain": cert, "privkey": key}
        for name, data in files.items():
            put(os.path.join(self.archive, f"{name}{self.number}.pem"), data, 0o600 if name == "privkey" else 0o644)
        for name in files:
            link = os.path.join(self.live, f"{name}.pem")
            os.symlink(f"../../archive/{os.path.basename(self.live)}/{name}{self.number}.pem", link + ".new")
            os.rename(link + ".new", link)
            time.sleep(pause)


le = LetsEncrypt(v.path("letsencrypt"), "mx.here.test")
rsa = make_key("rsa")
le.renew(rsa, make_cert(rsa, "first.test"))
put(os.path.join(v.conf, "own.pem"), (lambda k: k + make_cert(k, "submission.test"))(make_key()))
by_name = make_key()
put(os.path.join(v.conf, "one.pem"), by_name + make_cert(by_name, "one.test"))
put(os.path.join(v.conf, "sni"), f"one.test {v.conf}/one.pem\n".encode())
put(os.path.join(v.conf, "sni.txt"), b"")
for port in bad:
    put(os.path.join(v.conf, f"{port}.key"), by_name)
    put(os.path.join(v.conf, f"{port}.pem"), make_cert(by_name, "old.test"))
v.configure()


def shown(port, name="mx.here.test", context=None):
    """The common name of the certificate that is shown."""
    context = context or ssl._create_unverified_context()
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as s:
        s.ehlo()
        if not s.has_extn("starttls"):
            return None
        s._host = name  # what is asked for
        s.starttls(context=context)
        der = s.sock.getpeercert(True)
    text = openssl("x509", "-inform", "DER", "-noout", "-subject", stdin=der).decode()
    return text.split("=")[-1].strip()


@test("a host without a certificate has its own, made once")
def _(t):
    v.start()
    t.eq(shown(v.port), "mx.here.test", "it is for the host's name")
    path = os.path.join(v.data, "self-signed.pem")
    st = os.stat(path)
    t.eq((st.st_uid, stat.S_IMODE(st.st_mode)), (0, 0o600), "it is root's alone")
    with open(path) as f:
        first = f.read()
    der = openssl("x509", "-noout", "-text", "-in", path).decode()
    t.ok("NIST CURVE: P-256" in der and "DNS:mx.here.test" in der, "what it is", der)
    v.stop()
    v.start()
    shown(v.port)
    with open(path) as f:
        t.eq(f.read(), first, "and is the same after a start")
    t.eq(len(v.wait_log(r"made a self-signed certificate")), 1, "made once")
    t.eq(shown(submission), "submission.test", "a service with its own shows that")
    v.stop()
    os.chmod(path, 0o644)
    v.start()
    v.wait_log(r"self-signed\.pem: .*it must be a file of user 0, mode 0600")
    t.eq(shown(v.port), "mx.here.test", "one that others could read is not used, another one is")
    with open(path) as f:
        t.eq(f.read(), first, "and nothing is put there")
    os.chmod(path, 0o600)


@test("Let's Encrypt's layout: folders that root alone can enter")
def _(t):
    v.configure(smtpd_tls_cert_file=f"{le.live}/fullchain.pem", smtpd_tls_key_file=f"{le.live}/privkey.pem")
    v.reload()
    t.eq(shown(v.port), "first.test", "after the reload")
    t.eq(shown(submission), "submission.test", "the other service has its own")
    t.ok("refused" not in v.log(), "nothing was refused", v.log()[-2000:])


@test("a renewed certificate is served without a reload, sessions and all")
def _(t):
    pids = v.pids_of("smtpd") + v.pids_of("keys")
    with smtplib.SMTP("127.0.0.1", v.port, timeout=60) as open_session:
        open_session.starttls(context=ssl._create_unverified_context())
        key = make_key("rsa")
        begun = time.monotonic()
        le.renew(key, make_cert(key, "renewed.test"), pause=0.3)
        wait_until("the new one is shown", lambda: shown(v.port) == "renewed.test", give_up=60)
        t.ok(time.monotonic() - begun < 60, "within a minute", time.monotonic() - begun)
        t.eq(open_session.noop()[0], 250, "who was there goes on")
    v.wait_log(r"postfix/keys\[\d+\]: smtpd/\S+: another certificate: renewed\.test, valid until 2\d\d\d-\d\d-\d\d$")
    t.eq(v.pids_of("smtpd") + v.pids_of("keys"), pids, "by the same processes")
    t.ok("refused" not in v.log(), "no half of a renewal was taken", v.log()[-2000:])


@test("a pair that does not match, has expired, is none or half written is refused, and the old one stays")
def _(t):
    other, expired, half = make_key("rsa"), make_key("rsa"), make_key("rsa")
    cases = [
        (other, make_cert(make_key("rsa"), "mismatch.test"), "the certificate is not of the private key"),
        (expired, make_cert(expired, "expired.test", days=-1), "the certificate has expired"),
        (b"no key\n", make_cert(other, "nokey.test"), "there is no private key"),
        (half, make_cert(half, "half.test")[:600], "not PEM: bad end line"),
        (half[:700], make_cert(half, "half.test"), "not PEM: bad end line"),
        (openssl("genrsa", "-aes128", "-passout", "pass:x", "2048"), make_cert(other, "locked.test"), "the key is encrypted"),
    ]
    for port, (key, cert, _) in zip(bad, cases):
        t.eq(shown(port), "old.test", "before")
        put(os.path.join(v.conf, f"{port}.key"), key)
        put(os.path.join(v.conf, f"{port}.pem"), cert)
    for port, (_, _, reason) in zip(bad, cases):
        v.wait_log(rf"postfix/keys\[\d+\]: warning: \S+/{port}\.(pem|key): {reason}.*: refused, the old one stays")
        t.eq(shown(port), "old.test", reason)
    v.reload()
    for port in bad:
        t.eq(shown(port), "old.test", "also after a reload")
    key = make_key("ec")
    put(os.path.join(v.conf, f"{bad[0]}.key"), key)
    put(os.path.join(v.conf, f"{bad[0]}.pem"), make_cert(key, "good.test"))
    wait_until("a good one is taken again", lambda: shown(bad[0]) == "good.test", give_up=60)


@test("server names: tables of postmap -F, and of files; a line that is new")
def _(t):
    t.eq(v.run("postmap", "-F", f"hash:{v.conf}/sni").err, "", "postmap -F")
    wait_until("it is asked", lambda: shown(named, "one.test") == "one.test", give_up=60)
    t.eq(shown(named, "two.test"), "renewed.test", "one that nobody knows gets the other")
    t.eq(shown(v.port, "one.test"), "renewed.test", "where there is no table, too")
    key = make_key()
    put(v.path("two.pem"), key + make_cert(key, "two.test"))
    put(os.path.join(v.conf, "sni.txt"), f".two.test {v.path('two.pem')}\n".encode())
    wait_until("it is known", lambda: shown(named, "a.two.test") == "two.test", give_up=60)
    t.eq(shown(named, "two.test"), "renewed.test", ".two.test is what is below it")


# ---- whose memory a key is in ----

def secrets(path):
    """What may not be found: the private numbers, in both orders of bytes, and
    lines of the PEM."""
    with open(path, "rb") as f:
        pem = f.read()
    text = openssl("pkey", "-noout", "-text", "-in", path).decode()
    private = re.search(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\n(.*?)-----END", pem, re.S)[1]
    found = [line for line in private.splitlines() if len(line) == 64]
    for name in ("priv", "privateExponent", "prime1", "prime2"):
        m = re.search(rf"^{name}:\n((?: +[0-9a-f:]+\n)+)", text, re.M)
        if m:
            number = bytes.fromhex(re.sub(r"[\s:]", "", m[1])).lstrip(b"\0")
            found += [number, number[::-1]]
    return found


def memory(pid):
    """All that a process has, while it stands still."""
    parts = []
    os.kill(pid, signal.SIGSTOP)
    try:
        with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
            for line in maps:
                start, end = (int(x, 16) for x in line.split()[0].split("-"))
                if line.split()[1][0] != "r" or "[v" in line or end - start > 1 << 32:  # a sanitizer's shadow
                    continue
                with contextlib.suppress(OSError):
                    mem.seek(start)
                    parts.append(mem.read(end - start))
    finally:
        os.kill(pid, signal.SIGCONT)
    return b"".join(parts)


def shake_hands(stop, counts):
    while not stop.is_set():
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = ssl._create_unverified_context()
            context.minimum_version = context.maximum_version = version
            with contextlib.suppress(OSError, smtplib.SMTPException):
                shown(v.port, context=context)
                shown(named, "one.test", context=context)
                counts.append(version)
        with contextlib.suppress(OSError):  # and one that leaves in between
            s = socket.create_connection(("127.0.0.1", v.port), 10)
            s.recv(1000)
            s.sendall(b"STARTTLS\r\n")
            s.recv(1000)
            s.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
            s.close()


@test("a core of any program but keys, taken under load, does not hold a key")
def _(t):
    files = [f"{le.live}/privkey.pem", f"{v.conf}/own.pem", f"{v.conf}/one.pem", f"{v.data}/self-signed.pem"]
    keys = {path: secrets(path) for path in files}
    t.ok(all(len(s) >= 3 for s in keys.values()), "what is looked for")
    stop, counts = threading.Event(), []
    clients = [threading.Thread(target=shake_hands, args=(stop, counts)) for _ in range(3)]
    for c in clients:
        c.start()
    try:
        for _round in range(3):
            before = len(counts)
            wait_until("handshakes", lambda: len(counts) > before + 3)
            seen = {}
            for pid, name in v.pids().items():
                with contextlib.suppress(OSError):
                    held = memory(pid)
                    t.ok(len(held) > 100000, f"{name}'s memory is read", len(held))
                    seen.setdefault(name, set()).update(
                        path for path, parts in keys.items() if any(p in held for p in parts))
            t.ok({"master", "smtpd", "keys", "qmgr"} <= set(seen), "all were looked into", set(seen))
            t.eq(len(seen.pop("keys")), 3, "keys has those that are in use")
            for name, found in seen.items():
                t.eq(found, set(), f"{name} has none")
    finally:
        stop.set()
        for c in clients:
            c.join()
    t.ok(len(counts) > 10, "under load", len(counts))


@test("a session is taken up again after a reload, and by no other service")
def _(t):
    context = ssl._create_unverified_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # its ticket comes with the handshake

    def session(port, old=None):
        with socket.create_connection(("127.0.0.1", port), 30) as s:
            f = s.makefile("rb")
            f.readline()
            s.sendall(b"STARTTLS\r\n")
            f.readline()
            with context.wrap_socket(s, session=old) as tls:
                return tls.session, tls.session_reused
    first, reused = session(v.port)
    t.ok(not reused, "the first one is new")
    t.eq(session(v.port, first)[1], True, "the second one is not")
    pids = v.pids_of("smtpd")
    v.reload()
    wait_until("other processes", lambda: not set(pids) & set(v.pids_of("smtpd")))
    t.eq(session(v.port, first)[1], True, "nor one after a reload")
    t.eq(session(named, first)[1], False, "another service takes none of it")


@test("who asks for too many signatures gets none for a while; others do")
def _(t):
    def tried():
        with contextlib.suppress(OSError, smtplib.SMTPException):
            return shown(slow)
    results = [tried() for _ in range(5)]  # faster than one a second
    t.ok("renewed.test" in results and None in results, "some are refused", results)
    v.wait_log(rf"keys\[\d+\]: warning: smtpd/127\.0\.0\.1:{slow} asks for a signature more often than "
               r"keys_signature_rate_limit has it: refused")
    t.eq(shown(v.port), "renewed.test", "another service is not held up")
    wait_until("and it gets some again", lambda: tried() == "renewed.test")


@test("keys that is killed comes again, and handshakes wait for it")
def _(t):
    pid = v.pids_of("keys")[0]
    os.kill(pid, signal.SIGKILL)
    t.eq(shown(v.port), "renewed.test", "the next handshake")
    t.ok(v.pids_of("keys") != [pid], "another process")


def clean():
    v.close()
    shutil.rmtree(v.base, ignore_errors=True)


main(cleanup=clean, evidence=lambda: v.log()[-4000:])
