# SPDX-License-Identifier: ISC
"""Where mail for the Internet goes: MX routing against a real nsd behind a
real unbound.  The servers are sinks on loopback addresses, all on one port."""
import os
import re
import smtplib

from lib.names import Names
from lib.peers import SmtpSink
from lib.suite import Suite, free_port, wait_until
from lib.tap import main, test

PORT = free_port()
v = Suite(start=False, main_cf={"relay_domains": "", "minimal_backoff_time": "300s"})


def sink_at(host, *options):
    return SmtpSink(v.base, *options, host=host, port=PORT)


# What listens: 127.1.0.1 ... by last number; 127.1.0.9 refuses connections.
good1 = sink_at("127.1.0.1", "-h", "good1.test")
good2 = sink_at("127.1.0.2", "-h", "good2.test")
temp = sink_at("127.1.0.3", "-h", "temp.test", "-r", "RCPT")     # 450 at RCPT
hard = sink_at("127.1.0.4", "-h", "hard.test", "-f", "RCPT")     # 500 at RCPT
six = sink_at("[::1]", "-h", "six.test")
hangs = sink_at("127.1.0.5", "-h", "hangs.test", "-q", "CONNECT")  # disconnects

ZONE = """
m1 A 127.1.0.1
m2 A 127.1.0.2
m3 A 127.1.0.3
m4 A 127.1.0.4
m5 A 127.1.0.5
m6 AAAA ::1
m9 A 127.1.0.9
mx.here A 127.0.0.1
pref MX 10 m1
pref MX 20 m2
fallback MX 10 m9
fallback MX 20 m2
dropped MX 10 m5
dropped MX 20 m1
equal MX 10 m1
equal MX 10 m2
null MX 0 .
aonly A 127.1.0.1
v6 MX 10 m6
cname CNAME pref
mxcname MX 10 m1alias
m1alias CNAME m1
temp MX 10 m3
temp2 MX 10 m3
temp2 MX 20 m1
hard MX 10 m4
hard MX 20 m1
noaddr MX 10 nothing
nomail TXT "neither MX nor address"
self MX 10 mx.here
selflow MX 10 m1
selflow MX 20 mx.here
selflow MX 30 m2
"""
names = Names(v.base, {"test": ZONE}, broken=("servfail.test",), lame=("lame.example",))
v.configure(dns_resolvers=f"127.0.0.1:{names.port}", smtp_tcp_port=str(PORT), myhostname="mx.here.test",
            smtp_connect_timeout="5s", inet_interfaces="127.0.0.1")
v.start()


def send(domain, sender="sender@box.test"):
    marker = f"to-{domain}"
    v.send(sender, [f"{marker}@{domain}"], f"Subject: {marker}\n\nx\n")
    m = v.wait_log(r"to=<%s@%s>, relay=(\S+), .*dsn=(\S+), status=(\w+) \((.*)\)$" % (marker, domain))
    return m[0].groups()


def has(sink, domain):
    return any(f"Subject: to-{domain}".encode() in m for m in sink.messages(0))


@test("the lowest preference first")
def _(t):
    relay, dsn, status, text = send("pref.test")
    t.eq((relay, dsn, status), (f"m1.test[127.1.0.1]:{PORT}", "2.0.0", "sent"), text)


@test("the next host when the first refuses, or drops the connection")
def _(t):
    t.eq(send("fallback.test")[0], f"m2.test[127.1.0.2]:{PORT}", "refused connection")
    v.wait_log(r"postfix/smtp\[\d+\]: connect to m9\.test\[127\.1\.0\.9\]:%d: Connection refused" % PORT)
    t.eq(send("dropped.test")[0], f"m1.test[127.1.0.1]:{PORT}", "dropped connection")


@test("equal preferences share the mail")
def _(t):
    for i in range(30):
        v.send("s@box.test", [f"n{i}@equal.test"], "Subject: equal\n\nx\n")
    relays = {m.group(1) for m in v.wait_log(r"to=<n\d+@equal\.test>, relay=(\S+?)\[", 30)}
    t.eq(relays, {"m1.test", "m2.test"}, "both are used")


@test("a null MX bounces at once")
def _(t):
    relay, dsn, status, text = send("null.test")
    t.eq((relay, dsn, status), ("none", "5.1.10", "bounced"), text)
    t.ok("does not accept mail (nullMX)" in text, "and says why", text)


@test("no MX: the domain's own address; CNAMEs; IPv6")
def _(t):
    t.eq(send("aonly.test")[0], f"aonly.test[127.1.0.1]:{PORT}", "address only")
    t.eq(send("cname.test")[2], "sent", "a domain that is a CNAME")
    t.eq(send("mxcname.test")[2], "sent", "an MX that is a CNAME")
    t.eq(send("v6.test")[0], f"m6.test[::1]:{PORT}", "IPv6")


@test("NXDOMAIN, no data: bounced; SERVFAIL, a lame server, no resolver: deferred")
def _(t):
    relay, dsn, status, text = send("nx.test")
    t.eq((dsn, status), ("5.4.4", "bounced"), text)
    t.ok(re.match(r"Host or domain name not found\. Name service error for name=nx\.test type=(A|MX|AAAA): Host not found",
                  text), "says so", text)
    t.eq(send("nomail.test")[2], "bounced", "neither MX nor address")
    relay, dsn, status, text = send("noaddr.test")
    t.eq(status, "bounced", f"an MX whose host has no address: {text}")
    relay, dsn, status, text = send("x.servfail.test")
    t.eq((dsn, status), ("4.4.3", "deferred"), text)
    relay, dsn, status, text = send("lame.example")
    t.eq((dsn, status), ("4.4.3", "deferred"), text)


@test("temporary and permanent refusals are kept apart")
def _(t):
    relay, dsn, status, text = send("temp.test")
    t.eq((dsn[0], status), ("4", "deferred"), text)
    t.ok("said: 450 " in text and "(in reply to RCPT TO command)" in text, "with the reply", text)
    t.eq(send("temp2.test")[2], "sent", "after a temporary refusal the next host")
    relay, dsn, status, text = send("hard.test")
    t.eq((dsn[0], status), ("5", "bounced"), text)
    t.ok("said: 500 " in text or "said: 5" in text, "with the reply", text)
    t.ok(not has(good1, "hard.test"), "and no other host is asked")


@test("a host that is ourselves")
def _(t):
    relay, dsn, status, text = send("self.test")
    t.eq((dsn, status), ("5.4.6", "bounced"), text)
    t.eq(text, "mail for self.test loops back to myself", "says so")
    t.eq(send("selflow.test")[0], f"m1.test[127.1.0.1]:{PORT}", "better hosts than ourselves are used")


@test("best_mx_transport: where we are the best host, another transport delivers")
def _(t):
    def reach(user):
        """What became of user@self.test, by program."""
        v.send("s@box.test", [f"{user}@self.test"], "Subject: best\n\nx\n")
        return v.wait_log(r"postfix/(\w+)\[\d+\]: .*to=<%s@self\.test>, .*dsn=(\S+), status=(\w+) \((.*)\)$"
                          % user)[-1].groups()

    v.configure(best_mx_transport="local")
    v.reload()
    wait_until("the new smtp", lambda: reach("one" + os.urandom(4).hex())[0] == "local")
    t.eq(reach("vt-alice")[:3], ("local", "2.0.0", "sent"), "to a user of this host")
    t.eq(reach("nobody-here")[:3], ("local", "5.1.1", "bounced"), "to none")
    t.eq(send("equal.test")[2], "sent", "others go as before")
    v.configure(best_mx_transport="relay")
    v.reload()
    program, dsn, status, text = wait_until("the newer smtp", lambda: next(
        (r for r in [reach("two" + os.urandom(4).hex())] if r[0] != "local"), None))
    t.eq((dsn, status, text), ("4.3.5", "deferred", "passed on from transport to transport"),
         "one that finds the same ends it")
    v.configure(best_mx_transport="")
    v.reload()


@test("many Received lines end a loop")
def _(t):
    hops = "".join(f"Received: from a by b; {i}\n" for i in range(60))
    try:
        v.send("sender@box.test", ["hops@pref.test"], hops + "Subject: hops\n\nx\n")
        t.ok(False, "refused by SMTP")
    except smtplib.SMTPDataError as e:
        t.eq((e.smtp_code, e.smtp_error), (554, b"5.4.6 Error: too many hops"), "refused by SMTP")
    v.run("sendmail", "-f", "sender@box.test", "hops@pref.test", input=(hops + "Subject: hops\n\nx\n").encode(),
          check=True)
    m = v.wait_log(r"to=<hops@pref\.test>, .*dsn=(\S+), status=(\w+) \((.*)\)$")
    t.eq((m[0].group(1), m[0].group(2)), ("5.4.0", "bounced"), m[0].group(3))
    t.ok("too many hops" in m[0].group(3), "says so", m[0].group(3))


@test("transport and relayhost")
def _(t):
    v.configure(relayhost=f"[127.1.0.2]:{PORT}", transport_maps="inline:{ special.test=smtp:[m1.test] }")
    v.reload()
    def goes():
        send.count = getattr(send, "count", 0) + 1
        domain = f"r{send.count}.test"
        return send(domain)[0] == f"127.1.0.2[127.1.0.2]:{PORT}"
    t.ok(wait_until("the new relayhost", goes), "relayhost")
    t.eq(send("special.test")[0], f"m1.test[127.1.0.1]:{PORT}", "transport_maps goes first")


def clean():
    for s in (good1, good2, temp, hard, six, hangs, names):
        s.close()
    v.close()


main(cleanup=clean, evidence=lambda: v.log()[-5000:])
