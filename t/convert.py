# SPDX-License-Identifier: ISC
"""8-bit mail for a server that takes 7 bits: a real smtp-sink without 8BITMIME
gets it converted, and Python's email package reads the same out of it."""
import email
import random

from lib.peers import SmtpSink
from lib.suite import Suite
from lib.tap import main, test

v = Suite(start=False, main_cf={"message_size_limit": "50000000"})
seven = SmtpSink(v.base, "-8", "-h", "seven.test")
eight = SmtpSink(v.base, "-h", "eight.test")
v.master_cf += "raw unix - - n - - smtp -o disable_mime_output_conversion=yes\n"
v.configure(transport_maps="inline:{ { seven.test = smtp:[127.0.0.1]:%d } { raw.test = raw:[127.0.0.1]:%d } "
            "{ eight.test = smtp:[127.0.0.1]:%d } }" % (seven.port, seven.port, eight.port))
v.start()
sent = {seven: 0, eight: 0}


def relayed(message, sink=seven, domain="seven.test"):
    """What the sink got of it: from its first own header line on."""
    with v.smtp() as s:
        s.sendmail("s@out.test", ["r@" + domain], message.replace(b"\n", b"\r\n"), ["BODY=8BITMIME"])
    sent[sink] += 1
    v.wait_log(r"status=sent \(250", sum(sent.values()))
    first = message.split(b"\n", 1)[0]
    got = [m for m in sink.messages(sent[sink]) if first in m]
    assert len(got) == 1, len(got)
    return got[0][got[0].index(first):-1]  # the sink ends it with an empty line


def body_of(message):
    return message.split(b"\n\n", 1)[1]


def tree(message):
    """Everything of a message but how it is encoded."""
    fields = [(k.lower(), v) for k, v in message.items()
              if k.lower() not in ("content-transfer-encoding", "received", "message-id", "date", "from", "to")]
    if message.is_multipart():
        return fields, message.preamble, message.epilogue, [tree(p) for p in message.get_payload()]
    return fields, message.get_payload(decode=True).replace(b"\r\n", b"\n")


LETTERS = "abcdefghijklmnopqrstuvwxyz      ..--==\t" + "äöüß" * 3 + "жшюя" * 2 + "日本"


def text(rng):
    lines = ("".join(rng.choice(LETTERS) for _ in range(rng.choice((0, 1, 30, 70, 75, 76, 77, 200))))
             for _ in range(rng.randrange(8)))
    return "\n".join(lines) + rng.choice(("", "\n", "\n\n"))


def part(rng, depth):
    """Header and body of a part of any kind; 8-bit text as it is."""
    kind = rng.randrange(8)
    if kind < 2 and depth < 4:
        boundary = f"={'b' * depth}{rng.randrange(10 ** 6)}"
        inner = "".join(f"--{boundary}\n{part(rng, depth + 1)}\n" for _ in range(rng.randrange(1, 4)))
        subtype = rng.choice(("mixed", "alternative", "signed"))
        return (f'Content-Type: multipart/{subtype}; boundary="{boundary}"\n'
                f"Content-Transfer-Encoding: 8bit\n\npreamble\n{inner}--{boundary}--\nepilogue\n")
    if kind == 2 and depth < 4:
        return f"Content-Type: message/rfc822\n\nSubject: inner\nMIME-Version: 1.0\n{part(rng, depth + 1)}"
    if kind == 3:
        return "Content-Type: application/x\nContent-Transfer-Encoding: base64\n\nAAEC/w==\n"
    label = rng.choice(("Content-Transfer-Encoding: 8bit\n", ""))
    return f'Content-Type: text/plain; charset="utf-8"\n{label}\n{text(rng)}'


@test("what is 8-bit becomes quoted-printable or base64, and reads the same")
def _(t):
    short = relayed(b"Subject: one\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
                    b"Content-Transfer-Encoding: 8bit\n\nein sch\xc3\xb6ner Tag, lieber Leser\n")
    t.eq(body_of(short).rstrip(b"\n"), b"ein sch=C3=B6ner Tag, lieber Leser", "quoted-printable")
    t.ok(b"\nContent-Transfer-Encoding: quoted-printable\n" in short, "and says so")
    long = relayed("Subject: two\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
                   "Content-Transfer-Encoding: 8bit\n\nдобрый день\n".encode())
    t.ok(b"\nContent-Transfer-Encoding: base64\n" in long, "base64 where it is shorter")
    t.eq(email.message_from_bytes(long).get_payload(decode=True).decode(), "добрый день\r\n", "and says the same")
    bare = relayed(b"Subject: three\n\nein sch\xc3\xb6ner Tag, lieber Leser\n")
    t.ok(b"\nMIME-Version: 1.0\n" in bare and b"charset=unknown-8bit" in bare, "what is no MIME becomes MIME", bare)


@test("forty messages of nested parts, drawn at random, decode to what they were")
def _(t):
    rng = random.Random(6152)
    converted = 0
    for i in range(40):
        original = f"Subject: random {i} of forty\nMIME-Version: 1.0\n{part(rng, 0)}\nlast\n".encode()
        got = relayed(original)
        converted += body_of(original) != body_of(got)
        t.eq(tree(email.message_from_bytes(got)), tree(email.message_from_bytes(original)), f"message {i}")
        t.ok(all(b < 0x80 for b in body_of(got)), f"message {i} is ASCII")
        t.ok(max(map(len, body_of(got).split(b"\n"))) <= 998, f"message {i} has short lines")
    t.ok(converted > 20, "most of them were converted", converted)


@test("large ones: 8 MB of lines, one line of 100,000 bytes, in bounded memory")
def _(t):
    head = b"Subject: %s\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
    for name, body in ((b"lines", b"sixty bytes and two that are not ASCII, as \xc3\xa4, on a line.\n" * 130000),
                       (b"oneline", b"x\xc3\xa4 and plain text " * 5000 + b"\n")):
        got = relayed(head % name + body)
        decoded = email.message_from_bytes(got).get_payload(decode=True)
        t.ok(decoded.rstrip(b"\n") == body.rstrip(b"\n"), f"{name.decode()} came through whole", len(decoded))


@test("a server with 8BITMIME gets it as it is, and so does one that is not to be converted for")
def _(t):
    message = b"Subject: as it is %d\n\nsch\xc3\xb6n\n"
    t.ok(body_of(relayed(message % 1, eight, "eight.test")).startswith(b"sch\xc3\xb6n\n"), "8BITMIME")
    t.ok(body_of(relayed(message % 2, seven, "raw.test")).startswith(b"sch\xc3\xb6n\n"),
         "disable_mime_output_conversion")


def close():
    v.close()
    seven.close()
    eight.close()


main(cleanup=close, evidence=lambda: v.log()[-4000:])
