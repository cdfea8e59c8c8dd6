# SPDX-License-Identifier: ISC
"""auth: the Dovecot authentication protocol, as its clients speak it."""
import base64
import concurrent.futures
import hashlib
import hmac
import os
import pty
import re
import signal
import socket
import subprocess
import time
import unicodedata

from lib.suite import Suite, program, wait_until
from lib.tap import main, test

YES, NO = "right-Passwort", "wrong-Passwort"


def b64(data):
    return base64.b64encode(data).decode()


def crypted(password):
    return "{SHA512-CRYPT}" + subprocess.run(["openssl", "passwd", "-6", password], check=True, capture_output=True,
                                             text=True).stdout.strip()


def scram_key(name, password, salt=b"0123456789abcdef", n=4096):
    h = hashlib.sha256 if name == "SCRAM-SHA-256" else hashlib.sha1
    salted = hashlib.pbkdf2_hmac(h().name, password.encode(), salt, n)
    stored = h(hmac.digest(salted, b"Client Key", h)).digest()
    return f"{{{name}}}{n},{b64(salt)},{b64(stored)},{b64(hmac.digest(salted, b'Server Key', h))}"


def keys(password):
    return f"{crypted(password)} {scram_key('SCRAM-SHA-256', password)} {scram_key('SCRAM-SHA-1', password)}"


class Client:
    """One conversation, as a client of Dovecot's auth."""

    def __init__(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(os.path.join(v.queue, "private", "valija-auth"))
        self.file = self.sock.makefile("rb")
        self.hello = []
        while not self.hello or self.hello[-1] != ["DONE"]:
            self.hello.append(self.read())
        self.say("VERSION", 1, 2)
        self.say("CPID", os.getpid())
        self.id = 0

    def read(self):
        try:
            line = self.file.readline()
        except ConnectionResetError:  # there was more than it cared to read
            line = b""
        return line.decode().rstrip("\n").split("\t") if line else None

    def say(self, *words):
        self.sock.sendall("\t".join(map(str, words)).encode() + b"\n")

    def mechanisms(self):
        return [w[1] for w in self.hello if w[0] == "MECH"]

    def auth(self, mechanism, *more, response=None):
        self.id += 1
        more += (f"resp={b64(response)}",) if response is not None else ()
        self.say("AUTH", self.id, mechanism, "service=smtp", *more)
        return self.id

    def answer(self, data):
        self.say("CONT", self.id, b64(data))
        return self.read()

    def plain(self, user, password, *more):
        self.auth("PLAIN", *more, response=f"\0{user}\0{password}".encode())
        return self.read()

    def scram(self, mechanism, user, password, *more, header="n,,", spoil=lambda final: final):
        """The last word, and whether the server proved that it knows us."""
        h = hashlib.sha256 if mechanism == "SCRAM-SHA-256" else hashlib.sha1
        bare = f"n={user},r=clientnonce{os.urandom(4).hex()}"
        self.auth(mechanism, *more, response=(header + bare).encode())
        word = self.read()
        if word[0] != "CONT":
            return word, False
        first = base64.b64decode(word[2]).decode()
        said = dict(w.split("=", 1) for w in first.split(","))
        salted = hashlib.pbkdf2_hmac(h().name, password.encode(), base64.b64decode(said["s"]), int(said["i"]))
        final = f"c={b64(header.encode())},r={said['r']}"
        message = f"{bare},{first},{final}".encode()
        key = hmac.digest(salted, b"Client Key", h)
        mask = hmac.digest(h(key).digest(), message, h)
        proof = b64(bytes(a ^ b for a, b in zip(key, mask)))
        self.salt = said["s"]
        word = self.answer(spoil(f"{final},p={proof}").encode())
        last = word[2] if word[0] == "CONT" else dict(w.split("=", 1) for w in word if "=" in w).get("resp", "")
        good = base64.b64decode(last) == b"v=" + base64.b64encode(
            hmac.digest(hmac.digest(salted, b"Server Key", h), message, h))
        if word[0] == "CONT":
            self.say("CONT", self.id, "")
            word = self.read()
        return word, good


def users(*lines):
    path = v.write("users.new", "".join(f"{line}\n" for line in lines))
    os.chmod(path, 0o600)
    os.rename(path, os.path.join(v.conf, "users"))


v = Suite(start=False, main_cf={
    "smtpd_sasl_auth_enable": "yes", "smtpd_tls_auth_only": "no", "mynetworks": "192.0.2.0/24",
    "smtpd_client_auth_failure_limit": "0",
    "smtpd_relay_restrictions": "permit_sasl_authenticated, reject_unauth_destination", "transport_maps": "static:discard:",
})
USERS = [f"alice@here.test:{keys(YES)}", f"bob:{keys('bobs')}::::::"]
users(*USERS)
v.start()


@test("it says hello as Dovecot does")
def _(t):
    hello = Client().hello
    t.eq(hello[0], ["VERSION", "1", "2"], "version first")
    t.eq([w[1:] for w in hello if w[0] == "MECH"],
         [["PLAIN", "plaintext"], ["LOGIN", "plaintext"],
          ["SCRAM-SHA-256", "mutual-auth"], ["SCRAM-SHA-1", "mutual-auth"]], "mechanisms")
    said = {w[0]: w[1:] for w in hello}
    t.eq(int(said["SPID"][0]), v.pids_of("auth")[0], "its pid")
    t.ok(re.fullmatch("[0-9a-f]{32}", said["COOKIE"][0]), "a cookie")


@test("PLAIN and LOGIN: right, wrong, unknown, in any case of the name")
def _(t):
    c = Client()
    t.eq(c.plain("alice@here.test", YES), ["OK", "1", "user=alice@here.test"], "right")
    t.eq(c.plain("Alice@HERE.test", YES), ["OK", "2", "user=alice@here.test"], "the name in other letters")
    t.eq(c.plain("alice@here.test", NO), ["FAIL", "3", "user=alice@here.test"], "wrong")
    t.eq(c.plain("nobody@here.test", NO), ["FAIL", "4", "user=nobody@here.test"], "unknown, the same")
    t.eq(c.plain("alice@here.test", ""), ["FAIL", "5", "user=alice@here.test"], "an empty one")
    c.auth("PLAIN")
    t.eq(c.read(), ["CONT", "6", ""], "without an initial response")
    t.eq(c.answer(f"\0bob\0bobs".encode()), ["OK", "6", "user=bob"], "it comes then")
    c.auth("LOGIN")
    t.eq(c.read()[2], b64(b"Username:"), "LOGIN asks")
    t.eq(c.answer(b"bob")[2], b64(b"Password:"), "twice")
    t.eq(c.answer(b"bobs"), ["OK", "7", "user=bob"], "and is told")
    c.auth("LOGIN", response=b"bob")
    t.eq(c.read()[2], b64(b"Password:"), "a name as initial response")
    t.eq(c.answer(b"bob"), ["FAIL", "8", "user=bob"], "wrong")
    c.auth("PLAIN", response=b"bob\0alice@here.test\0" + YES.encode())
    t.eq(c.read(), ["FAIL", "9"], "nobody acts for another")


@test("SCRAM: right, wrong, unknown, channel bindings, a final response beside OK")
def _(t):
    c = Client()
    for m in ("SCRAM-SHA-256", "SCRAM-SHA-1"):
        t.eq(c.scram(m, "alice@here.test", YES), (["OK", str(c.id), "user=alice@here.test"], True), m)
        t.eq(c.scram(m, "Bob", "bobs", header="y,,")[0][0], "OK", f"{m}: y")
        word, good = c.scram(m, "bob", "bobs", "final-resp-ok")
        t.ok(good and word[:3] == ["OK", str(c.id), "user=bob"] and len(word) == 4, f"{m}: beside OK", word)
        t.eq(c.scram(m, "bob", NO), (["FAIL", str(c.id), "user=bob"], False), f"{m}: wrong")
        t.eq(c.scram(m, "nobody", NO)[0], ["FAIL", str(c.id), "user=nobody"], f"{m}: unknown")
        salt = c.salt
        c.scram(m, "Nobody", NO)
        t.eq(c.salt, salt, f"{m}: who is not there has one salt")
        t.eq(c.scram(m, "bob", "bobs", header="p=tls-unique,,")[0][0], "FAIL", f"{m}: no channel binding")
        t.eq(c.scram(m, "bob", "bobs", header="n,a=alice,")[0][0], "FAIL", f"{m}: for another")
        for spoil in (lambda f: f.replace("c=", "c=eSws"), lambda f: f.replace("r=", "r=x"), lambda f: f[:-8] + "AAAAAAA=",
                      lambda f: f + ",x=y", lambda f: ""):
            t.eq(c.scram(m, "bob", "bobs", spoil=spoil)[0][0], "FAIL", f"{m}: a spoilt message")


@test("200 at once on many connections, and one connection with many")
def _(t):
    clients = [Client() for _ in range(20)]
    for c in clients:
        for i in range(10):
            c.auth("PLAIN", "rip=127.0.0.1", response=f"\0bob\0{'bobs' if i % 2 else NO}".encode())
    for c in clients:
        said = sorted((int(w[1]), w[0]) for w in (c.read() for _ in range(10)))
        t.eq(said, [(i + 1, "OK" if i % 2 else "FAIL") for i in range(10)], "each has its answer")


@test("who breaks the protocol is cut off, and others are not")
def _(t):
    good = Client()
    for line in (b"AUTH\n", b"AUTH\tx\tPLAIN\n", b"AUTH\t1\n", b"CONT\t99999999999999999999\tx\n", b"VERSION\t2\t0\n",
                 b"x" * 20000, b"AUTH\t1\tPLAIN\nAUTH\t1\tPLAIN\n"):
        c = Client()
        c.sock.sendall(line)
        words = []
        while (w := c.read()) is not None:
            words.append(w[0])
        t.ok(set(words) <= {"CONT"}, f"cut off after {line[:20]}", words)
    for line in ("AUTH\t1\tNTLM", "AUTH\t1\tPLAIN\tresp=!!", "CONT\t7\t"):
        c = Client()
        c.say(*line.split("\t"))
        t.eq(c.read()[0], "FAIL", f"{line}: refused")
    t.eq(good.plain("bob", "bobs")[0], "OK", "another goes on")


@test("a changed file counts without a reload; a SCRAM that one has no key for is not offered")
def _(t):
    old = Client()
    users(USERS[0], f"carol:{crypted('carols')}")
    v.wait_log("table changed, telling auth")
    wait_until("carol is there", lambda: Client().plain("carol", "carols")[0] == "OK")
    t.eq(Client().mechanisms(), ["PLAIN", "LOGIN"], "what all can use")
    t.eq(old.read(), None, "who knew others is to come again")
    t.eq(Client().plain("bob", "bobs")[0], "FAIL", "who is gone is gone")
    users(*USERS)
    wait_until("bob is there", lambda: Client().plain("bob", "bobs")[0] == "OK")
    t.eq(len(Client().mechanisms()), 4, "all again")


@test("failures are logged with user and address, and no password is")
def _(t):
    c = Client()
    c.plain("bob", NO, "rip=192.0.2.7")
    c.plain("no\x7fbody@x.test", NO, "rip=192.0.2.8")
    c.plain("stranger@x.test", NO, "rip=192.0.2.9")
    v.wait_log(r"postfix/auth\[\d+\]: passwd-file\(bob,192\.0\.2\.7\): Password mismatch \(SASL PLAIN\)$")
    v.wait_log(r"passwd-file\(stranger@x\.test,192\.0\.2\.9\): unknown user \(SASL PLAIN\)$")
    for secret in (YES, NO, "bobs", b64(YES.encode())[:-3], b64(NO.encode())[:-3]):
        t.ok(secret not in v.log(), f"{secret} is not in the log")


def user(*argv, password=None):
    """valija user, the password as --stdin takes it."""
    argv = list(argv)
    if password is not None:
        argv.insert(1, "--stdin")
    return v.valija("user", *argv, input=None if password is None else password.encode() + b"\n")


def says(c, name, password):
    return c.plain(name, password)[0]


@test("valija user: added, changed and taken away, at once and while clients stay")
def _(t):
    t.eq(user("add", "dora@here.test", password="first one").returncode, 0, "added")
    c = Client()  # an older one is to come again, and hear that SCRAM-SHA-1 is not for all
    t.eq(says(c, "dora@here.test", "first one"), "OK", "and known at once")
    t.eq(user("passwd", "Dora@here.test", password="second").returncode, 0, "changed")
    t.eq([says(c, "dora@here.test", p) for p in ("second", "first one")], ["OK", "FAIL"], "at once")
    t.eq(user("list", "dora@here.test").out, "dora@here.test CRYPT SCRAM-SHA-256\n", "listed")
    t.eq(c.mechanisms(), ["PLAIN", "LOGIN", "SCRAM-SHA-256"], "what all can use")
    t.eq(c.scram("SCRAM-SHA-256", "dora@here.test", "second"), (["OK", str(c.id), "user=dora@here.test"], True), "SCRAM")
    r = user("add", "dora@here.test", password="x")
    t.ok(r.returncode == 73 and "already" in r.err, "not twice", r.err)
    t.eq(user("del", "dora@here.test").returncode, 0, "taken away")
    t.eq(says(Client(), "dora@here.test", "second"), "FAIL", "at once")
    r = user("del", "dora@here.test")
    t.ok(r.returncode == 67 and "there is no user dora@here.test" in r.err, "not twice", r.err)
    with open(os.path.join(v.conf, "users")) as f:
        text = f.read()
    t.ok("# seed=" in text and text.endswith("".join(f"{line}\n" for line in USERS)), "others' lines are as they were", text)
    t.eq(os.stat(os.path.join(v.conf, "users")).st_mode & 0o777, 0o600, "for the administrator alone")
    t.eq(user("list").out.splitlines()[1], "bob SHA512-CRYPT SCRAM-SHA-256 SCRAM-SHA-1", "all are listed")


@test("valija user refuses what is no name and no password")
def _(t):
    for name in ("", "a b", "a:b", "-a", "#a", "a\n", "\x1b[2J", "x" * 256):
        t.eq(user("add", name, password="x").returncode, 65, f"{name!r} is no name")
    for password in ("tab\there", "\x7f", "", "a\0b", "x" * 1025):
        t.eq(user("add", "evan", password=password).returncode, 65, f"{password[:9]!r} is no password")
    r = v.valija("user", "add", "--stdin", "evan", input=b"")
    t.ok(r.returncode == 66 and "no password on standard input" in r.err, "nothing said", r.err)
    for argv in ((), ("add",), ("frob", "x"), ("app", "add", "bob"), ("list", "a", "b"), ("del", "--stdin", "bob")):
        r = user(*argv)
        t.ok(r.returncode == 64 and "usage" in r.err, f"{argv}: usage", r.err)
    t.eq(user("app", "add", "bob", "a/b").returncode, 65, "no name of an application")
    t.ok("evan" not in user("list").out, "nobody was added")


@test("application passwords: two, each is good, one is taken away")
def _(t):
    made = {}
    for app in ("phone", "lap.top"):
        r = user("app", "add", "bob", app)
        t.ok(r.returncode == 0 and re.fullmatch(r"([a-z2-9]{5}-){3}[a-z2-9]{5}\n", r.out), f"one for {app}", r.out + r.err)
        made[app] = r.out.strip()
    t.eq(user("app", "list", "bob").out, "phone\nlap.top\n", "listed")
    c = Client()
    for app, password in made.items():
        t.eq(c.plain("bob", password)[2:], ["user=bob"], f"{app}: PLAIN")
        t.eq(c.scram("SCRAM-SHA-256", "bob", password), (["OK", str(c.id), "user=bob"], True), f"{app}: SCRAM")
    t.eq(says(c, "bob", "bobs"), "OK", "and the user's own")
    t.eq(user("app", "add", "bob", "phone").returncode, 73, "not twice")
    t.eq(user("app", "del", "bob", "phone").returncode, 0, "one is taken away")
    t.eq([says(c, "bob", p) for p in (made["phone"], made["lap.top"], "bobs")], ["FAIL", "OK", "OK"], "it alone")
    t.eq(c.scram("SCRAM-SHA-256", "bob", made["phone"])[0][0], "FAIL", "for SCRAM as well")
    t.eq(user("passwd", "bob", password="new").returncode, 0, "another password")
    c = Client()
    t.eq([says(c, "bob", p) for p in ("new", "bobs", made["lap.top"])], ["OK", "FAIL", "OK"], "the other stays")
    t.eq(c.scram("SCRAM-SHA-256", "bob", made["lap.top"])[0][0], "OK", "for SCRAM as well")
    t.eq(user("app", "del", "bob", "phone").returncode, 67, "not twice")
    users(*USERS)


@test("a password is typed twice at a terminal, and not seen there")
def _(t):
    for first, second, code in (("typed", "typed", 0), ("typed", "Typed", 65)):
        pid, fd = pty.fork()
        if pid == 0:
            os.execv(program("valija"), ["valija", "-c", v.conf, "user", "add", "frank"])
        seen = b""
        for word in (first, second):
            while not seen.endswith(b": "):
                seen += os.read(fd, 1000)
            os.write(fd, word.encode() + b"\n")
            seen += os.read(fd, 1)
        try:
            while part := os.read(fd, 1000):
                seen += part
        except OSError:
            pass
        os.close(fd)
        t.eq(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), code, f"{first}, {second}")
        t.ok(b"yped" not in seen, "nothing of it is shown", seen)
        if code == 0:
            t.eq(says(Client(), "frank", first), "OK", "it counts")
            t.eq(user("del", "frank").returncode, 0, "gone")


def together(*calls):
    """(function, arguments ...) each at the same time as the others, since smtpd lets
    who is wrong wait for two seconds: what they return."""
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return [f.result() for f in [pool.submit(*call) for call in calls]]


def curl(who, password, *more):
    """By SMTP, as a user would: did it go out?"""
    return subprocess.run(["curl", "-sS", f"smtp://127.0.0.1:{v.port}/client.test", "--mail-from", "bob@here.test",
                           "--mail-rcpt", "out@elsewhere.test", "-u", f"{who}:{password}", *more, "-T", "-"],
                          input=b"Subject: x\n\nx\n", capture_output=True)


def swaks(who, password, mechanism):
    return subprocess.run(["swaks", "--server", f"127.0.0.1:{v.port}", "--from", "bob@here.test", "--to", "out@elsewhere.test",
                           "--auth", mechanism, "--auth-user", who, "--auth-password", password, "--timeout", "30"],
                          capture_output=True, text=True)


def curls(*passwords):
    return [r.returncode for r in together(*[(curl, "bob", p) for p in passwords])]


@test("end to end, by smtpd: curl and swaks, each mechanism, wrong, unknown, an application's, taken away")
def _(t):
    for mechanism in ("PLAIN", "LOGIN"):
        t.eq(curl("bob", "bobs", "--login-options", f"AUTH={mechanism}").returncode, 0, f"curl: {mechanism}")
        t.eq(swaks("bob", "bobs", mechanism).returncode, 0, f"swaks: {mechanism}")
    sent = v.wait_log(r"sasl_method=(\S+), sasl_username=(\S+)$", count=4)
    t.eq({m.group(2) for m in sent}, {"bob"}, "the log names him")
    with v.smtp() as s:
        t.eq(s.mail("bob@here.test")[0], 250, "who is not known")
        t.eq(s.rcpt("out@elsewhere.test")[0], 554, "sends nothing to others")
    made = [user("app", "add", "bob", app).out.strip() for app in ("one", "two")]
    t.eq(curls(*made), [0, 0], "two applications'")
    user("app", "del", "bob", "one")
    wrong = (("bob", NO), ("nobody@here.test", NO), ("", "x"))
    taken_away, *refused = together((curls, *made, "bobs"), *[(swaks, *case, "PLAIN") for case in wrong])
    t.eq(taken_away, [67, 0, 0], "one is taken away")
    for (who, _), r in zip(wrong, refused):
        t.ok(r.returncode == 28 and "<** 535 5.7.8 Error: authentication failed" in r.stdout, f"{who}: refused", r.stdout[-500:])
    user("del", "bob")
    t.eq(curls(*made, "bobs"), [67, 67, 67], "all is")
    users(*USERS)
    wait_until("bob is there", lambda: says(Client(), "bob", "bobs") == "OK")


def msmtp(who, password, mechanism):
    return subprocess.run(["msmtp", "--host=127.0.0.1", f"--port={v.port}", f"--auth={mechanism.lower()}", f"--user={who}",
                           f"--passwordeval=printf %s '{password}'", "--tls=off", "-f", "bob@here.test", "out@elsewhere.test"],
                          input=b"Subject: x\n\nx\n", capture_output=True, env=dict(os.environ, HOME=v.base, LC_ALL="C.UTF-8"))


def gsasl(who, password, mechanism):
    return subprocess.run(["gsasl", "--smtp", "--no-starttls", "--connect", f"127.0.0.1:{v.port}", "--mechanism", mechanism,
                           "--authentication-id", who, "--password", password], stdin=subprocess.DEVNULL, capture_output=True,
                          env=dict(os.environ, LC_ALL="C.UTF-8"))


def refusal(who, mechanism):
    """What smtpd said at the end, and when."""
    start = time.monotonic()
    r = msmtp(who, NO, mechanism)
    text = re.search(r"server message: (535 .*)", r.stderr.decode())
    return text and text[1], time.monotonic() - start


@test("end to end, by smtpd: SCRAM of msmtp and gsasl, right, wrong and unknown alike, with another password")
def _(t):
    both = ("SCRAM-SHA-256", "SCRAM-SHA-1")
    for m in both:
        for client in (msmtp, gsasl):
            n = len(re.findall("sasl_method=", v.log()))
            t.eq(client("bob", "bobs", m).returncode, 0, f"{client.__name__}: {m}")
            if client == msmtp:
                t.eq(v.wait_log(r"sasl_method=(\S+), sasl_username=bob$", n + 1)[-1][1], m, "it was used")
    wrong, *said = together((gsasl, "bob", NO, both[1]), *[(refusal, who, m) for m in both for who in ("bob", "nobody")])
    t.ok(wrong.returncode != 0, "gsasl: wrong")
    t.eq({text for text, _ in said}, {"535 5.7.8 Error: authentication failed: (reason unavailable)"}, "one text")
    t.ok(all(2 <= when < 4 for _, when in said), "and one time", said)
    user("passwd", "bob", password="changed")
    wait_until("it counts", lambda: says(Client(), "bob", "changed") == "OK")
    logins = [(client, "bob", p, both[0]) for client in (msmtp, gsasl) for p in ("changed", "bobs")]
    t.eq([r.returncode == 0 for r in together(*logins)], [True, False] * 2, "another password")
    users(*USERS)
    wait_until("as before", lambda: says(Client(), "bob", "bobs") == "OK")


@test("names and passwords beyond ASCII: written in either way, by real clients in all mechanisms")
def _(t):
    nfc, nfd = (unicodedata.normalize(form, "jürgen@here.test") for form in ("NFC", "NFD"))
    one, two = (unicodedata.normalize(form, "für Ærø\u00a0ñ") for form in ("NFC", "NFD"))
    users(USERS[0])
    t.eq(user("add", nfd, password=two).returncode, 0, "added")
    r = user("add", nfc, password=one)
    t.ok(r.returncode == 73 and "already" in r.err, "one user", r.err)
    t.eq(user("list", nfc).out, f"{nfc} CRYPT SCRAM-SHA-256\n", "by one name")
    c = Client()
    for who in (nfc, nfd):
        for password in (one, two):
            t.eq(c.plain(who, password), ["OK", str(c.id), f"user={nfc}"], "PLAIN")
            ran = together((curl, who, password, "--login-options", "AUTH=LOGIN"), (swaks, who, password, "PLAIN"),
                           (msmtp, who, password, "SCRAM-SHA-256"), (gsasl, who, password, "SCRAM-SHA-256"))
            t.eq([r.returncode for r in ran], [0] * 4, "curl: LOGIN, swaks: PLAIN, msmtp and gsasl: SCRAM")
    t.eq([says(c, nfc, p) for p in ("fur Aro n", one + "x", one.replace("\u00a0", " "))], ["FAIL", "FAIL", "OK"], "no other")
    users(*USERS)
    wait_until("as before", lambda: says(Client(), "bob", "bobs") == "OK")


def exim(words, *answers):
    """A conversation of Exim 4.96's dovecot authenticator, byte for byte: one a login."""
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(30)
    s.connect(os.path.join(v.queue, "private", "valija-auth"))
    f = s.makefile("rb")
    while f.readline() != b"DONE\n":
        pass
    s.sendall(b"VERSION\t1\t0\nCPID\t31463\nAUTH\t1\t" + words.encode() + b"\n")
    said = [f.readline().decode()]
    for answer in answers:
        s.sendall(f"CONT\t1\t{answer}\n".encode())
        said.append(f.readline().decode())
    s.close()
    return said


@test("Exim asks for its users, in its words: a response that is empty is none")
def _(t):
    def words(mechanism, last, response=""):
        return f"{mechanism}\tservice=smtp\trip=203.0.113.{last}\tlip=NULL\tnologin\tresp={response}"
    plain = b64(b"\0bob\0bobs")
    t.eq(exim(words("PLAIN", 1, plain)), ["OK\t1\tuser=bob\n"], "PLAIN")
    t.eq(exim(words("PLAIN", 2, b64(b"\0bob\0wrong"))), ["FAIL\t1\tuser=bob\n"], "wrong")
    t.eq(exim(words("PLAIN", 3), plain), ["CONT\t1\t\n", "OK\t1\tuser=bob\n"], "without an initial response")
    t.eq(exim(words("LOGIN", 4), b64(b"bob"), b64(b"bobs")),
         ["CONT\t1\tVXNlcm5hbWU6\n", "CONT\t1\tUGFzc3dvcmQ6\n", "OK\t1\tuser=bob\n"], "LOGIN")
    t.eq(exim(words("LOGIN", 5, b64(b"bob")), b64(b"x")), ["CONT\t1\tUGFzc3dvcmQ6\n", "FAIL\t1\tuser=bob\n"], "with a name")


@test("guesses from sixty addresses fill all places, and who knows his password gets in")
def _(t):
    bots = []
    for i in range(60):
        c = Client()
        c.sock.sendall(b"".join(f"AUTH\t{n}\tPLAIN\tservice=smtp\trip=198.51.100.{i}\tresp={b64(f'{chr(0)}bob{chr(0)}{n}'.encode())}\n"
                                .encode() for n in range(45)))
        bots.append(c)
    wait_until("somebody is turned away", lambda: "temp" in bots[-1].read() or any("temp" in b.read() for b in bots[:20]))
    start = time.monotonic()
    t.eq(Client().plain("bob", "bobs", "rip=203.0.113.99")[0], "OK", "bob, from afar")
    t.ok(time.monotonic() - start < 10, "soon", time.monotonic() - start)
    t.eq(says(Client(), "bob", "bobs"), "OK", "a program of this host")
    for c in bots:
        c.sock.close()


@test("valija user: twelve at once lose nothing; killed before it renames it leaves the file as it was, and no hashes for long")
def _(t):
    names = [f"many{i}" for i in range(12)]
    started = [subprocess.Popen([program("valija"), "-c", v.conf, "user", "add", "--stdin", name], stdin=subprocess.PIPE)
               for name in names]
    for p in started:
        p.stdin.write(b"word\n")
        p.stdin.close()
    t.eq([p.wait() for p in started], [0] * 12, "all are added")
    t.eq(sorted(line.split()[0] for line in user("list").out.splitlines()), sorted(["alice@here.test", "bob"] + names), "and there")
    with open(os.path.join(v.conf, "users")) as f:
        before = f.read()
    left = []
    for call in ("fsync", "renameat"):
        r = subprocess.run(["strace", "-f", "-o", "/dev/null", "-e", f"inject={call}:signal=KILL:when=1", program("valija"), "-c", v.conf,
                            "user", "del", "many3"], capture_output=True)
        t.ok(r.returncode != 0, f"killed at {call}", r)
        left.append(sum(name.endswith(".tmp") for name in os.listdir(v.conf)))
        with open(os.path.join(v.conf, "users")) as f:
            t.eq(f.read(), before, "as it was")
    t.ok(left[0] == 1, "it had begun to write", left)
    t.eq(user("del", "many3").returncode, 0, "again")
    t.eq([name for name in os.listdir(v.conf) if name.endswith(".tmp")], [], "nothing is left of it")
    users(*USERS)
    wait_until("as before", lambda: Client().plain("bob", "bobs")[0] == "OK" and says(Client(), "many1", "word") == "FAIL")


@test("auth killed: a login is put off and not refused, and then all is as before")
def _(t):
    old = v.pids_of("auth")
    s = v.socket()
    s.reply()
    s.say("EHLO client.test")
    t.eq(s.say("AUTH PLAIN " + b64(b"\0bob\0bobs"))[:3], "235", "known")
    os.kill(old[0], signal.SIGKILL)
    wait_until("another", lambda: v.pids_of("auth") not in ([], old))
    c = v.socket()
    c.reply()
    c.say("EHLO client.test")
    r = c.say("AUTH PLAIN " + b64(b"\0bob\0bobs"))
    t.ok(r.startswith(("235", "454")), "known, or later", r)
    t.ok(s.say("MAIL FROM:<bob@here.test>").startswith("250") and s.say("RCPT TO:<out@elsewhere.test>").startswith("250"),
         "who was let in stays so")
    wait_until("as before", lambda: curl("bob", "bobs").returncode == 0)


@test("without a suite the file is changed, and the suite starts with it")
def _(t):
    v.stop()
    t.eq(user("add", "gina", password="ginas").returncode, 0, "added")
    v.start()
    t.eq(says(Client(), "gina", "ginas"), "OK", "known")


@test("a reload keeps clients and takes on other mechanisms")
def _(t):
    c = Client()
    c.auth("LOGIN")
    c.read()
    v.configure(auth_mechanisms="plain")
    v.reload()
    t.eq(c.answer(b"gina")[0], "CONT", "what was begun goes on")
    t.eq(c.answer(b"ginas")[0], "OK", "to its end")
    t.eq(c.read(), None, "then it is to come again")
    t.eq(Client().mechanisms(), ["PLAIN"], "to hear what there is")


@test("a table may hold the users")
def _(t):
    table = v.write("table", f"table@here.test {crypted('tables')}\n")
    v.run("postmap", f"cdb:{table}", check=True)
    v.configure(auth_users=f"cdb:{table}")
    v.reload()
    t.eq([says(Client(), "Table@here.test", p) for p in ("tables", "x")], ["OK", "FAIL"], "cdb")
    r = user("add", "x", password="y")
    t.ok(r.returncode == 78 and "postmap" in r.err, "which postmap makes", r.err)


main(cleanup=v.close, evidence=lambda: v.log()[-3000:])
