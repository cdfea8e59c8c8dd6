# SPDX-License-Identifier: ISC
"""sink: a server of SMTP that does as it is told, and keeps what it heard."""
import socket
import socketserver
import threading

from lib.suite import free_port, wait_until


class Sink:
    """`extensions` are what EHLO says, None: it is not known; `greeting`,
    `rcpt` and `end` what is said first, to each RCPT and to the end of DATA
    (may be changed at any time; `rcpt` may be a function of the line)."""

    def __init__(self, extensions=("PIPELINING", "8BITMIME"), rcpt="250 2.1.5 Ok", end="250 2.0.0 Ok",
                 greeting="220 sink.test ESMTP", host="127.0.0.1", port=None):
        self.extensions, self.rcpt, self.end, self.greeting = extensions, rcpt, end, greeting
        self.heard = []  # (MAIL line, [RCPT lines accepted], content)
        self.tried = 0   # RCPT lines in all
        self.sessions = []  # of each: the client's address, then what it said
        self.port = port or free_port(host)
        sink = self

        class Session(socketserver.StreamRequestHandler):
            def handle(self):
                said = [self.client_address[0]]
                sink.sessions.append(said)
                try:
                    sink.serve(self.rfile, self.wfile, said)
                except ConnectionError:
                    pass  # a client that was killed

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
            daemon_threads = True

        self.server = Server((host, self.port), Session)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def serve(self, rfile, wfile, said):
        def say(text):
            wfile.write(text.encode() + b"\r\n")
            wfile.flush()

        mail, to = None, []
        say(self.greeting)
        for line in rfile:
            line = line.decode("latin-1").rstrip("\r\n")
            verb = line[:4].upper()
            said.append(line)
            if verb == "EHLO" and self.extensions is None:
                say("502 5.5.2 what is that")
            elif verb == "EHLO":
                lines = ["sink.test", *self.extensions]
                for i, word in enumerate(lines):
                    say("250" + ("-" if i + 1 < len(lines) else " ") + word)
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
                if self.end.startswith("2"):
                    self.heard.append((mail, to, content))
                say(self.end)
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
