# SPDX-License-Identifier: ISC
"""Real clients send through Valija, real servers take from it, and every byte
of the message arrives."""
import hashlib
import os
import re
import smtplib
import subprocess

from lib.peers import Postfix, SmtpSink, postfix_env, unpacked
from lib.suite import Suite, program, wait_until
from lib.tap import main, test

v = Suite(start=False, main_cf={
    "virtual_mailbox_domains": "box.test",
    "virtual_mailbox_maps": "static:in/",
    "virtual_uid_maps": "static:5000", "virtual_gid_maps": "static:5000",
    "message_size_limit": "50000000", "smtpd_client_connection_count_limit": "0",
})
box = v.path("box")
os.mkdir(box)
os.chown(box, 5000, 5000)
inbox = os.path.join(box, "in")
sink = SmtpSink(v.base, "-h", "sink.test")
postfix = Postfix(v.base)
v.configure(virtual_mailbox_base=box,
            transport_maps="inline:{ { sink.test = smtp:[127.0.0.1]:%d } { postfix.test = smtp:[127.0.0.1]:%d } }"
            % (sink.port, postfix.port))
v.start()
taken = 0


def arrived(marker):
    """The one new message in the Maildir, which holds `marker`."""
    global taken
    got = v.maildir(inbox, taken + 1)
    taken = len(got)
    found = [m for m in got if marker.encode() in m]
    assert len(found) == 1, f"{marker}: {len(found)} of {len(got)}"
    return found[0]


def client(*argv, input=None, env=None):
    return v.run(*argv, input=input, env=env, check=True)


@test("swaks")
def _(t):
    client("/usr/bin/swaks", "--silent", "2", "--server", f"127.0.0.1:{v.port}", "--from", "s@out.test",
           "--to", "a@box.test", "--helo", "swaks.test", "--body", "by swaks\n.dot\n..two\n")
    t.ok(b"\nby swaks\n.dot\n..two\n" in arrived("by swaks"), "body")


@test("curl")
def _(t):
    client("/usr/bin/curl", "-sS", f"smtp://127.0.0.1:{v.port}", "--mail-from", "c@out.test",
           "--mail-rcpt", "a@box.test", "--upload-file", "-",
           input=b"Subject: by curl\r\n\r\nbody by curl\r\n")
    t.ok(b"\n\nbody by curl\n" in arrived("body by curl"), "body")


@test("Python's smtplib, several messages and recipients on a connection")
def _(t):
    global taken
    with v.smtp() as s:
        for i in range(3):
            t.eq(s.sendmail("p@out.test", ["a@box.test", "b@box.test"], f"Subject: lib{i}\n\nx\n"), {}, "refused")
    got = v.maildir(inbox, taken + 6)
    t.eq(sorted(re.search(rb"Subject: (lib\d)", m).group(1) for m in got if b"Subject: lib" in m),
         [b"lib0"] * 2 + [b"lib1"] * 2 + [b"lib2"] * 2, "all six")
    taken = len(got)


@test("s-nail by SMTP, and by sendmail(1)")
def _(t):
    client("/usr/bin/s-nail", "-:/", "-Sv15-compat", "-Ssendwait", f"-Smta=smtp://127.0.0.1:{v.port}",
           "-Ssmtp-auth=none", "-Shostname=nail.test", "-r", "n@out.test", "-s", "by s-nail", "a@box.test",
           input=b"nail body\n")
    t.ok(b"nail body\n" in arrived("by s-nail"), "by SMTP")
    path = program("sendmail")
    client("/usr/bin/s-nail", "-:/", "-Sv15-compat", "-Ssendwait", f"-Smta={path}",
           "-r", "n@out.test", "-s", "nail local", "a@box.test", input=b"nail body 2\n")
    t.ok(b"nail body 2\n" in arrived("nail local"), "by sendmail(1)")


@test("mutt, by sendmail(1)")
def _(t):
    path = program("sendmail")
    client("/usr/bin/mutt", "-n", "-F", "/dev/null", "-e", f"set sendmail='{path} -oem -oi'", "-e", "set copy=no",
           "-e", "set from=m@out.test", "-e", "set hostname=mutt.test", "-s", "by mutt", "a@box.test",
           input=b"mutt body\n", env={"HOME": v.base})
    t.ok(b"mutt body\n" in arrived("Subject: by mutt"), "body")


@test("git send-email")
def _(t):
    repo = v.path("repo")
    env = {"HOME": v.base, "GIT_CONFIG_NOSYSTEM": "1"}
    git = ["/usr/bin/git", "-C", repo, "-c", "user.name=G", "-c", "user.email=g@out.test"]
    client("/usr/bin/git", "init", "-q", repo, env=env)
    with open(os.path.join(repo, "file"), "w") as f:
        f.write("text\n")
    client(*git, "add", "file", env=env)
    client(*git, "commit", "-qm", "A change by git", env=env)
    client(*git, "send-email", "-1", "--quiet", "--confirm=never", "--no-validate", "--to=a@box.test",
           "--smtp-server=127.0.0.1", f"--smtp-server-port={v.port}", "--smtp-domain=git.test",
           "--suppress-cc=all", env=env)
    t.ok(b"\n+text\n" in arrived("A change by git"), "the patch")


@test("smtp-source: 200 messages over 10 sessions")
def _(t):
    global taken
    tool = os.path.join(unpacked("postfix"), "usr/sbin/smtp-source")
    r = subprocess.run([tool, "-c", "-s", "10", "-m", "200", "-l", "4000", "-f", "src@out.test",
                        "-t", "a@box.test", f"127.0.0.1:{v.port}"], env=postfix_env(), capture_output=True)
    t.eq(r.returncode, 0, f"exit code {r.stderr}")
    got = v.maildir(inbox, taken + 200)
    t.eq(len(got) - taken, 200, "all there")
    taken = len(got)


MESSAGES = {
    "lines of 998 bytes": b"x" * 998 + b"\n" + b"y" * 998 + b"\n",
    "a line of 100,000 bytes": b"L" * 100000 + b"\n",
    "8-bit and control bytes": bytes(c for c in range(1, 256) if c not in (10, 13)) + b"\n",
    "dots": b".\n..\n...\n.x\n. \nend.\n.\n",
    "empty lines": b"\n\n\n\na\n\n\n",
    "only empty lines": b"\n" * 50,
    "no body": b"",
    "headers of all forms": b"a: b\nFrom x\n>From y\nFrom z\n",
    "20 MB": b"".join(hashlib.sha512(b"%d" % i).hexdigest().encode() + b"\n" for i in range(20_000_000 // 129 + 1)),
}


def body_of(message):
    return message.partition(b"\n\n")[2]


def send_raw(rcpt, name, body):
    head = f"Subject: {name}\r\nX-Mark: {name}\r\n\r\n".encode()
    data = head + body.replace(b"\n", b"\r\n")
    with smtplib.SMTP("127.0.0.1", v.port, local_hostname="raw.test", timeout=120) as s:
        s.ehlo()
        s.mail("raw@out.test", ["BODY=8BITMIME", f"SIZE={len(data)}"])
        s.rcpt(rcpt)
        code, text = s.docmd("DATA")
        assert code == 354, text
        stuffed = re.sub(rb"(?m)^\.", b"..", data)
        s.sock.sendall(stuffed + b".\r\n")
        code, text = s.getreply()
        assert code == 250, (code, text)


@test("byte for byte into a Maildir")
def _(t):
    for name, body in MESSAGES.items():
        send_raw("a@box.test", name, body)
        got = body_of(arrived(f"X-Mark: {name}\n"))
        t.ok(got == body, name, f"{len(got)} bytes for {len(body)}; {got[:60]!r}")


@test("byte for byte to a real Postfix, by SMTP")
def _(t):
    for n, (name, body) in enumerate(MESSAGES.items(), 1):
        send_raw("a@postfix.test", name, body)
        got = [m for m in postfix.messages(n, 60) if f"X-Mark: {name}\n".encode() in m]
        t.eq(len(got), 1, f"{name}: one message")
        if got and name != "a line of 100,000 bytes":  # Postfix cuts what it takes at line_length_limit
            t.ok(body_of(got[0]) == body, name, f"{body_of(got[0])[:60]!r}")


@test("byte for byte to smtp-sink, over one connection")
def _(t):
    for n, (name, body) in enumerate(MESSAGES.items(), 1):
        if name == "a line of 100,000 bytes":
            continue  # smtp-sink reads lines of 2048 bytes
        send_raw("a@sink.test", name, body)
        def there():
            return [m for m in sink.messages(1) if f"X-Mark: {name}\n".encode() in m and
                    body_of(m) == body + b"\n"]
        t.ok(wait_until(f"{name} in the sink", there), name)


@test("without a final newline, as sendmail(1) gets it")
def _(t):
    r = v.run("sendmail", "-C", v.conf, "-i", "a@box.test", input=b"Subject: no newline\n\nlast line")
    t.eq(r.returncode, 0, r.err)
    t.ok(arrived("no newline").endswith(b"\n\nlast line\n"), "completed")


@test("the log of a relayed message")
def _(t):
    v.wait_log(r"postfix/smtp\[\d+\]: \w+: to=<a@sink\.test>, relay=127\.0\.0\.1\[127\.0\.0\.1\]:%d,( conn_use=\d+,)? "
               r"delay=[\d.]+, delays=[\d.]+/[\d.]+/[\d.]+/[\d.]+, dsn=2\.0\.0, status=sent \(250 2\.0\.0 Ok" % sink.port)


def clean():
    sink.close()
    postfix.close()
    v.close()


main(cleanup=clean, evidence=lambda: v.log()[-6000:])
