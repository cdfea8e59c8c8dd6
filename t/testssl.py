# SPDX-License-Identifier: ISC
"""testssl.sh has nothing to say against our TLS: what an auditor would run."""
import json
import os
import subprocess

from lib.suite import Suite, free_port
from lib.tap import diag, main, test

BAD = {"MEDIUM", "HIGH", "CRITICAL", "WARN", "FATAL"}
# of the machine's openssl, which testssl.sh calls, and not of ours
NOT_OURS = {"engine_problem"}

wrapped = free_port()
v = Suite(start=False, main_cf={
    "smtpd_tls_security_level": "may",
    "smtpd_client_connection_count_limit": "0",
    "smtpd_error_sleep_time": "0",
})


def openssl(*args, **kwargs):
    return subprocess.run(["openssl", *args], check=True, capture_output=True, **kwargs)


def issue(name, algorithm, *option):
    """A certificate for mx.here.test of a CA of ours, as from one that is known."""
    key, csr, pem = (os.path.join(v.conf, f"{name}.{ending}") for ending in ("key", "csr", "pem"))
    openssl("req", "-new", "-nodes", "-newkey", algorithm, *option, "-keyout", key, "-out", csr, "-subj", "/CN=mx.here.test")
    openssl("x509", "-req", "-in", csr, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-days", "80", "-out", pem,
            "-extfile", v.write("extensions", "subjectAltName=DNS:mx.here.test\nkeyUsage=digitalSignature\n"
                                              "extendedKeyUsage=serverAuth\n"
                                              "crlDistributionPoints=URI:http://127.0.0.1:1/ca.crl\n"))
    return pem, key


ca, ca_key = os.path.join(v.conf, "ca.pem"), os.path.join(v.conf, "ca.key")
openssl("req", "-x509", "-nodes", "-newkey", "rsa:2048", "-keyout", ca_key, "-out", ca, "-days", "80",
        "-subj", "/CN=A CA", "-addext", "keyUsage=keyCertSign,cRLSign")
rsa, rsa_key = issue("rsa", "rsa:2048")
ec, ec_key = issue("ec", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
v.configure(smtpd_tls_cert_file=rsa, smtpd_tls_key_file=rsa_key, smtpd_tls_eccert_file=ec, smtpd_tls_eckey_file=ec_key)
v.master_cf += f"127.0.0.1:{wrapped} inet n - n - - smtpd\n  -o smtpd_tls_wrappermode=yes\n"
v.configure()
v.start()


def findings(*args):
    """{id: (severity, what)} of a run of testssl."""
    path = v.path("testssl.json")
    if os.path.exists(path):
        os.unlink(path)
    r = subprocess.run(["testssl", "--color", "0", "--warnings", "off", "--quiet", "--add-ca", ca, "--ip", "127.0.0.1",
                        "--nodns", "none", "--jsonfile", path, *args], capture_output=True, timeout=600)
    try:
        with open(path) as f:
            return {row["id"]: (row["severity"], row["finding"]) for row in json.load(f)}
    except (OSError, ValueError):
        raise RuntimeError(f"testssl: {r.stdout.decode()[-2000:]} {r.stderr.decode()[-500:]}") from None


def check(t, found, *expected):
    bad = {name: what for name, what in found.items() if what[0] in BAD and name not in NOT_OURS}
    t.eq(bad, {}, "nothing of severity MEDIUM or up")
    for name in expected:
        t.ok(name in found, f"{name} was looked at", sorted(found))


@test("protocols, kinds of ciphers and the certificate, by STARTTLS")
def _(t):
    found = findings("-p", "-s", "-S", "--starttls", "smtp", f"mx.here.test:{v.port}")
    check(t, found, "SSLv2", "SSLv3", "TLS1", "TLS1_1", "TLS1_2", "TLS1_3", "cipherlist_aNULL", "cipherlist_3DES_IDEA")
    t.eq([found[p][1][:7] for p in ("TLS1_2", "TLS1_3")], ["offered"] * 2, "what there is")


for how, place in (("STARTTLS", ["--starttls", "smtp", f"mx.here.test:{v.port}"]), ("TLS", [f"mx.here.test:{wrapped}"])):
    @test(f"everything that it tests, by {how}", long=True)
    def _(t, place=place):
        found = findings(*place)
        check(t, found, "heartbleed", "CCS", "ROBOT", "secure_renego", "CRIME_TLS", "POODLE_SSL", "FREAK",
              "LOGJAM", "BEAST", "RC4", "cipher_order")
        for name, (severity, what) in found.items():
            if severity == "LOW":
                diag(f"{severity} {name}: {what}")


main(cleanup=v.close)
