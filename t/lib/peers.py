# SPDX-License-Identifier: ISC
"""peers: other people's mail software, beside a suite under test.

Packages are unpacked, not installed: nothing of theirs starts by itself, and
nothing conflicts.  Each peer has its own directory and free ports.
"""
import glob
import os
import shutil
import signal
import subprocess
import tempfile

from lib.suite import TOP, connects, free_port, wait_until

CACHE = os.path.join(TOP, "build", "peers")


def unpacked(package):
    """The folder below which Debian's `package` lies unpacked."""
    folder = os.path.join(CACHE, package)
    if not os.path.isdir(folder):
        os.makedirs(CACHE, exist_ok=True)
        tmp = tempfile.mkdtemp(dir=CACHE)
        os.chmod(tmp, 0o755)
        subprocess.run(["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", package],
                       cwd=tmp, check=True, capture_output=True)
        [deb] = glob.glob(os.path.join(tmp, "*.deb"))
        subprocess.run(["dpkg", "-x", deb, os.path.join(tmp, "root")], check=True)
        try:
            os.rename(os.path.join(tmp, "root"), folder)
        except OSError:
            pass  # another test was faster
        shutil.rmtree(tmp, ignore_errors=True)
    return folder


def postfix_env():
    return dict(os.environ, LD_LIBRARY_PATH=os.path.join(unpacked("postfix"), "usr/lib/postfix"))


def listens(port):
    """Somebody does, and is not disturbed by our question."""
    end = f":{port:04X}"
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(table) as f:
            if any(row[1].endswith(end) and row[3] == "0A" for row in map(str.split, f)):
                return True
    return False


def open_files(pid):
    """The paths of what a process has open."""
    found = set()
    for fd in os.scandir(f"/proc/{pid}/fd"):
        try:
            found.add(os.readlink(fd.path))
        except FileNotFoundError:
            pass  # closed meanwhile
    return found


class SmtpSink:
    """smtp-sink of the postfix package; with `dump` every message is a file."""

    def __init__(self, folder, *options, dump=True, host="127.0.0.1", port=None):
        self.port = port or free_port()
        self.folder = os.path.join(folder, f"sink-{host.strip('[]')}-{self.port}")
        os.mkdir(self.folder)
        os.chmod(self.folder, 0o777)
        argv = [os.path.join(unpacked("postfix"), "usr/sbin/smtp-sink"), "-u", "nobody"]
        if os.geteuid() != 0:
            argv = argv[:1]
        if dump:
            argv += ["-d", os.path.join(self.folder, "%M.")]
        argv += [*options, f"{host}:{self.port}", "1000"]
        self.process = subprocess.Popen(argv, env=postfix_env(), cwd=self.folder,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wait_until("the sink", lambda: listens(self.port))

    def messages(self, count=1, give_up=None):
        """The contents of at least `count` files: of those that are whole, which
        the sink holds open no more."""
        def there():
            paths = sorted(glob.glob(os.path.join(self.folder, "*.*")))
            being_written = open_files(self.process.pid)
            found = []
            for path in paths:
                if path not in being_written:
                    with open(path, "rb") as f:
                        found.append(f.read())
            return found if len(found) >= count else None
        return wait_until(f"{count} messages in the sink", there, give_up)

    def close(self):
        self.process.terminate()
        self.process.wait()


class Postfix:
    """A real Postfix that receives into Maildirs below .mail; `extra` goes to
    its main.cf, `services` to its master.cf."""

    def __init__(self, folder, extra="", services=""):
        self.root = unpacked("postfix")
        self.folder = os.path.join(folder, "postfix")
        self.port = free_port()
        self.conf = os.path.join(self.folder, "etc")
        self.mail = os.path.join(self.folder, "mail")
        os.makedirs(self.conf)
        os.mkdir(self.mail)
        os.chown(self.mail, 5001, 5001)
        lib = os.path.join(self.root, "usr/lib/postfix")
        with open(os.path.join(self.conf, "main.cf"), "w") as f:
            f.write(f"""
compatibility_level = 3.6
queue_directory = {self.folder}/queue
data_directory = {self.folder}/data
command_directory = {self.root}/usr/sbin
daemon_directory = {lib}/sbin
shlib_directory = {lib}
meta_directory = {self.root}/etc/postfix
mail_owner = news
setgid_group = mail
myhostname = postfix.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
message_size_limit = 50000000
virtual_mailbox_limit = 0
mailbox_size_limit = 0
virtual_mailbox_domains = postfix.test
virtual_mailbox_maps = static:box/
virtual_mailbox_base = {self.mail}
virtual_uid_maps = static:5001
virtual_gid_maps = static:5001
maillog_file = {self.folder}/log
maillog_file_prefixes = {self.folder}
import_environment = LD_LIBRARY_PATH MAIL_CONFIG MAIL_LOGTAG
smtpd_peername_lookup = no
{extra}
""")
        master = os.path.join(self.root, "usr/share/postfix/master.cf.dist")
        with open(master) as f:
            text = f.read()
        text = text.replace("smtp      inet ", f"127.0.0.1:{self.port} inet ", 1)
        text = "".join(line.replace(" y ", " n ") + "\n" for line in text.splitlines()
                       if not line.startswith("postlog"))
        with open(os.path.join(self.conf, "master.cf"), "w") as f:
            f.write(text + "postlog unix-dgram n - n - 1 postlogd\n" + services)
        self.start()

    def start(self):
        for sub in ("queue", "data"):
            os.makedirs(os.path.join(self.folder, sub), exist_ok=True)
        uid = __import__("pwd").getpwnam("news").pw_uid
        os.chown(os.path.join(self.folder, "data"), uid, -1)
        queue = os.path.join(self.folder, "queue")
        for sub, mode in (("active", 0o700), ("bounce", 0o700), ("corrupt", 0o700), ("defer", 0o700),
                          ("deferred", 0o700), ("flush", 0o700), ("hold", 0o700), ("incoming", 0o700),
                          ("saved", 0o700), ("trace", 0o700), ("private", 0o700), ("public", 0o710),
                          ("maildrop", 0o730), ("pid", 0o755)):
            path = os.path.join(queue, sub)
            os.makedirs(path, exist_ok=True)
            os.chmod(path, mode)
            if sub != "pid":
                os.chown(path, uid, __import__("grp").getgrnam("mail").gr_gid)
        self.process = subprocess.Popen(
            [os.path.join(self.root, "usr/lib/postfix/sbin/master"), "-c", self.conf, "-s"],
            env=dict(postfix_env(), MAIL_CONFIG=self.conf), start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=open(os.path.join(self.folder, "stderr"), "w"))
        wait_until("Postfix listens", lambda: connects(self.port))

    def log(self):
        try:
            with open(os.path.join(self.folder, "log")) as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def messages(self, count=1, give_up=None):
        new = os.path.join(self.mail, "box", "new")

        def there():
            found = []
            for name in sorted(os.listdir(new)) if os.path.isdir(new) else ():
                with open(os.path.join(new, name), "rb") as f:
                    found.append(f.read())
            return found if len(found) >= count else None
        return wait_until(f"{count} messages at Postfix; {self.log()[-2000:]}", there, give_up)

    def close(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()


def start_dovecot(conf, *packages):
    """A Dovecot of these packages, laid over the system in a mount namespace
    of its own; ends with terminate()."""
    mounts = ""
    for d in ("/usr/lib", "/usr/bin", "/usr/sbin"):
        layers = ":".join(r + d for r in [*map(unpacked, packages), ""] if os.path.isdir(r + d))
        mounts += f"mount -t overlay overlay -o lowerdir={layers} {d} && "
    return subprocess.Popen(["unshare", "-m", "sh", "-c", f"{mounts} exec /usr/sbin/dovecot -F -c {conf}"],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Dovecot:
    """A real Dovecot that takes mail by LMTP at .socket, for the users of
    box.test that are named, into Maildirs below .mail.  Its folders are laid
    over the system's in a mount namespace of its own: root alone can."""

    def __init__(self, folder, socket, users):
        self.folder = os.path.join(folder, "dovecot")
        self.mail = os.path.join(self.folder, "mail")
        os.makedirs(self.mail)
        os.mkdir(os.path.join(self.folder, "run"))
        os.chmod(self.folder, 0o755)
        os.chown(self.mail, 5000, 5000)
        self.write("users", "".join(f"{u}@box.test:{{PLAIN}}x:5000:5000::{self.mail}/{u}\n" for u in users))
        conf = self.write("dovecot.conf", f"""
base_dir = {self.folder}/run
log_path = {self.folder}/log
protocols = lmtp
ssl = no
default_internal_user = nobody
default_internal_group = nogroup
default_login_user = nobody
first_valid_uid = 5000
mail_location = maildir:{self.mail}/%n
passdb {{
  driver = passwd-file
  args = {self.folder}/users
}}
userdb {{
  driver = passwd-file
  args = {self.folder}/users
}}
service lmtp {{
  unix_listener {socket} {{
    mode = 0600
  }}
}}
""")
        self.process = start_dovecot(conf, "dovecot-core", "dovecot-lmtpd")
        wait_until("Dovecot listens", lambda: os.path.exists(socket))

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def messages(self, user, count=1):
        def there():
            found = []
            for path in sorted(glob.glob(os.path.join(self.mail, user, "new", "*"))):
                with open(path, "rb") as f:
                    found.append(f.read())
            return found if len(found) >= count else None
        return wait_until(f"{count} messages for {user}", there)

    def close(self):
        self.process.terminate()
        self.process.wait()
