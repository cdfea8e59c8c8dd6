# SPDX-License-Identifier: ISC
"""memory: what idle sessions cost."""
import re
import socket
import time

from lib.bench.generator import STALL
from lib.suite import pss


def read_reply(s):
    """A whole reply: its last line has a blank behind the code."""
    data = b""
    while not re.search(rb"^\d{3} .*\r\n$", data, re.M):
        piece = s.recv(4096)
        if not piece:
            raise ConnectionResetError(data)
        data += piece


def connect(server, context):
    if context is None:
        return socket.create_connection(("127.0.0.1", server.port), STALL)
    return context.wrap_socket(socket.create_connection(("127.0.0.1", server.tls_port), STALL))


def idle_sessions(server, number, context=None):
    """KiB without sessions and with so many that have said EHLO, under TLS if
    there is a context."""
    before = pss(server.group.pids())
    sessions = []
    try:
        for _ in range(number):
            s = connect(server, context)
            sessions.append(s)
            read_reply(s)
            s.sendall(b"EHLO idle.test\r\n")
            read_reply(s)
        time.sleep(1)  # what is freed after the last greeting
        return before, pss(server.group.pids())
    finally:
        for s in sessions:
            s.close()
