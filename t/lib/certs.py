# SPDX-License-Identifier: ISC
"""certs: a certificate authority for a test, by openssl(1)."""
import os
import subprocess


def openssl(*args, **kw):
    return subprocess.run(["openssl", *args], check=True, capture_output=True, **kw).stdout


class Authority:
    """Its files lie in `folder`: ca.pem, and NAME.pem and NAME.key of each
    that it issued."""

    def __init__(self, folder, name="Test CA"):
        self.folder, self.between = folder, ""
        os.makedirs(folder, exist_ok=True)
        self.pem, self.key = self.path("ca.pem"), self.path("ca.key")
        openssl("req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-days", "3",
                "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.pem)

    def authority(self, folder, name):
        """Another, whose certificate is signed by this one; it stands behind
        each that the other issues."""
        other = Authority(folder, name)
        with open(other.path("ca.ext"), "w") as f:
            f.write("basicConstraints=critical,CA:TRUE\n")
        openssl("req", "-new", "-key", other.key, "-subj", f"/CN={name}", "-out", other.path("ca.csr"))
        openssl("x509", "-req", "-in", other.path("ca.csr"), "-CA", self.pem, "-CAkey", self.key, "-CAcreateserial",
                "-days", "2", "-extfile", other.path("ca.ext"), "-out", other.pem)
        with open(other.pem) as f:
            other.between = f.read() + self.between
        return other

    def path(self, name):
        return os.path.join(self.folder, name)

    def issue(self, name, *names, days=2, is_own=False, use="", kind=("ec", "-pkeyopt", "ec_paramgen_curve:P-256")):
        """(certificate, key) for `name` and more names; out of date with days
        below 0; signed by itself with is_own; `use`: for that alone."""
        pem, key, request, more = (self.path(name + end) for end in (".pem", ".key", ".csr", ".ext"))
        with open(more, "w") as f:
            f.write("subjectAltName=" + ",".join("DNS:" + n for n in (name, *names)) + "\n")
            f.write(f"extendedKeyUsage={use}\n" if use else "")
        openssl("req", "-nodes", "-newkey", *kind, "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        signer = ("-signkey", key) if is_own else ("-CA", self.pem, "-CAkey", self.key, "-CAcreateserial")
        openssl("x509", "-req", "-in", request, *signer, "-days", str(days), "-extfile", more, "-out", pem)
        with open(pem, "a") as f:
            f.write(self.between)
        return pem, key


def fingerprint(pem, digest="sha256"):
    return openssl("x509", "-in", pem, "-noout", "-fingerprint", "-" + digest).decode().split("=")[1].strip()


def key_fingerprint(pem):
    key = openssl("pkey", "-pubin", "-outform", "DER", input=openssl("x509", "-in", pem, "-noout", "-pubkey"))
    text = openssl("dgst", "-sha256", "-r", input=key).split()[0].decode().upper()
    return ":".join(text[i:i + 2] for i in range(0, len(text), 2))
