# SPDX-License-Identifier: ISC
"""smtp under TLS, by every level and attribute, with Python's ssl as servers of
all kinds: none, good, unknown, of another name, out of date, old, broken."""
import os
import re
import ssl
import subprocess

from lib.certs import Authority, fingerprint, key_fingerprint
from lib.names import Names
from lib.sasl import Auth
from lib.sink import Sink
from lib.suite import Suite, free_port, wait_until
from lib.tap import main, test

PORT, LMTP_PORT = free_port(), free_port()
v = Suite(start=False, main_cf={
    "minimal_backoff_time": "300s", "smtp_tcp_port": str(PORT), "inet_interfaces": "127.0.0.1",
    "smtp_connection_reuse_count_limit": "1", "smtp_tls_loglevel": "1",
})
ca = Authority(v.path("ca"))
client_ca = Authority(v.path("client-ca"))


def context(pem, key, **more):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(pem, key)
    for name, value in more.items():
        setattr(c, name, value)
    return c


RSA = ("rsa:2048",)
certs = {
    "self": ca.issue("mx.self.test", is_own=True),
    "good": ca.issue("mx.good.test", "good.test", kind=RSA),
    "wrong": ca.issue("elsewhere.example"),
    "late": ca.issue("mx.late.test", days=-1),
    "old": ca.issue("mx.old.test"),
    "broken": ca.issue("mx.broken.test"),
    "refuses": ca.issue("mx.refuses.test"),
    "injects": ca.issue("mx.injects.test"),
    "wrapped": ca.issue("mx.wrapped.test"),
    "asks": ca.issue("mx.asks.test"),
    "login": ca.issue("mx.login.test"),
}
SITES = ("plain", *certs)
address = {site: f"127.3.0.{i + 1}" for i, site in enumerate(SITES)}
sinks = {site: Sink(host=address[site], port=PORT, wraps=site == "wrapped",
                    tls=context(*certs[site]) if site in certs else None) for site in SITES}
sinks["old"].tls.maximum_version = ssl.TLSVersion.TLSv1_2
sinks["broken"].breaks = True
sinks["refuses"].starttls = "454 4.7.0 TLS not available"
sinks["injects"].injects = b"250-mx.injects.test\r\n250 AUTH PLAIN\r\n"
asks = sinks["asks"].tls
asks.verify_mode = ssl.CERT_OPTIONAL
asks.load_verify_locations(client_ca.pem)
login = sinks["login"].auth = Auth({"us": "our-password"}, mechanisms="PLAIN")
lmtp = Sink(host="127.3.1.1", port=LMTP_PORT, lmtp=True, tls=context(*certs["self"]))
names = Names(v.base, {"test": "".join(f"{s} MX 10 mx.{s}\nmx.{s} A {address[s]}\n" for s in SITES)})

os.mkdir(v.path("hashed"))
os.symlink(ca.pem, v.path("hashed", "ca.pem"))
subprocess.run(["openssl", "rehash", v.path("hashed")], check=True, capture_output=True)
ours = client_ca.issue("us.here.test")
os.chmod(ours[1], 0o600)
CA = f"-o smtp_tls_CAfile={ca.pem}"
good_print, other_print = fingerprint(certs["good"][0]), fingerprint(certs["wrong"][0])
# service: its options
SERVICES = {
    "default": CA,
    "none": "-o smtp_tls_security_level=none -o smtp_tls_note_starttls_offer=yes",
    "may": f"-o smtp_tls_security_level=may {CA}",
    "soon": f"-o smtp_tls_security_level=may -o minimal_backoff_time=1s {CA}",
    "knows": "-o smtp_tls_security_level=may -o minimal_backoff_time=1s -o smtp_sasl_auth_enable=yes "
             "-o smtp_sasl_password_maps=static:us:our-password",
    "nobody": "-o smtp_tls_security_level=verify",
    "encrypt": f"-o smtp_tls_security_level=encrypt {CA}",
    "verify": f"-o smtp_tls_security_level=verify {CA} -o smtp_tls_loglevel=2",
    "system": "-o smtp_tls_security_level=verify -o tls_append_default_CA=yes",
    "path": f"-o smtp_tls_security_level=verify -o smtp_tls_CApath={v.path('hashed')}",
    "secure": f"-o smtp_tls_security_level=secure {CA}",
    "named": f"-o smtp_tls_security_level=verify -o smtp_tls_verify_cert_match=.other.test,elsewhere.example {CA}",
    "finger": f"-o smtp_tls_security_level=fingerprint -o smtp_tls_fingerprint_cert_match={good_print.lower()}",
    "misfinger": f"-o smtp_tls_security_level=fingerprint -o smtp_tls_fingerprint_cert_match={other_print}",
    "new": "-o smtp_tls_security_level=encrypt -o { smtp_tls_mandatory_protocols = >=TLSv1.3 }",
    "former": "-o smtp_tls_security_level=encrypt -o { smtp_tls_mandatory_protocols = <=TLSv1.2 } "
              "-o smtp_tls_mandatory_exclude_ciphers=AES256,CHACHA20",
    "wrap": f"-o smtp_tls_security_level=verify -o smtp_tls_wrappermode=yes {CA}",
    "miswrap": "-o smtp_tls_security_level=may -o smtp_tls_wrappermode=yes",
    "sni": "-o smtp_tls_security_level=encrypt -o smtp_tls_servername=hostname",
    "shows": f"-o smtp_tls_security_level=encrypt -o smtp_tls_cert_file={ours[0]} -o smtp_tls_key_file={ours[1]}",
    "logs": f"-o smtp_tls_security_level=encrypt -o smtp_sasl_auth_enable=yes "
            "-o smtp_sasl_password_maps=static:us:our-password",
    "enforces": f"-o smtp_enforce_tls=yes {CA}",
    "forgets": "-o smtp_tls_security_level=encrypt -o smtp_tls_session_cache_timeout=0",
    "table": f"-o smtp_connection_reuse_count_limit=0 -o smtp_tls_policy_maps=texthash:{v.conf}/policies {CA}",
}
v.write("policies", f"""
plain.test encrypt
self.test none
[mx.good.test] none
[mx.self.test] encrypt connection_reuse=no
good.test secure
[{address['good']}] fingerprint match={other_print} match={key_fingerprint(certs['good'][0])}
[mx.wrong.test] secure match=.nowhere.test:elsewhere.example
[mx.late.test] verify
old.test encrypt protocols=TLSv1.3
[mx.old.test] encrypt protocols=TLSv1.2 ciphers=high exclude=AES256:CHACHA20 servername=old.example
.test encrypt
asks.test sometimes
login.test encrypt colour=green
[mx.broken.test] may match=x
wrapped.test may {{ protocols=TLSv1.2
""")
v.write("transport", "".join(f"{service}.{site}.test {service}:{site}.test\n" for service in SERVICES for site in SITES)
        + "".join(f"host.{site}.test table:[mx.{site}.test]\n" for site in SITES)
        + f"number.good.test table:[{address['good']}]\nsub.test table:deep.sub.test\n"
        + f"lmtp.test lmtp:inet:127.3.1.1:{LMTP_PORT}\n")
v.master_cf += "".join(f"{name} unix - - n - - smtp\n    {options}\n" for name, options in SERVICES.items())
v.master_cf += "lmtp unix - - n - - lmtp -o lmtp_tls_security_level=encrypt -o lmtp_tls_loglevel=1\n"
v.configure(dns_resolvers=f"127.0.0.1:{names.port}", transport_maps=f"texthash:{v.conf}/transport")
v.start()
count = 0


def send(domain, user="u"):
    """What became of it: relay, dsn, status, text."""
    global count
    count += 1
    v.send("s@out.test", [f"{user}{count}@{domain}"])
    return v.wait_log(r"to=<%s%d@%s>, relay=(\S+), .*dsn=(\S+), status=(\w+) \((.*)\)$"
                      % (user, count, re.escape(domain)))[-1].groups()


def established(site):
    """The last line of that server: (word, protocol, cipher)."""
    found = re.findall(r"(\w+) TLS connection established to mx\.%s\.test\[%s\]:%d: (\S+) with cipher (\S+) "
                       % (site, re.escape(address[site]), PORT), v.log())
    return found[-1] if found else None


def sent(t, domain, site, word, what):
    """Under TLS, by a server of which the log says `word`."""
    before = len(sinks[site].secured)
    relay, dsn, status, text = send(domain)
    t.eq(status, "sent", f"{what}: {text}")
    t.eq(len(sinks[site].secured), before + 1, f"{what}: under TLS")
    t.eq((established(site) or ("",))[0], word, f"{what}: {word}")


def refused(t, domain, site, dsn, text, what):
    """No mail goes there."""
    before = len(sinks[site].heard)
    got = send(domain)
    t.eq((got[1], got[2]), (dsn, "deferred"), f"{what}: {got[3]}")
    t.ok(text in got[3], f"{what}: why", got[3])
    t.eq(len(sinks[site].heard), before, f"{what}: nothing is sent")


def plain(t, domain, site, what):
    before = len(sinks[site].secured)
    relay, dsn, status, text = send(domain)
    t.eq(status, "sent", f"{what}: {text}")
    t.eq(len(sinks[site].secured), before, f"{what}: in the clear")


@test("by default, and with may: encrypted where the server can, whoever it is")
def _(t):
    for level in ("default", "may"):
        plain(t, f"{level}.plain.test", "plain", f"{level}, a server without TLS")
        sent(t, f"{level}.self.test", "self", "Untrusted", f"{level}, signed by itself")
        sent(t, f"{level}.good.test", "good", "Trusted", f"{level}, known to the CA")
        sent(t, f"{level}.late.test", "late", "Untrusted", f"{level}, out of date")
        sent(t, f"{level}.old.test", "old", "Trusted", f"{level}, TLS 1.2 alone")
        t.eq(established("old")[1], "TLSv1.2", "an old server's")
        plain(t, f"{level}.refuses.test", "refuses", f"{level}, a server that says STARTTLS and refuses it")
    t.ok(v.wait_log(r"postfix/smtp\[\d+\]: Trusted TLS connection established to mx\.good\.test\[127\.3\.0\.3\]:%d: TLSv1\.3 "
                    r"with cipher TLS_AES_256_GCM_SHA384 \(256/256 bits\) key-exchange X25519 "
                    r"server-signature RSA-PSS \(2048 bits\) server-digest SHA256$" % PORT), "the line is Postfix's")
    t.eq([line.split()[0] for line in sinks["good"].sessions[-1][1:4]], ["EHLO", "STARTTLS", "EHLO"], "EHLO comes again")


@test("none: in the clear; smtp_tls_note_starttls_offer")
def _(t):
    plain(t, "none.good.test", "good", "none")
    v.wait_log(r"Host offered STARTTLS: \[mx\.good\.test\]$")


@test("encrypt: by whoever it is, or not at all")
def _(t):
    refused(t, "encrypt.plain.test", "plain", "4.7.4",
            f"TLS is required, but was not offered by host mx.plain.test[{address['plain']}]", "not offered")
    refused(t, "encrypt.refuses.test", "refuses", "4.7.4", f"TLS is required, but host mx.refuses.test[{address['refuses']}] "
            "refused to start TLS: 454 4.7.0 TLS not available", "refused")
    sent(t, "encrypt.self.test", "self", "Untrusted", "signed by itself")
    t.eq(sinks["plain"].sessions[-1][-1], "QUIT", "whoever is not used hears QUIT")


@test("verify: the name that the DNS told; smtp_tls_CAfile, smtp_tls_CApath, smtp_tls_verify_cert_match")
def _(t):
    sent(t, "verify.good.test", "good", "Verified", "good")
    v.wait_log(r"mx\.good\.test\[\S+\]:\d+: subject_CN=mx\.good\.test, issuer_CN=Test CA, fingerprint=%s, "
               r"pkey_fingerprint=%s" % (good_print, key_fingerprint(certs["good"][0])))
    refused(t, "verify.self.test", "self", "4.7.5", "Server certificate not verified", "signed by itself")
    v.wait_log(r"certificate verification failed for mx\.self\.test\[\S+\]:\d+: self.signed certificate")
    refused(t, "verify.late.test", "late", "4.7.5", "Server certificate not verified", "out of date")
    refused(t, "verify.wrong.test", "wrong", "4.7.5", "Server certificate not verified", "another name")
    refused(t, "verify.plain.test", "plain", "4.7.4", "was not offered", "no TLS")
    refused(t, "nobody.good.test", "good", "4.7.5", "Server certificate not verified", "nobody vouches without a CA")
    refused(t, "system.good.test", "good", "4.7.5", "Server certificate not verified", "nor do those of the system")
    sent(t, "path.good.test", "good", "Verified", "by a directory")
    sent(t, "named.wrong.test", "wrong", "Verified", "a name that was named")
    sent(t, "enforces.good.test", "good", "Verified", "smtp_enforce_tls")
    refused(t, "enforces.wrong.test", "wrong", "4.7.5", "not verified", "smtp_enforce_tls, another name")


@test("secure: a name that we know without the DNS")
def _(t):
    sent(t, "secure.good.test", "good", "Verified", "the next hop")
    sent(t, "secure.old.test", "old", "Verified", "a name below it")
    refused(t, "secure.wrong.test", "wrong", "4.7.5", "Server certificate not verified", "another name")


@test("fingerprint")
def _(t):
    sent(t, "finger.good.test", "good", "Verified", "this certificate, whoever signed it")
    refused(t, "misfinger.good.test", "good", "4.7.5", "Server certificate not verified", "another one's")
    refused(t, "finger.self.test", "self", "4.7.5", "Server certificate not verified", "another one")


@test("protocols and ciphers")
def _(t):
    refused(t, "new.old.test", "old", "4.7.5", "Cannot start TLS: handshake failure", "nothing in common")
    v.wait_log(r"SSL_connect error to mx\.old\.test\[\S+\]:\d+: -1")
    v.wait_log(r"warning: TLS library problem: ")
    sent(t, "former.good.test", "good", "Untrusted", "TLS 1.2 alone")
    t.eq(established("good")[1:], ("TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256"), "and its cipher, but for those excluded")


@test("a handshake that breaks: later in the clear, where that may be")
def _(t):
    refused(t, "encrypt.broken.test", "broken", "4.7.5", "Cannot start TLS: handshake failure", "encrypt")
    v.wait_log(r"SSL_connect error to mx\.broken\.test\[\S+\]:\d+: lost connection")
    refused(t, "may.broken.test", "broken", "4.7.5", "Cannot start TLS: handshake failure", "may, at first")
    refused(t, "soon.broken.test", "broken", "4.7.5", "Cannot start TLS: handshake failure", "may, young")
    number = count

    def comes():
        v.run("postqueue", "-f", check=True)
        return any(f"<u{number}@" in to[0] for _, to, _ in sinks["broken"].heard)
    wait_until("sent in the clear", comes)
    v.wait_log(r"Cannot start TLS: handshake failure: trying without TLS")
    refused(t, "knows.broken.test", "broken", "4.7.5", "Cannot start TLS: handshake failure", "where a password is at stake")
    enough = len(sinks["broken"].sessions) + 2

    def tried():
        v.run("postqueue", "-f", check=True)
        return len(sinks["broken"].sessions) >= enough
    wait_until("tried again, and again", tried)
    t.ok(not any(f"<u{count}@" in to[0] for _, to, _ in sinks["broken"].heard), "not in the clear, however old")


@test("what comes with the reply to STARTTLS is nobody's")
def _(t):
    for level in ("may", "encrypt"):
        refused(t, f"{level}.injects.test", "injects", "4.7.5", "sent more than its reply to STARTTLS", level)
    t.eq(sinks["injects"].sessions[-1][-1], "STARTTLS", "nothing more is said")


@test("smtp_tls_wrappermode")
def _(t):
    sent(t, "wrap.wrapped.test", "wrapped", "Verified", "TLS from the first byte on")
    refused(t, "miswrap.wrapped.test", "wrapped", "4.7.5", "smtp_tls_wrappermode needs the level encrypt", "may")


@test("smtp_tls_servername")
def _(t):
    sent(t, "sni.good.test", "good", "Untrusted", "a name is asked for")
    t.eq(sinks["good"].secured[-1][1], "mx.good.test", "hostname")
    sent(t, "encrypt.good.test", "good", "Trusted", "none by default")
    t.eq(sinks["good"].secured[-1][1], None, "none")


@test("smtp_tls_policy_maps: levels and attributes by next hop, and its parents")
def _(t):
    refused(t, "table.plain.test", "plain", "4.7.4", "TLS is required", "encrypt")
    plain(t, "table.self.test", "self", "none")
    sent(t, "table.good.test", "good", "Verified", "secure")
    plain(t, "host.good.test", "good", "[host]: none, on a connection of its own")
    before = len(sinks["good"].secured)
    t.eq(send("table.good.test")[2], "sent", "secure again")
    t.eq(len(sinks["good"].secured), before, "over the connection that was kept")
    for nth in range(2):
        sent(t, "host.self.test", "self", "Untrusted", f"connection_reuse=no, {nth}")
    t.eq(send("number.good.test")[2], "sent", "the fingerprint of the key")
    t.eq(len(sinks["good"].secured), before + 1, "another policy is another connection")
    sent(t, "host.wrong.test", "wrong", "Verified", "match=")
    refused(t, "host.late.test", "late", "4.7.5", "not verified", "verify")
    refused(t, "table.old.test", "old", "4.7.5", "handshake failure", "protocols=")
    sent(t, "host.old.test", "old", "Trusted", "protocols=, ciphers=, exclude=, servername=")
    t.eq(established("old")[1:], ("TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256"), "as they say")
    t.eq(sinks["old"].secured[-1][1], "old.example", "the name")
    refused(t, "table.refuses.test", "refuses", "4.7.4", "refused to start TLS", "a parent's")
    for domain, site, words in (("table.asks.test", "asks", '"sometimes" is no level'),
                                ("table.login.test", "login", '"colour=green" is no attribute'),
                                ("host.broken.test", "broken", "match= is for"),
                                ("table.wrapped.test", "wrapped", "a brace is missing")):
        refused(t, domain, site, "4.7.5", "client TLS configuration problem", domain)
        v.wait_log("warning: client TLS configuration problem: .*" + words)


@test("a session of TLS is taken up again, under the same policy alone")
def _(t):
    asked = sinks["asks"]
    sent(t, "encrypt.asks.test", "asks", "Trusted", "the first")
    t.eq(asked.secured[-1][2], False, "new")
    sent(t, "encrypt.asks.test", "asks", "Trusted", "the second")
    t.eq(asked.secured[-1][2], True, "taken up again, and still known to the CA")
    for _ in range(2):
        sent(t, "forgets.asks.test", "asks", "Untrusted", "smtp_tls_session_cache_timeout=0")
        t.eq(asked.secured[-1][2], False, "never")


@test("a certificate of ours, whose key keys has")
def _(t):
    t.eq(sinks["asks"].secured[-1][3], None, "none by default")
    sent(t, "shows.asks.test", "asks", "Untrusted", "shown")
    t.eq(dict(rdn[0] for rdn in sinks["asks"].secured[-1][3]["subject"]), {"commonName": "us.here.test"}, "ours")


@test("a password goes out readable under TLS")
def _(t):
    sent(t, "logs.login.test", "login", "Untrusted", "logged in")
    t.eq(login.log, [("PLAIN", True)], "PLAIN, once")
    t.ok("AUTH" not in " ".join(sinks["login"].sessions[-1][1:3]), "after STARTTLS", sinks["login"].sessions[-1])


@test("LMTP under TLS, by parameters of its own")
def _(t):
    t.eq(send("lmtp.test")[2], "sent", "sent")
    t.eq(len(lmtp.secured), 1, "encrypted")
    v.wait_log(r"postfix/lmtp\[\d+\]: Untrusted TLS connection established to 127\.3\.1\.1\[127\.3\.1\.1\]:%d: " % LMTP_PORT)


def close():
    v.close()
    names.close()
    for sink in (*sinks.values(), lmtp):
        sink.close()


main(cleanup=close, evidence=lambda: v.log()[-3000:])
