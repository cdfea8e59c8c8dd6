# SPDX-License-Identifier: ISC
"""names: a DNS of one's own: a real nsd serving zones, a real unbound that
resolves through it, both on free loopback ports."""
import os
import signal
import socket
import struct
import subprocess

from lib.suite import free_port, wait_until


class Names:
    """zones: {"test": zone file text}; `broken`: zones whose server is not
    there; `lame`: zones whose server does not know them."""

    def __init__(self, folder, zones, broken=(), lame=()):
        self.folder = os.path.join(folder, "names")
        os.mkdir(self.folder)
        os.chmod(self.folder, 0o755)
        self.nsd_port, self.lame_port, self.port = free_port(), free_port(), free_port()
        self.processes = []
        # A root of our own: a resolver that does not know the root is not
        # believed when it denies a name.
        zones = {".": "", **zones}
        self.start_nsd("nsd", self.nsd_port, zones)
        self.start_nsd("lame", self.lame_port, {"elsewhere": ""})
        self.start_unbound(zones, [(z, free_port()) for z in broken] + [(z, self.lame_port) for z in lame])
        wait_until("unbound answers", lambda: self.ask(list(zones)[-1]))

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def run(self, *argv):
        log = open(os.path.join(self.folder, os.path.basename(argv[0]) + ".log"), "w")
        self.processes.append(subprocess.Popen(argv, stdout=log, stderr=log, start_new_session=True))

    def start_nsd(self, which, port, zones):
        text = f"""
server:
    ip-address: 127.0.0.1@{port}
    server-count: 1
    username: ""
    chroot: ""
    zonesdir: "{self.folder}"
    pidfile: "{self.folder}/{which}.pid"
    xfrdfile: "{self.folder}/{which}.xfrd"
    zonelistfile: "{self.folder}/{which}.zones"
    database: ""
remote-control:
    control-enable: no
"""
        for name, body in zones.items():
            origin = "." if name == "." else f"{name}."
            self.write(f"{which}-{name}.zone", f"$ORIGIN {origin}\n$TTL 60\n"
                       f"@ SOA ns hostmaster 1 3600 600 86400 5\n@ NS ns\nns A 127.0.0.1\n{body}\n")
            text += f'zone:\n    name: "{name}"\n    zonefile: "{which}-{name}.zone"\n'
        self.run("/usr/sbin/nsd", "-d", "-c", self.write(f"{which}.conf", text))

    def start_unbound(self, zones, others):
        text = f"""
server:
    interface: 127.0.0.1@{self.port}
    username: ""
    chroot: ""
    directory: "{self.folder}"
    pidfile: "{self.folder}/unbound.pid"
    do-daemonize: no
    use-syslog: no
    do-not-query-localhost: no
    module-config: "iterator"
    local-zone: "test." nodefault
    num-threads: 1
    cache-max-negative-ttl: 1
remote-control:
    control-enable: no
"""
        for name in zones:
            text += f'stub-zone:\n    name: "{name}"\n    stub-addr: 127.0.0.1@{self.nsd_port}\n'
        for name, port in others:
            text += f'stub-zone:\n    name: "{name}"\n    stub-addr: 127.0.0.1@{port}\n'
        self.run("/usr/sbin/unbound", "-d", "-c", self.write("unbound.conf", text))

    def ask(self, name, kind=6):
        """The answer's rcode is 0 (a question by hand, without a library)."""
        question = b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\0"
        packet = struct.pack(">6H", 7, 0x100, 1, 0, 0, 0) + question + struct.pack(">2H", kind, 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.5)
            try:
                s.sendto(packet, ("127.0.0.1", self.port))
                answer = s.recv(4096)
            except OSError:
                return False
        return answer[3] & 15 == 0 and answer[7] > 0

    def close(self):
        for p in self.processes:
            os.killpg(p.pid, signal.SIGTERM)
        for p in self.processes:
            p.wait()
