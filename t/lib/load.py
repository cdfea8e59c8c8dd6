# SPDX-License-Identifier: ISC
"""load: clients that remember what they were promised.

A Load keeps `sessions` SMTP connections busy and notes every message that was
acknowledged with 250 after its end of data, in a ledger that does not lie on
the disk under test.  The ledger is the oracle: judge() compares it with what
Maildirs hold.
"""
import asyncio
import collections
import hashlib
import os
import random
import re
import threading
import time


def make_message(serial, size):
    """A message whose body tells whether it was altered."""
    rng = random.Random(serial)
    lines, left = [], size
    while left > 0:
        n = min(left, rng.randint(1, 70))
        lines.append("".join(rng.choices("abcdefghijklmnopqrstuvwxyz .,\xe9", k=n)).replace("\n", " "))
        left -= n + 2
    body = "\r\n".join(line if not line.startswith(".") else "x" + line for line in lines) + "\r\n"
    raw = body.encode("latin-1")
    digest = hashlib.sha256(raw.replace(b"\r\n", b"\n")).hexdigest()
    head = f"Subject: ledger\r\nX-Serial: {serial}\r\nX-Digest: {digest}\r\n\r\n".encode()
    return head + raw


class Load:
    def __init__(self, port, recipient, ledger, sessions=10, size=1024, first=1, pace=0.0,
                 sender="load@out.test", each=0):
        self.port, self.recipient, self.sessions, self.size = port, recipient, sessions, size
        self.ledger = open(ledger, "a", buffering=1)
        self.acked = {}
        self.doubtful = set()
        self.refused = 0  # connections
        self.serial = first
        self.pace = pace
        self.sender = sender
        self.each = each  # messages a connection; 0: as many as it carries
        self.stopping = False
        self.thread = threading.Thread(target=lambda: asyncio.run(self.main()), daemon=True)

    def start(self):
        self.began = time.monotonic()
        self.thread.start()
        return self

    def stop(self):
        self.stopping = True
        self.thread.join()
        self.took = time.monotonic() - self.began
        return self

    def rate(self):
        return len(self.acked) / max(0.001, getattr(self, "took", time.monotonic() - self.began))

    async def main(self):
        await asyncio.gather(*(self.session(i) for i in range(self.sessions)))

    async def session(self, number):
        while not self.stopping:
            try:
                await self.connection(number)
            except ConnectionRefusedError:
                self.refused += 1
                await asyncio.sleep(0.01)
            except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError, ValueError):
                await asyncio.sleep(0.01)

    async def reply(self, reader):
        while True:
            line = await asyncio.wait_for(reader.readline(), 60)
            if not line:
                raise ConnectionResetError
            if line[3:4] != b"-":
                return line

    async def greet(self, reader, writer, number):
        await self.want(reader, b"220")
        writer.write(b"EHLO load.test\r\n")
        await self.want(reader, b"250")

    async def connection(self, number):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            await self.greet(reader, writer, number)
            sent = 0
            while not self.stopping and (sent < self.each or self.each == 0):
                serial = self.serial
                self.serial += 1
                sent += 1
                rcpt = self.recipient(serial)
                writer.write(f"MAIL FROM:<{self.sender}>\r\nRCPT TO:<{rcpt}>\r\nDATA\r\n".encode())
                for code in (b"250", b"250", b"354"):
                    await self.want(reader, code)
                writer.write(make_message(serial, self.size) + b".\r\n")
                self.doubtful.add(serial)
                line = await self.reply(reader)
                self.doubtful.discard(serial)
                if line.startswith(b"250"):
                    self.acked[serial] = rcpt
                    self.ledger.write(f"{serial} {rcpt} {line.decode().strip()}\n")
                if self.pace:
                    await asyncio.sleep(self.pace)
        finally:
            writer.close()

    async def want(self, reader, code):
        line = await self.reply(reader)
        if not line.startswith(code):
            raise ValueError(line)


class Verdict:
    def __init__(self):
        self.lost, self.empty, self.altered = [], [], []
        self.copies = {}  # serial: how many came
        self.ids = {}     # serial: the queue ids they came with

    def count(self, key, ids):
        self.copies[key] = self.copies.get(key, 0) + 1
        self.ids.setdefault(key, set()).update(ids)

    def duplicates(self):
        return {s: n for s, n in self.copies.items() if n > 1}

    def untraced(self, log):
        """Duplicates of which the log does not say that an interrupted attempt
        was made again: taken up once more by another qmgr, or deferred."""
        attempts = attempts_in(log)
        return {s: n for s, n in self.duplicates().items() if n > sum(attempts[i] for i in self.ids[s])}

    def __str__(self):
        return (f"{len(self.copies)} arrived, {len(self.lost)} lost, {len(self.empty)} empty, "
                f"{len(self.altered)} altered, {len(self.duplicates())} twice; "
                f"lost {self.lost[:5]}, altered {self.altered[:5]}, empty {self.empty[:5]}")


def attempts_in(log):
    """How often each queue id was taken up, or deferred."""
    return collections.Counter(re.findall(
        r": (\w+): (?:from=<[^>]*>, size=|to=<[^>]*>,.* status=deferred )", log))


def parts_in(path):
    """Messages of a mailbox file, which may not be there."""
    if not os.path.exists(path):
        return []
    with open(path, "rb") as f:
        parts = re.split(rb"(?:\A|(?<=\n\n))From \S+ .{24}\n", f.read())
    return parts[:1] * bool(parts[0]) + [part[:-1] for part in parts[1:]]


def judge(acked, maildirs, mboxes=()):
    """Hold the ledger {serial: recipient} against what is in mailboxes."""
    v = Verdict()
    for path in mboxes:
        for i, part in enumerate(parts_in(path)):
            look_at(v, f"{path} {i}", part)
    for maildir in maildirs:
        for path in files_in(maildir):
            with open(path, "rb") as f:
                look_at(v, path, f.read())
    v.lost = sorted(s for s in acked if s not in v.copies)
    return v


def files_in(maildir):
    """Paths of its messages."""
    for sub in ("new", "cur"):
        folder = os.path.join(maildir, sub)
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            yield os.path.join(folder, name)


def parse_arrived(data, ends=(b"",)):
    """(serial, queue ids) of a message of make_message()'s, which may have
    lost one of `ends`; None: it was altered."""
    head, _, body = data.partition(b"\n\n")
    serial = re.search(rb"^X-Serial: (\d+)$", head, re.M)
    digest = re.search(rb"^X-Digest: (\w+)$", head, re.M)
    if not serial or not digest or digest.group(1).decode() not in (
            hashlib.sha256(body + end).hexdigest() for end in ends):
        return None
    return int(serial.group(1)), [i.decode() for i in re.findall(rb"\bid (\w+)", head)]


def look_at(v, path, data):
    if not data:
        v.empty.append(path)
    elif (arrived := parse_arrived(data)) is None:
        v.altered.append(path)
    else:
        v.count(*arrived)
