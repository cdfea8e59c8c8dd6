# SPDX-License-Identifier: ISC
"""dovecot: a Dovecot of Debian's package that checks passwords, with a folder
and configuration of its own, as root or as an ordinary user.

    d = AuthServer(v.path("dovecot"), socket=v.path("queue", "private", "auth"), users={"alice": "secret"})
"""
import contextlib
import grp
import os
import pwd
import subprocess

from lib.suite import IS_ROOT, free_port, gone, kill, processes_below, wait_until

MECHANISMS = "plain login cram-md5 scram-sha-1 scram-sha-256"


class AuthServer:
    """Listens at .socket, which belongs to `owner` alone, and by TCP at .port."""

    def __init__(self, folder, socket, users, owner=None, port=None):
        self.folder, self.socket, self.port = folder, socket, port or free_port()
        self.process = None
        os.makedirs(folder)
        own = pwd.getpwuid(os.geteuid()).pw_name
        internal = "dovecot" if IS_ROOT else own
        owner = owner or own
        self.before = []
        group = self.group_of(owner)
        users = self.write("users", "".join(f"{u}:{{PLAIN}}{p}\n" for u, p in users.items()))
        if IS_ROOT:  # its auth process is not root
            os.chown(users, pwd.getpwnam(internal).pw_uid, -1)
        self.conf = self.write("dovecot.conf", f"""
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
auth_verbose = yes
protocols =
ssl = no
default_internal_user = {internal}
default_internal_group = {grp.getgrgid(pwd.getpwnam(internal).pw_gid).gr_name}
default_login_user = {"dovenull" if IS_ROOT else own}
auth_mechanisms = {MECHANISMS}
auth_failure_delay = 0
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
passdb {{
  driver = passwd-file
  args = {users}
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home=/nonexistent
}}
service auth {{
  unix_listener {socket} {{
    mode = 0660
    user = {owner}
    group = {group}
  }}
  inet_listener {{
    address = 127.0.0.1
    port = {self.port}
  }}
}}
""")
        self.start()

    def group_of(self, owner):
        """Its group.  Whom this host does not know, "postfix", Dovecot alone does."""
        try:
            return grp.getgrgid(pwd.getpwnam(owner).pw_gid).gr_name
        except KeyError:
            files = []
            for name, line in (("passwd", f"{owner}:x:64999:64999::/nonexistent:/usr/sbin/nologin"), ("group", f"{owner}:x:64999:")):
                with open(f"/etc/{name}") as f:
                    files.append(self.write(name, f.read() + line + "\n"))
            self.before = ["unshare", "-m", "sh", "-c", 'mount --bind "$1" /etc/passwd && mount --bind "$2" /etc/group && shift 2 && '
                           'exec "$@"', "sh", *files]
            return owner

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def start(self):
        self.process = subprocess.Popen([*self.before, "/usr/sbin/dovecot", "-F", "-c", self.conf], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        wait_until(f"Dovecot listens: {self.log()[-1000:]}",
                   lambda: os.path.exists(os.path.join(self.folder, "run", "master.pid")) and os.path.exists(self.socket))

    def stop(self):
        """At once: an auth process that is asked to leave waits for its clients, up to half a minute."""
        if self.process is not None:
            pids = processes_below(self.process.pid)
            kill(pids)
            self.process.wait()
            wait_until("Dovecot is gone", gone(pids))
            with contextlib.suppress(FileNotFoundError):  # it was not killed before it took it away
                os.unlink(os.path.join(self.folder, "run", "master.pid"))
            self.process = None

    close = stop

    def log(self):
        try:
            with open(os.path.join(self.folder, "log"), errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""
