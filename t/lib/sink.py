# SPDX-License-Identifier: ISC
"""sink: a server of SMTP that does as it is told, and keeps what it heard."""
import socketserver
import threading

from lib.suite import free_port, wait_until


class Sink:
    """`extensions` are what EHLO says; `rcpt` and `end` what is answered to
    each RCPT and to the end of DATA (may be changed at any time; `rcpt` may
    be a function of the line)."""

    def __init__(self, extensions=("PIPELINING", "8BITMIME"), rcpt="250 2.1.5 Ok", end="250 2.0.0 Ok"):
        self.extensions, self.rcpt, self.end = extensions, rcpt, end
        self.heard = []  # (MAIL line, [RCPT lines accepted], content)
        self.tried = 0   # RCPT lines in all
        self.port = free_port()
        sink = self

        class Session(socketserver.StreamRequestHandler):
            def handle(self):
                try:
                    sink.serve(self.rfile, self.wfile)
                except ConnectionError:
                    pass  # a client that was killed

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self.server = Server(("127.0.0.1", self.port), Session)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def serve(self, rfile, wfile):
        def say(text):
            wfile.write(text.encode() + b"\r\n")
            wfile.flush()

        mail, to = None, []
        say("220 sink.test ESMTP")
        for line in rfile:
            line = line.decode("latin-1").rstrip("\r\n")
            verb = line[:4].upper()
            if verb == "EHLO":
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
