# SPDX-License-Identifier: ISC
"""Nobody relays through a fresh Valija: sixty forms of the open-relay probe,
from a stranger; and what each class of client may do."""
from lib.suite import Suite, wait_until
from lib.tap import main, test

# A stranger is a client outside mynetworks: here all of loopback is.
v = Suite(main_cf={
    "mynetworks": "127.0.0.99/32",
    "relay_domains": "relayed.test",
    "virtual_alias_domains": "alias.test",
    "virtual_alias_maps": "inline:{ known@alias.test=vt-alice@here.test }",
    "local_recipient_maps": "inline:{ user=x postmaster=x }",
    "relayhost": "[127.0.0.1]:1", "smtpd_error_sleep_time": "0s",
})

FORMS = r"""
<victim@out.test>
<victim%out.test@here.test>
<victim%out.test@localhost>
<victim%out.test@[127.0.0.1]>
<victim%out.test>
<"victim%out.test">
<"victim@out.test">
<"victim@out.test"@here.test>
<"victim@out.test"@localhost>
<"victim@out.test"@[127.0.0.1]>
<"victim@out.test"@mx.here.test>
<victim@out.test@here.test>
<victim@out.test@localhost>
<victim@out.test@[127.0.0.1]>
<out.test!victim>
<out.test!victim@here.test>
<out.test!victim@localhost>
<out.test!victim@[127.0.0.1]>
<"out.test!victim"@here.test>
<here.test!out.test!victim>
<@here.test:victim@out.test>
<@localhost:victim@out.test>
<@[127.0.0.1]:victim@out.test>
<@mx.here.test:victim@out.test>
<@here.test,@localhost:victim@out.test>
<@out.test:victim@here.test@out.test>
<@here.test:victim%out.test@here.test>
<@here.test:out.test!victim@here.test>
<@here.test:"victim@out.test"@here.test>
<user%out.test@here.test>
<user%out.test@here.test@out.test>
<victim%out.test%here.test@here.test>
<victim@out.test%here.test>
<victim@out.test%here.test@here.test>
<victim@here.test@out.test>
<victim@[192.0.2.1]>
<victim@[IPv6:2001:db8::1]>
<victim@[192.0.2.1]@here.test>
<victim@192.0.2.1>
<victim@>
<@out.test>
<victim@@out.test>
<victim@out..test>
<victim@.out.test>
<victim@out.test.>
<victim@OUT.TEST>
<victim@here.test.out.test>
<victim@out.test:25>
<victim@here.test,victim@out.test>
<victim@out.test user@here.test>
victim@out.test
victim%out.test@here.test
<victim@out.test
<<victim@out.test>>
<victim@sub.here.test>
<victim@xhere.test>
<victim@relayed.test.out.test>
<unknown@alias.test>
<victim@sub.alias.test>
<"user@here.test" victim@out.test>
<user+victim=out.test@out.test>
<victim\\@out.test@here.test>
<"victim\\@out.test"@here.test>
<user@here.test\x00@out.test>
<victim%00@out.test>
<SMTP:victim@out.test>
<mailto:victim@out.test>
<victim@[out.test]>
<victim@[127.0.0.1]@out.test>
<victim@[::1]@out.test>
"""
FORMS = [f.encode().decode("unicode_escape") for f in FORMS.split("\n") if f]


def probe(t, connect, forms, sender="<spammer@bad.test>"):
    """Every form must be refused for good or for now, and none taken."""
    s = connect()
    s.reply()
    s.say("EHLO prober.test")
    for form in forms:
        reply = s.say(f"MAIL FROM:{sender}")
        if not reply.startswith("250"):  # too many errors: begin again
            s.close()
            s = connect()
            s.reply()
            s.say("EHLO prober.test")
            s.say(f"MAIL FROM:{sender}")
        reply = s.say(f"RCPT TO:{form}")
        t.ok(reply[:1] == "5" or reply[:3] in ("454", "450", "451"), f"RCPT TO:{form!r} is refused", reply)
        s.say("RSET")
    s.close()


@test(f"{len(FORMS)} forms, from a stranger")
def _(t):
    t.ok(len(FORMS) >= 60, "sixty forms")
    probe(t, v.socket, FORMS)
    v.wait_log(r"NOQUEUE: reject: RCPT from unknown\[127\.0\.0\.1\]: 454 4\.7\.1 <victim@out\.test>: "
               r"Relay access denied; from=<spammer@bad\.test> to=<victim@out\.test> proto=ESMTP helo=<prober\.test>")


@test("the same with a null sender, and with one of our own as sender")
def _(t):
    probe(t, v.socket, FORMS, "<>")
    probe(t, v.socket, FORMS, "<user@here.test>")


@test("what a stranger may send to")
def _(t):
    s = v.socket()
    s.reply()
    s.say("EHLO prober.test")
    s.say("MAIL FROM:<a@out.test>")
    for form in ("<user@here.test>", "<postmaster@here.test>", "<postmaster>",
                 "<known@alias.test>", "<anyone@relayed.test>",
                 "<anyone@sub.relayed.test>", '<"user"@here.test>', "<@a.test,@b.test:user@here.test>"):
        t.ok(s.say(f"RCPT TO:{form}").startswith("250 2.1.5"), f"{form} is taken")
    s.close()


@test("an empty or broken table never permits")
def _(t):
    v.configure(relay_domains=f"cdb:{v.conf}/missing", mynetworks=f"cidr:{v.conf}/missing.cidr")
    r = v.valija("check")
    t.ok(r.returncode != 0, "check says so", r.out + r.err)
    t.ok("missing" in r.out + r.err, "and names the table", r.out + r.err)
    v.valija("reload")
    s = v.socket()
    s.reply()
    s.say("EHLO prober.test")
    s.say("MAIL FROM:<a@out.test>")
    reply = s.say("RCPT TO:<victim@out.test>")
    t.ok(reply[:1] in "45", "still refused", reply)
    s.close()


@test("mynetworks may relay, at the second address alone")
def _(t):
    v.configure(relay_domains="relayed.test", mynetworks="127.0.0.0/8")
    v.reload()

    def relays():
        s = v.socket()
        s.reply()
        s.say("EHLO friend.test")
        s.say("MAIL FROM:<a@here.test>")
        reply = s.say("RCPT TO:<friend@out.test>")
        s.close()
        return reply.startswith("250")
    t.ok(wait_until("the new configuration", relays), "relays after the reload")


@test("as many sessions as master.cf allows processes; who is too many waits, and is served then")
def _(t):
    with Suite(start=False) as w:
        w.master_cf = f"127.0.0.1:{w.port} inet n - n - 2 smtpd\n"
        w.configure()
        w.start()
        one, two, three = w.socket(), w.socket(), w.socket()
        t.eq((one.reply()[:3], two.reply()[:3]), ("220", "220"), "two are served")
        w.wait_log(r'service "127\.0\.0\.1:\d+" has reached its process limit "2"')
        three.sock.settimeout(0.3)
        try:
            t.ok(three.file.readline() == b"", "the third waits")
        except TimeoutError:
            t.ok(True, "the third waits")
        three.sock.settimeout(20)
        three.file = three.sock.makefile("rb")
        one.say("QUIT")
        one.close()
        t.eq(three.reply()[:3], "220", "and is served when one has left")
        for s in (two, three):
            s.say("QUIT")
            s.close()


main(cleanup=v.close, evidence=lambda: v.log()[-4000:])
