# SPDX-License-Identifier: ISC
"""smtpd under TLS, as its users have it: Python's ssl, OpenSSL's s_client,
swaks and curl; certificates that keys holds."""
import glob
import os
import random
import re
import shutil
import smtplib
import socket
import ssl
import subprocess
import threading

from lib.suite import IS_SANITIZED, Suite, free_port, wait_until
from lib.tap import main, test

wrapped, must, strict, asking, by_directory = (free_port() for _ in range(5))
v = Suite(start=False, main_cf={
    "virtual_mailbox_domains": "box.test", "virtual_mailbox_maps": "static:in/",
    "virtual_uid_maps": "static:5000", "virtual_gid_maps": "static:5000",
    "smtpd_tls_security_level": "may",
    "smtpd_tls_loglevel": "1",
    "smtpd_tls_received_header": "yes",
    "smtpd_client_connection_count_limit": "0",
    "smtpd_error_sleep_time": "0",
})
box = v.path("box")
os.mkdir(box)
os.chown(box, 5000, 5000)


def certificate(name, *more):
    """A self-signed one for `name` in NAME.pem, its key in NAME.key."""
    pem, key = (os.path.join(v.conf, f"{name}.{ending}") for ending in ("pem", "key"))
    subprocess.run(["openssl", "req", "-x509", "-nodes", "-newkey", *(more or ("rsa:2048",)), "-keyout", key, "-out", pem,
                    "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"],
                   check=True, capture_output=True)
    return pem, key


rsa, rsa_key = certificate("mx.here.test")
stranger, stranger_key = certificate("stranger.test")
print_of = subprocess.run(["openssl", "x509", "-in", stranger, "-noout", "-fingerprint", "-sha256"],
                          check=True, capture_output=True).stdout.decode().strip().split("=")[1]
client_pem, client_key = certificate("client.test", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
v.configure(virtual_mailbox_base=box, smtpd_tls_cert_file=rsa, smtpd_tls_key_file=rsa_key)
v.master_cf += f"""\
127.0.0.1:{wrapped} inet n - n - - smtpd
  -o syslog_name=postfix/smtps -o smtpd_tls_wrappermode=yes
127.0.0.1:{must} inet n - n - - smtpd
  -o syslog_name=postfix/submission -o smtpd_tls_security_level=encrypt
127.0.0.1:{strict} inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt -o smtpd_tls_mandatory_protocols=>=TLSv1.3
127.0.0.1:{asking} inet n - n - - smtpd
  -o smtpd_tls_ask_ccert=yes -o smtpd_tls_CAfile={client_pem} -o smtpd_tls_fingerprint_digest=sha256
  -o {{ relay_clientcerts = inline:{{ {{ {print_of} = stranger }} }} }}
  -o {{ smtpd_relay_restrictions = permit_tls_clientcerts, reject_unauth_destination }}
127.0.0.1:{by_directory} inet n - n - - smtpd
  -o smtpd_tls_ask_ccert=yes -o smtpd_tls_CApath={v.conf}/certs
  -o {{ smtpd_relay_restrictions = permit_tls_all_clientcerts, reject_unauth_destination }}
"""
os.mkdir(f"{v.conf}/certs")
shutil.copy(client_pem, f"{v.conf}/certs/client.pem")
subprocess.run(["openssl", "rehash", f"{v.conf}/certs"], check=True)
v.configure()
v.start()

CIPHER_1_3 = "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)"
TEXT = "From: a@out.test\r\nSubject: secret\r\n\r\nhello\r\n"
taken = 0


def trusting(**more):
    """A client that knows the server's certificate."""
    c = ssl.create_default_context(cafile=rsa)
    for name, value in more.items():
        setattr(c, name, value)
    return c


def next_message():
    global taken
    taken += 1
    return v.maildir(os.path.join(box, "in"), taken)[taken - 1].decode()


def s_client(port, *args, say="QUIT\r\n"):
    """What s_client says, after STARTTLS."""
    r = subprocess.run(["openssl", "s_client", "-starttls", "smtp", "-connect", f"127.0.0.1:{port}", *args],
                       input=say.encode(), capture_output=True, timeout=30)
    return r.stdout.decode("utf-8", "replace") + r.stderr.decode("utf-8", "replace")


@test("STARTTLS: offered, taken, in the log and in Received as Postfix has them")
def _(t):
    with smtplib.SMTP("127.0.0.1", v.port, local_hostname="client.test") as s:
        s.ehlo()
        t.ok(s.has_extn("starttls"), "it is offered")
        t.eq(s.starttls(context=trusting(check_hostname=False)), (220, b"2.0.0 Ready to start TLS"), "the reply")
        t.eq(s.sock.version(), "TLSv1.3", "version")
        t.ok("compression" not in dir(s.sock) or s.sock.compression() is None, "no compression")
        s.ehlo()
        t.ok(not s.has_extn("starttls"), "not twice")
        s.sendmail("a@out.test", ["x@box.test"], TEXT)
    text = next_message()
    t.ok(re.search(r"^Received: from client\.test \(unknown \[127\.0\.0\.1\]\)\n"
                   r"\t\(using TLSv1\.3 with cipher TLS_AES_256_GCM_SHA384 \(256/256 bits\)\n"
                   r"\t key-exchange X25519 server-signature RSA-PSS \(2048 bits\) server-digest SHA256\)\n"
                   r"\t\(No client certificate requested\)\n"
                   r"\tby mx\.here\.test \(\S+\) with ESMTPS id \S+\n", text, re.M), "Received", text)
    v.wait_log(rf"postfix/smtpd\[\d+\]: Anonymous TLS connection established from unknown\[127\.0\.0\.1\]: "
               rf"{re.escape(CIPHER_1_3)} key-exchange X25519 server-signature RSA-PSS \(2048 bits\) server-digest SHA256$")
    v.wait_log(r"disconnect from unknown\[127\.0\.0\.1\] ehlo=2 starttls=1 mail=1 rcpt=1 data=1 quit=1 commands=7$")


@test("swaks and curl send by STARTTLS and by implicit TLS")
def _(t):
    for port, how in ((v.port, "-tls"), (wrapped, "-tlsc"), (must, "-tls")):
        r = subprocess.run(["swaks", "--server", "127.0.0.1", "--port", str(port), how, "--from", "a@out.test", "--to",
                            "x@box.test", "--helo", "client.test"], capture_output=True, timeout=30)
        t.eq(r.returncode, 0, f"swaks {how} {port}")
        t.ok("with ESMTPS id" in next_message(), "Received")
    for url in (f"smtp://mx.here.test:{v.port}", f"smtps://mx.here.test:{wrapped}"):
        r = subprocess.run(["curl", "-sS", "--ssl-reqd", "--cacert", rsa, "--resolve", f"*:{url.rsplit(':')[-1]}:127.0.0.1",
                            url, "--mail-from", "a@out.test", "--mail-rcpt", "x@box.test", "-T", "-"],
                           input=TEXT.encode(), capture_output=True, timeout=30)
        t.eq((r.returncode, r.stderr), (0, b""), f"curl {url}")
        t.ok("with ESMTPS id" in next_message(), "Received")
    v.wait_log(r"postfix/smtps/smtpd\[\d+\]: Anonymous TLS connection established")


@test("encrypt: no mail in the clear")
def _(t):
    with smtplib.SMTP("127.0.0.1", must) as s:
        t.eq(s.ehlo()[0], 250, "EHLO")
        want = (530, b"5.7.0 Must issue a STARTTLS command first")
        t.eq(s.mail("a@out.test"), want, "MAIL")
        t.eq(s.docmd("HELO x"), want, "HELO")
        t.eq(s.noop()[0], 250, "NOOP")


@test("TLS 1.2 is the floor; mandatory_protocols lifts it; exclusions hold")
def _(t):
    for version in ("-tls1", "-tls1_1"):
        out = s_client(v.port, version, "-cipher", "ALL:@SECLEVEL=0")
        t.ok("alert protocol version" in out, version, out[-300:])
    out = s_client(v.port, "-tls1_2", "-brief")
    t.ok("Protocol version: TLSv1.2" in out, "1.2", out[-300:])
    out = s_client(strict, "-tls1_2")
    t.ok("alert protocol version" in out, "1.2 where 1.3 is a must", out[-300:])
    for cipher in ("AES256-GCM-SHA384", "aNULL", "eNULL", "PSK", "3DES:RC4"):
        out = s_client(v.port, "-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0")
        t.ok("handshake failure" in out or "no cipher match" in out or "no ciphers available" in out, cipher, out[-300:])
    v.wait_log(r"SSL_accept error from unknown\[127\.0\.0\.1\]: -1\n"
               r".*warning: TLS library problem: error:0A000102:SSL routines::unsupported protocol:")


@test("no renegotiation, no early data")
def _(t):
    out = s_client(v.port, "-tls1_2", "-legacy_renegotiation", say="R\nQUIT\r\n")
    t.ok("no renegotiation" in out, "renegotiation", out[-300:])
    out = s_client(v.port, "-sess_out", v.path("early"), "-ign_eof", say="QUIT\r\n")
    shown = subprocess.run(["openssl", "sess_id", "-in", v.path("early"), "-noout", "-text"],
                           capture_output=True, check=True).stdout.decode()
    t.ok("Max Early Data: 0" in shown, "early data", shown)


@test("a client that says it speaks another protocol is none of ours")
def _(t):
    out = s_client(v.port, "-alpn", "http/1.1")
    t.ok("alert no application protocol" in out, "http", out[-300:])
    out = s_client(v.port, "-alpn", "http/1.1,smtp")
    t.ok("ALPN protocol: smtp" in out, "smtp among others", out[-300:])


def resumes(port, session, version):
    out = s_client(port, version, "-sess_in", session)
    return "\nReused, TLS" in out


@test("sessions are taken up again, by another process of the service, and by no other service")
def _(t):
    for version in ("-tls1_2", "-tls1_3"):
        session = v.path("session")
        s_client(v.port, version, "-sess_out", session, "-ign_eof")
        t.ok(resumes(v.port, session, version), f"{version}: again")
        t.ok(not resumes(must, session, version), f"{version}: another service")
        for pid in v.pids_of("smtpd"):
            os.kill(pid, 9)
        wait_until("smtpd is there again", lambda: "250 " in s_client(v.port, version))
        t.ok(resumes(v.port, session, version), f"{version}: another process")


@test("what is said ahead of the handshake is not heard")
def _(t):
    s = v.socket()
    s.reply()
    s.say("EHLO client.test")
    s.sock.sendall(b"STARTTLS\r\nMAIL FROM:<evil@out.test>\r\nRCPT TO:<x@box.test>\r\n")
    t.eq(s.reply(), "554 5.5.0 Error: SMTP protocol synchronization", "together")
    t.eq(s.file.read(), b"", "and the end")
    s.close()
    s = v.socket()
    s.reply()
    t.eq(s.say("STARTTLS")[:3], "220", "STARTTLS")
    s.sock.sendall(b"MAIL FROM:<evil@out.test>\r\nRCPT TO:<x@box.test>\r\n")
    rest = s.file.read()
    t.ok(b"250" not in rest and b"503" not in rest, "a little later", rest)
    s.close()


def cut(t, at, says_so):
    """A session under TLS that ends `at` bytes into DATA, with close_notify or
    without, and goes on in the clear."""
    text = b"Subject: x\r\n\r\nab\r\n.\r\n"
    raw = socket.create_connection(("127.0.0.1", wrapped), 30)
    s = trusting(check_hostname=False).wrap_socket(raw, suppress_ragged_eofs=True)
    f = s.makefile("rb")
    f.readline()
    for line in ("HELO client.test", "MAIL FROM:<a@out.test>", "RCPT TO:<x@box.test>", "DATA"):
        s.sendall(line.encode() + b"\r\n")
        f.readline()
    s.sendall(text[:at])
    f.close()
    raw = s.unwrap() if says_so else socket.socket(fileno=s.detach())
    raw.settimeout(30)
    try:
        raw.sendall(text[at:] + b"QUIT\r\n")
        while got := raw.recv(1000):
            t.ok(not says_so and b"250" not in got, f"said in the clear after {at} bytes", got)
    except ConnectionError:
        pass
    raw.close()
    return at + 1 < len(text)


@test("an end at every byte of DATA, said or not: no message, and nothing in the clear after")
def _(t):
    for says_so in (True, False):
        at = 0
        while cut(t, at, says_so):
            at += 1
    v.wait_log(r"lost connection after DATA(?: \(\d+ bytes\))? from", 2 * at + 2)
    t.ok(not v.queued(), "nothing in the queue")
    t.eq(len(glob.glob(os.path.join(box, "in", "new", "*"))), taken, "no message")


@test("50 handshakes at once, half of them broken: none of the good ones fails")
def _(t):
    chance = random.Random(4)
    failed, broken = [], []

    def good():
        try:
            with smtplib.SMTP("127.0.0.1", v.port, timeout=30) as s:
                s.starttls(context=trusting(check_hostname=False))
                if s.ehlo()[0] != 250:
                    raise ValueError("EHLO")
        except (OSError, ValueError, smtplib.SMTPException) as e:
            failed.append(e)

    def bad(at, ends):
        """A handshake by hand, spoiled or left at a byte."""
        context = trusting(check_hostname=False)
        into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(into, out)
        s = socket.create_connection(("127.0.0.1", v.port), 30)
        f = s.makefile("rb", 0)
        f.readline()
        s.sendall(b"STARTTLS\r\n")
        f.readline()
        sent = 0
        try:
            while True:
                try:
                    tls.do_handshake()
                    if sent > at:
                        return
                except ssl.SSLWantReadError:
                    pass
                data = bytearray(out.read())
                if sent <= at < sent + len(data):
                    if ends:
                        s.sendall(data[:at - sent])
                        return
                    data[at - sent] ^= 0x55
                sent += len(data)
                s.sendall(data)
                got = s.recv(65536)
                if not got:
                    return
                into.write(got)
        except (ssl.SSLError, OSError):
            pass
        finally:
            broken.append(at)
            s.close()

    threads = [threading.Thread(target=good) if i % 2 else
               threading.Thread(target=bad, args=(chance.randrange(5, 400), chance.random() < 0.5)) for i in range(50)]
    for th in threads:
        th.start()
    for th in threads:
        th.join()
    t.eq((failed, len(broken)), ([], 25), "the good and the bad")


def resident(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"VmRSS:\s+(\d+) kB", f.read())[1])


@test("what a crowd of half a handshake each took is given back when it has left")
def _(t):
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        trusting(check_hostname=False).wrap_bio(into, out).do_handshake()
    except ssl.SSLWantReadError:
        pass
    half = out.read()[:-10]
    before = max(map(resident, v.pids_of("smtpd")))
    crowd = [socket.create_connection(("127.0.0.1", wrapped), 30) for _ in range(600)]
    for s in crowd:
        s.sendall(half)
    if not IS_SANITIZED:
        wait_until("it takes memory", lambda: max(map(resident, v.pids_of("smtpd"))) > before + 15000)
    for s in crowd:
        s.close()
    if not IS_SANITIZED:
        wait_until("most of it is back", lambda: max(map(resident, v.pids_of("smtpd"))) < before + 5000)
    with smtplib.SMTP("127.0.0.1", v.port) as s:
        t.eq(s.starttls(context=trusting(check_hostname=False))[0], 220, "and others are served")


@test("a server that asks names the CAs of its file, and not those of its directory")
def _(t):
    out = s_client(asking, "-tls1_3")
    t.ok("Acceptable client certificate CA names\nCN = client.test" in out, "named", out[-800:])
    out = s_client(by_directory, "-tls1_3")
    t.ok("No client certificate CA names sent" in out, "not named", out[-800:])


def asked(port, pem=None, key=None, to="x@box.test"):
    """A message of a client with a certificate; what is wrong with it, or None."""
    context = trusting(check_hostname=False)
    if pem:
        context.load_cert_chain(pem, key)
    with smtplib.SMTP("127.0.0.1", port, local_hostname="client.test") as s:
        s.starttls(context=context)
        try:
            s.sendmail("a@out.test", [to], TEXT)
        except smtplib.SMTPRecipientsRefused as e:
            return e.recipients[to][1].decode()
    return None


@test("a client's certificate: trusted, not known, none; by a file and by a directory")
def _(t):
    for pem, key, word, received in (
            (client_pem, client_key, "Trusted", '(Client CN "client.test", Issuer "client.test" (verified OK))'),
            (stranger, stranger_key, "Untrusted", '(Client CN "stranger.test", Issuer "stranger.test" (not verified))'),
            (None, None, "Anonymous", "(Client did not present a certificate)")):
        for port in (asking, by_directory):
            t.eq(asked(port, pem, key), None, "taken")
            t.ok(f"\n\t{received}\n" in next_message(), word)
        v.wait_log(rf"{word} TLS connection established from .* server-digest SHA256{' client-signature' if pem else '$'}", 2)


@test("who may relay by his certificate")
def _(t):
    denied = "5.7.1 <x@far.test>: Relay access denied"
    t.eq(asked(asking, client_pem, client_key, "x@far.test"), denied, "vouched for, where that is not enough")
    t.eq(asked(by_directory, client_pem, client_key, "x@far.test"), None, "vouched for")
    t.eq(asked(asking, stranger, stranger_key, "x@far.test"), None, "known by its fingerprint")
    t.eq(asked(by_directory, stranger, stranger_key, "x@far.test"), denied, "known elsewhere")
    t.eq(asked(asking, to="x@far.test"), denied, "without one")


main(cleanup=v.close)
