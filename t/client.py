# SPDX-License-Identifier: ISC
"""The parameters of the smtp client, each as a user sees it: a service of its
own in master.cf, servers on loopback that note what they hear."""
import re

from lib.names import Names
from lib.sink import Sink
from lib.suite import Suite, free_port
from lib.tap import main, test

PORT = free_port()
v = Suite(start=False, main_cf={
    "minimal_backoff_time": "300s", "smtp_connect_timeout": "5s", "smtp_tcp_port": str(PORT),
    "inet_interfaces": "127.0.0.1",
})
one = Sink(host="127.2.0.1", port=PORT)
two = Sink(host="127.2.0.2", port=PORT)
six = Sink(host="::1", port=PORT)
closed = free_port()  # nobody there

names = Names(v.base, {"test": """
h1 A 127.2.0.1
h2 A 127.2.0.2
h6 AAAA ::1
none A 127.2.0.9
both A 127.2.0.1
both AAAA ::1
deadfirst MX 10 none
deadfirst MX 20 h1
onlydead MX 10 none
onlydead MX 10 none2
noaddr MX 10 nothing
four MX 10 h1
four MX 10 h2
""" + "many A 127.2.0.9\n" + "".join(f"many A 127.2.1.{i}\n" for i in range(1, 9))}, lame=("lame.example",))

# service: its options
SERVICES = {
    "fall": f"-o smtp_fallback_relay=[127.2.0.2]:{PORT}",
    "native": "-o smtp_host_lookup=native",
    "nodns": "-o disable_dns_lookups=yes",
    "level": "-o smtp_dns_support_level=disabled",
    "dnssec": "-o smtp_dns_support_level=dnssec",
    "pref6": "-o smtp_address_preference=ipv6",
    "pref4": "-o smtp_address_preference=ipv4",
    "v4": "-o inet_protocols=ipv4",
    "v6": "-o inet_protocols=ipv6",
    "bind": "-o smtp_bind_address=127.2.3.4",
    "bindbad": "-o smtp_bind_address=192.0.2.77",
    "bindmust": "-o smtp_bind_address=192.0.2.77 -o smtp_bind_address_enforce=yes",
    "bind6": "-o smtp_bind_address6=::1",
    "helo": "-o smtp_helo_name=other.name.test -o smtp_connection_reuse_count_limit=1",
    "hard": "-o smtp_skip_5xx_greeting=no",
    "nohello": "-o smtp_never_send_ehlo=yes",
    "asks": "-o smtp_always_send_ehlo=no -o smtp_connection_reuse_count_limit=1",
    "deaf": "-o { smtp_discard_ehlo_keywords = size, pipelining, 8bitmime }",
    "twice": "-o smtp_connection_reuse_count_limit=2",
    "fold": "-o smtp_line_length_limit=50",
    "limit": "-o smtp_mx_address_limit=3 -o smtp_mx_session_limit=0",
    "oneonly": "-o smtp_mx_session_limit=1",
    "noaddr": "-o smtp_defer_if_no_mx_address_found=yes",
    "nomx": "-o ignore_mx_lookup_error=yes",
    "fixed": "-o smtp_randomize_addresses=no",
    "deafmap": "-o smtp_discard_ehlo_keyword_address_maps=inline:{127.2.0.1=size}",
    "reply": f"-o smtp_reply_filter=pcre:{v.conf}/replies",
    "status": f"-o smtp_delivery_status_filter=pcre:{v.conf}/statuses",
    "generic": f"-o smtp_generic_maps=texthash:{v.conf}/generic -o recipient_delimiter=+",
    "head": f"-o smtp_header_checks=pcre:{v.conf}/header",
}
v.master_cf += "".join(f"{name} unix - - n - - smtp\n    {options}\n" for name, options in SERVICES.items())
v.configure(dns_resolvers=f"127.0.0.1:{names.port}",
            sender_dependent_default_transport_maps=None,
            transport_maps=f"texthash:{v.conf}/transport")
ROUTES = """
a.test fall:deadfirst.test
a2.test fall:onlydead.test
b.test native:localhost
c.test nodns:localhost
c2.test level:localhost
c3.test dnssec:h1.test
d6.test pref6:both.test
d4.test pref4:both.test
e4.test v4:both.test
e6.test v6:both.test
f.test bind:[127.2.0.1]
f2.test bindbad:[127.2.0.1]
f3.test bindmust:[127.2.0.1]
f6.test bind6:h6.test
g.test helo:[127.2.0.1]
hh.test hard:four.test
hs.test smtp:four.test
i.test nohello:[127.2.0.1]
i2.test asks:[127.2.0.1]
j.test deaf:[127.2.0.1]
k.test twice:[127.2.0.1]
l.test fold:[127.2.0.1]
m.test limit:many.test
m1.test oneonly:four.test
n.test noaddr:noaddr.test
n0.test smtp:noaddr.test
o.test nomx:lame.example
p.test fixed:four.test
q.test deafmap:[127.2.0.1]
r.test reply:[127.2.0.1]
s.test status:[127.2.0.1]
t.test head:[127.2.0.1]
w.test generic:[127.2.0.1]
local.lan generic:[127.2.0.1]
"""
v.write("transport", ROUTES)
v.write("generic", "")
v.write("replies", "/^550 5.1.1 (.*)/ 450 4.1.1 $1\n")
v.write("statuses", "/^4.2.1 (.*)/ 5.2.1 for good: $1\n/^2.0.0 .*/ 5.0.0 never\n/^5.7.1 .*/ 2.0.0 sent it was\n")
v.write("header", "/^X-Secret:/ IGNORE\n/^X-Gone:/ STRIP it went\n/^Subject: (.*)/ REPLACE Subject: [out] $1\n"
        "/^X-Mark:/ PREPEND X-Before: it\n/^X-Bad:/ REPLACE no header\n/^X-Folded: a\\n\\tb/ REPLACE X-Folded: no\n"
        "/^X-Odd:/ REJECT\n/^X-Warn:/ WARN look\n")
v.start()


def send(domain, user="u", text="Subject: x\n\nx\n"):
    """What became of it: relay, dsn, status, text."""
    v.send("s@out.test", [f"{user}@{domain}"], text)
    return v.wait_log(r"to=<%s@%s>, relay=(\S+), .*dsn=(\S+), status=(\w+) \((.*)\)$"
                      % (user, re.escape(domain)))[-1].groups()


@test("smtp_fallback_relay: when all else is tried")
def _(t):
    t.eq(send("a.test")[0], f"h1.test[127.2.0.1]:{PORT}", "the domain's second server comes before it")
    t.eq(send("a2.test")[0], f"127.2.0.2[127.2.0.2]:{PORT}", "then the relay")


@test("smtp_host_lookup, disable_dns_lookups, smtp_dns_support_level")
def _(t):
    for domain in ("b.test", "c.test", "c2.test"):
        relay, dsn, status, text = send(domain)
        t.ok("localhost" in relay + text, f"{domain}: without DNS", (relay, text))
    t.eq(send("c3.test")[0], f"h1.test[127.2.0.1]:{PORT}", "dnssec asks the DNS")


@test("smtp_address_preference, inet_protocols")
def _(t):
    t.eq(send("d6.test")[0], f"both.test[::1]:{PORT}", "IPv6 first")
    t.eq(send("d4.test")[0], f"both.test[127.2.0.1]:{PORT}", "IPv4 first")
    t.eq(send("e4.test")[0], f"both.test[127.2.0.1]:{PORT}", "IPv4 alone")
    t.eq(send("e6.test")[0], f"both.test[::1]:{PORT}", "IPv6 alone")


@test("smtp_bind_address, _address6, _enforce")
def _(t):
    t.eq(send("f.test")[2], "sent", "sent")
    t.eq(one.sessions[-1][0], "127.2.3.4", "from there")
    t.eq(send("f2.test")[2], "sent", "an address that is not ours: from another one")
    v.wait_log(r"warning: smtp_bind_address: bind 192\.0\.2\.77: Cannot assign requested address")
    t.eq(send("f3.test")[2], "deferred", "unless it must be")
    t.eq(send("f6.test")[2], "sent", "IPv6")
    t.eq(six.sessions[-1][0], "::1", "from there")


@test("smtp_helo_name, smtp_never_send_ehlo, smtp_always_send_ehlo")
def _(t):
    send("g.test")
    t.eq(one.sessions[-1][1], "EHLO other.name.test", "the name")
    send("i.test")
    t.eq(one.sessions[-1][1], "HELO mx.here.test", "never")
    one.greeting = "220 sink.test plain"
    send("i2.test")
    t.eq(one.sessions[-1][1], "HELO mx.here.test", "only who says ESMTP")
    one.greeting = "220 sink.test ESMTP"
    send("i2.test", "u2")
    t.eq(one.sessions[-1][1], "EHLO mx.here.test", "does")
    one.extensions = None
    send("g.test", "old")
    t.eq([c.split()[0] for c in one.sessions[-1][1:4]], ["EHLO", "HELO", "MAIL"], "a server that knows HELO alone")
    one.extensions = ("PIPELINING", "8BITMIME")


@test("smtp_skip_5xx_greeting")
def _(t):
    one.greeting = two.greeting = "554 not you"
    relay, dsn, status, text = send("hh.test")
    t.eq(status, "bounced", text)
    t.eq(send("hs.test")[2], "deferred", "by default it waits")
    two.greeting = "220 sink.test ESMTP"
    t.eq(send("hs.test", "u2")[0], f"h2.test[127.2.0.2]:{PORT}", "and another server may be kinder")
    one.greeting = "220 sink.test ESMTP"


@test("smtp_discard_ehlo_keywords, smtp_line_length_limit")
def _(t):
    one.extensions = ("PIPELINING", "8BITMIME", "SIZE 100")
    t.eq(send("j.test", text="Subject: x\n\n" + 20 * "long enough\n")[2], "sent", "no SIZE, so no limit")
    t.eq(one.heard[-1][0], "MAIL FROM:<s@out.test>", "MAIL without SIZE and BODY")
    one.extensions = ("PIPELINING", "8BITMIME")
    send("l.test", text="Subject: x\n\n" + 120 * "x" + "\n")
    lines = one.heard[-1][2].split(b"\r\n\r\n", 1)[1].split(b"\r\n")
    t.eq(lines, [50 * b"x", b" " + 49 * b"x", b" " + 21 * b"x", b""], "folded")


@test("smtp_connection_reuse_count_limit")
def _(t):
    before = len(one.sessions)
    for i in range(5):
        send("k.test", f"u{i}")
    t.eq(len(one.sessions) - before, 3, "two messages a session")


@test("smtp_mx_address_limit, smtp_mx_session_limit, smtp_randomize_addresses")
def _(t):
    send("m.test")
    tried = re.findall(r"connect to many\.test\[([0-9.]+)\]:%d: Connection refused" % PORT, v.log())
    t.eq(len(set(tried)), 3, "three addresses are tried")
    one.rcpt = two.rcpt = "450 4.2.1 later"
    tried = one.tried, two.tried
    t.eq(send("m1.test")[2], "deferred", "refused for now")
    t.eq(one.tried - tried[0] + two.tried - tried[1], 1, "by one server, and no other was asked")
    one.rcpt = two.rcpt = "250 2.1.5 Ok"
    relays = {send("p.test", f"u{i}")[0] for i in range(6)}
    t.eq(len(relays), 1, "one server of two equal ones, when nothing is drawn")


@test("smtp_defer_if_no_mx_address_found, ignore_mx_lookup_error")
def _(t):
    relay, dsn, status, text = send("n.test")
    t.eq((dsn, status), ("4.4.4", "deferred"), text)
    t.eq(send("n0.test")[2], "bounced", "by default it comes back")
    relay, dsn, status, text = send("o.test")
    t.ok(dsn == "4.4.3" and "type=MX" not in text and "type=A" in text, "the host itself is looked for", text)


@test("smtp_discard_ehlo_keyword_address_maps, smtp_reply_filter, smtp_delivery_status_filter")
def _(t):
    one.extensions = ("PIPELINING", "8BITMIME", "SIZE 100")
    t.eq(send("q.test", text="Subject: x\n\n" + 20 * "long enough\n")[2], "sent", "no SIZE of this server's")
    one.extensions = ("PIPELINING", "8BITMIME")
    one.rcpt = "550 5.1.1 no such user"
    relay, dsn, status, text = send("r.test")
    t.eq((dsn, status), ("4.1.1", "deferred"), text)
    one.rcpt = "450 4.2.1 full"
    relay, dsn, status, text = send("s.test")
    t.eq((dsn, status), ("5.2.1", "bounced"), text)
    t.ok(text.startswith("for good: host 127.2.0.1[127.2.0.1] said: 450 4.2.1 full"), "with its text", text)
    one.rcpt = "550 5.7.1 no"
    t.eq(send("s.test", "u2")[1:3], ("5.7.1", "bounced"), "what failed is not said to be sent")
    one.rcpt = "250 2.1.5 Ok"
    t.eq(send("s.test", "u3")[1:3], ("2.0.0", "sent"), "nor is what was sent said to have failed")
    v.wait_log(r"warning: \S+ smtp_delivery_status_filter: not in place of \"2\.0\.0 250 2\.0\.0 Ok\": \"5\.0\.0 never\"")


@test("smtp_generic_maps: in the envelope and in the header")
def _(t):
    v.write("generic", "joe@local.lan joe@isp.test\nann ann-of-here@isp.test\n@local.lan @site.test\n"
            "plus@local.lan p@isp.test\n")
    v.reload()
    with v.smtp() as s:
        s.sendmail("joe@local.lan", ["x@w.test", "who@local.lan"],
                   "From: Joe <joe@local.lan>\nTo: x@w.test, Ann <ann@here.test>,\n who@local.lan (him)\n"
                   "Cc: plus+ext@local.lan\nSender: not a list @\nSubject: joe@local.lan\nReply-To: group: joe@local.lan;\n\n"
                   "joe@local.lan\n")
    v.wait_log(r"to=<who@local\.lan>,.* status=sent")
    v.wait_log(r"to=<x@w\.test>,.* status=sent")
    mail, to, content = one.heard[-1]
    t.eq(to, ["RCPT TO:<x@w.test>", "RCPT TO:<who@site.test>"], "recipients")
    t.eq(mail.split()[1], "FROM:<joe@isp.test>", "sender")
    content = content.decode().replace("\r\n", "\n")
    for field in ("From: Joe <joe@isp.test>", "To: x@w.test, Ann <ann-of-here@isp.test>,\n who@site.test (him)",
                  "Cc: p@isp.test", "Sender: not a list @", "Subject: joe@local.lan", "Reply-To: group: joe@isp.test;"):
        t.ok("\n" + field + "\n" in content, field, content)
    t.ok(content.endswith("\n\njoe@local.lan\n"), "the body as it was")


@test("smtp_header_checks")
def _(t):
    before = ("Subject: hello\nX-Secret: one\n\ttwo\nX-Keep: k\nX-Gone: g\nX-Mark: m\nX-Bad: b\n"
              "X-Folded: a\n\tb\nX-Odd: o\nX-Warn: w\n")
    after = ("Subject: [out] hello\nX-Keep: k\nX-Before: it\nX-Mark: m\nX-Bad: b\n"
             "X-Folded: no\nX-Odd: o\nX-Warn: w\n")
    t.eq(send("t.test", text=before + "\nX-Secret: in the body\n")[2], "sent", "sent")
    got = one.heard[-1][2].decode().replace("\r\n", "\n")
    head, body = got.split("\n\n", 1)
    t.ok(after in head + "\n", "fields", head)
    t.eq(body, "X-Secret: in the body\n", "the body as it was")
    for line in (r"strip: header X-Gone: g: it went", r"warning: header X-Warn: w: look",
                 r"smtp_header_checks: not a header field, \"name: value\": \"REPLACE no header\"",
                 r"smtp_header_checks: too late for this: \"REJECT\""):
        v.wait_log(line)
    v.write("header", "/^X-Secret:/ IGNORE\n")


def close():
    v.close()
    names.close()
    for sink in (one, two, six):
        sink.close()


main(cleanup=close, evidence=lambda: v.log()[-3000:])
