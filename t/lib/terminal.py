# SPDX-License-Identifier: ISC
"""terminal: a program on a pseudo terminal, and what its user sees there."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios

from lib.suite import wait_until


class Terminal:
    """Knows the sequences that our tools use; any other is an error."""

    def __init__(self, argv, env=None, user=None, width=100, height=24):
        self.width, self.height = width, height
        self.master, self.slave = pty.openpty()
        self.resize(width, height)
        self.before = termios.tcgetattr(self.slave)
        self.lines, self.row, self.column = {}, 0, 0
        self.is_reverse = self.is_other_screen = False
        self.reversed_rows = set()
        self.rest = ""
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
            for fd in range(3):
                os.dup2(self.slave, fd)
            if user is not None:
                os.setgroups([])
                os.setgid(user.pw_gid)
                os.setuid(user.pw_uid)
            os.execve(argv[0], argv, env or os.environ)
        self.status = None

    def resize(self, width, height):
        self.width, self.height = width, height
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def type(self, text):
        os.write(self.master, text.encode())

    def read(self):
        while select.select([self.master], [], [], 0)[0]:
            data = os.read(self.master, 65536)
            if not data:
                return
            self.take(data.decode("utf-8", "replace"))

    def take(self, text):
        text = self.rest + text
        self.rest = ""
        while text:
            if text[0] == "\033":
                m = re.match(r"\033\[(\??)([\d;]*)([A-Za-z])", text)
                if not m:
                    assert len(text) < 12, f"an escape sequence nobody knows: {text[:20]!r}"
                    self.rest = text
                    return
                self.sequence(*m.groups())
                text = text[m.end():]
                continue
            if text[0] == "\n":
                self.row += 1
            elif text[0] == "\r":
                self.column = 0
            else:
                assert text[0] >= " ", f"a control byte: {text[0]!r}"
                line = self.lines.get(self.row, "").ljust(self.column)
                self.lines[self.row] = line[:self.column] + text[0] + line[self.column + 1:]
                self.column += 1
                if self.is_reverse:
                    self.reversed_rows.add(self.row)
            text = text[1:]

    def sequence(self, private, numbers, letter):
        if letter == "H":
            row, column = (numbers or "1;1").split(";")
            self.row, self.column = int(row) - 1, int(column) - 1
        elif letter == "J":
            self.lines = {r: line for r, line in self.lines.items() if r < self.row}
            self.reversed_rows = {r for r in self.reversed_rows if r < self.row}
        elif letter == "K":
            self.lines[self.row] = self.lines.get(self.row, "")[:self.column]
        elif letter == "m":
            self.is_reverse = numbers == "7"
        elif private and numbers == "1049":
            self.is_other_screen = letter == "h"
        else:
            assert private and numbers == "25", f"a sequence nobody knows: {private}{numbers}{letter}"

    def screen(self):
        self.read()
        return "\n".join(self.lines.get(r, "") for r in range(max(self.lines, default=0) + 1))

    def selected(self):
        self.read()
        return "\n".join(self.lines.get(r, "") for r in sorted(self.reversed_rows))

    def wait(self, pattern, give_up=None):
        """The match, once the screen shows it."""
        try:
            return wait_until(f"{pattern!r} on the screen",
                              lambda: re.search(pattern, self.screen(), re.M), give_up)
        except TimeoutError as e:
            raise TimeoutError(f"{e}:\n{self.screen()}") from None

    def is_over(self):
        self.read()
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = status if pid else None
        return self.status is not None

    def ended(self):
        """The exit code, once the program has ended; -N for a signal."""
        wait_until("the end of the program", self.is_over)
        self.read()
        return os.waitstatus_to_exitcode(self.status)

    def is_restored(self):
        return termios.tcgetattr(self.slave) == self.before and not self.is_other_screen

    def close(self):
        if self.status is None:
            try:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
            except (ProcessLookupError, ChildProcessError):
                pass
        os.close(self.master)
        os.close(self.slave)
