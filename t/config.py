# SPDX-License-Identifier: ISC
"""main.cf and master.cf as Postfix has them: read whole, shown by postconf,
and checked: a mistake is named with its file, line and what would be right."""
import os
import re

from lib.suite import Suite
from lib.tap import main, test

v = Suite(start=False)


def postconf(*argv):
    r = v.run("postconf", "-c", v.conf, *argv)
    return r.out


def value(text, name="out"):
    v.write("main.cf", text)
    return postconf("-xh", name).rstrip("\n")


@test("the syntax of main.cf")
def _(t):
    rows = (
        ("out = a\n  b\n\n# comment\n\tc\n", "a b c"),
        ("x = 1\nout = $x ${x} $(x)\n", "1 1 1"),
        ("x = 1\nout = ${x?yes} ${x:no} ${y?yes} ${y:no}\n", "yes no"),
        ("x = 1\nout = ${x?{a b}:{c d}} ${y?{a b}:{c d}}\n", "a b c d"),
        ("x = 1\nout = ${{$x} == {1} ? {same} : {other}}\n", "same"),
        ("x = 2\nout = ${{$x} != {1} ? {other}}${{$x} > {10} ? {big} : {small}}\n", "othersmall"),
        ("out = a$$b\n", "a$b"),
        ("own = mine\nout = $own, $myhostname\nmyhostname = h.test\n", "mine, h.test"),
        ("out = first\nout = second\n", "second"),
        ("out=tight\n", "tight"),
    )
    for text, want in rows:
        t.eq(value(text), want, repr(text))
    v.write("mailname", "file.name.test\nsecond line\n")
    t.eq(value(f"myorigin = {v.conf}/mailname\n", "myorigin"), "file.name.test", "a file as the value of myorigin")


@test("postconf -d -n -h -x -H")
def _(t):
    v.write("main.cf", "mydestination = here.test\nown = 1\nmydomain = $own\nmyhostname = h.here.test\n")
    t.eq(postconf("mydestination"), "mydestination = here.test\n", "a name")
    t.eq(postconf("-h", "mydestination"), "here.test\n", "-h")
    t.eq(postconf("-H", "mydestination"), "mydestination\n", "-H")
    t.eq(postconf("-x", "mydomain"), "mydomain = 1\n", "-x")
    t.eq(postconf("-d", "mydestination"), "mydestination = $myhostname, localhost.$mydomain, localhost\n", "-d")
    t.ok(postconf("-d", "myhostname") not in ("myhostname = h.here.test\n", ""), "-d: the host's name, not main.cf's")
    r = v.run("postconf", "-c", "/nonexistent", "myhostname")
    t.eq((r.returncode, r.out), (1, ""), "a directory that is not there")
    t.ok("/nonexistent/main.cf: No such file or directory" in r.err, "said so", r.err)
    t.eq(postconf("-n").splitlines(), ["mydestination = here.test", "mydomain = $own", "myhostname = h.here.test",
                                       "own = 1"], "-n")
    everything = postconf("-d").splitlines()
    t.ok(len(everything) > 800, "-d has all of Postfix's names", len(everything))
    t.eq([line.split(" =")[0] for line in everything], sorted(line.split(" =")[0] for line in everything), "sorted")
    r = v.run("postconf", "-c", v.conf, "nosuch_parameter")
    t.ok(r.returncode == 0 and "nosuch_parameter: unknown parameter" in r.err, "an unknown name", r.err)


@test("postconf -e keeps comments and order")
def _(t):
    v.write("main.cf", "# top\nmydomain = a\n  continued\n# middle\nmyorigin = b\n")
    os.chmod(os.path.join(v.conf, "main.cf"), 0o640)
    r = v.run("postconf", "-c", v.conf, "-e", "mydomain = new", "relayhost=[r.test]:25")
    t.eq((r.returncode, r.err), (0, ""), "exit")
    with open(os.path.join(v.conf, "main.cf")) as f:
        t.eq(f.read(), "# top\nmydomain = new\n# middle\nmyorigin = b\nrelayhost = [r.test]:25\n", "the file")
    t.eq(os.stat(os.path.join(v.conf, "main.cf")).st_mode & 0o777, 0o640, "its mode")
    r = v.run("postconf", "-c", v.conf, "-e", "foo bar")
    t.ok(r.returncode == 1 and "missing '=' after attribute name" in r.err, "no =", r.err)


@test("every name of Postfix's and of the field's list is known")
def _(t):
    known = {line.split(" =")[0] for line in postconf("-d").splitlines()}
    for name in ("postconf-names.txt", "field-names.txt"):
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", name)) as f:
            names = [line.strip() for line in f if line.strip() and not line.startswith("#")]
        t.ok(len(names) > 150, f"{name} is a list", len(names))
        t.eq([n for n in names if n not in known], [], f"{name}: unknown names")


def check(main_cf, master_cf="smtp inet n - n - - smtpd\n"):
    base = f"queue_directory = {v.queue}\ndata_directory = {v.data}\n"
    v.write("main.cf", base + main_cf)
    v.write("master.cf", master_cf)
    r = v.valija("check")
    return r.returncode, r.out + r.err


@test("check names file, line and reason")
def _(t):
    code, out = check("mydestinatoin = x\n")
    t.ok(re.search(r"main\.cf.*line 3|main\.cf:3", out), "the line", out)
    t.ok("mydestinatoin" in out and "mydestination" in out, "did you mean", out)
    code, out = check("smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destinations\n")
    t.ok(code != 0 and "reject_unauth_destination" in out and re.search(r"main\.cf.*3", out),
         "a misspelt restriction is an error", out)
    for line, word in (("message_size_limit = many\n", "message_size_limit"), ("smtpd_timeout = 5 parsecs\n", "smtpd_timeout"),
                       ("smtpd_helo_required = maybe\n", "smtpd_helo_required"), ("mynetworks = 10.0.0.1/8\n", "mynetworks"),
                       ("mydestination = ${x\n", "mydestination"), ("just words\n", "just words"),
                       ("alias_maps = nosuchtype:/x\n", "nosuchtype")):
        code, out = check(line)
        t.ok(code != 0 and word in out and re.search(r"main\.cf", out) and "3" in out, repr(line), out)
    code, out = check("", "smtp inet n - n - -\n")
    t.ok(code != 0 and re.search(r"master\.cf.*1", out), "master.cf", out)
    code, out = check("", "smtp inet n - n - - smtpd\n  -o smtpd_helo_requierd=yes\n")
    t.ok("smtpd_helo_required" in out, "-o with a misspelt name", out)


@test("check names all that is wrong in one run, each once")
def _(t):
    wrong = ("myorigin = /nonexistent/mailname", "message_size_limit = many", "smtpd_relay_restrictions = ${x",
             "mynetworks = 10.0.0.1/8", "alias_maps = nosuchtype:/x", "virtual_mailbox_maps = texthash:/nonexistent/maps",
             "smtpd_sender_restrictions = rejekt", "mydestinatoin = x", "just words", "mydomain = ${y", "myhostname = a..b",
             "notify_classes = nosuchclass")
    services = ("smtp inet n - n - - smtpd", "  -o smtpd_client_restrictions=permitt", "  -o smtpd_timeout=long",
                "too few columns", "relay unix - - n - - smttp")
    code, out = check("\n".join(wrong) + "\n", "\n".join(services) + "\n")
    t.eq(code, 1, "exit code")
    found = sorted((m[1], int(m[2])) for m in re.finditer(r"(\w+\.cf), line (\d+): error:", out))
    # -o is told by its entry's line
    t.eq(found, [("main.cf", 3 + n) for n in range(len(wrong))] + [("master.cf", n) for n in (1, 1, 4, 5)], out)


@test("check lists once what does not work yet")
def _(t):
    code, out = check("smtpd_milters = inet:127.0.0.1:11332\n")
    t.eq(code, 0, out)
    t.eq(out.count("smtpd_milters"), 1, out)
    t.ok(re.search(r"main\.cf.*3", out), "with its line", out)


@test("master.cf: columns, -o in all its forms, services without a program here")
def _(t):
    services = "".join(f"{name} unix - - n - - {cmd}\n" for name, cmd in (
        ("cleanup", "cleanup"), ("rewrite", "trivial-rewrite"), ("tlsmgr", "tlsmgr"), ("anvil", "anvil"),
        ("scache", "scache"), ("flush", "flush"), ("verify", "verify"), ("showq", "showq"), ("error", "error"),
        ("retry", "error"), ("discard", "discard"), ("virtual", "virtual"), ("relay", "smtp"), ("proxymap", "proxymap")))
    code, out = check("", "smtp inet n - y - - smtpd\n  -o smtpd_helo_required=yes\n"
                      "  -o { smtpd_recipient_restrictions = permit_mynetworks, reject }\n# comment\n"
                      "127.0.0.1:10025 inet n - n - 5 smtpd -o content_filter=\n"
                      "postlog unix-dgram n - n - 1 postlogd\n" + services)
    t.eq(code, 0, out)


def greeting():
    s = v.socket()
    line = s.reply()
    s.close()
    return line


@test("a reload with a mistake keeps the old configuration")
def _(t):
    v.master_cf = f"127.0.0.1:{v.port} inet n - n - - smtpd\n"
    v.configure()
    v.start()
    v.configure(smtpd_banner="$myhostname new banner", smtpd_recipient_restrictions="rejekt")
    r = v.valija("reload")
    t.ok(r.returncode != 0 and "rejekt" in r.out + r.err + v.log(), "refused", r.out + r.err)
    with v.smtp() as s:
        t.ok(s.noop()[0] == 250, "mail is still taken")
    v.configure(smtpd_recipient_restrictions=None)
    v.reload()
    t.eq(greeting(), "220 mx.here.test new banner", "the new one counts")


main(cleanup=v.close, evidence=lambda: v.log()[-4000:])
