# SPDX-License-Identifier: ISC
"""sink: a server of SMTP that does as it is told, and keeps what it heard."""
import socket
import socketserver
import ssl
import threading
import time

from lib.suite import free_port, wait_until


class Sink:
    """`extensions` are what EHLO says, None: it is not known; `greeting`,
    `rcpt` and `end` what is said first, to each RCPT and to the end of DATA
    (may be changed at any time; `rcpt` may be a function of the line).
    With `path` it listens there, and with `lmtp` it speaks LMTP: `end` is
    said once for each recipient (or is a function of its RCPT line).
    `pause` is how long it thinks about each content; more sessions than
    `sessions_max` at a time are refused.  With `auth` (lib/sasl.py) it says
    AUTH, and takes no mail of strangers.  With `tls`, an ssl.SSLContext, it
    says STARTTLS, or speaks TLS from the first byte on when `wraps`; what it
    says to STARTTLS is `starttls`, with it goes `injects`, and when `breaks`
    no handshake follows.  `secured` is of each handshake: version, name asked
    for, whether a session was taken up again, the client's certificate."""

    def __init__(self, extensions=("PIPELINING", "8BITMIME"), rcpt="250 2.1.5 Ok", end="250 2.0.0 Ok",
                 greeting="220 sink.test ESMTP", host="127.0.0.1", port=None, lmtp=False, path=None, auth=None,
                 tls=None, wraps=False):
        self.extensions, self.rcpt, self.end, self.greeting = extensions, rcpt, end, greeting
        self.hello = "LHLO" if lmtp else "EHLO"
        self.auth = auth
        self.tls, self.wraps = tls, wraps
        self.starttls, self.injects, self.breaks = "220 2.0.0 go on", b"", False
        self.secured, self.asked = [], None
        if tls:
            tls.sni_callback = lambda _sock, name, _context: setattr(self, "asked", name)
        self.heard = []  # (MAIL line, [RCPT lines accepted], content)
        self.times = []  # when, by time.monotonic()
        self.tried = 0   # RCPT lines in all
        self.sessions = []  # of each: the client's address, then what it said
        self.port = port or free_port(host)
        self.pause, self.sessions_max = 0, None
        self.now = self.most = self.refused = 0  # now, at a time, in all
        self.lock = threading.Lock()
        sink = self

        class Session(socketserver.StreamRequestHandler):
            def handle(self):
                said = [self.client_address[0] if self.client_address else path]
                sink.sessions.append(said)
                try:
                    if sink.enter():
                        sink.serve(self.request, self.rfile, self.wfile, said)
                    else:
                        self.wfile.write(b"421 4.7.0 too many sessions\r\n")
                except (ConnectionError, ssl.SSLError):
                    pass  # a client that was killed, or does not like us
                finally:
                    sink.leave()

        class Server(socketserver.ThreadingUnixStreamServer if path else socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            address_family = socket.AF_UNIX if path else socket.AF_INET6 if ":" in host else socket.AF_INET
            request_queue_size = 128
            daemon_threads = True

        self.server = Server(path or (host, self.port), Session)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def enter(self):
        with self.lock:
            self.now += 1
            if self.sessions_max is not None and self.now > self.sessions_max:
                self.refused += 1
                return False
            self.most = max(self.most, self.now)
            return True

    def leave(self):
        with self.lock:
            self.now -= 1

    def secure(self, sock):
        """The connection under TLS, as files."""
        with self.lock:
            self.asked = None
            tls = self.tls.wrap_socket(sock, server_side=True)
            self.secured.append((tls.version(), self.asked, tls.session_reused, tls.getpeercert()))
        return tls.makefile("rb"), tls.makefile("wb")

    def serve(self, sock, rfile, wfile, said):
        def say(text):
            wfile.write(text.encode() + b"\r\n")
            wfile.flush()

        def exchange(text):
            say(text)
            return rfile.readline().decode("latin-1").rstrip("\r\n")

        mail, to, is_known = None, [], self.auth is None
        is_tls = self.wraps
        if is_tls:
            rfile, wfile = self.secure(sock)
        say(self.greeting)
        for line in iter(lambda: rfile.readline(), b""):
            line = line.decode("latin-1").rstrip("\r\n")
            verb = line[:4].upper()
            said.append(line)
            if verb in ("EHLO", "LHLO") and verb != self.hello:
                say("500 5.5.1 wrong protocol")
            elif verb == self.hello and self.extensions is None:
                say("502 5.5.2 what is that")
            elif verb == self.hello:
                lines = ["sink.test", *self.extensions]
                lines += ["AUTH " + self.auth.mechanisms] if self.auth else []
                lines += ["STARTTLS"] if self.tls and not is_tls else []
                for i, word in enumerate(lines):
                    say("250" + ("-" if i + 1 < len(lines) else " ") + word)
            elif line.upper() == "STARTTLS" and self.tls and not is_tls:
                wfile.write(self.starttls.encode() + b"\r\n" + self.injects)
                wfile.flush()
                if self.breaks:
                    return
                if self.starttls.startswith("220"):
                    rfile, wfile = self.secure(sock)
                    is_tls = True
            elif verb == "AUTH" and self.auth:
                answer = self.auth.run(line, exchange)
                is_known = answer.startswith("235")
                say(answer)
            elif verb == "MAIL" and not is_known:
                say("530 5.7.0 Authentication required")
            elif verb == "MAIL":
                mail, to = line, []
                say("250 2.1.0 Ok")
            elif verb == "RCPT":
                self.tried += 1
                answer = self.rcpt(line) if callable(self.rcpt) else self.rcpt
                if answer.startswith("2"):
                    to.append(line)
                say(answer)
            elif verb == "DATA":
                if not to:
                    say("554 5.5.1 no recipients")
                    continue
                say("354 go on")
                content = b""
                for part in rfile:
                    if part == b".\r\n":
                        break
                    content += part[1:] if part.startswith(b".") else part
                else:
                    return
                time.sleep(self.pause)
                ends = [self.end(one) if callable(self.end) else self.end for one in to]
                taken = [one for one, end in zip(to, ends) if end.startswith("2")]
                if taken:
                    with self.lock:
                        self.times.append(time.monotonic())
                        self.heard.append((mail, taken, content))
                for end in ends if self.hello == "LHLO" else ends[:1]:
                    if end == "":
                        return  # it goes without a word
                    say(end)
            elif verb == "QUIT":
                say("221 2.0.0 Bye")
                return
            else:
                say("250 2.0.0 Ok")

    def transactions(self, count):
        """The last one, once there are `count`."""
        wait_until(f"{count} messages in the sink", lambda: len(self.heard) >= count)
        return self.heard[count - 1]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
