# SPDX-License-Identifier: ISC
"""Log lines: Postfix's grammar, to a file, to standard output, to syslog's
socket, and never waiting for any of them."""
import ctypes
import os
import re
import select
import socket
import subprocess

from lib.suite import Suite, connects, program, wait_until
from lib.tap import main, test

BOX = {"virtual_mailbox_domains": "box.test", "virtual_mailbox_maps": "static:in/",
       "virtual_uid_maps": "static:5000", "virtual_gid_maps": "static:5000"}
QID = r"[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{12,}"
CLIENT = r"unknown\[127\.0\.0\.1\]"


def suite(**main_cf):
    v = Suite(start=False, main_cf={**BOX, **main_cf})
    os.mkdir(v.path("box"))
    os.chown(v.path("box"), 5000, 5000)
    v.configure(virtual_mailbox_base=v.path("box"))
    return v


GRAMMAR = [r"postfix/%s$" % line for line in (
    rf"smtpd\[\d+\]: connect from {CLIENT}",
    rf"smtpd\[\d+\]: {QID}: client={CLIENT}",
    rf"cleanup\[\d+\]: {QID}: message-id=<[^<>]+>",
    rf"qmgr\[\d+\]: {QID}: from=<[^<>]*>, size=\d+, nrcpt=\d+ \(queue active\)",
    rf"virtual\[\d+\]: {QID}: to=<[^<>]+>, relay=virtual, delay=[\d.]+, delays=[\d.]+/[\d.]+/[\d.]+/[\d.]+, "
    r"dsn=2\.0\.0, status=sent \(delivered to maildir\)",
    rf"qmgr\[\d+\]: {QID}: removed",
    rf"smtpd\[\d+\]: disconnect from {CLIENT} ehlo=1 mail=1 rcpt=1/2 data=1 quit=1 commands=5/6",
    rf"smtpd\[\d+\]: NOQUEUE: reject: RCPT from {CLIENT}: 454 4\.7\.1 <x@far\.test>: Relay access denied; "
    r"from=<s@out\.test> to=<x@far\.test> proto=ESMTP helo=<client\.test>",
    r"(?:master|postfix-script)\[\d+\]: .*daemon started -- version .*, configuration /.*",
)]


def one_session(v):
    with v.smtp() as s:
        s.ehlo()
        s.mail("s@out.test")
        s.rcpt("x@far.test")
        s.rcpt("in@box.test")
        s.data("Subject: x\n\nx\n")


@test("each line of a message's life, in the grammar parsers know")
def _(t):
    v = suite(mynetworks="127.0.0.99/32")
    try:
        v.start()
        one_session(v)
        v.wait_log(r": removed$")
        v.wait_log(r"disconnect from")
        for line in GRAMMAR:
            t.ok(re.search(r"^\w{3} [ \d]\d \d\d:\d\d:\d\d \S+ " + line, v.log(), re.M), line, v.log())
        for line in v.log().splitlines():
            t.ok(re.match(r"^\w{3} [ \d]\d \d\d:\d\d:\d\d mx postfix/[\w/-]+\[\d+\]: ", line) or
                 re.match(r"^\w{3} [ \d]\d \d\d:\d\d:\d\d \S+ postfix/[\w/-]+\[\d+\]: ", line), "shape", line)
        v.stop()
        v.wait_log(r"terminating on signal 15")
        v.configure(syslog_name="postfix/inside")
        v.start()
        v.send("s@out.test", ["in@box.test"])
        v.wait_log(r"postfix/inside/smtpd\[\d+\]: " + QID + ": client=")
    finally:
        v.close()


@test("to standard output, in the foreground")
def _(t):
    v = suite(maillog_file="/dev/stdout")
    p = subprocess.Popen([program("valija"), "-c", v.conf, "start-fg"], stdout=subprocess.PIPE,
                         stdin=subprocess.DEVNULL)
    text = b""
    sent = False
    try:
        while b": removed\n" not in text:
            ready = select.select([p.stdout], [], [], 30)[0]
            t.must(ready, "lines come", text)
            piece = os.read(p.stdout.fileno(), 65536)
            t.must(piece, "it goes on", text)
            text += piece
            if b"daemon started" in text and not sent:
                sent = True
                def send():
                    try:
                        v.send("s@out.test", ["in@box.test"])
                        return True
                    except OSError:
                        return False
                wait_until("it takes mail", send)
        t.ok(re.search(rb"postfix/smtpd\[\d+\]: connect from", text), "smtpd's lines", text)
    finally:
        p.terminate()
        t.eq(p.wait(30), 0, "exit code after SIGTERM")
        v.close()


MANY = 250  # messages, whose lines no pipe has room for


def mail_goes_on(t, v):
    for _ in range(MANY):
        v.send("s@out.test", ["in@box.test"])
    t.ok(len(v.maildir(v.path("box", "in"), MANY)) >= MANY, "delivered though nobody reads the log")


def read_all(t, fd):
    """What was written meanwhile: nothing is torn, nothing is missing."""
    text = b""
    while text.count(b"status=sent") < MANY or text.count(b": disconnect from") < MANY:
        t.must(select.select([fd], [], [], 30)[0], "lines come", text[-2000:])
        text += os.read(fd, 65536)
    t.ok(len(text) > 3 * 65536 // 2, "more than a pipe takes", len(text))
    for line in text.splitlines()[:-1]:
        t.ok(re.match(rb"^\w{3} [ \d]\d \d\d:\d\d:\d\d \S+ postfix/[\w/-]+\[\d+\]: [^\n]+$", line) and
             line.count(b" postfix/") == 1, "a whole line", line)


@test("to a FIFO that nobody reads: nothing waits, and all is written later")
def _(t):
    v = suite(maillog_file=None, smtpd_client_connection_count_limit="0")
    fifo = v.path("fifo")
    os.mkfifo(fifo)
    v.configure(maillog_file=fifo)
    try:
        v.start()
        mail_goes_on(t, v)
        fd = os.open(fifo, os.O_RDONLY)
        read_all(t, fd)
        os.close(fd)
    finally:
        v.close()


@test("to a standard output that nobody reads: a pipe, a stream socket")
def _(t):
    for make in (os.pipe, lambda: [s.detach() for s in socket.socketpair()]):
        v = suite(maillog_file="/dev/stdout", smtpd_client_connection_count_limit="0")
        ours, theirs = make()
        p = subprocess.Popen([program("valija"), "-c", v.conf, "start-fg"], stdout=theirs, stdin=subprocess.DEVNULL)
        os.close(theirs)
        try:
            wait_until("it takes mail", lambda: connects(v.port))
            mail_goes_on(t, v)
            read_all(t, ours)
        finally:
            p.terminate()
            t.eq(p.wait(30), 0, "exit code after SIGTERM")
            os.close(ours)
            v.close()


def private_dev_log(path):
    """A socket of ours in /dev/log's place, for this process and its children."""
    libc = ctypes.CDLL(None, use_errno=True)
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(path)
    os.chmod(path, 0o666)
    assert libc.unshare(0x00020000) == 0  # CLONE_NEWNS
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    for line in open("/proc/mounts").read().splitlines():
        where = line.split()[1]
        if where.startswith("/var/tmp/valija-mnt-"):  # another test's disk
            subprocess.run(["umount", "-l", where], capture_output=True)
    made = not os.path.lexists("/dev/log")
    if made:
        open("/dev/log", "w").close()
    subprocess.run(["mount", "--bind", path, "/dev/log"], check=True)
    return s, made


@test("to syslog's socket, which may stop reading")
def _(t):
    v = suite(maillog_file="", smtpd_client_connection_count_limit="0", mynetworks="127.0.0.99/32")
    s, made = private_dev_log(v.path("devlog"))
    try:
        v.start()
        one_session(v)
        lines = []
        while not any(b": removed" in line for line in lines):
            t.must(select.select([s], [], [], 30)[0], "lines come", lines)
            lines.append(s.recv(8192))
        t.ok(any(re.match(rb"<22>\w{3} [ \d]\d \d\d:\d\d:\d\d postfix/smtpd\[\d+\]: connect from", line)
                 for line in lines), "RFC 3164 with facility mail", lines)
        # nobody reads any more: mail goes on
        for i in range(300):
            v.send("s@out.test", ["in@box.test"])
        t.ok(len(v.maildir(v.path("box", "in"), 301)) >= 301, "delivered all the same")
        # and again: what was lost is counted
        lost = wait_until("the count of lost lines, or all lines", lambda: drain(s, lines, v))
        t.ok(lost, "told")
    finally:
        v.close()
        subprocess.run(["umount", "/dev/log"], capture_output=True)
        if made:
            os.unlink("/dev/log")
        s.close()


def drain(s, lines, v):
    v.send("s@out.test", ["in@box.test"])
    while select.select([s], [], [], 0.1)[0]:
        lines.append(s.recv(8192))
    text = b"\n".join(lines)
    return b"log lines were lost" in text or text.count(b"status=sent") >= 301


main()
