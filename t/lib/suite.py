# SPDX-License-Identifier: ISC
"""suite: a private Valija for one test file, in a directory of its own.

    with Suite(main_cf={"mydestination": "here.test"}) as v:
        v.smtp().sendmail("a@b.test", ["alice@here.test"], text)
        v.wait_log(r"status=sent")

Free ports, own users' homes, nothing left behind.  It runs what `meson
install` put below $T_PREFIX (t/run sets it; build/root is the default).
Waiting is for events: a log line, a file, a process; the time given is only
when to give up.
"""
import atexit
import grp
import json
import os
import pwd
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PREFIX = os.environ.get("T_PREFIX", os.path.join(TOP, "build", "root"))
IS_ROOT = os.geteuid() == 0
IS_SANITIZED = "ASAN_OPTIONS" in os.environ  # their shadow is larger than any limit of memory
# what a program built with sanitizers says of itself; its stderr is the log
REPORT = re.compile(r"^.*(?:ERROR: \w+Sanitizer|: runtime error: ).*(?:\n +#.*)*", re.M)
GIVE_UP = float(os.environ.get("T_GIVE_UP", "30"))

_ports = set()


def free_port(host="127.0.0.1"):
    """A port nobody listens on now, and that was not given before."""
    while True:
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((host, 0))
            port = s.getsockname()[1]
        # below the ephemeral range, so that no outgoing connection takes it
        port = 10000 + (port * 7 + os.getpid() * 131) % 20000
        if port in _ports:
            continue
        with socket.socket() as s:
            try:
                s.bind((host, port))
            except OSError:
                continue
        _ports.add(port)
        return port


def connects(port, host="127.0.0.1"):
    try:
        socket.create_connection((host, port), 1).close()
        return True
    except OSError:
        return False


def wait_until(what, condition, give_up=None):
    """The first true value of condition(); an error after `give_up` s.  That
    the whole machine stood still meanwhile is told by a sleep that lasted
    longer, and is no time of the suite's either."""
    end = time.monotonic() + (give_up or GIVE_UP)
    pause = 0.005
    while True:
        value = condition()
        if value:
            return value
        now = time.monotonic()
        if now > end:
            raise TimeoutError(f"waited in vain: {what}")
        time.sleep(pause)
        over = time.monotonic() - now - pause
        end += over if over > 5 else 0
        pause = min(pause * 1.5, 0.1)


def program(name):
    for folder in ("sbin", "bin"):
        path = os.path.join(PREFIX, folder, name)
        if os.path.exists(path):
            return path
    raise FileNotFoundError(f"{name} is not installed below {PREFIX}")


class Suite:
    def __init__(self, main_cf=None, master_cf=None, base=None, start=True,
                 name="suite", env=None):
        self.base = tempfile.mkdtemp(prefix="valija-t-", dir=base or "/var/tmp")
        self.owner = os.getpid()
        atexit.register(self.remove)  # also of one that did not start, or was not closed
        os.chmod(self.base, 0o755)
        self.conf = os.path.join(self.base, "etc")
        self.queue = os.path.join(self.base, "queue")
        self.data = os.path.join(self.base, "data")
        self.mail = os.path.join(self.base, "mail")
        self.log_path = os.path.join(self.base, "log")
        self.name = name
        self.env = dict(os.environ, **(env or {}))
        self.port = free_port()
        self.is_started = False
        self.said = ""  # by those who started it
        os.mkdir(self.conf)
        os.mkdir(self.mail)
        if IS_ROOT:
            os.chmod(self.mail, 0o2775)
            os.chown(self.mail, 0, grp.getgrnam("mail").gr_gid)
        self.write("aliases", "postmaster: root\n")
        self.settings = {
            "queue_directory": self.queue,
            "data_directory": self.data,
            "maillog_file": self.log_path,
            "myhostname": "mx.here.test",
            "mydomain": "here.test",
            "myorigin": "here.test",
            "mydestination": "here.test, localhost",
            "mynetworks": "127.0.0.0/8 [::1]/128",
            "mail_spool_directory": self.mail,
            "alias_maps": f"texthash:{self.conf}/aliases.txt",
            "alias_database": f"hash:{self.conf}/aliases",
            "queue_journal_size": "64M",
            "dns_resolvers": f"127.0.0.1:{free_port()}",  # nobody there
            "smtpd_peername_lookup": "no",
        }
        self.write("aliases.txt", "")
        self.settings.update(main_cf or {})
        self.master_cf = master_cf or f"127.0.0.1:{self.port} inet n - n - - smtpd\n"
        self.configure()
        if start:
            self.start()

    # -- configuration -------------------------------------------------
    def path(self, *parts):
        return os.path.join(self.base, *parts)

    def write(self, name, text):
        path = os.path.join(self.conf, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def configure(self, **changes):
        self.settings.update(changes)
        self.write("main.cf", "".join(
            f"{k} = {v}\n" for k, v in self.settings.items() if v is not None))
        self.write("master.cf", self.master_cf)

    def wrap(self, line):
        """Before its start: a line of shell goes before every program;
        `line` may be a function of the program's name."""
        own, real = self.path("libexec"), os.path.join(PREFIX, "libexec", "valija")
        os.mkdir(own)
        for name in os.listdir(real):
            path = os.path.join(own, name)
            with open(path, "w") as f:
                before = line(name) if callable(line) else line
                f.write(f'#!/bin/sh\n{before}\nexec {real}/{name} "$@"\n')
            os.chmod(path, 0o755)
        self.configure(daemon_directory=own)

    def preload(self, source, flags=(), env=None):
        """Before its start: every program has a library of t/lib's before the
        others."""
        shim = self.path("shim.so")
        subprocess.run(["gcc", "-shared", "-fPIC", *flags, "-o", shim, f"{TOP}/t/lib/{source}"], check=True)
        self.wrap("\n".join(f"export {name}={value}" for name, value in {**(env or {}), "LD_PRELOAD": shim}.items()))

    # -- life ----------------------------------------------------------
    def run(self, *argv, check=False, input=None, user=None, timeout=60, env=None):
        """A command with its output; argv[0] may be a tool of the suite."""
        argv = list(argv)
        if "/" not in argv[0]:
            try:
                argv[0] = program(argv[0])
            except FileNotFoundError:
                pass
        kwargs = {}
        if user is not None:
            kwargs["user"] = user
            kwargs["group"] = pwd.getpwnam(user).pw_gid if isinstance(user, str) else user
            kwargs["extra_groups"] = []
        r = subprocess.run(argv, input=input, capture_output=True, timeout=timeout,
                           env=dict(self.env, MAIL_CONFIG=self.conf, **(env or {})), **kwargs)
        r.out = r.stdout.decode("utf-8", "replace")
        r.err = r.stderr.decode("utf-8", "replace")
        if check and r.returncode != 0:
            raise RuntimeError(f"{argv} exited {r.returncode}: {r.out}{r.err}")
        return r

    def valija(self, *argv, **kw):
        return self.run("valija", "-c", self.conf, *argv, **kw)

    def start(self):
        r = self.valija("start")
        self.said += r.err
        if r.returncode != 0:
            raise RuntimeError(f"it does not start: {r.out}{r.err}")
        self.is_started = True

    def stop(self):
        self.valija("stop", check=True)
        self.is_started = False

    def reload(self):
        self.valija("reload", check=True)

    def master_pid(self):
        with open(os.path.join(self.queue, "pid", "master.pid")) as f:
            return int(f.read().split()[0])

    def pids(self):
        """{pid: program} of every process below master."""
        return processes_below(self.master_pid())

    def pids_of(self, program):
        """Of master's own processes; "child": those of mda, users by now."""
        all_there, master = processes(), self.master_pid()
        own = {p for p, (_name, parent) in all_there.items() if parent == master}
        name, parents = ("mda", own) if program == "child" else (program, {master})
        return [p for p, (n, parent) in all_there.items() if n == name and parent in parents]

    def close(self):
        if self.is_started:
            self.valija("stop")
        reports = REPORT.findall(self.said + self.log())
        if os.environ.get("T_KEEP"):
            print(f"# kept: {self.base}")
        self.remove()
        if reports:
            raise AssertionError("a program's own report:\n" + "\n".join(reports[:5]))

    def remove(self):
        """Its folder.  A program whose master was killed may write a last file
        there meanwhile."""
        if os.environ.get("T_KEEP") or self.owner != os.getpid():
            return
        deadline = time.monotonic() + GIVE_UP
        while os.path.exists(self.base) and time.monotonic() < deadline:
            if os.path.exists(os.path.join(self.queue, "pid", "master.pid")):
                self.valija("stop")
            shutil.rmtree(self.base, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # -- the log -------------------------------------------------------
    def log(self):
        try:
            with open(self.log_path, errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def wait_log(self, pattern, count=1, give_up=None):
        """The matches, once there are `count` of them."""
        regex = re.compile(pattern, re.M)

        def seen():
            found = list(regex.finditer(self.log()))
            return found if len(found) >= count else None
        return wait_until(f"log line {pattern!r} x{count} in {self.log()[-3000:]}", seen, give_up)

    # -- mail ----------------------------------------------------------
    def smtp(self, timeout=30):
        return smtplib.SMTP("127.0.0.1", self.port, local_hostname="client.test",
                            timeout=timeout)

    def send(self, sender, recipients, text="Subject: test\n\nhello\n"):
        with self.smtp() as s:
            return s.sendmail(sender, recipients, text)

    def socket(self, timeout=30):
        return Line(socket.create_connection(("127.0.0.1", self.port), timeout))

    def mailq(self):
        return self.run("postqueue", "-c", self.conf, "-p").out

    def refuses(self):
        """Mail, for now, for want of room."""
        with self.smtp() as s:
            s.ehlo()
            return s.mail("a@out.test")[0] == 452

    def queued(self):
        """{queue id: what postqueue -j says of it}."""
        lines = self.run("postqueue", "-c", self.conf, "-j").out.splitlines()
        return {row["queue_id"]: row for row in map(json.loads, lines)}

    def send_deferred(self, sender, recipients, text="Subject: waits\n\nx\n"):
        """The id of a message, once it waits in deferred."""
        known = set(self.queued())
        self.send(sender, recipients, text)

        def waits():
            return [i for i, row in self.queued().items() if i not in known and row["queue_name"] == "deferred"]
        return wait_until(f"{recipients} waits", waits)[0]

    def wait_empty(self, give_up=None):
        """Until all mail has left the queue."""
        try:
            wait_until("an empty queue", lambda: "Mail queue is empty" in self.mailq(), give_up)
        except TimeoutError as e:
            raise TimeoutError(f"{e}; {self.mailq()[-1000:]} {self.log()[-1500:]}") from None

    def maildir(self, path, count=1, give_up=None):
        """The messages of a Maildir (bytes), once there are `count`, in the
        order in which they came: names do not tell it."""
        new = os.path.join(path, "new")

        def age(name):
            return os.stat(os.path.join(new, name)).st_mtime_ns

        def there():
            try:
                names = sorted(os.listdir(new), key=age)
            except FileNotFoundError:
                return None
            return names if len(names) >= count else None
        names = wait_until(f"{count} messages in {new}", there, give_up)
        messages = []
        for name in names:
            with open(os.path.join(new, name), "rb") as f:
                messages.append(f.read())
        return messages


class Line:
    """A socket spoken by lines: for what a client library would not say."""

    def __init__(self, sock):
        self.sock = sock
        self.file = sock.makefile("rb")

    def reply(self):
        """The whole reply as text; '' when the peer has closed."""
        lines = []
        while True:
            line = self.file.readline()
            if not line:
                return "\n".join(lines)
            line = line.decode("utf-8", "replace").rstrip("\r\n")
            lines.append(line)
            if line[3:4] != "-":
                return "\n".join(lines)

    def say(self, text):
        if isinstance(text, str):
            text = text.encode("utf-8", "surrogateescape")
        self.sock.sendall(text + b"\r\n")
        return self.reply()

    def raw(self, data):
        self.sock.sendall(data)

    def close(self):
        self.file.close()
        self.sock.close()


def pss(pids):
    """KiB of processes, their shared pages counted once."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup") as f:
                total += sum(int(line.split()[1]) for line in f if line.startswith("Pss:"))
        except OSError:
            pass
    return total


def processes():
    """{pid: (command name, parent)} of all there are."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat") as f:
                stat = f.read()
        except OSError:
            continue
        name = stat[stat.index("(") + 1:stat.rindex(")")]
        found[int(entry)] = name, int(stat[stat.rindex(")") + 2:].split()[1])
    return found


def processes_below(pid):
    """{pid: command name} of all descendants of `pid`, itself included."""
    all_there, children = processes(), {}
    for p, (_name, parent) in all_there.items():
        children.setdefault(parent, []).append(p)
    found, todo = {}, [pid]
    while todo:
        p = todo.pop()
        if p in all_there:
            found[p] = all_there[p][0]
        todo += children.get(p, [])
    return found


def kill(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def is_alive(pid):
    """Also a dead one whose threads still end; not one that nobody reaped."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            stat = f.read()
        return stat[stat.rindex(")") + 2] not in "ZX" or len(os.listdir(f"/proc/{pid}/task")) > 1
    except OSError:
        return False


def gone(pids):
    return lambda: not any(map(is_alive, pids))
