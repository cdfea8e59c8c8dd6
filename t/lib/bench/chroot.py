# SPDX-License-Identifier: ISC
"""chroot: a Debian 12 for each peer, made once by debootstrap and kept.

Nothing starts in one by itself.  What is started in it has mounts of its own,
which end with it.
"""
import os
import shlex
import shutil
import subprocess

SUITE = "bookworm"
MIRROR = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian")
ENV = dict(os.environ, LC_ALL="C", DEBIAN_FRONTEND="noninteractive",
           PATH="/usr/sbin:/usr/bin:/sbin:/bin")


def run(*argv, **kw):
    r = subprocess.run(argv, env=ENV, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **kw)
    if r.returncode:
        raise RuntimeError(f"{shlex.join(argv)}: {r.stdout.decode('utf-8', 'replace')[-2000:]}")
    return r.stdout.decode("utf-8", "replace")


def make(path, build):
    """build(folder), whose result is at `path` only when it is whole."""
    if not os.path.isdir(path):
        new = path + ".new"
        shutil.rmtree(new, ignore_errors=True)
        build(new)
        os.rename(new, path)
    return path


def make_base(root):
    run("debootstrap", "--variant=minbase", SUITE, root, MIRROR)
    policy = os.path.join(root, "usr/sbin/policy-rc.d")
    with open(policy, "w") as f:
        f.write("#!/bin/sh\nexit 101\n")  # no service is started
    os.chmod(policy, 0o755)


class Chroot:
    def __init__(self, cache, package):
        os.makedirs(cache, exist_ok=True)
        self.package = package
        self.base = os.path.join(cache, SUITE)
        self.root = make(os.path.join(cache, f"{SUITE}-{package}"), self.install)

    def install(self, root):
        make(self.base, make_base)
        run("cp", "-a", self.base, root)
        shutil.copy("/etc/resolv.conf", os.path.join(root, "etc/resolv.conf"))
        run("chroot", root, "apt-get", "-qq", "update")
        run("chroot", root, "apt-get", "-qq", "install", "--no-install-recommends", self.package)
        # nothing asks a real resolver: what is not in hosts fails at once
        with open(os.path.join(root, "etc/resolv.conf"), "w") as f:
            f.write("nameserver 127.0.0.1\n")
        with open(os.path.join(root, "etc/hosts"), "w") as f:
            f.write("127.0.0.1 localhost\n")

    def version(self):
        return run("chroot", self.root, "dpkg-query", "-W", "-f", "${Version}", self.package)

    def path(self, name):
        return os.path.join(self.root, name.lstrip("/"))

    def start(self, script, binds, log):
        """A shell in there that runs `script`, with each (outside, inside) of
        `binds` bound."""
        lines = ["set -e"]
        for outside, inside in binds:
            if os.path.isdir(outside):
                os.makedirs(self.path(inside), exist_ok=True)
            lines.append(f"mount --bind {shlex.quote(outside)} {shlex.quote(self.path(inside))}")
        lines.append(f"mount -t proc proc {shlex.quote(self.path('proc'))}")
        lines.append(f"exec chroot {shlex.quote(self.root)} /bin/sh -c {shlex.quote(script)}")
        with open(log, "w") as out:
            return subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", "\n".join(lines)],
                env=ENV, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
