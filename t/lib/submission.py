# SPDX-License-Identifier: ISC
"""submission: mail of users who log in under TLS, and of servers that begin
TLS, so that keys, auth, memo and pam have their part in it.

    s = Submission(v)               v is not started yet
    load = s.load(s.port, recipient, ledger)
    s.works()                       a handshake and a login, now
"""
import atexit
import base64
import os
import pwd
import smtplib
import ssl
import subprocess

from lib.load import Load
from lib.suite import IS_ROOT, free_port

PASSWORD = "corn-Flakes-7"


def untrusting():
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
    return c


class TlsLoad(Load):
    """By STARTTLS, a few messages a connection; each session logs in as the
    next of `logins`, of which there may be none."""

    def __init__(self, *args, logins=(), each=5, **kw):
        super().__init__(*args, each=each, **kw)
        self.logins, self.context = logins, untrusting()
        self.denied = []  # what AUTH was told, other than yes and not now

    async def greet(self, reader, writer, number):
        await super().greet(reader, writer, number)
        writer.write(b"STARTTLS\r\n")
        await self.want(reader, b"220")
        await writer.start_tls(self.context, ssl_handshake_timeout=60)
        writer.write(b"EHLO load.test\r\n")
        await self.want(reader, b"250")
        if self.logins:
            writer.write(f"AUTH PLAIN {plain(*self.logins[number % len(self.logins)])}\r\n".encode())
            said = await self.reply(reader)
            if not said.startswith((b"235", b"4")):
                self.denied.append(said)
            if not said.startswith(b"235"):
                raise ValueError(said)


def plain(user, password):
    return base64.b64encode(f"\0{user}\0{password}".encode()).decode()


class Submission:
    """Its service, and STARTTLS on port 25, of a suite that is not started.
    One user is of `valija user`, as root the other one of PAM; neither has a
    limit that a load would reach, but memo is asked of all."""

    def __init__(self, v):
        self.v, self.port = v, free_port()
        self.logins = [("ann", PASSWORD)]
        self.account = f"vt-sub{os.getpid() % 100000}" if IS_ROOT else None
        users = v.write("users", f"ann:{{PLAIN}}{PASSWORD}\n")
        os.chmod(users, 0o600)
        if self.account:
            atexit.register(self.close)  # also of a suite that did not start
            subprocess.run(["useradd", "-M", "-s", "/bin/sh", self.account], check=True)
            subprocess.run(["chpasswd", "-c", "YESCRYPT"], input=f"{self.account}:{PASSWORD}\n".encode(), check=True)
            self.logins.append((self.account, PASSWORD))
        v.master_cf += f"""\
127.0.0.1:{self.port} inet n - n - - smtpd
  -o syslog_name=postfix/submission -o smtpd_tls_security_level=encrypt -o smtpd_sasl_auth_enable=yes
  -o smtpd_client_event_limit_exceptions=192.0.2.1 -o smtpd_client_message_rate_limit=100000000
  -o smtpd_login_recipient_rate_limit=100000000
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
"""
        v.configure(smtpd_tls_security_level="may", auth_users=users, auth_failure_delay="0",
                    auth_pam="yes" if self.account else "no")

    def load(self, port, recipient, ledger, **kw):
        logins = self.logins if port == self.port else ()
        return TlsLoad(port, recipient, ledger, logins=logins, **kw).start()

    def works(self, login=None, timeout=60):
        """A handshake and a login: None, or what went wrong."""
        try:
            with smtplib.SMTP("127.0.0.1", self.port, local_hostname="works.test", timeout=timeout) as s:
                s.starttls(context=untrusting())
                s.ehlo()
                code, text = s.docmd("AUTH PLAIN " + plain(*(login or self.logins[-1])))
                return None if code == 235 else f"{code} {text.decode()}"
        except (OSError, smtplib.SMTPException) as e:
            return str(e) or type(e).__name__

    def close(self):
        if self.account and self.account in {p.pw_name for p in pwd.getpwall()}:
            subprocess.run(["userdel", self.account], check=True, capture_output=True)
