# SPDX-License-Identifier: ISC
"""smtpd_tls_... of main.cf, each as postconf(5) has it: which certificate is
shown and which is asked for, how far a chain may go, protocols, ciphers, groups,
options; and clients that do not keep to what they began."""
import os
import re
import smtplib
import socket
import ssl
import subprocess
import time

from lib.suite import Suite, free_port
from lib.tap import main, test

v = Suite(start=False, main_cf={"smtpd_tls_security_level": "may", "smtpd_tls_loglevel": "1",
                                "smtpd_client_connection_count_limit": "0"})
C = v.conf
ports = {}


def openssl(*argv):
    return subprocess.run(["openssl", *argv], check=True, capture_output=True).stdout.decode()


def read(name):
    with open(f"{C}/{name}") as f:
        return f.read()


def write_key(name, text):
    """A file with a private key in it."""
    v.write(name, text)
    os.chmod(f"{C}/{name}", 0o600)


def certificate(name, ca=None, is_ca=False, kind=("rsa:2048",)):
    """NAME.crt and NAME.key, of its own signature or of another's."""
    openssl("req", "-new", "-nodes", "-newkey", *kind, "-keyout", f"{C}/{name}.key", "-out", f"{C}/{name}.csr",
            "-subj", f"/CN={name}")
    v.write("extensions", f"basicConstraints=critical,CA:{'TRUE' if is_ca else 'FALSE'}\n")
    signer = ("-CA", f"{C}/{ca}.crt", "-CAkey", f"{C}/{ca}.key", "-CAcreateserial") if ca else ("-signkey", f"{C}/{name}.key")
    openssl("x509", "-req", "-in", f"{C}/{name}.csr", *signer, "-days", "2", "-extfile", f"{C}/extensions",
            "-out", f"{C}/{name}.crt")


EC = ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")
certificate("mx.here.test")
certificate("ec.test", kind=EC)
certificate("ed.test", kind=("ed25519",))
certificate("root.test", is_ca=True)
certificate("middle.test", "root.test", is_ca=True)
certificate("near.test", "root.test")
certificate("lower.test", "middle.test", is_ca=True)
certificate("lowest.test", "lower.test", is_ca=True)
certificate("far.test", "middle.test")
certificate("farther.test", "lower.test")
certificate("farthest.test", "lowest.test")
certificate("stranger.test", kind=EC)
for ending in ("mx.here", "ec", "ed"):
    write_key(f"{ending}.pem", read(f"{ending}.test.key") + read(f"{ending}.test.crt"))
for leaf, *between in (("far", "middle"), ("farther", "lower", "middle"), ("farthest", "lowest", "lower", "middle")):
    v.write(f"{leaf}.chain", "".join(read(f"{name}.test.crt") for name in (leaf, *between)))
known = openssl("x509", "-in", f"{C}/near.test.crt", "-noout", "-fingerprint", "-sha256").strip().split("=")[1]
v.write("known", f"{known} permit\n")
v.run("postmap", f"hash:{C}/known", check=True)
v.configure(smtpd_tls_cert_file=f"{C}/mx.here.test.crt", smtpd_tls_key_file=f"{C}/mx.here.test.key")


def service(name, *settings):
    ports[name] = free_port()
    v.master_cf += f"127.0.0.1:{ports[name]} inet n - n - - smtpd -o syslog_name=postfix/{name}\n"
    v.master_cf += "".join(f"  -o {{ {line} }}\n" for line in settings)


service("chains", f"smtpd_tls_chain_files = {C}/mx.here.pem, {C}/ec.test.key {C}/ec.test.crt, {C}/ed.pem")
for depth in range(3):
    service(f"depth{depth}", "smtpd_tls_ask_ccert = yes", f"smtpd_tls_ccert_verifydepth = {depth}",
            f"smtpd_tls_CAfile = {C}/root.test.crt", "smtpd_relay_restrictions = permit_tls_all_clientcerts, reject")
service("access", "smtpd_tls_ask_ccert = yes", "smtpd_tls_fingerprint_digest = sha256",
        f"smtpd_client_restrictions = check_ccert_access hash:{C}/known, reject")
for name, more in (("wanted", "smtpd_tls_security_level = may"), ("required", "smtpd_tls_security_level = encrypt"),
                   ("wrapped", "smtpd_tls_wrappermode = yes")):
    service(name, "smtpd_tls_req_ccert = yes", f"smtpd_tls_CAfile = {C}/root.test.crt", more)
service("strict", "smtpd_tls_security_level = encrypt", "smtpd_tls_mandatory_ciphers = high",
        "smtpd_tls_exclude_ciphers = kDHE", "smtpd_tls_mandatory_exclude_ciphers = AES256, CHACHA20")
service("own", "smtpd_tls_ciphers = high", "tls_high_cipherlist = ECDHE-RSA-AES128-GCM-SHA256")
service("old", "smtpd_tls_ciphers = export", "smtpd_tls_mandatory_ciphers = low")
service("ultra", "smtpd_tls_eecdh_grade = ultra")
service("none", "smtpd_tls_eecdh_grade = none")
service("newer", "tls_eecdh_auto_curves = X25519MLKEM768 X448 prime256v1")
service("options", "tls_ssl_options = NO_TICKET, PRIORITIZE_CHACHA, NO_COMPRESSION, NO_RENEGOTIATION")
service("slow", "smtpd_starttls_timeout = 2s")
service("slow465", "smtpd_starttls_timeout = 2s", "smtpd_tls_wrappermode = yes")
v.configure()
v.start()


def shown(port, *args):
    """What s_client says of a handshake, {"Ciphersuite": ...}."""
    r = subprocess.run(["openssl", "s_client", "-starttls", "smtp", "-brief", "-connect", f"127.0.0.1:{port}", *args],
                       input=b"QUIT\r\n", capture_output=True, timeout=30)
    return dict(re.findall(r"^([A-Z][\w ]+): (.*)$", (r.stdout + r.stderr).decode("utf-8", "replace"), re.M))


def rcpt(port, who=None, chain=None, wraps=False):
    """The code of RCPT to somewhere else for a client with that certificate,
    or how far it came."""
    context = ssl._create_unverified_context()
    if who:
        context.load_cert_chain(f"{C}/{chain or who + '.crt'}", f"{C}/{who}.key")
    try:
        if wraps:
            s = smtplib.SMTP_SSL("127.0.0.1", port, context=context, local_hostname="client.test", timeout=30)
        else:
            s = smtplib.SMTP("127.0.0.1", port, local_hostname="client.test", timeout=30)
            s.starttls(context=context)
        with s:
            reply = s.ehlo()
            if reply[0] != 250:
                return f"{reply[0]} {reply[1].decode()}"
            s.mail("a@out.test")
            return s.rcpt("x@else.test")[0]
    except smtplib.SMTPConnectError as e:
        return f"{e.smtp_code} {e.smtp_error.decode()}"


@test("smtpd_tls_chain_files: a key of each kind, the certificate in its file or in the next; the client takes his pick")
def _(t):
    for algorithm, name in (("RSA-PSS+SHA256", "mx.here.test"), ("ECDSA+SHA256", "ec.test"), ("ed25519", "ed.test")):
        t.eq(shown(ports["chains"], "-sigalgs", algorithm).get("Peer certificate"), f"CN = {name}", algorithm)


@test("smtpd_tls_ccert_verifydepth: how many CAs are between the client's certificate and ours, as Postfix counts")
def _(t):
    for depth in range(3):
        port = ports[f"depth{depth}"]
        t.eq(rcpt(port, "near.test"), 250, f"{depth}: signed by the CA")
        for between, name in enumerate(("far", "farther", "farthest"), 1):
            t.eq(rcpt(port, f"{name}.test", f"{name}.chain"), 250 if between <= depth + 1 else 554, f"{depth}: {between} between")
        t.eq(rcpt(port, "root.test"), 250, f"{depth}: the CA itself")
        t.eq(rcpt(port, "stranger.test"), 554, f"{depth}: somebody else")


@test("check_ccert_access")
def _(t):
    t.eq([rcpt(ports["access"], who) for who in ("near.test", "stranger.test", None)], [250, 554, 554], "known, not known, none")


@test("smtpd_tls_req_ccert counts where TLS is a must, and says why it refuses")
def _(t):
    t.eq([rcpt(ports["wanted"], who) for who in ("near.test", "stranger.test", None)], [250, 250, 250], "where it is no must")
    for name in ("required", "wrapped"):
        for who, want in (("near.test", 250), ("stranger.test", "421 4.7.1 mx.here.test Error: Client certificate not trusted"),
                          (None, "421 4.7.1 mx.here.test Error: No client certificate presented")):
            t.eq(rcpt(ports[name], who, wraps=name == "wrapped"), want, f"{name}: {who}")
    v.wait_log(r"NOQUEUE: abort: TLS from unknown\[127\.0\.0\.1\]: No client certificate presented", 2)


@test("ciphers: grades, what they mean, what is excluded; grades of old")
def _(t):
    def agreed(name, ciphers):
        return shown(ports[name], "-tls1_2", "-cipher", ciphers).get("Ciphersuite")
    for ciphers, want in (("AES256", None), ("CHACHA20", None), ("kDHE", None),
                          ("AES", "ECDHE-RSA-AES128-GCM-SHA256")):
        t.eq(agreed("strict", ciphers), want, f"strict, {ciphers}")
    t.eq((agreed("own", "ALL"), agreed("own", "AES256")), ("ECDHE-RSA-AES128-GCM-SHA256", None), "tls_high_cipherlist")
    t.eq(agreed("old", "ALL"), agreed("chains", "ALL:!ECDSA"), "export is medium")
    t.ok(agreed("old", "3DES:RC4:aNULL:@SECLEVEL=0") is None, "and nothing that is broken")


@test("a list without a cipher that this OpenSSL knows: no start, and the log has the list")
def _(t):
    wrong = Suite(start=False, main_cf={"smtpd_tls_security_level": "may", "smtpd_tls_ciphers": "high",
                                        "tls_high_cipherlist": "AES-9"})
    try:
        wrong.start()
        t.ok(False, "it starts")
    except RuntimeError:
        pass
    wrong.wait_log(r"error: TLS: no cipher of this list is known here: AES-9:")
    wrong.close()


@test("groups: smtpd_tls_eecdh_grade; names that this OpenSSL does not know are left out")
def _(t):
    for name, key in (("ultra", "ECDH, secp384r1, 384 bits"), ("none", "DH, 2048 bits"), ("newer", "X448, 448 bits")):
        t.eq(shown(ports[name], "-groups", "X448:secp384r1:ffdhe2048:X25519").get("Server Temp Key"), key, name)
    t.eq(shown(ports["none"], "-tls1_2").get("Ciphersuite"), "DHE-RSA-AES256-GCM-SHA384", "none, TLS 1.2")
    v.wait_log(r"newer/smtpd\[\d+\]: warning: TLS: the group X25519MLKEM768 is not known here: left out")


@test("tls_ssl_options")
def _(t):
    session = v.path("session")
    for name, resumes in (("options", False), ("chains", True)):
        for version in ("-tls1_2", "-tls1_3"):
            subprocess.run(["openssl", "s_client", "-starttls", "smtp", "-connect", f"127.0.0.1:{ports[name]}", version,
                            "-sess_out", session, "-ign_eof"], input=b"QUIT\r\n", capture_output=True, timeout=30)
            again = subprocess.run(["openssl", "s_client", "-starttls", "smtp", "-connect", f"127.0.0.1:{ports[name]}", version,
                                    "-sess_in", session], input=b"QUIT\r\n", capture_output=True, timeout=30)
            t.eq(b"\nReused, TLS" in again.stdout, resumes, f"{name} {version}")
            if os.path.exists(session):
                os.unlink(session)
    for name, want in (("options", "TLS_CHACHA20_POLY1305_SHA256"), ("chains", "TLS_AES_256_GCM_SHA384")):
        t.eq(shown(ports[name], "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384").get("Ciphersuite"), want,
             f"{name}: a client that would rather have ChaCha20")


def heard(name, *said):
    """All that comes after those bytes, and how long that takes."""
    with socket.create_connection(("127.0.0.1", ports[name]), 30) as s:
        f = s.makefile("rb", 0)
        begun = time.monotonic()
        got = b""
        if not name.endswith("465"):
            f.readline()
            s.sendall(b"STARTTLS\r\n")
            f.readline()
        try:
            for piece in said:
                s.sendall(piece)
            got = f.read()
        except ConnectionError:
            pass
        return got, time.monotonic() - begun


HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


@test("a client that stands still in the handshake, or drips: smtpd_starttls_timeout")
def _(t):
    for name in ("slow", "slow465"):
        for said in ((), (HELLO,)):
            got, took = heard(name, *said)
            t.ok(got == b"" and 1.5 < took < 10, f"{name} {said}", (got, took))
        v.wait_log(rf"{name}/smtpd\[\d+\]: SSL_accept error from unknown\[127\.0\.0\.1\]: Connection timed out\n", 2)
    with socket.create_connection(("127.0.0.1", ports["slow465"]), 30) as s:
        begun = time.monotonic()
        try:
            for byte in HELLO + bytes(500):
                s.sendall(bytes([byte]))
                time.sleep(0.1)
        except ConnectionError:
            pass
        t.ok(time.monotonic() - begun < 10, "each byte is no new time", time.monotonic() - begun)
    v.wait_log(r"slow465/smtpd\[\d+\]: SSL_accept error from unknown\[127\.0\.0\.1\]: Connection timed out\n", 3)


@test("other protocols: TLS where SMTP is due, SMTP or HTTP where TLS is, a record beyond its bound: said, and at once")
def _(t):
    for name in ("slow", "slow465"):
        for said, word in ((b"EHLO client.test\r\n", "wrong version number"), (b"GET / HTTP/1.0\r\n\r\n", "http request"),
                           (b"\x16\x03\x01\xff\xff" + bytes(70000), "packet length too long")):
            got, took = heard(name, said)
            t.ok(took < 1.5 and b"220" not in got, f"{name}: {word}", (got, took))
            v.wait_log(rf"{name}/smtpd\[\d+\]: SSL_accept error from unknown\[127\.0\.0\.1\]: -1\n"
                       rf".*warning: TLS library problem: error:[0-9A-F]+:SSL routines::{word}:")
    for waits in (False, True):
        with socket.create_connection(("127.0.0.1", v.port), 30) as s:
            f = s.makefile("rb")
            if waits:
                f.readline()
            s.sendall(HELLO + bytes(505) + b"\n" + bytes(100))
            t.ok(len(f.read()) < 200, "TLS to the plain port")
    v.wait_log(r"postfix/smtpd\[\d+\]: improper command pipelining after CONNECT from unknown")
    v.wait_log(r"postfix/smtpd\[\d+\]: warning: non-SMTP command from unknown")


@test("check: a certificate, a CA or a word that is not there; a table of a service alone")
def _(t):
    def said(line, master=""):
        v.write("main.cf", f"queue_directory = {v.queue}\ndata_directory = {v.data}\nalias_maps =\n{line}\n")
        v.write("master.cf", "smtp inet n - n - - smtpd\n" + master)
        r = v.valija("check")
        return r.returncode, r.err
    t.eq(said(""), (0, ""), "nothing to say")
    for line in ("tls_ssl_options = NO_TICKETS", "smtpd_tls_ciphers = lo"):
        code, text = said(line)
        t.ok(code == 1 and re.search(rf"main\.cf, line 4: error: {line.split()[0]}: ", text), line, text)
    for line in ("smtpd_tls_cert_file = /nonexistent/file", "smtpd_tls_chain_files = /nonexistent/file",
                 "smtpd_tls_CAfile = /nonexistent/file", "smtp_tls_CApath = /nonexistent/file",
                 f"smtpd_tls_cert_file = {C}/mx.here.test.crt\nsmtpd_tls_key_file = /nonexistent/file"):
        code, text = said(line, "smtp unix - - n - - smtp\n")
        t.ok(code == 1 and re.search(r"main\.cf, line [45]: error: /nonexistent/file: No such file", text), line, text)
    code, text = said("smtpd_tls_cert_file = /nonexistent/file", "submission inet n - n - - smtpd\n465 inet n - n - - smtpd\n")
    t.eq((code, text.count("/nonexistent/file")), (1, 1), "what all services lack is said once")
    code, text = said("", "465 inet n - n - - smtpd\n  -o smtpd_tls_chain_files=/nonexistent/file -o smtpd_tls_wrappermode=yes\n")
    t.ok(code == 1 and re.search(r"master\.cf, line 2: error: /nonexistent/file: ", text), "a certificate of -o", text)
    code, text = said("", "submission inet n - n - - smtpd\n  -o smtpd_sender_login_maps=hash:/nonexistent/logins\n")
    t.ok(code == 1 and re.search(r"master\.cf, line 2: error: hash:/nonexistent/logins: ", text), "a table of -o", text)
    t.eq(said("milter_protocol = 6\nmilter_default_action = accept\n", "submission inet n - n - - smtpd\n"
              "  -o milter_macro_daemon_name=ORIGINATING\n")[1].count("warning"), 0, "how to ask a milter, where none is")


main(cleanup=v.close, evidence=lambda: v.log()[-4000:])
