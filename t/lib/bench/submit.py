#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""submit: a mail program of a user's, over and over: TLS from the first byte,
AUTH PLAIN, messages.

usage: submit.py PORT CLIENTS CONNECTIONS MESSAGES USER PASSWORD RECIPIENT

Each of the clients makes so many connections, one after the other, for so many
messages each.
"""
import base64
import os
import socket
import ssl
import sys


def say(s, reader, line, code):
    s.sendall(line.encode() + b"\r\n")
    while True:
        reply = reader.readline()
        if reply[3:4] != b"-":
            break
    if reply[:3] != code.encode():
        sys.exit(f"submit: {line.split()[0]}: {reply}")


def submit(port, connections, messages, user, password, recipient):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    secret = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
    body = "Subject: submitted\r\n\r\n" + ("x" * 62 + "\r\n") * 16 + "."
    for _ in range(connections):
        with context.wrap_socket(socket.create_connection(("127.0.0.1", port))) as s:
            reader = s.makefile("rb")
            reader.readline()
            say(s, reader, "EHLO submit.test", "250")
            say(s, reader, f"AUTH PLAIN {secret}", "235")
            for _ in range(messages):
                say(s, reader, f"MAIL FROM:<{user}@bench.test>", "250")
                say(s, reader, f"RCPT TO:<{recipient}>", "250")
                say(s, reader, "DATA", "354")
                say(s, reader, body, "250")
            say(s, reader, "QUIT", "221")


def main():
    port, clients, connections, messages = map(int, sys.argv[1:5])
    children = []
    for _ in range(clients):
        children.append(os.fork())
        if children[-1] == 0:
            submit(port, connections, messages, *sys.argv[5:])
            sys.exit()
    sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children))


main()
