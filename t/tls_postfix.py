# SPDX-License-Identifier: ISC
"""What Postfix writes under TLS, and what we do: a real Postfix with the same
options, the same clients and the same servers beside each other; Received and
log lines are the same once dates, ids, processes and ports are taken off."""
import os
import re
import smtplib
import ssl
import subprocess

from lib.certs import Authority
from lib.dovecot import AuthServer
from lib.peers import Postfix
from lib.sink import Sink
from lib.suite import IS_ROOT, Suite, free_port, wait_until
from lib.tap import main, test

if not IS_ROOT:
    print("1..0 # SKIP a Postfix of its own needs root")
    raise SystemExit

USER, PASSWORD = "ann", "corn-Flakes-7"
RSA = ("rsa:2048",)
v = Suite(start=False)
ca, other = Authority(v.path("ca"), "Known CA"), Authority(v.path("other"), "Other CA")
upper = ca.authority(v.path("upper"), "Upper CA")
lower = upper.authority(v.path("lower"), "Lower CA")
cert, key = ca.issue("postfix.test", kind=RSA)
certs = {"trusted": ca.issue("trusted.test"), "untrusted": other.issue("untrusted.test"),
         "alone": ca.issue("alone.test", is_own=True), "late": ca.issue("late.test", days=-1),
         "other": ca.issue("other.test", use="codeSigning"), "deep": lower.issue("deep.test"), "none": None}
for folder, _dirs, names in os.walk(v.base):  # users of their own read what is theirs
    os.chmod(folder, 0o755)
users = AuthServer(v.path("users"), v.path("users", "socket"), {USER: PASSWORD})


def server(pair, version, anonymous=False):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.minimum_version = c.maximum_version = version
    if anonymous:
        c.set_ciphers("aNULL:@SECLEVEL=0")
    else:
        c.load_cert_chain(*pair)
    return c


VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
sinks = {f"{name}-{number}": Sink(tls=server(certs[name], version))
         for number, version in VERSIONS.items() for name in certs if name != "none"}
sinks["anonymous-1.2"] = Sink(tls=server(None, VERSIONS["1.2"], anonymous=True))
LEVELS = {"one": "-o smtpd_tls_loglevel=1", "two": "-o smtpd_tls_loglevel=2"}
CLIENTS = {"may": "-o smtp_tls_security_level=may", "verify": "-o smtp_tls_security_level=verify "
           "-o smtp_tls_verify_cert_match=.test", "misnamed": "-o smtp_tls_security_level=verify "
           "-o smtp_tls_verify_cert_match=elsewhere.test", "shallow": "-o smtp_tls_security_level=verify "
           "-o smtp_tls_verify_cert_match=.test -o smtp_tls_scert_verifydepth=0",
           "chatty": "-o smtp_tls_security_level=may -o smtp_tls_loglevel=2"}


class Side:
    """One of the two: its ports, what arrived, its log."""

    def __init__(self):
        self.ports = {level: free_port() for level in LEVELS}

    def settings(self):
        routes = " ".join(f"{{ {client}.{sink}.test = {client}:[127.0.0.1]:{s.port} }}"
                          for client in CLIENTS for sink, s in sinks.items())
        return {
            "myhostname": "postfix.test", "mail_name": "Either", "smtpd_tls_received_header": "yes",
            "smtpd_tls_security_level": "may", "smtpd_tls_cert_file": cert, "smtpd_tls_key_file": key,
            "smtpd_tls_ask_ccert": "yes", "smtpd_tls_CAfile": ca.pem, "smtpd_tls_fingerprint_digest": "sha256",
            "smtpd_sasl_auth_enable": "yes", "smtpd_sasl_type": "dovecot", "smtpd_sasl_path": f"inet:127.0.0.1:{users.port}",
            "smtpd_sasl_authenticated_header": "yes", "smtp_tls_CAfile": ca.pem, "smtp_tls_loglevel": "1",
            "smtp_tls_fingerprint_digest": "sha256", "transport_maps": f"inline:{{ {routes} }}",
            "smtp_connection_cache_on_demand": "no", "smtpd_client_connection_count_limit": "0",
        }

    def services(self):
        return "".join(f"127.0.0.1:{self.ports[level]} inet n - n - - smtpd {option}\n" for level, option in LEVELS.items()) + \
            "".join(f"{name} unix - - n - - smtp {option}\n" for name, option in CLIENTS.items())


class Ours(Side):
    def __init__(self):
        super().__init__()
        v.master_cf = self.services()
        v.port = self.ports["one"]
        os.mkdir(v.path("box"))
        os.chown(v.path("box"), 5000, 5000)
        v.configure(virtual_mailbox_domains="postfix.test", virtual_mailbox_maps="static:in/",
                    virtual_mailbox_base=v.path("box"), virtual_uid_maps="static:5000", virtual_gid_maps="static:5000",
                    mydestination="", smtp_connection_reuse_count_limit="1", **self.settings())
        v.start()
        self.log = v.log

    @staticmethod
    def messages(count):
        return v.maildir(v.path("box", "in"), count)


class Theirs(Side):
    def __init__(self):
        super().__init__()
        extra = "".join(f"{name} = {value}\n" for name, value in self.settings().items() if name != "myhostname")
        self.postfix = Postfix(v.base, extra + "import_environment = LD_LIBRARY_PATH MAIL_CONFIG MAIL_LOGTAG\n",
                               services=self.services())
        self.log, self.messages = self.postfix.log, self.postfix.messages


ours, theirs = Ours(), Theirs()


def send(side, level, version, pair, login=False, to="in@postfix.test", hello="client.test"):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
    c.minimum_version = c.maximum_version = version
    if pair:
        c.load_cert_chain(*pair)
    with smtplib.SMTP("127.0.0.1", side.ports[level], local_hostname=hello) as s:
        s.starttls(context=c)
        if login:
            s.ehlo()
            s.login(USER, PASSWORD)
        s.sendmail("a@out.test", [to], "From: a@out.test\nSubject: x\n\nx\n")


def received(message):
    """The first trace field, without what differs by itself."""
    field = re.search(r"^Received: .*\n(?:[ \t].*\n)*", message.decode(), re.M)[0]
    field = re.sub(r"\bid \w+", "id ID", field)
    return re.sub(r"\w{3}, +\d+ \w{3} \d{4} [\d:]{8} [+-]\d{4} \(\w+\)", "DATE", field)


def lines(text, program):
    """What a program said of TLS."""
    found = []
    for line in text.splitlines():
        m = re.match(rf"\w{{3}} +\d+ [\d:]+ \S+ postfix/{program}\[\d+\]: (.*)$", line)
        if m and re.search(r"TLS|SSL|certificate|subject_CN|save session|finger", m[1]):
            found.append(re.sub(r"(?<=127\.0\.0\.1\]:)\d+|0x\w+", "N", m[1]))
    return found


def during(side, program, act, done):
    """Those that came meanwhile."""
    before = len(side.log())
    act()
    wait_until("it is in the log", lambda: re.search(done, side.log()[before:]))
    return lines(side.log()[before:], program)


# What Postfix has at level 2 beside: OpenSSL's states, and its own beginnings.
CHATTER = re.compile(r"SSL_(accept|connect):|initializing the \w+-side TLS engine|.* TLS cipher list ")
# What we have there beside, of those who need not be trusted.
REASON = "((client|server) )?certificate verification failed for "


def without(lines_of, what):
    return [line for line in lines_of if not re.match(what, line)]


@test("Received, and smtpd's lines at smtpd_tls_loglevel 1: versions, certificates, a login")
def _(t):
    count = 0
    for number, version in VERSIONS.items():
        for name, pair in certs.items():
            for login in (False, True):
                what = f"TLS {number}, {name}{', login' if login else ''}"
                count += 1
                said = [during(side, "smtpd", lambda: send(side, "one", version, pair, login), "disconnect from")
                        for side in (ours, theirs)]
                t.eq(*said, f"{what}: the log")
                t.eq(len(said[0]), 1, f"{what}: a line")
                t.eq(*[sorted(map(received, side.messages(count))) for side in (ours, theirs)], f"{what}: Received")
    texts = "".join(map(received, ours.messages(count)))
    for words in ("with ESMTPSA id", "with ESMTPS id", "(Authenticated sender: ann)", "(verified OK)", "(not verified)",
                  "(Client did not present a certificate)", "client-signature ECDSA (prime256v1) client-digest SHA256"):
        t.ok(words in texts, f"of them: {words}")


@test("smtpd's lines at smtpd_tls_loglevel 2: all but those of OpenSSL's states")
def _(t):
    for number, version in VERSIONS.items():
        for name, pair in certs.items():
            a, b = [during(side, "smtpd", lambda: send(side, "two", version, pair), "disconnect from") for side in (ours, theirs)]
            t.eq(without(a, REASON), without(b, CHATTER), f"TLS {number}, {name}")
            t.eq(len(without(a, REASON)), 2 + (pair is not None), "set up, its certificate, established")


@test("smtp's lines and what becomes of the message: servers of all kinds; level may, may at loglevel 2, verify")
def _(t):
    for client in CLIENTS:
        for sink in sinks:
            if sink.startswith("anonymous") and client in ("may", "chatty"):
                continue  # we know no cipher by which anybody can be in between
            if client == "shallow" and not sink.startswith(("trusted", "deep")):
                continue
            if sink.startswith(("late", "other")) and client == "misnamed":
                continue  # of two faults each names one
            a, b = [outcome(side, client, sink) for side in (ours, theirs)]
            t.eq(without(a, REASON) if client == "chatty" else a, without(b, CHATTER), f"{client}, {sink}")
    words = set(re.findall(r"(\w+) TLS connection established to", ours.log()))
    t.eq(words, {"Trusted", "Untrusted", "Verified"}, "of all kinds")


def outcome(side, client, sink):
    """smtp's lines, and how it ended."""
    before = len(side.log())
    done = rf"to=<u@{client}\.{sink}\.test>.* (dsn=\S+, status=.*)"
    found = during(side, "smtp", lambda: send(side, "one", VERSIONS["1.3"], None, to=f"u@{client}.{sink}.test"), done)
    ended = re.search(done, side.log()[before:])[1]
    return [line for line in found if "to=<" not in line] + [re.sub("queued as .*", "", ended)]


def close():
    theirs.postfix.close()
    v.close()
    users.close()
    for s in sinks.values():
        s.close()


main(cleanup=close, evidence=lambda: v.log()[-1000:] + theirs.log()[-3000:])
