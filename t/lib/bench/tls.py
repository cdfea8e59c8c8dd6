# SPDX-License-Identifier: ISC
"""tls: a user's way in, at tls_port: TLS from the first byte and AUTH.

Handshakes are made by openssl's s_time, which takes up sessions again with TLS
1.2 only; submissions by submit.py.
"""
import os
import re
import ssl
import subprocess
import sys
import time

from lib.bench.generator import STALL, Meter
from lib.bench.server import PASSWORD, USER
from lib.suite import wait_until

PROCESSES = 4  # of openssl
SECONDS = 3    # of handshakes
SUBMIT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "submit.py")


def client():
    """The context of one who believes any certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def together(argv, n=1):
    """So many processes; the output of all."""
    running = [subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
               for _ in range(n)]
    said = [p.communicate()[0].decode("utf-8", "replace") for p in running]
    for p, text in zip(running, said):
        if p.returncode:
            raise RuntimeError(f"{argv[0]} ended with {p.returncode}: {text.strip()[-300:]}")
    return said


def rate(server, act):
    """act() returns how many it made: (a second, CPU ms each, cores of others)."""
    meter, start = Meter(server.group), time.monotonic()
    made = act()
    took = time.monotonic() - start
    (used,), _own, others = meter.stop()
    return made / took, used * 1000 / made, others


def handshakes(server, how):
    def act():
        said = together(["openssl", "s_time", "-connect", f"127.0.0.1:{server.tls_port}", *how, "-time", str(SECONDS)],
                        PROCESSES)
        return sum(int(re.search(r"^(\d+) connections in \d+ real seconds", text, re.M)[1]) for text in said)

    return rate(server, act)


def submissions(server, clients, connections, messages):
    made = clients * connections * messages
    want = server.count() + made

    def act():
        together([sys.executable, SUBMIT, *map(str, (server.tls_port, clients, connections, messages)), USER, PASSWORD,
                  "user@virtual.test"])
        return made

    row = rate(server, act)
    wait_until(f"{server.name}: all arrived", lambda: server.count() == want and server.is_idle(), STALL)
    server.empty()
    return row


CASES = {
    "full handshakes, TLS 1.3": lambda s: handshakes(s, ["-new", "-tls1_3"]),
    "full handshakes, TLS 1.2": lambda s: handshakes(s, ["-new", "-tls1_2"]),
    "resumed handshakes, TLS 1.2": lambda s: handshakes(s, ["-reuse", "-tls1_2"]),
    "submissions on one connection": lambda s: submissions(s, 1, 1, 2000),
    "submissions on ten connections": lambda s: submissions(s, 10, 1, 300),
    "submissions on a connection each, ten clients": lambda s: submissions(s, 10, 40, 1),
}
