# SPDX-License-Identifier: ISC
"""sasl: the server's side of AUTH, written against the RFCs with Python's own
hashes, for servers that valija's client meets."""
import base64
import hashlib
import hmac
import os
import re

REFUSED = "535 5.7.8 Error: authentication failed"


class Bad(Exception):
    """What the client said is not the mechanism."""


def plain(response, users):
    nobody, user, password = response.split(b"\0")
    return nobody == b"" and users.get(user.decode()) == password.decode()


class Scram:
    """RFC 5802.  `lie`: of a server that does not know the password but says
    yes all the same: a signature, or None for none at all."""

    def __init__(self, hash_name, users, iterations=4096, lie=False):
        self.hash, self.users, self.iterations, self.lie = hash_name, users, iterations, lie

    def sum(self, key, text):
        return hmac.new(key, text, self.hash).digest()

    def talk(self, first, ask):
        bare = re.fullmatch(rb"n,,(n=([^,]+),r=([!-+--~]+))", first)
        if not bare:
            raise Bad(first)
        user = bare[2].decode().replace("=2C", ",").replace("=3D", "=")
        nonce, salt = bare[3] + b"more", os.urandom(12)
        said = b"r=%s,s=%s,i=%d" % (nonce, base64.b64encode(salt), self.iterations)
        final = ask(said)
        end = re.fullmatch(rb"(c=biws,r=(.+)),p=(.+)", final)
        if not end or end[2] != nonce:
            raise Bad(final)
        salted = hashlib.pbkdf2_hmac(self.hash, self.users.get(user, "").encode(), salt, self.iterations)
        client, auth = self.sum(salted, b"Client Key"), b",".join((bare[1], said, end[1]))
        stored = hashlib.new(self.hash, client).digest()
        proof = bytes(a ^ b for a, b in zip(client, self.sum(stored, auth)))
        signature = self.sum(self.sum(salted, b"Server Key"), auth)
        if self.lie is None:
            return True
        if self.lie:
            ask(b"v=" + base64.b64encode(self.lie))
            return True
        if base64.b64encode(proof) != end[3]:
            return False
        return ask(b"v=" + base64.b64encode(signature)) == b""


class Auth:
    """`users`: name to password; `mechanisms`: what is offered; `log`: which
    were used, with the user that got in, or None."""

    def __init__(self, users, mechanisms="PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256", iterations=4096, lie=False):
        self.users, self.mechanisms, self.iterations, self.lie = users, mechanisms, iterations, lie
        self.log = []
        self.lines = []  # whole lines of AUTH, as they came
        self.refused = REFUSED  # "%s" in it: the line that was heard last

    def run(self, line, exchange):
        """`exchange` says "334 text" and gives back the line that comes."""
        def ask(challenge):
            text = exchange("334 " + base64.b64encode(challenge).decode())
            self.lines.append(text)
            if text == "*":
                raise Bad("cancelled")
            return base64.b64decode(text, validate=True)

        self.lines.append(line)
        _, name, *initial = line.split(" ")
        first = base64.b64decode(initial[0], validate=True) if initial else None
        try:
            ok = self.check(name, first, ask)
        except Bad as e:
            self.log.append((name, str(e)))
            return "501 5.7.0 " + str(e)
        self.log.append((name, ok))
        return "235 2.7.0 welcome" if ok else self.refused.replace("%s", self.lines[-1])

    def check(self, name, first, ask):
        if name == "PLAIN":
            return plain(ask(b"") if first is None else first, self.users)
        if name == "LOGIN":
            user = ask(b"Username:").decode()
            return self.users.get(user) == ask(b"Password:").decode()
        if name == "CRAM-MD5":
            challenge = b"<%s@sink.test>" % os.urandom(8).hex().encode()
            user, digest = ask(challenge).decode().split(" ")
            return digest == hmac.new(self.users.get(user, "").encode(), challenge, "md5").hexdigest()
        if name in ("SCRAM-SHA-1", "SCRAM-SHA-256"):
            scram = Scram("sha1" if name == "SCRAM-SHA-1" else "sha256", self.users, self.iterations, self.lie)
            return scram.talk(ask(b"") if first is None else first, ask)
        raise Bad("no such mechanism")
