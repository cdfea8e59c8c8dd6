# SPDX-License-Identifier: ISC
"""peers: Postfix, OpenSMTPD and Exim, tuned, each in a chroot of its own.

"Tuned" is the package's configuration with what holds back a load test from
one host taken away: limits of processes, sessions and concurrency as high as
helps, no look-up of the client's name, a short log.  Nothing that makes mail
durable is touched.  Their queues and Maildirs lie in the folder that is
given, on the file system to be measured; in the chroot it is /bench.
"""
import os
import subprocess
import tempfile

from lib.bench.chroot import Chroot
from lib.bench.generator import is_listening
from lib.bench.group import Group
from lib.bench.server import ALIASES, BOX_UID, BOXES, NAMES, SUBMISSIONS, USERS, Server, add_users, make_certificate, \
    make_homes, password_line, write
from lib.suite import free_port, wait_until


class Peer(Server):
    """A peer says its package, binds, configure() and script; and queue, the
    folders that hold a file as long as something is queued."""
    binds = ()

    def __init__(self, cache, folder, sink):
        self.chroot = Chroot(cache, self.package)
        self.version = self.chroot.version()
        self.folder = tempfile.mkdtemp(prefix=f"{self.name}-", dir=folder)
        os.chmod(self.folder, 0o755)
        self.port = free_port()
        make_homes(self.folder)
        self.configure(sink.port)
        passwd = add_users(self.chroot.path("etc/passwd"), "/bench/home", self.path("passwd"))
        binds = [(self.folder, "/bench"), (passwd, "/etc/passwd")]
        binds += [(self.path(name), inside) for name, inside in self.binds]
        self.group = Group(self.name)
        with self.group:
            self.process = self.chroot.start(self.script, binds, self.path("said"))
        try:
            wait_until(f"{self.name} listens", self.is_up)
        except TimeoutError as e:
            self.close()
            with open(self.path("said")) as f:
                raise RuntimeError(f"{e}: {f.read()[-2000:]}") from None

    def is_up(self):
        if self.process.poll() is not None:
            raise TimeoutError(f"{self.name} ended")
        return is_listening(self.port)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        return write(self.path(name), text)

    def is_idle(self):
        return not any(files for queue in self.queue for _d, _s, files in os.walk(self.path(queue)))

    def close(self):
        self.group.close()
        self.process.wait()


class Postfix(Peer):
    name = package = "postfix"
    queue = [f"queue/{q}" for q in ("maildrop", "incoming", "active", "deferred")]
    script = "postfix -c /bench/etc check; postfix -c /bench/etc start-fg"

    def __init__(self, cache, folder, sink):
        super().__init__(cache, folder, sink)
        self.start_dovecot()

    def configure(self, sink_port):
        self.write("etc/aliases", ALIASES)
        self.write("etc/boxes", BOXES)
        self.write("etc/main.cf", f"""
compatibility_level = 3.6
queue_directory = /bench/queue
data_directory = /bench/data
maillog_file = /bench/log
maillog_file_prefixes = /bench
myhostname = postfix.bench.test
mydestination = unix.test
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
home_mailbox = Maildir/
virtual_alias_maps = regexp:/bench/etc/aliases
virtual_mailbox_domains = virtual.test
virtual_mailbox_base = /bench/mail
virtual_mailbox_maps = texthash:/bench/etc/boxes
virtual_uid_maps = static:{BOX_UID}
virtual_gid_maps = static:{BOX_UID}
transport_maps = inline:{{{{relay.test=smtp:[127.0.0.1]:{sink_port}}}}}

default_process_limit = 2500
in_flow_delay = 0
qmgr_message_active_limit = 50000
qmgr_message_recipient_limit = 50000
initial_destination_concurrency = 20
default_destination_concurrency_limit = 50
local_destination_concurrency_limit = 20
virtual_destination_recipient_limit = 1
smtp_connection_cache_on_demand = yes
smtpd_peername_lookup = no
smtpd_client_event_limit_exceptions = 127.0.0.0/8
smtpd_client_connection_count_limit = 0
max_use = 10000

smtpd_tls_chain_files = /bench/tls.pem
smtpd_tls_security_level = may
smtpd_sasl_type = dovecot
smtpd_sasl_path = /bench/auth
""")
        with open(self.chroot.path("usr/share/postfix/master.cf.dist")) as f:
            lines = f.read().splitlines()
        self.tls_port = free_port()
        lines.append(f"127.0.0.1:{self.tls_port} inet n - n - - smtpd {SUBMISSIONS}")
        self.write("etc/master.cf", "".join(self.service(line) + "\n" for line in lines))
        os.mkdir(self.path("queue"))
        make_certificate(self.folder)

    def start_dovecot(self):
        """Postfix has no users of its own."""
        self.write("dovecot/users", password_line())
        conf = self.write("dovecot/dovecot.conf", f"""
base_dir = {self.path("dovecot/run")}
state_dir = {self.path("dovecot/state")}
log_path = {self.path("dovecot/log")}
protocols =
ssl = no
disable_plaintext_auth = no
passdb {{
  driver = passwd-file
  args = {self.path("dovecot/users")}
}}
service auth {{
  client_limit = 5000
  unix_listener {self.path("auth")} {{
    mode = 0666
  }}
}}
""")
        with self.group:
            subprocess.run(["dovecot", "-c", conf], check=True)
        wait_until("Dovecot's socket", lambda: os.path.exists(self.path("auth")))

    def service(self, line):
        """Of master.cf: our port, no chroot in the chroot, and no more agents
        at a time than help, which the process limit would allow."""
        words = line.split()
        if len(words) < 8 or line[0] in "# \t":
            return line
        if words[:2] == ["smtp", "inet"]:
            words[0] = f"127.0.0.1:{self.port}"
        words[4] = "n"
        if words[0] in ("virtual", "local") or words[:2] == ["smtp", "unix"]:
            words[6] = "50"
        return " ".join(words)


class OpenSMTPD(Peer):
    name = package = "opensmtpd"
    queue = [f"spool/{q}" for q in ("temporary", "incoming", "queue")]
    binds = (("spool", "/var/spool/smtpd"),)
    script = "smtpd -d -f /bench/etc/smtpd.conf"

    def configure(self, sink_port):
        self.write("etc/aliases", "".join(f"{n}user: u{n % USERS:02}\n" for n in range(100000)))
        self.write("etc/users", "".join(f"{name} {BOX_UID}:{BOX_UID}:/bench/mail\n" for name in NAMES))
        self.write("etc/smtpd.conf", f"""
table aliases file:/bench/etc/aliases
table users file:/bench/etc/users
smtp max-message-size "50M"
smtp limit max-mails 1000000
smtp limit max-rcpt 1000
listen on 127.0.0.1 port {self.port} hostname opensmtpd.bench.test
action "virtual" maildir "/bench/mail/%{{user.username}}" userbase <users>
action "unix" maildir "~/Maildir" alias <aliases>
action "relay" relay host "smtp://127.0.0.1:{sink_port}"
match from any for domain "virtual.test" action "virtual"
match from any for domain "unix.test" action "unix"
match from any for domain "relay.test" action "relay"

mta limit max-conn-per-host 100
mta limit max-conn-per-relay 100
mta limit max-conn-per-source 1000
mta limit max-conn-per-connector 100
mta limit session-transaction-delay 0
mta max-deferred 100000
scheduler limit max-inflight 25000
scheduler limit max-evp-batch-size 1024
scheduler limit max-msg-batch-size 4096
scheduler limit max-schedule 10000
""")
        for name in NAMES:
            box = self.path("mail", name)
            os.mkdir(box)
            os.chown(box, BOX_UID, BOX_UID)
        os.mkdir(self.path("spool"))
        os.chmod(self.path("spool"), 0o711)


class Exim(Peer):
    name, package = "exim", "exim4-daemon-heavy"
    queue = ("spool/input",)
    binds = (("etc/exim4.conf", "/etc/exim4/exim4.conf"),)
    script = ("chown -R Debian-exim:Debian-exim /bench/spool /bench/logs;"
              " chgrp Debian-exim /etc/exim4/exim4.conf; exim4 -bdf -q30m")

    def configure(self, sink_port):
        for name in ("spool", "logs"):
            os.mkdir(self.path(name))
        path = self.chroot.path("etc/exim4/exim4.conf")
        if not os.path.exists(path):
            write(path, "")
        self.write("etc/users", "".join(f"{name}: {name}\n" for name in NAMES))
        self.write("etc/exim4.conf", f"""
primary_hostname = exim.bench.test
spool_directory = /bench/spool
log_file_path = /bench/logs/%slog
pid_file_path = /bench/spool/exim.pid
acl_smtp_rcpt = accept_all
local_interfaces = 127.0.0.1
daemon_smtp_ports = {self.port}
tls_advertise_hosts =
never_users = root
rfc1413_query_timeout = 0s
message_size_limit = 50M

host_lookup =
smtp_accept_max = 3000
smtp_accept_max_per_connection = 1000000
smtp_accept_queue_per_connection = 1000000
smtp_connect_backlog = 1024
split_spool_directory = true
queue_run_max = 5
remote_max_parallel = 50
log_selector = -all
message_logs = false
dns_ipv4_lookup = *

begin acl
accept_all:
  accept
begin routers
unix:
  driver = redirect
  domains = unix.test
  data = ${{if match{{$local_part}}{{\\N^[0-9]*?([0-9]{{1,2}})user$\\N}}{{${{if eq{{${{length_1:$1}}}}{{$1}}{{u0$1}}{{u$1}}}}@unix.test}}fail}}
user:
  driver = accept
  domains = unix.test
  check_local_user
  transport = home
virtual:
  driver = accept
  domains = virtual.test
  local_parts = lsearch;/bench/etc/users
  transport = box
relay:
  driver = manualroute
  domains = relay.test
  transport = smtp
  route_list = * 127.0.0.1
  self = send
begin transports
home:
  driver = appendfile
  maildir_format
  directory = $home/Maildir
  create_directory
box:
  driver = appendfile
  maildir_format
  directory = /bench/mail/$local_part_data
  create_directory
  user = {BOX_UID}
  group = {BOX_UID}
smtp:
  driver = smtp
  port = {sink_port}
  allow_localhost
  hosts_try_fastopen =
  connection_max_messages = 500
begin retry
*  *  F,2h,15m; G,16h,1h,1.5; F,4d,6h
""")


PEERS = {peer.name: peer for peer in (Postfix, OpenSMTPD, Exim)}
