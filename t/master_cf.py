# SPDX-License-Identifier: ISC
"""postconf -M, -F, -P: master.cf shown and changed, to the letter as Postfix
3.7 does it; and a suite that runs by what was changed."""
import os

from lib.suite import Suite
from lib.tap import main, test

v = Suite(start=False)
FILE = """\
# top
smtp      inet  n       -       y       -       -       smtpd
submission inet n       -       y       -       -       smtpd
  -o syslog_name=postfix/submission
# inner
  -o { smtpd_client_restrictions = permit_mynetworks, reject }
  -o smtpd_relay_restrictions=$mua_relay_restrictions
pickup    unix  n       -       y       60      1       pickup
relay     unix  -       -       y       -       -       smtp
        -o syslog_name=postfix/$service_name
#       -o smtp_helo_timeout=5
maildrop  unix  -       n       n       -       -       pipe
  flags=DRXhu user=vmail argv=/usr/bin/maildrop -d ${recipient} { a b } -o foo=bar
"""


def postconf(*argv):
    r = v.run("postconf", "-c", v.conf, *argv)
    return r.returncode, r.out, r.err


def shown(*argv):
    code, out, err = postconf(*argv)
    assert (code, err) == (0, ""), (argv, code, err)
    return out


def write():
    v.write("main.cf", "mua_relay_restrictions = permit_mynetworks, reject\n")
    v.write("master.cf", FILE)


def changed(*argv):
    """The file after that change, line by line."""
    write()
    assert postconf(*argv) == (0, "", ""), (argv, postconf(*argv))
    with open(os.path.join(v.conf, "master.cf")) as f:
        return f.read()


@test("shown: entries, fields, parameters")
def _(t):
    write()
    t.eq(shown("-M"), """\
smtp       inet  n       -       y       -       -       smtpd
submission inet  n       -       y       -       -       smtpd -o syslog_name=postfix/submission \
-o {smtpd_client_restrictions=permit_mynetworks, reject} -o smtpd_relay_restrictions=$mua_relay_restrictions
pickup     unix  n       -       y       60      1       pickup
relay      unix  -       -       y       -       -       smtp -o syslog_name=postfix/$service_name
maildrop   unix  -       n       n       -       -       pipe flags=DRXhu user=vmail argv=/usr/bin/maildrop \
-d ${recipient} {a b} -o foo=bar
""", "-M")
    t.eq(shown("-Mf", "submission", "maildrop/unix"), """\
submission inet  n       -       y       -       -       smtpd
    -o syslog_name=postfix/submission
    -o {smtpd_client_restrictions=permit_mynetworks, reject}
    -o smtpd_relay_restrictions=$mua_relay_restrictions
maildrop   unix  -       n       n       -       -       pipe flags=DRXhu
    user=vmail argv=/usr/bin/maildrop -d ${recipient} {a b} -o foo=bar
""", "-Mf")
    t.eq(shown("-F", "smtp/inet"), """\
smtp/inet/service = smtp
smtp/inet/type = inet
smtp/inet/private = n
smtp/inet/unprivileged = -
smtp/inet/chroot = y
smtp/inet/wakeup = -
smtp/inet/process_limit = -
smtp/inet/command = smtpd
""", "-F")
    t.eq(shown("-F", "*/unix/wakeup"), "pickup/unix/wakeup = 60\nrelay/unix/wakeup = -\nmaildrop/unix/wakeup = -\n", "-F *")
    t.eq(shown("-Fh", "smtp/inet/command"), "smtpd\n", "-Fh")
    t.eq(shown("-FH", "smtp/inet/command"), "smtp/inet/command\n", "-FH")
    t.eq(shown("-P"), """\
submission/inet/smtpd_client_restrictions = permit_mynetworks, reject
submission/inet/smtpd_relay_restrictions = $mua_relay_restrictions
submission/inet/syslog_name = postfix/submission
relay/unix/syslog_name = postfix/$service_name
""", "-P")
    t.eq(shown("-Px", "*/*/syslog_name"), "submission/inet/syslog_name = postfix/submission\n"
                                          "relay/unix/syslog_name = postfix/relay\n", "-Px")
    t.eq(shown("-Ph", "submission/inet/syslog_name"), "postfix/submission\n", "-Ph")
    for argv in (["-M", "nosuch"], ["-F", "nosuch"], ["-P", "smtp/inet"]):
        t.eq(postconf(*argv), (0, "", f'postconf: warning: unmatched request: "{argv[1]}"\n'), " ".join(argv))


@test("changed: only what is meant, where it stands")
def _(t):
    t.eq(changed("-M", "new/unix=new unix - - n - - smtp"),
         FILE + "new        unix  -       -       n       -       -       smtp\n", "-M, a new one")
    t.eq(changed("-Me", "smtp/inet=smtp inet n - n - - smtpd -o a=b -o { c = d e }"),
         FILE.replace("smtp      inet  n       -       y       -       -       smtpd\n",
                      "smtp       inet  n       -       n       -       -       smtpd\n    -o a=b\n    -o {c=d e}\n"), "-Me")
    t.eq(changed("-MX", "pickup/unix"),
         FILE.replace("pickup    unix  n       -       y       60      1       pickup\n", ""), "-MX")
    t.eq(changed("-M#", "relay/unix"),
         FILE.replace("relay     unix", "#relay     unix").replace("        -o sys", "#        -o sys"), "-M#")
    new = changed("-F", "*/inet/chroot=n")
    t.ok("# top\nsmtp       inet  n       -       n       -       -       smtpd\n# inner\nsubmission inet  n       -       "
         "n       -       -       smtpd\n    -o syslog_name=postfix/submission\n" in new, "-F", new)
    t.eq(new[new.index("pickup"):], FILE[FILE.index("pickup"):], "and no other")
    new = changed("-P", "submission/inet/syslog_name=new", "submission/inet/smtpd_timeout = 5s")
    t.ok("    -o syslog_name=new\n" in new and "$mua_relay_restrictions\n    -o smtpd_timeout=5s\npickup" in new, "-P", new)
    new = changed("-PX", "submission/inet/syslog_name")
    t.ok("postfix/submission" not in new and "-o smtpd_relay_restrictions=$mua" in new, "-PX", new)


@test("what is not changed, and why")
def _(t):
    refused = (
        (["-M", "smtp/inet=smtp inet n"], 'bad field count: "smtp/inet=smtp inet n"'),
        (["-M", "smtp=x"], "-Me, -MX or -M# requires service_name/type"),
        (["-Me", "smtp/inet"], "missing '=' after attribute name: \"smtp/inet\""),
        (["-F", "smtp/inet/nosuch=n"], 'invalid service attribute name: "nosuch"'),
        (["-F", "smtp/inet=x"], "-Fe or -FX requires service_name/type/field_name"),
        (["-PX", "smtp/inet"], "-Pe or -PX requires service_name/type/parameter"),
        (["-FX", "smtp/inet/chroot"], "with option -F, do not specify -X"),
        (["-P#", "smtp/inet/a"], "with option -P, do not specify -#"),
        (["-Mh"], "with option -M, do not specify -h"),
        (["-M", "a/b/c"], "-M option requires service_name[/type]"),
        (["-MX"], "missing service argument"),
        (["-Pe"], "-e requires name=value argument"),
    )
    for argv, why in refused:
        write()
        t.eq(postconf(*argv), (1, "", f"postconf: fatal: {why}\n"), " ".join(argv))
        with open(os.path.join(v.conf, "master.cf")) as f:
            t.eq(f.read(), FILE, "the file is as it was")
    write()
    code, out, err = postconf("-F", "smtp/inet/chroot=maybe")
    t.ok(code == 1 and "chroot (column 5) must be y, n or -" in err and err.endswith("nothing was changed\n"),
         "a value that is none", err)
    t.eq(postconf("-P", "nosuch/inet/a=b"),
         (0, "", 'postconf: warning: unmatched service_name/type: "nosuch/inet/a=b"\n'), "no such service")


@test("a suite runs by it")
def _(t):
    v.configure()
    service = f"127.0.0.1:{v.port}"
    assert postconf("-P", f"{service}/inet/smtpd_banner=$myhostname changed by {{-P}}") == (0, "", "")
    v.start()
    with v.smtp() as s:
        t.eq(s.ehlo()[0], 250, "it answers")
    line = v.socket()
    t.eq(line.reply(), "220 mx.here.test changed by {-P}", "with the new banner")
    line.close()


main(cleanup=v.close, evidence=lambda: v.log()[-3000:])
