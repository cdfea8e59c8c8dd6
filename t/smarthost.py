# SPDX-License-Identifier: ISC
"""Mail goes out by a smarthost that asks who we are: smtp_sasl_*, and by whose
it is.  The servers are Python's, with mechanisms written against the RFCs."""
import base64
import os
import re

from lib.certs import Authority
from lib.names import Names
from lib.peers import Postfix, start_dovecot
from lib.sasl import Auth
from lib.sink import Sink
from lib.suite import Suite, wait_until
from lib.tap import main, test

USERS = {"us@site.test": "s3cr:t, =word", "alice": "apass-word", "bob": "bpass-word", "long": 400 * "p"}
ALL = "PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256"
auth, other_auth, lmtp_auth = Auth(USERS), Auth(USERS), Auth(USERS)
hub = Sink(auth=auth)
other = Sink(auth=other_auth, host="127.2.0.2")
free = Sink(host="127.2.0.3")
local = Sink(auth=lmtp_auth, lmtp=True)
HUB, OTHER, FREE = f"[127.0.0.1]:{hub.port}", f"[127.2.0.2]:{other.port}", f"[127.2.0.3]:{free.port}"

v = Suite(start=False, main_cf={"relayhost": HUB, "minimal_backoff_time": "300s"})
v.write("passwords", f"{HUB} us@site.test:s3cr:t, =word\n127.2.0.2 bob:bpass-word\n{FREE} us:pw\n")
v.write("senders", f"alice@out.test {OTHER}\n@free.test {FREE}\n<> {OTHER}\n@direct.test DUNNO\n")
v.write("by_sender", "alice@out.test alice:apass-word\n@bobs.test bob:bpass-word\n"
        f"{HUB} us@site.test:s3cr:t, =word\nodd@out.test nothing\nempty@out.test us:\n")
os.chmod(f"{v.conf}/passwords", 0o600)
os.chmod(f"{v.conf}/by_sender", 0o600)
ca = Authority(v.path("ca"))
MECHANISMS = ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256")
# service: its options
SERVICES = {
    "any": "",
    "keeps": "-o smtp_connection_reuse_count_limit=0",
    "plain": "-o smtp_sasl_security_options=noanonymous -o smtp_sasl_mechanism_filter=plain",
    "login": "-o smtp_sasl_security_options=noanonymous -o smtp_sasl_mechanism_filter=login",
    "cram": "-o smtp_sasl_mechanism_filter=cram-md5",
    "scram1": "-o smtp_sasl_mechanism_filter=scram-sha-1",
    "notscram": "-o { smtp_sasl_mechanism_filter = !scram-sha-256, !scram-sha-1, cram-md5, plain }",
    "mutual": "-o { smtp_sasl_security_options = noplaintext, mutual_auth }",
    "nodict": "-o smtp_sasl_security_options=nodictionary",
    "bare": "-o smtp_sasl_security_options=",
    "hard": "-o smtp_sasl_auth_soft_bounce=no",
    "dummy": "-o smtp_send_dummy_mail_auth=yes",
    "each": "-o smtp_connection_reuse_count_limit=0 -o smtp_sender_dependent_authentication=yes "
            f"-o smtp_sasl_password_maps=texthash:{v.conf}/by_sender",
    "bar": "-o smtp_sasl_password_result_delimiter=| -o smtp_sasl_password_maps=inline:{127.0.0.1=alice|apass-word}",
    "long": "-o smtp_sasl_security_options= -o smtp_sasl_mechanism_filter=plain "
            "-o smtp_sasl_password_maps=inline:{127.0.0.1=long:" + 400 * "p" + "}",
    "off": "-o smtp_sasl_auth_enable=no",
}
# A next hop that failed is left alone for a while: each failure has its own.
SERVICES.update({f"{name}{i}": SERVICES[name] for name, n in (("any", 8), ("hard", 2)) for i in range(n)})
SERVICES.update({f"real-{m.lower()}": f"-o smtp_sasl_mechanism_filter={m} -o smtp_tls_security_level=verify "
                 f"-o smtp_tls_CAfile={ca.pem} -o smtp_sasl_password_maps=static:us@site.test:our-real-word"
                 for m in MECHANISMS})
v.master_cf += "".join(f"{name} unix - - n - - smtp\n    {options}\n" for name, options in SERVICES.items())
v.master_cf += "lmtp unix - - n - - lmtp\n"
v.write("transport", "".join(f"{name}.test {name}:{HUB}\n" for name in SERVICES)
        + f"lmtp.test lmtp:inet:127.0.0.1:{local.port}\nnotice.test any:{FREE}\n")


def start_peers():
    """A Postfix that asks a Dovecot who its clients are."""
    folder, pem = v.path("dovecot"), ca.issue("hub.test")
    os.makedirs(f"{folder}/run")
    os.chmod(folder, 0o755)
    with open(f"{folder}/users", "w") as f:
        f.write("us@site.test:{PLAIN}our-real-word\n")
    with open(f"{folder}/dovecot.conf", "w") as f:
        f.write(f"""
base_dir = {folder}/run
log_path = {folder}/log
protocols =
ssl = no
default_internal_user = nobody
default_internal_group = nogroup
default_login_user = nobody
auth_mechanisms = {" ".join(MECHANISMS).lower()}
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = static
  args = uid=5000 gid=5000 home=/nonexistent
}}
service auth {{
  unix_listener {folder}/auth {{
    mode = 0666
  }}
}}
""")
    dovecot = start_dovecot(f"{folder}/dovecot.conf", "dovecot-core")
    wait_until("Dovecot listens", lambda: os.path.exists(f"{folder}/auth"))
    return dovecot, Postfix(v.base, f"""
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {folder}/auth
smtpd_sasl_authenticated_header = yes
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_tls_cert_file = {pem[0]}
smtpd_tls_key_file = {pem[1]}
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
""")


dovecot, postfix = start_peers()
with open(f"{v.conf}/transport", "a") as routes:
    routes.writelines(f"{m.lower()}@postfix.test real-{m.lower()}:[hub.test]:{postfix.port}\n" for m in MECHANISMS)
names = Names(v.base, {"test": "hub A 127.0.0.1\n"})
v.configure(dns_resolvers=f"127.0.0.1:{names.port}", smtp_tls_loglevel="1",
            smtp_sasl_auth_enable="yes", smtp_sasl_password_maps=f"texthash:{v.conf}/passwords",
            lmtp_sasl_auth_enable="yes", lmtp_sasl_password_maps=f"inline:{{127.0.0.1=alice:apass-word}}",
            smtp_connection_reuse_count_limit="1",
            sender_dependent_relayhost_maps=f"texthash:{v.conf}/senders",
            transport_maps=f"texthash:{v.conf}/transport")
v.start()
count = 0


def send(domain, sender="s@site.test"):
    """What became of it: relay, dsn, status, text."""
    global count
    count += 1
    v.send(sender, [f"u{count}@{domain}"])
    return v.wait_log(r"to=<u%d@%s>, relay=(\S+), .*dsn=(\S+), status=(\w+) \((.*)\)$"
                      % (count, re.escape(domain)))[-1].groups()


@test("the strongest mechanism is taken; the password is in the file of the next hop")
def _(t):
    t.eq(send("any.test")[2], "sent", "taken")
    t.eq(auth.log, [("SCRAM-SHA-256", True)], "SCRAM-SHA-256")
    t.eq([c.split()[0] for c in hub.sessions[-1][1:]][:3], ["EHLO", "AUTH", "MAIL"], "in this order")


@test("each mechanism, with a password of all kinds of characters")
def _(t):
    for name, used in (("scram1", "SCRAM-SHA-1"), ("cram", "CRAM-MD5"), ("notscram", "CRAM-MD5"),
                       ("plain", "PLAIN"), ("login", "LOGIN"), ("mutual", "SCRAM-SHA-256")):
        t.eq(send(f"{name}.test")[2], "sent", f"{name}: sent")
        t.eq(auth.log[-1], (used, True), f"{name}: by {used}")


@test("a response too long for the line of AUTH waits until it is asked for")
def _(t):
    t.eq(send("long.test")[2], "sent", "sent")
    t.eq(auth.lines[-2], "AUTH PLAIN", "AUTH alone")


@test("the server's name as the key; smtp_sasl_password_result_delimiter")
def _(t):
    t.eq(send("bar.test")[2], "sent", "sent")
    t.eq(auth.log[-1], ("SCRAM-SHA-256", True), "logged in")
    t.ok(b"n=alice," in base64.b64decode(auth.lines[-3].split()[2]), "as alice", auth.lines[-3:])


def refused(t, domain, what, dsn, text, **changes):
    """A login that does not work out: no mail is said there, but QUIT."""
    for name, value in changes.items():
        setattr(auth, name, value)
    heard, sessions = len(hub.heard), len(hub.sessions)
    got = send(domain)
    auth.mechanisms, auth.users, auth.lie, auth.iterations, auth.refused = ALL, USERS, False, 4096, "535 5.7.8 no"
    t.eq((len(hub.heard), len(hub.sessions)), (heard, sessions + 1), f"{what}: one session, no mail")
    t.eq((got[1], got[2]), (dsn, "bounced" if dsn[0] == "5" else "deferred"), what)
    t.ok(text in got[3], f"{what}: why", got[3])
    t.eq(hub.sessions[-1][-1], "QUIT", f"{what}: and goodbye")
    t.ok(not any(line.startswith("MAIL") for line in hub.sessions[-1][1:]), f"{what}: nothing of the mail is said")


@test("a password is not sent readable where the connection is not encrypted")
def _(t):
    before = len(auth.lines)
    refused(t, "any0.test", "PLAIN and LOGIN", "4.7.0",
            "SASL authentication failed; cannot authenticate to server 127.0.0.1[127.0.0.1]: no mechanism available",
            mechanisms="PLAIN LOGIN")
    t.eq(auth.lines[before:], [], "no AUTH was said")
    v.wait_log("warning: SASL authentication failure: No worthy mechs found")
    auth.mechanisms = "PLAIN LOGIN"
    t.eq(send("bare.test")[2], "sent", "unless smtp_sasl_security_options allows it")
    auth.mechanisms = ALL
    refused(t, "nodict.test", "nodictionary", "4.7.0", "no mechanism available")
    refused(t, "any1.test", "mechanisms that are not ours", "4.7.0", "no mechanism available", mechanisms="NTLM GSSAPI")
    refused(t, "mutual.test", "mutual_auth", "4.7.0", "no mechanism available", mechanisms="CRAM-MD5")


@test("a refused login defers, or bounces (smtp_sasl_auth_soft_bounce)")
def _(t):
    refused(t, "any2.test", "soft", "4.7.8", "SASL authentication failed; server 127.0.0.1[127.0.0.1] said: 535 5.7.8",
            users={"us@site.test": "another"})
    refused(t, "hard0.test", "hard", "5.7.8", "said: 535 5.7.8", users={"us@site.test": "another"})
    refused(t, "hard1.test", "for now", "4.7.0", "said: 454 4.7.0 later", users={}, refused="454 4.7.0 later")


@test("SCRAM: a server that does not know the password is found out, whatever it says")
def _(t):
    refused(t, "any3.test", "a wrong signature", "4.7.0", "its signature is wrong", lie=b"x" * 32)
    refused(t, "any4.test", "no signature", "4.7.0", "it said yes before", lie=None)
    refused(t, "any5.test", "too easy to guess", "4.7.0", "fewer than 4096 iterations", iterations=1)
    refused(t, "any6.test", "too dear", "4.7.0", "more than 200000 iterations", iterations=1000000)
    t.eq(send("any.test")[2], "sent", "and the good one is served still")


@test("a server that does not ask is sent to as by anybody; smtp_sasl_auth_enable=no")
def _(t):
    t.eq(send("somewhere.test", "s@free.test")[2], "sent", "no AUTH there")
    t.eq(free.sessions[-1][2].split()[0], "MAIL", "and none said")
    relay, dsn, status, text = send("off.test")
    t.eq((dsn, status), ("5.7.0", "bounced"), "a server that wants it says so itself")
    t.ok("Authentication required" in text, "in its words", text)


@test("sender_dependent_relayhost_maps, and the empty sender's key")
def _(t):
    t.eq(send("far.test", "alice@out.test")[0], f"127.2.0.2[127.2.0.2]:{other.port}", "the sender's own host")
    t.eq(other_auth.log[-1], ("SCRAM-SHA-256", True), "with its password, by its name")
    t.eq(send("far.test", "s@site.test")[0], f"127.0.0.1[127.0.0.1]:{hub.port}", "all others: relayhost")
    t.eq(send("far.test", "")[0], f"127.2.0.2[127.2.0.2]:{other.port}", "no sender: <>")
    relay, dsn, status, text = send("far.test", "x@direct.test")
    t.eq(relay, "none", "DUNNO: no relayhost")
    t.eq(send("any.test", "alice@out.test")[0], f"127.0.0.1[127.0.0.1]:{hub.port}", "transport_maps come before it")


@test("smtp_sender_dependent_authentication: passwords, and connections, of their own")
def _(t):
    def who(sender):
        before = len(hub.sessions), len(auth.log)
        t.eq(send("each.test", sender)[2], "sent", f"{sender}: sent")
        return len(hub.sessions) - before[0], len(auth.log) - before[1]

    t.eq(who("alice@out.test"), (1, 1), "alice's")
    t.ok(b"n=alice," in base64.b64decode(auth.lines[-3].split()[2]), "she is alice")
    t.eq(who("x@bobs.test"), (1, 1), "bob's is another connection")
    t.ok(b"n=bob," in base64.b64decode(auth.lines[-3].split()[2]), "he is bob")
    t.eq(who("s@site.test"), (1, 1), "whoever has none has the host's")
    t.eq(who("alice@out.test"), (0, 0), "alice's next goes over hers")
    for sender in ("odd@out.test", "empty@out.test"):
        relay, dsn, status, text = send("each.test", sender)
        t.ok(status == "deferred" and dsn in ("4.3.0", "4.7.0"), f"{sender}: a wrong entry is not none", (dsn, text))


@test("one login serves many messages")
def _(t):
    before = len(auth.log)
    for _ in range(3):
        t.eq(send("keeps.test")[2], "sent", "sent")
    t.eq(len(auth.log), before + 1, "one")


@test("smtp_send_dummy_mail_auth")
def _(t):
    send("dummy.test")
    t.ok(" AUTH=<>" in hub.heard[-1][0], "said", hub.heard[-1][0])
    send("any.test")
    t.ok("AUTH=" not in hub.heard[-1][0], "not by default", hub.heard[-1][0])


@test("LMTP logs in too, by parameters of its own")
def _(t):
    t.eq(send("lmtp.test")[2], "sent", "sent")
    t.eq(lmtp_auth.log, [("SCRAM-SHA-256", True)], "as alice")


@test("no password is in the log, or in what the postmaster hears")
def _(t):
    auth.mechanisms = "PLAIN"
    auth.refused = "500 5.5.0 what is %s"  # a trouble of the protocol's, to be told of
    auth.users = {}
    v.configure(notify_classes="protocol", error_notice_recipient="pm@notice.test")
    v.reload()
    text = send("bare.test")[3]
    t.ok("said: 500 5.5.0 what is AUTH PLAIN ****" in text, "what the server says back is hidden", text)
    auth.mechanisms, auth.users = ALL, USERS
    v.wait_log(r"to=<pm@notice\.test>.*status=sent")
    told = free.heard[-1][2].decode()
    t.ok("AUTH PLAIN" in told, "the postmaster reads what was said", told)
    for user, password in USERS.items():
        for secret in (password, base64.b64encode(password.encode()).decode(),
                       base64.b64encode(f"\0{user}\0{password}".encode()).decode()):
            t.ok(secret not in v.log(), f"{user}'s is not in the log")
            t.ok(secret not in told, f"{user}'s is not in the notice")


@test("a real Postfix with a real Dovecot, by each mechanism, under TLS")
def _(t):
    for m in MECHANISMS:
        v.send("s@site.test", [f"{m.lower()}@postfix.test"])
        [line] = v.wait_log(r"to=<%s@postfix\.test>, .*status=(\w+) \((.*)\)" % m.lower())
        t.eq(line[1], "sent", f"{m}: {line[2]}")
        t.ok(f"sasl_method={m}, sasl_username=us@site.test" in postfix.log(), f"{m}: Postfix says so")
    postfix.messages(len(MECHANISMS))
    v.wait_log(r"Verified TLS connection established to hub\.test")


@test("what is wrong in the configuration is said")
def _(t):
    for change, words in (({"smtp_sasl_password_maps": ""}, "smtp_sasl_password_maps is empty"),
                          ({"smtp_sasl_security_options": "noplain"}, r'"noplain" is none of noplaintext')):
        was = {name: v.settings[name] if name in v.settings else None for name in change}
        v.configure(**change)
        v.reload()
        count = len(re.findall(words, v.log()))
        v.send("s@site.test", ["x@cram.test"])
        v.wait_log(words, count + 1)
        v.configure(**was)
    v.reload()
    t.eq(send("scram1.test")[2], "sent", "and set right it goes on")


def close():
    v.close()
    postfix.close()
    names.close()
    dovecot.terminate()
    dovecot.wait()
    for sink in (hub, other, free, local):
        sink.close()


main(cleanup=close, evidence=lambda: v.log()[-3000:])
