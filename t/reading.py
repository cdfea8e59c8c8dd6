# SPDX-License-Identifier: ISC
"""The whole way of users who are elsewhere: they send by submission, and read
by IMAP and POP3 from the Dovecot that `valija dovecot` puts beside the suite.
Clients are those that people have."""
import concurrent.futures
import glob
import imaplib
import os
import poplib
import pwd
import re
import smtplib
import ssl
import subprocess

from lib.peers import listens, start_dovecot, unpacked
from lib.suite import IS_ROOT, IS_SANITIZED, TOP, Suite, free_port, wait_until
from lib.tap import main, test

if not IS_ROOT:
    print("1..0 # SKIP a Dovecot of its own needs root")
    raise SystemExit

# as mailcow and docker-mailserver have them
MAILCOW = r"""
if /^\s*Received:.*Authenticated sender.*\(Postcow\)/
/^\s*Received:.*Authenticated sender:(.+)/
  REPLACE Received: from localhost (localhost [127.0.0.1]) (Authenticated sender:$1
endif
/^\s*X-Originating-IP/  IGNORE
"""
DMS = r"""
/^\s*Received:.*with ESMTPSA/       IGNORE
/^\s*User-Agent/                    IGNORE
"""
USER, PASSWORD = "joe@box.test", "corn-Flakes 7"
v = Suite(start=False, main_cf={
    "virtual_mailbox_domains": "box.test",
    "virtual_mailbox_maps": "inline:{ {joe@box.test=box.test/joe/}, {ann@box.test=box.test/ann/} }",
    "virtual_uid_maps": "static:5000", "virtual_gid_maps": "static:5000",
    "recipient_delimiter": "+", "mynetworks": "192.0.2.0/24",
})
box, folder = v.path("box"), v.path("dovecot")
os.mkdir(box)
os.chown(box, 5000, 5000)
ports = {name: free_port() for name in ("submission", "submissions", "mua", "dms", "imap", "imaps", "pop3", "pop3s")}
pem = v.path("mx.pem")
subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "7",
                "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                "-keyout", pem, "-out", v.path("cert.pem")], check=True, capture_output=True)
with open(pem, "a") as f, open(v.path("cert.pem")) as cert:
    f.write(cert.read())
v.configure(virtual_mailbox_base=box, smtpd_tls_chain_files=pem, mail_spool_directory=v.mail + "/")


def user(*argv, password=None):
    """What `valija user` says."""
    return v.valija("user", *argv, input=None if password is None else password.encode() + b"\n", check=True).out


with open(os.path.join(TOP, "etc", "master.cf")) as f:  # as it is shipped, but for the ports
    shipped = f.read()
v.master_cf = shipped
for name, port in {"smtp": v.port, **ports}.items():
    v.master_cf = re.sub(rf"^{name} +inet", f"127.0.0.1:{port} inet", v.master_cf, flags=re.M)
v.master_cf += f"""\
127.0.0.1:{ports["mua"]} inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt
  -o smtpd_sasl_path=private/auth -o milter_macro_daemon_name=ORIGINATING
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_client_restrictions=$mua_client_restrictions
  -o smtpd_sender_restrictions=$mua_sender_restrictions
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
  -o smtpd_sasl_authenticated_header=yes -o mail_name=Postcow
  -o cleanup_service_name=smtp_sender_cleanup
smtp_sender_cleanup unix n - n - 0 cleanup
  -o header_checks=pcre:{v.write("mailcow.pcre", MAILCOW)}
127.0.0.1:{ports["dms"]} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_sasl_authenticated_header=yes
  -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject
  -o cleanup_service_name=sender-cleanup
sender-cleanup unix n - n - 0 cleanup
  -o syslog_name=postfix/sender-cleanup
  -o header_checks=pcre:{v.write("dms.pcre", DMS)}
"""
v.configure(mua_client_restrictions="permit_sasl_authenticated,reject",
            mua_sender_restrictions="check_sender_access inline:{ { not@box.test = REJECT not as this } }")
for name, password in ((USER, PASSWORD), ("vt-alice", "for Alice")):
    user("add", "--stdin", name, password=password)
v.start()

# Dovecot, as Debian has it but for its folders and ports
PACKAGES = ("dovecot-core", "dovecot-imapd", "dovecot-pop3d", "dovecot-lmtpd")
conf_d = os.path.join(folder, "conf.d")
os.makedirs(conf_d)
os.mkdir(os.path.join(folder, "run"))
os.chmod(folder, 0o755)
share = os.path.join(unpacked("dovecot-core"), "usr/share/dovecot")
for package in PACKAGES:
    for path in glob.glob(os.path.join(unpacked(package), "usr/share/dovecot/conf.d/*")):
        with open(path) as f, open(os.path.join(conf_d, os.path.basename(path)), "w") as to:
            to.write(re.sub("/etc/dovecot/private/dovecot.(pem|key)", pem, f.read().replace("/usr/share/dovecot", share)))


def listener(protocol, port, ssl):
    return f"inet_listener {protocol} {{\n port = {ports[port]}\n ssl = {ssl}\n }}\n"


with open(os.path.join(folder, "dovecot.conf"), "w") as f:
    f.write(f"""
!include conf.d/*.conf
base_dir = {folder}/run
log_path = {folder}/log
listen = 127.0.0.1
auth_failure_delay = 0
default_vsz_limit = {0 if IS_SANITIZED else "256 M"}
default_internal_user = nobody
default_internal_group = nogroup
default_login_user = nobody
service imap-login {{
  {listener("imap", "imap", "no")} {listener("imaps", "imaps", "yes")}
}}
service pop3-login {{
  {listener("pop3", "pop3", "no")} {listener("pop3s", "pop3s", "yes")}
}}
""")
dovecot = None


def beside(*argv, into=conf_d):
    return v.valija("dovecot", "-d", into, *argv)


def client(*argv, good=True, env=None, **kw):
    """Its output; a client that should not get through must fail."""
    r = v.run(*argv, env={"HOME": v.base, **(env or {})}, **kw)
    assert (r.returncode == 0) == good, f"{argv[0]} exited {r.returncode}: {r.out}{r.err}"
    return r.out + r.err


def curl(url, *argv, login=USER, password=PASSWORD, **kw):
    return client("/usr/bin/curl", "-sS", "--cacert", v.path("cert.pem"), "--user", f"{login}:{password}", url, *argv, **kw)


def box_of(who="joe"):
    found = []
    for d in ("new", "cur"):
        path = os.path.join(box, "box.test", who, d)
        for name in os.listdir(path) if os.path.isdir(path) else ():
            with open(os.path.join(path, name)) as f:
                found.append(f.read())
    return found


def delivered(marker):
    return wait_until(f"{marker} in the mailbox", lambda: [m for m in box_of() if marker in m])[0]


@test("valija dovecot: writes, says what, writes nothing twice, spares what is not its own, takes away")
def _(t):
    tried = v.path("tried")
    os.mkdir(tried)
    r = beside(into=tried)
    t.eq(r.returncode, 0, r.err)
    files = [os.path.join(tried, n) for n in ("05-valija.conf", "99-valija.conf")]
    text = "".join(open(f).read() for f in files)
    t.ok(all(f"{f}: written" in r.out for f in files), "written", r.out)
    t.ok(f"ssl_cert = <{pem}\nssl_key = <{pem}\n" in text and "ssl = required" in text, "the certificate of smtpd", text)
    t.ok("virtual_mailbox_maps must put mail there too" in r.out, "what is left to see to", r.out)
    r = beside(into=tried)
    t.ok(all(f"{f}: as it should be" in r.out for f in files), "once", r.out)
    r = beside("-u", into=tried)
    t.eq((os.listdir(tried), r.out.count("removed")), ([], 2), "taken away")
    with open(files[1], "w") as f:
        f.write("mine = 1\n")
    for how in ((), ("-u",)):
        r = beside(*how, into=tried)
        t.ok(r.returncode != 0 and "99-valija.conf: was not written by `valija dovecot`" in r.err, "somebody else's", r.err)
    t.eq(open(files[1]).read(), "mine = 1\n", "spared")
    os.unlink(files[1])
    r = v.valija("dovecot", "-d", "/nonexistent")
    t.ok(r.returncode != 0 and "there is no Dovecot here" in r.err, "without one", r.err)


@test("it starts with that, and its sockets are where Valija has them")
def _(t):
    global dovecot
    t.eq(beside().returncode, 0, "written")
    dovecot = start_dovecot(os.path.join(folder, "dovecot.conf"), *PACKAGES)
    wait_until("it listens", lambda: all(listens(ports[p]) for p in ("imap", "imaps", "pop3", "pop3s")))
    for name in ("dovecot-lmtp", "auth"):
        wait_until(f"private/{name}", lambda: os.path.exists(os.path.join(v.queue, "private", name)))


MESSAGE = b"Subject: by %s\nTo: joe@box.test\n\nbody by %s\n"


@test("submission: curl, swaks, s-nail, msmtp, mutt, Python; header completed, nothing of the client in it")
def _(t):
    for scheme, port in (("smtp", "submission"), ("smtps", "submissions")):
        curl(f"{scheme}://localhost:{ports[port]}/there.client.test", "--ssl-reqd", "--mail-from", USER, "--mail-rcpt", USER,
             "--upload-file", "-", input=MESSAGE % (port.encode(), port.encode()))
        text = delivered(f"body by {port}")
        head = text.split("\n\n")[0]
        t.ok(re.search(r"^Received: by mx\.here\.test \(\S+\)\n\tid \w+", head, re.M), "the trace line", head)
        t.ok("127.0.0.1" not in head and "client.test" not in head, "no client", head)
        for field in ("Message-Id: <", "Date: ", f"From: {USER}"):
            t.ok(f"\n{field}" in head, f"{field} was added", head)
    v.wait_log(rf"postfix/submission/smtpd\[\d+\]: \w+: client=\S+, sasl_method=PLAIN, sasl_username={USER}$")
    client("/usr/bin/swaks", "--silent", "2", "--server", f"localhost:{ports['submission']}", "--tls", "--auth", "LOGIN",
           "--auth-user", USER, "--auth-password", PASSWORD, "--from", USER, "--to", USER, "--body", "body by swaks")
    delivered("body by swaks")
    client("/usr/bin/s-nail", "-:/", "-S", "v15-compat", "-S", "sendwait", "-S", f"from={USER}", "-S", "smtp-auth=plain",
           "-S", f"tls-ca-file={v.path('cert.pem')}", "-S", "smtp-use-starttls", "-S",
           f"mta=smtp://joe%40box.test:corn-Flakes%207@localhost:{ports['submission']}", "-s", "by s-nail", USER,
           input=b"body by s-nail\n")
    delivered("body by s-nail")
    client("/usr/bin/msmtp", "--host=localhost", f"--port={ports['submission']}", "--auth=plain", f"--user={USER}",
           f"--passwordeval=echo '{PASSWORD}'", "--tls=on", f"--tls-trust-file={v.path('cert.pem')}", f"--from={USER}", USER,
           input=MESSAGE % (b"msmtp", b"msmtp"))
    delivered("body by msmtp")
    for scheme, port in (("smtp", "submission"), ("smtps", "submissions")):
        path = rc("muttrc", f"""
set smtp_url="{scheme}://{USER.replace("@", "%40")}@localhost:{ports[port]}/" smtp_pass="{PASSWORD}"
set ssl_ca_certificates_file="{v.path("cert.pem")}" ssl_force_tls=yes from="{USER}" copy=no
""")
        client("/usr/bin/mutt", "-n", "-F", path, "-s", "by mutt", USER, input=b"body by mutt to " + port.encode())
        delivered(f"body by mutt to {port}")
    trusting = ssl.create_default_context(cafile=v.path("cert.pem"))
    with smtplib.SMTP_SSL("localhost", ports["submissions"], context=trusting) as s:
        s.login(USER, PASSWORD)
        s.sendmail(USER, [USER], MESSAGE % (b"Python", b"Python"))
    delivered("body by Python")


@test("restrictions of users' own, mua_..._restrictions; and passwords by Dovecot's socket, private/auth")
def _(t):
    swaks = ["/usr/bin/swaks", "--server", f"localhost:{ports['mua']}", "--tls", "--to", USER, "--body", "body by mua"]
    login = ["--auth", "PLAIN", "--auth-user", USER, "--auth-password", PASSWORD]
    t.ok("Client host rejected: Access denied" in client(*swaks, "--from", USER, good=False), "without a login")
    t.ok("Sender address rejected: not as this" in client(*swaks, *login, "--from", "not@box.test", good=False), "a sender")
    client(*swaks, *login, "--from", USER)
    text = delivered("body by mua")
    t.ok(f"\nReceived: from localhost (localhost [127.0.0.1]) (Authenticated sender: {USER})\n\tby mx.here.test (Postcow) with "
         "ESMTPSA id " in text, "the trace line as mailcow has it", text)
    said = client(*swaks, *login[:4], "--auth-password", "wrong", "--from", USER, good=False)
    t.ok("535 5.7.8" in said, "a wrong one", said)


@test("docker-mailserver's cleanup of what users submit")
def _(t):
    curl(f"smtps://localhost:{ports['dms']}/there.client.test", "--mail-from", USER, "--mail-rcpt", USER, "--upload-file", "-",
         input=b"User-Agent: x\n" + MESSAGE % (b"dms", b"dms"))
    head = delivered("body by dms").split("\n\n")[0]
    t.ok("Received" not in head and "client.test" not in head and "User-Agent" not in head, "no trace", head)
    v.wait_log(r"postfix/sender-cleanup/cleanup\[\d+\]: \w+: message-id=")


@test("IMAP and POP3 of Valija's own Maildirs: curl, Python, mbsync, fetchmail, getmail, mutt")
def _(t):
    v.send("s@out.test", [USER], "Subject: reads\n\nto be read\n")
    delivered("to be read")
    n = len(box_of())
    for url in (f"imaps://localhost:{ports['imaps']}/INBOX;UID=%d", f"pop3s://localhost:{ports['pop3s']}/%d",
                f"imap://localhost:{ports['imap']}/INBOX;UID=%d"):
        t.ok(any("to be read" in curl(url % (i + 1), "--ssl-reqd") for i in range(n)), url)
    read_by_python(t, n)
    read_by_mbsync(t, n)
    read_by_fetchmail(t)
    read_by_getmail(t)
    read_by_mutt(t)


def read_by_python(t, n):
    trusting = ssl.create_default_context(cafile=v.path("cert.pem"))
    with imaplib.IMAP4("localhost", ports["imap"]) as box:
        box.starttls(trusting)
        box.login(USER, PASSWORD)
        t.eq(box.select(readonly=True), ("OK", [str(n).encode()]), "IMAP")
        t.eq(len(box.search(None, "SUBJECT", "reads")[1][0].split()), 1, "and it finds it")
    box = poplib.POP3_SSL("localhost", ports["pop3s"], context=trusting)
    box.user(USER)
    box.pass_(PASSWORD)
    t.eq(box.stat()[0], n, "POP3")
    box.quit()


def rc(name, text):
    path = v.write(name, text)
    os.chmod(path, 0o600)
    return path


def read_by_mbsync(t, n):
    near = v.path("mbsync")
    os.mkdir(near)
    client("/usr/bin/mbsync", "-c", rc("mbsyncrc", f"""
IMAPAccount a
Host localhost
Port {ports["imaps"]}
User {USER}
Pass "{PASSWORD}"
SSLType IMAPS
CertificateFile {v.path("cert.pem")}

IMAPStore far
Account a

MaildirStore near
Path {near}/
Inbox {near}/INBOX

Channel all
Far :far:
Near :near:
Patterns INBOX
Create Near
SyncState *
"""), "all")
    t.eq(sum(len(os.listdir(os.path.join(near, "INBOX", d))) for d in ("new", "cur")), n, "mbsync has them all")


def read_by_fetchmail(t):
    out = v.path("fetched")
    client("/usr/bin/fetchmail", "-f", rc("fetchmailrc", f"""
poll localhost protocol pop3 service {ports["pop3s"]} username "{USER}" password "{PASSWORD}"
  ssl sslcertfile "{v.path("cert.pem")}" sslcertck keep fetchall mda "/bin/cat >>{out}"
"""), "--pidfile", v.path("fetchmail.pid"), "-N", "-d0", "--nosyslog")
    t.ok("to be read" in open(out).read(), "fetchmail")


def read_by_getmail(t):
    into, state = v.path("got"), v.path("getmail")
    nobody = pwd.getpwnam("nobody")
    config = rc("getmailrc", f"""
[retriever]
type = SimpleIMAPSSLRetriever
server = localhost
port = {ports["imaps"]}
username = {USER}
password = {PASSWORD}
ca_certs = {v.path("cert.pem")}
[destination]
type = Maildir
path = {into}/
""")
    for d in (into, state, *(os.path.join(into, d) for d in ("cur", "new", "tmp"))):
        os.mkdir(d)
        os.chown(d, nobody.pw_uid, nobody.pw_gid)
    os.chown(config, nobody.pw_uid, nobody.pw_gid)
    client("/usr/bin/getmail", "-q", "-g", state, "-r", config, user="nobody")
    t.ok(any("to be read" in open(os.path.join(into, "new", name)).read() for name in os.listdir(os.path.join(into, "new"))),
         "getmail")


def read_by_mutt(t):
    out = v.path("mutt.mbox")
    path = rc("muttrc", f"""
set ssl_ca_certificates_file="{v.path("cert.pem")}" ssl_starttls=no
set folder="{v.base}" imap_user="{USER}" imap_pass="{PASSWORD}"
set confirmappend=no confirmcreate=no wait_key=no mark_old=no move=no sleep_time=0 delete=no quit=yes mbox_type=mbox
push "<limit>~s reads<enter><copy-message>{out}<enter><exit>"
""")
    client("/usr/bin/script", "-qec", f"/usr/bin/mutt -n -F {path} -f imaps://localhost:{ports['imaps']}/INBOX", "/dev/null",
           env={"TERM": "xterm"})
    t.ok("to be read" in open(out).read(), "mutt")


@test("a user of this host, who has a login of the same name")
def _(t):
    v.send("s@out.test", ["vt-alice@here.test"], "Subject: here\n\nfor a user here\n")
    v.wait_log(r"to=<vt-alice@here\.test>, relay=local, .*status=sent")
    text = curl(f"imaps://localhost:{ports['imaps']}/INBOX;UID=1", login="vt-alice", password="for Alice")
    t.ok("for a user here" in text, "reads", text)


@test("a wrong password, a password in the clear, a user without one: refused everywhere")
def _(t):
    encrypted = f"imaps://localhost:{ports['imaps']}/INBOX", f"pop3s://localhost:{ports['pop3s']}/1"
    plain = f"imap://localhost:{ports['imap']}/INBOX", f"pop3://localhost:{ports['pop3']}/1"
    wrong = [(url, {"login": name, "password": password}) for url in encrypted
             for name, password in ((USER, "wrong"), ("nobody@box.test", PASSWORD))]
    with concurrent.futures.ThreadPoolExecutor() as pool:  # each takes seconds
        refused = [(case, pool.submit(curl, case[0], good=False, **case[1])) for case in wrong]
        refused += [(url, pool.submit(curl, url, "--interface", "127.0.0.2", good=False)) for url in plain]
    for case, said in refused:
        t.ok("denied" in said.result().lower(), f"refused: {case}")
    log = open(os.path.join(folder, "log")).read()
    t.ok("joe@box.test" in log and PASSWORD not in log, "no password in a log")
    swaks = ["/usr/bin/swaks", "--server", f"localhost:{ports['submission']}", "--auth-user", USER, "--from", USER, "--to", USER]
    said = client(*swaks, "--tls", "--auth", "PLAIN", "--auth-password", "wrong", good=False)
    t.ok("535 5.7.8" in said, "swaks with a wrong one", said)
    said = client(*swaks, "--auth", "PLAIN", "--auth-password", PASSWORD, good=False)
    t.ok("235 " not in said, "swaks in the clear", said)
    t.ok(PASSWORD not in v.log(), "nor in ours")


def may_read(password):
    """Whether IMAP takes the user with this password."""
    r = v.run("/usr/bin/curl", "-sS", "--cacert", v.path("cert.pem"), "--user", f"{USER}:{password}",
              f"imaps://localhost:{ports['imaps']}/")
    assert r.returncode in (0, 67), r.err
    return r.returncode == 0


@test("an application password: good for reading and sending, and taken away alone")
def _(t):
    own = user("app", "add", USER, "phone").split()[-1]
    wait_until("it is good", lambda: may_read(own))
    curl(f"smtps://localhost:{ports['submissions']}", "--mail-from", USER, "--mail-rcpt", USER, "--upload-file", "-",
         password=own, input=MESSAGE % (b"phone", b"phone"))
    delivered("body by phone")
    user("app", "del", USER, "phone")
    wait_until("it is not", lambda: not may_read(own))
    t.ok(may_read(PASSWORD), "the user's own is")


@test("who is taken out of the users is refused everywhere")
def _(t):
    user("del", USER)
    wait_until("IMAP refuses", lambda: not may_read(PASSWORD))
    t.ok("denied" in curl(f"pop3s://localhost:{ports['pop3s']}/1", good=False).lower(), "and POP3")
    said = client("/usr/bin/swaks", "--server", f"localhost:{ports['submission']}", "--tls", "--auth", "PLAIN",
                  "--auth-user", USER, "--auth-password", PASSWORD, "--from", USER, "--to", USER, good=False)
    t.ok("535 5.7.8" in said, "and submission", said)
    user("add", "--stdin", USER, password=PASSWORD)
    wait_until("IMAP takes him again", lambda: may_read(PASSWORD))


@test("delivery into it by LMTP, and reading that")
def _(t):
    v.configure(virtual_transport="lmtp:unix:private/dovecot-lmtp")
    t.ok("virtual_mailbox_maps" not in beside().out, "nothing is left to see to")
    v.reload()
    v.send("s@out.test", [USER, "ann@box.test", "joe+list@box.test"], "Subject: lmtp\n\nby LMTP\n")
    found = v.wait_log(r"postfix/lmtp\[\d+\]: \w+: to=<(\S+)>, relay=\S+\[private/dovecot-lmtp\], .*status=sent \(.*Saved\)",
                       3)
    t.eq(sorted(m.group(1) for m in found), ["ann@box.test", "joe+list@box.test", USER], "a reply for each")
    delivered("by LMTP")
    url = f"imaps://localhost:{ports['imaps']}/INBOX"
    uid = re.search(r"SEARCH (\d+)", curl(url, "-X", "UID SEARCH SUBJECT lmtp"))
    t.ok("by LMTP" in curl(f"{url};UID={uid[1]}"), "and is read")


def close():
    if dovecot is not None:
        dovecot.terminate()
        dovecot.wait()
    v.close()


main(cleanup=close, evidence=lambda: v.log()[-4000:] + (
    open(os.path.join(folder, "log")).read()[-3000:] if os.path.exists(os.path.join(folder, "log")) else ""))
