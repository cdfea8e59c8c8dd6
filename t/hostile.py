# SPDX-License-Identifier: ISC
"""Clients that break off, clients that talk rubbish: they harm themselves."""
import os
import random
import socket
import subprocess
import sys
import threading
import time

from lib.load import make_message
from lib.suite import Suite, processes_below, wait_until
from lib.tap import diag, main, test

LONG = bool(os.environ.get("T_LONG"))
RUBBISH_SECONDS = 600 if LONG else 8

v = Suite(start=False, main_cf={
    "virtual_mailbox_domains": "box.test", "virtual_mailbox_maps": "static:in/",
    "virtual_uid_maps": "static:5000", "virtual_gid_maps": "static:5000",
    "smtpd_client_connection_count_limit": "0", "smtpd_error_sleep_time": "0s",
})
box = v.path("box")
os.mkdir(box)
os.chown(box, 5000, 5000)
v.configure(virtual_mailbox_base=box)
v.start()


def lasting():
    """The processes that must not end: all but the users' children, which
    come and go with the mail."""
    master = v.master_pid()
    found = {}
    for pid, name in processes_below(master).items():
        try:
            with open(f"/proc/{pid}/stat") as f:
                stat = f.read()
        except OSError:
            continue
        if int(stat[stat.rindex(")") + 2:].split()[1]) in (master, 1) or pid == master:
            found[pid] = name
    return found


def transaction(serial):
    return (b"EHLO ok.test\r\n", b"MAIL FROM:<a@out.test>\r\nRCPT TO:<u%d@box.test>\r\nDATA\r\n" % serial,
            make_message(serial, 3000) + b".\r\n", b"QUIT\r\n")


def good_session(serial, results):
    """A whole message in small pieces, with pauses between them."""
    rng = random.Random(serial)
    try:
        with socket.create_connection(("127.0.0.1", v.port), 60) as s:
            f = s.makefile("rb")
            f.readline()
            for part, last in zip(transaction(serial), (b"250 DSN", b"354", b"250", b"221")):
                while part:
                    n = rng.randint(1, 400)
                    s.sendall(part[:n])
                    part = part[n:]
                    time.sleep(rng.random() * 0.01)
                while not (line := f.readline()).startswith(last):
                    if not line.startswith(b"250"):
                        raise ValueError(line)
        results.append(serial)
    except (OSError, ValueError) as e:
        results.append((serial, repr(e)))


def broken_session(serial):
    """The same, ended or garbled at a random byte."""
    rng = random.Random(serial)
    data = b"".join(transaction(serial))
    cut = rng.randrange(len(data))
    try:
        with socket.create_connection(("127.0.0.1", v.port), 10) as s:
            if rng.random() < 0.5:
                s.sendall(data[:cut])
            else:
                garbled = bytearray(data)
                for _ in range(20):
                    garbled[rng.randrange(len(garbled))] = rng.randrange(256)
                s.sendall(garbled)
            if rng.random() < 0.5:  # a reset instead of an end
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            time.sleep(rng.random() * 0.05)
    except OSError:
        pass


@test("50 interleaved sessions, half of them broken at random bytes")
def _(t):
    before = lasting()
    results, threads = [], []
    for i in range(25):
        threads.append(threading.Thread(target=good_session, args=(i + 1, results)))

    def break_many(k):
        for n in range(10):
            broken_session(1000 + k * 100 + n)
    for k in range(25):
        threads.append(threading.Thread(target=break_many, args=(k,)))
    random.Random(5).shuffle(threads)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    t.eq(sorted(r for r in results if isinstance(r, int)), list(range(1, 26)),
         f"every good session succeeded: {[r for r in results if not isinstance(r, int)]}")

    def whole():
        got = v.maildir(os.path.join(box, "in"), 25)
        return {n for n in range(1, 26) for m in got if b"X-Serial: %d\n" % n in m}
    wait_until("25 whole messages", lambda: len(whole()) == 25)
    t.eq(lasting(), before, "no process ended")


RUBBISH = r'''
import os, random, socket, sys, time, struct, array
end = time.monotonic() + float(sys.argv[1])
rng = random.Random(int(sys.argv[2]))
targets = sys.argv[3:]
n = 0
while time.monotonic() < end:
    where = rng.choice(targets)
    try:
        if where.startswith("/"):
            s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        else:
            s = socket.socket()
        s.settimeout(0.2)
        s.connect(where if where.startswith("/") else ("127.0.0.1", int(where)))
        for _ in range(rng.randint(1, 5)):
            data = rng.randbytes(rng.choice([1, 3, 20, 300, 5000, 60000]))
            if rng.random() < 0.4:
                data = rng.choice([b"EHLO x\r\n", b"MAIL FROM:<>\r\n", b"\x00\x00\x05hello", b"BDAT 99\r\n",
                                   b"DATA\r\n"]) + data
            if where.startswith("/") and rng.random() < 0.3:
                fds = array.array("i", [os.open("/dev/null", os.O_RDONLY) for _ in range(rng.randint(1, 8))])
                s.sendmsg([data[:60000]], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
                for fd in fds: os.close(fd)
            else:
                s.send(data)
            if rng.random() < 0.3:
                try: s.recv(4096)
                except socket.timeout: pass
        s.close()
        n += 1
    except OSError:
        pass
print(n)
'''


@test(f"{RUBBISH_SECONDS} s of random bytes by nobody on every socket he reaches end no process")
def _(t):
    before = lasting()
    targets = [str(v.port), os.path.join(v.queue, "public/pickup"), os.path.join(v.queue, "public/showq")]
    talkers = [subprocess.Popen([sys.executable, "-c", RUBBISH, str(RUBBISH_SECONDS), str(i), *targets],
                                user="nobody", group="nogroup", extra_groups=[], stdout=subprocess.PIPE)
               for i in range(3)]
    counts = [int(p.communicate()[0] or 0) for p in talkers]
    diag(f"{sum(counts)} conversations")
    t.ok(sum(counts) > 50 and min(counts) > 0, "there was talk", counts)
    t.eq(lasting(), before, "no process ended")
    v.send("a@out.test", ["after@box.test"], "Subject: after the rubbish\n\nx\n")
    wait_until("mail still goes through", lambda: any(
        b"after the rubbish" in m for m in v.maildir(os.path.join(box, "in"), 1)))


@test("too many errors, too long lines, other protocols")
def _(t):
    s = v.socket()
    s.reply()
    for i in range(25):
        reply = s.say("BOGUS")
        if not reply or reply.startswith("421"):
            break
    t.ok(reply.startswith("421"), "closed after the hard error limit", reply)
    s.close()
    v.wait_log(r"too many errors after UNKNOWN from unknown\[127\.0\.0\.1\]")
    s = v.socket()
    s.reply()
    reply = s.say("EHLO " + "x" * 10000)
    t.ok(reply[:1] == "5", "a line of 10,000 bytes", reply)
    s.close()
    s = v.socket()
    s.reply()
    s.raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    reply = s.reply()
    t.ok(reply[:3] in ("221", "421", "502", "500"), "HTTP", reply)
    s.close()
    v.wait_log(r"non-SMTP command from unknown\[127\.0\.0\.1\]: GET / HTTP/1\.1")


@test("a bare LF: refused from a stranger, and nothing is smuggled")
def _(t):
    v.configure(mynetworks="127.0.0.99/32")
    v.reload()

    def refused():
        s = v.socket()
        s.reply()
        s.say("EHLO x.test")
        s.say("MAIL FROM:<a@out.test>")
        s.say("RCPT TO:<in@box.test>")
        s.say("DATA")
        s.raw(b"Subject: one\r\n\r\nx\n.\nMAIL FROM:<smuggled@out.test>\r\n.\r\n")
        reply = s.reply()
        s.close()
        return reply if reply.startswith("550 5.5.2") else None
    wait_until("refusal", refused)


main(cleanup=v.close, evidence=lambda: v.log()[-5000:])
