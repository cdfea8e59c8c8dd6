# SPDX-License-Identifier: ISC
"""server: what is measured: a run of one case against one server.

A Server has: name, port, group (of its processes), folder, is_idle(), close();
tls_port, if it can have TLS and users there.  Its Maildirs are folder/mail/USER for virtual.test, and
folder/home/NN/Maildir for u00 to u99 of unix.test; relay.test goes to the
sink.
"""
import collections
import os
import subprocess
import time

from lib.bench.generator import STALL, Meter, Source, arrival
from lib.bench.group import Group
from lib.suite import Suite, free_port, wait_until

# accepted, delivered: a second; cpu: ms a message; generator, others: cores
Row = collections.namedtuple("Row", "accepted delivered cpu generator others")

USERS = 100
USER, PASSWORD = "bench", "secret"  # who submits at tls_port
SUBMISSIONS = "-o smtpd_tls_wrappermode=yes -o smtpd_sasl_auth_enable=yes"
UID = 20000     # of u00
BOX_UID = 5001  # of all virtual Maildirs

# N at unix.test is one of a hundred: the last two digits say which
ALIASES = ("/^([0-9])user@unix\\.test$/ u0$1@unix.test\n"
           "/([0-9][0-9])user@unix\\.test$/ u$1@unix.test\n")
NAMES = ["user"] + [f"{n}user" for n in range(1, 51)]  # at virtual.test
BOXES = "".join(f"{name}@virtual.test {name}/\n" for name in NAMES)


def write(path, text):
    with open(path, "w") as f:
        f.write(text)
    return path


def make_certificate(folder):
    """Of P-256, with its key before it: for TLS at tls_port."""
    path = os.path.join(folder, "tls.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc",
                    "-keyout", path, "-out", path + ".cert", "-days", "30", "-subj", "/CN=bench.test"],
                   check=True, capture_output=True)
    with open(path + ".cert") as cert, open(path, "a") as f:
        f.write(cert.read())
    return path


def password_line():
    """Of a passwd-file, as Dovecot reads it."""
    made = subprocess.run(["openssl", "passwd", "-6", PASSWORD], check=True, capture_output=True, text=True).stdout
    return f"{USER}:{{SHA512-CRYPT}}{made.strip()}\n"


def add_users(passwd, homes, to):
    """`passwd` and the hundred users, whose homes are homes/NN, as file `to`."""
    with open(passwd) as f:
        text = f.read()
    return write(to, text + "".join(
        f"u{n:02}:x:{UID + n}:{UID + n}::{homes}/{n:02}:/bin/sh\n" for n in range(USERS)))


def make_homes(folder):
    """The Maildirs' places below a server's folder."""
    mail, home = os.path.join(folder, "mail"), os.path.join(folder, "home")
    for path, uid in [(mail, BOX_UID), (home, 0)] + [(f"{home}/{n:02}", UID + n) for n in range(USERS)]:
        os.mkdir(path)
        os.chown(path, uid, uid)


class Server:
    is_server = True
    tls_port = None

    def news(self):
        """The new/ folders."""
        for top, below in (("mail", "new"), ("home", "Maildir/new")):
            for user in os.scandir(os.path.join(self.folder, top)):
                path = os.path.join(user.path, below)
                if os.path.isdir(path):
                    yield path

    def count(self):
        return sum(len(os.listdir(path)) for path in self.news())

    def arrival(self, total, is_idle):
        """When that many messages had come: the last one's name is the last
        change of a new/."""
        arrival(self.count, total, 0.05, is_idle)
        return max(os.stat(path).st_mtime for path in self.news())

    def empty(self):
        """Put aside and not removed: an ext4 without a journal makes every new
        file search past those that were deleted in the last minutes."""
        for path in self.news():
            aside = os.path.join(os.path.dirname(path), "seen")
            os.makedirs(aside, exist_ok=True)
            for name in os.listdir(path):
                os.rename(os.path.join(path, name), os.path.join(aside, name))

    def send(self, case, messages, sink):
        """Send, wait until all is delivered and nothing is queued. Returns
        the run of smtp-source and the seconds until the last arrival."""
        place = sink if case.kind == "relay" else self
        want = place.count() + messages * case.recipients
        start = time.time()
        source = Source(case, messages, self.port)
        took = place.arrival(want, self.is_idle) - start
        wait_until(f"{self.name}: idle", self.is_idle, STALL)
        if place.count() != want:
            raise RuntimeError(f"{place.count() - want} messages more than were sent")
        self.empty()
        return source, took

    def run(self, case, messages, sink):
        os.sync()
        meter = Meter(self.group, sink.group)
        source, took = self.send(case, messages, sink)
        (used, _), _own, others = meter.stop()
        return Row(messages / source.took, messages * case.recipients / took, used * 1000 / messages,
                   source.cpu / source.took, others)


class Valija(Server):
    name = "valija"
    version = ""

    def __init__(self, folder, sink):
        self.suite = v = Suite(base=folder, start=False, name="bench")
        self.folder, self.port, self.tls_port = v.base, v.port, free_port()
        v.master_cf += f"127.0.0.1:{self.tls_port} inet n - n - - smtpd {SUBMISSIONS}\n"
        os.rmdir(v.mail)
        make_homes(v.base)
        # seen by Valija only: t/bench has mounts of its own
        passwd = add_users("/etc/passwd", v.path("home"), v.path("passwd"))
        subprocess.run(["mount", "--bind", passwd, "/etc/passwd"], check=True)
        v.configure(
            mydestination="unix.test", mydomain="unix.test", myorigin="unix.test",
            home_mailbox="Maildir/",
            virtual_alias_maps="regexp:" + v.write("aliases.regexp", ALIASES),
            virtual_mailbox_domains="virtual.test", virtual_mailbox_base=v.path("mail"),
            virtual_mailbox_maps="texthash:" + v.write("boxes", BOXES),
            virtual_uid_maps=f"static:{BOX_UID}", virtual_gid_maps=f"static:{BOX_UID}",
            transport_maps=f"inline:{{{{relay.test=smtp:[127.0.0.1]:{sink.port}}}}}",
            smtpd_client_connection_count_limit="0", queue_journal_size="1G",
            smtpd_login_recipient_rate_limit="0", keys_signature_rate_limit="0",
            smtpd_tls_chain_files=make_certificate(v.base))
        v.write("users", password_line())
        self.group = Group(self.name)
        with self.group:
            v.start()

    def is_idle(self):
        return "Mail queue is empty" in self.suite.mailq()

    def close(self):
        self.suite.close()
        self.group.close()
        # gone already when somebody has put a new file in its place meanwhile
        subprocess.run(["umount", "-l", "/etc/passwd"], capture_output=True)
