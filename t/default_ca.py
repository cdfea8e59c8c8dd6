# SPDX-License-Identifier: ISC
"""tls_append_default_CA, both values, in smtp and in smtpd: the CA stands in a
directory of the system's that is laid over /etc/ssl/certs for this suite alone."""
import os
import smtplib
import ssl
import subprocess

from lib.certs import Authority
from lib.sink import Sink
from lib.suite import IS_ROOT, Suite, free_port, program
from lib.tap import main, test

if not IS_ROOT:
    print("1..0 # SKIP a mount namespace needs root")
    raise SystemExit

v = Suite(start=False, main_cf={
    "smtp_connection_reuse_count_limit": "1", "virtual_mailbox_domains": "box.test", "virtual_mailbox_maps": "static:in/",
    "virtual_uid_maps": "static:5000", "virtual_gid_maps": "static:5000",
    "smtp_tls_loglevel": "1", "smtpd_tls_security_level": "may", "smtpd_tls_received_header": "yes"})
os.mkdir(v.path("box"))
os.chown(v.path("box"), 5000, 5000)
system, own = Authority(v.path("system"), "System's CA"), Authority(v.path("own"), "Our own CA")
subprocess.run(["openssl", "rehash", system.folder], check=True, capture_output=True)
servers = {"system": system.issue("mx.system.test"), "own": own.issue("mx.own.test"),
           "alone": system.issue("mx.alone.test", is_own=True)}
user = system.issue("client.test")


def by(pem, key):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(pem, key)
    return c


sinks = {name: Sink(tls=by(*pair)) for name, pair in servers.items()}
WORDS = {"yes": "-o tls_append_default_CA=yes", "no": "-o tls_append_default_CA=no", "default": ""}
OWN = f"-o smtp_tls_CAfile={own.pem} -o smtp_tls_security_level=verify -o smtp_tls_verify_cert_match=.test"
ports = {word: free_port() for word in WORDS}
v.master_cf += "".join(f"""\
{word} unix - - n - - smtp {option} {OWN}
127.0.0.1:{ports[word]} inet n - n - - smtpd {option} -o smtpd_tls_ask_ccert=yes
""" for word, option in WORDS.items())
v.write("transport", "".join(f"{word}.{name}.test {word}:[127.0.0.1]:{sink.port}\n"
                             for word in WORDS for name, sink in sinks.items()))
v.configure(transport_maps=f"texthash:{v.conf}/transport", virtual_mailbox_base=v.path("box"))
shown = subprocess.run(["unshare", "--mount", "sh", "-ec", f"""
    mount --bind {system.folder} /etc/ssl/certs
    exec "$@" """, "sh", program("valija"), "-c", v.conf, "start"], capture_output=True, text=True, env=v.env, check=False)
assert shown.returncode == 0, shown.stdout + shown.stderr
v.is_started = True


def outcome(domain):
    v.send("s@out.test", [f"u@{domain}"])
    return v.wait_log(rf"to=<u@{domain}>, .*status=(\w+) \((.*)\)$")[-1].groups()


@test("smtp: the system's CAs vouch with yes, and not by default; main.cf's own do always; nobody's do not")
def _(t):
    for word in WORDS:
        t.eq(outcome(f"{word}.own.test")[0], "sent", f"{word}: smtp_tls_CAfile")
        status, text = outcome(f"{word}.alone.test")
        t.ok(status == "deferred" and "Server certificate not verified" in text, f"{word}: signed by itself", text)
    t.eq(outcome("yes.system.test")[0], "sent", "yes")
    v.wait_log(rf"Verified TLS connection established to 127\.0\.0\.1\[127\.0\.0\.1\]:{sinks['system'].port}:")
    for word in ("no", "default"):
        status, text = outcome(f"{word}.system.test")
        t.ok(status == "deferred" and "Server certificate not verified" in text, word, text)


@test("smtpd: likewise of its clients' certificates")
def _(t):
    context = ssl._create_unverified_context()
    context.load_cert_chain(*user)
    for n, (word, vouched) in enumerate((("yes", "verified OK"), ("no", "not verified"), ("default", "not verified")), 1):
        with smtplib.SMTP("127.0.0.1", ports[word], local_hostname="client.test") as s:
            s.starttls(context=context)
            s.sendmail("a@out.test", ["in@box.test"], "Subject: x\n\nx\n")
        text = v.maildir(v.path("box", "in"), n)[-1].decode()
        t.ok(f'(Client CN "client.test", Issuer "System\'s CA" ({vouched}))' in text, word, text)


main(cleanup=lambda: ([s.close() for s in sinks.values()], v.close()), evidence=lambda: v.log()[-4000:])
