# SPDX-License-Identifier: ISC
"""tls: a user's way in, at tls_port: TLS from the first byte and AUTH.

Handshakes are made by t/lib/handshakes, which is a client's side of them and
nothing else; submissions by submit.py.
"""
import contextlib
import os
import ssl
import subprocess
import sys
import time

from lib.bench.generator import STALL, Meter
from lib.bench.server import PASSWORD, USER
from lib.suite import PREFIX, wait_until

CLIENTS = 16  # at a time, of handshakes
SECONDS = 3   # of them
HANDSHAKES = os.path.join(os.path.dirname(PREFIX), "t", "lib", "handshakes")
SUBMIT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "submit.py")


def client():
    """The context of one who believes any certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def run(argv):
    """What it says."""
    p = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if p.returncode:
        raise RuntimeError(f"{argv[0]} ended with {p.returncode}: {(p.stdout + p.stderr).strip()[-300:]}")
    return p.stdout


def rate(server, act):
    """act() returns how many it made, and in how many seconds: (a second, CPU
    ms of the server's each, of the generator's, cores of others)."""
    meter = Meter(server.group)
    made, took = act()
    (used,), own, others = meter.stop()
    return made / took, used * 1000 / made, own * 1000 / made, others


def pin(server, which):
    for pid in server.group.pids():
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(pid, which)


@contextlib.contextmanager
def cores(server, theirs, ours):
    """All of the server's processes on cores of their own, and the generator:
    none gets what another leaves free, or waits for it."""
    every = os.sched_getaffinity(0)
    try:
        pin(server, theirs)
        os.sched_setaffinity(0, ours)
        yield
    finally:
        os.sched_setaffinity(0, every)
        pin(server, every)


def handshakes(server, kind, version):
    def act():
        said = run([HANDSHAKES, str(server.tls_port), kind, version, str(CLIENTS), str(SECONDS)])
        made, _what, _in, took, _s = said.split()
        return int(made), float(took)

    return rate(server, act)


def handshakes_apart(server, kind, version):
    first, *rest = sorted(os.sched_getaffinity(0))
    with cores(server, {first}, set(rest[:1]) or {first}):
        return handshakes(server, kind, version)


def submissions(server, clients, connections, messages):
    made = clients * connections * messages
    want = server.count() + made

    def act():
        start = time.monotonic()
        run([sys.executable, SUBMIT, *map(str, (server.tls_port, clients, connections, messages)), USER, PASSWORD,
             "user@virtual.test"])
        return made, time.monotonic() - start

    row = rate(server, act)
    wait_until(f"{server.name}: all arrived", lambda: server.count() == want and server.is_idle(), STALL)
    server.empty()
    return row


CASES = {
    "full handshakes, TLS 1.3": lambda s: handshakes(s, "full", "1.3"),
    "full handshakes, TLS 1.2": lambda s: handshakes(s, "full", "1.2"),
    "resumed handshakes, TLS 1.3": lambda s: handshakes(s, "resumed", "1.3"),
    "resumed handshakes, TLS 1.2": lambda s: handshakes(s, "resumed", "1.2"),
    "full handshakes, TLS 1.3, one core the server's": lambda s: handshakes_apart(s, "full", "1.3"),
    "submissions on one connection": lambda s: submissions(s, 1, 1, 2000),
    "submissions on ten connections": lambda s: submissions(s, 10, 1, 300),
    "submissions on a connection each, ten clients": lambda s: submissions(s, 10, 40, 1),
}
