# SPDX-License-Identifier: ISC
"""postmap(1) and postalias(1): what they print, their exit codes, and that a
table is there whole or not at all, whatever happens to its maker."""
import os
import random
import shutil
import stat
import subprocess
import tempfile
import time

from lib.suite import IS_ROOT, program
from lib.tap import main, test

base = tempfile.mkdtemp(prefix="valija-tables-", dir="/var/tmp")
os.chmod(base, 0o755)


def path(name):
    return os.path.join(base, name)


def write(name, text):
    with open(path(name), "w") as f:
        f.write(text)
    return path(name)


def run(tool, *argv, stdin=""):
    r = subprocess.run([program(tool), "-c", base, *argv], input=stdin, text=True, capture_output=True, cwd=base)
    return r.returncode, r.stdout, r.stderr


def postmap(*argv, stdin=""):
    return run("postmap", *argv, stdin=stdin)


@test("build: silent, asked with -q, listed with -s")
def _(t):
    m = write("m", "# a table\nKey  value one,\n  two\nother x\n")
    t.eq(postmap("hash:" + m), (0, "", ""), "build")
    t.eq(postmap("-q", "key", "hash:" + m), (0, "value one,  two\n", ""), "folded key")
    t.eq(postmap("-q", "KEY", "cdb:" + m), (0, "value one,  two\n", ""), "folded question")
    t.eq(postmap("-q", "no", "hash:" + m), (1, "", ""), "not there")
    t.eq(postmap("-q", "-", "hash:" + m, stdin="other\nno\nkey\n"),
         (0, "other\tx\nkey\tvalue one,  two\n", ""), "keys from stdin")
    t.eq(postmap("-q", "-", "hash:" + m, stdin="no\n"), (1, "", ""), "none of them")
    t.eq(postmap("-s", "hash:" + m), (0, "key\tvalue one,  two\nother\tx\n", ""), "all")
    t.eq(postmap("-q", "x", "texthash:" + m, "static:found"), (0, "found\n", ""), "the first table that has it")


@test("wrong lines and duplicates are warnings")
def _(t):
    m = write("w", "a 1\nalone\na 2\nb: 3\n")
    t.eq(postmap("hash:" + m), (0, "",
         f"postmap: warning: {m}, line 2: expected format: key whitespace value\n"
         f"postmap: warning: {m}.cdb: duplicate entry: \"a\"\n"
         f"postmap: warning: {m}, line 4: record is in \"key: value\" format; is this an alias file?\n"), "build")
    t.eq(postmap("-q", "a", "hash:" + m)[1], "1\n", "the first one counts")
    code, _, err = postmap("-w", "hash:" + m)
    t.ok(code == 0 and "duplicate" not in err, "-w says nothing", err)
    code, _, err = postmap("-r", "hash:" + m)
    t.ok(code == 0 and "duplicate" not in err, "-r says nothing", err)
    t.eq(postmap("-q", "a", "hash:" + m)[1], "2\n", "-r: the last one counts")


@test("-i adds, -d removes")
def _(t):
    m = write("i", "a 1\n")
    postmap("hash:" + m)
    t.eq(postmap("-i", "hash:" + m, stdin="b 2\n"), (0, "", ""), "-i")
    t.eq(postmap("-s", "hash:" + m)[1], "a\t1\nb\t2\n", "both")
    code, _, err = postmap("-i", "hash:" + m, stdin="a 9\n")
    t.ok(code == 0 and "duplicate entry: \"a\"" in err, "the old one stays", err)
    t.eq(postmap("-ir", "hash:" + m, stdin="a 9\n"), (0, "", ""), "-r replaces")
    t.eq(postmap("-q", "a", "hash:" + m)[1], "9\n", "replaced")
    t.eq(postmap("-d", "A", "hash:" + m), (0, "", ""), "-d")
    t.eq(postmap("-d", "a", "hash:" + m), (1, "", ""), "-d of what is not there")
    t.eq(postmap("-d", "-", "hash:" + m, stdin="x\nb\n"), (0, "", ""), "-d -")
    t.eq(postmap("-s", "hash:" + m), (0, "", ""), "nothing left")


@test("a name without a type; -f, -N, -p")
def _(t):
    m = write("n", "Key v\n")
    os.chmod(m, 0o600)
    t.eq(postmap(m), (0, "", ""), "default_database_type")
    t.eq(stat.S_IMODE(os.stat(m + ".cdb").st_mode), 0o600, "the mode of the source")
    postmap("-p", m)
    t.eq(stat.S_IMODE(os.stat(m + ".cdb").st_mode), 0o644, "-p")
    postmap("-f", m)
    t.eq(postmap("-s", m)[1], "Key\tv\n", "-f keeps case")
    postmap("-N", m)
    t.ok(b"key\0v\0" in open(m + ".cdb", "rb").read(), "-N")
    t.eq(postmap("-q", "key", m), (0, "v\n", ""), "found either way")


@test("-F: files as values, for keys; nobody else reads the table")
def _(t):
    key, cert = write("k.pem", "the key\n"), write("c.pem", "its certificate\n")
    m = write("sni", f"Here.Test {key}, {cert}\n.here.test {cert}\n")
    os.chmod(m, 0o644)
    t.eq(postmap("-F", "hash:" + m), (0, "", ""), "build")
    t.eq(stat.S_IMODE(os.stat(m + ".cdb").st_mode), 0o600, "its mode")
    t.eq(postmap("-q", "here.test", "hash:" + m), (0, "dGhlIGtleQppdHMgY2VydGlmaWNhdGUK\n", ""), "base64")
    t.eq(postmap("-F", "-q", "here.test", "hash:" + m), (0, "the key\nits certificate\n\n", ""), "-F -q")
    t.eq(postmap("-Fs", "hash:" + m)[1], "here.test\tthe key\nits certificate\n\n"
         ".here.test\tits certificate\n\n", "-F -s")
    t.eq(postmap("-Fq", "here.test", "texthash:" + m), (0, "the key\nits certificate\n\n", ""), "of a text")
    os.unlink(key)
    code, _, err = postmap("-F", "hash:" + m)
    t.eq((code, err), (1, f"postmap: fatal: {m}, line 1: {key}: No such file or directory\n"), "a file is missing")
    t.eq(postmap("-Fq", "here.test", "hash:" + m)[1], "the key\nits certificate\n\n", "the old table stays")
    postmap("-Fi", "hash:" + path("fresh"), stdin=f"a.test {cert}\n")
    t.eq(stat.S_IMODE(os.stat(path("fresh.cdb")).st_mode), 0o600, "one made by -i")
    code, _, err = run("postalias", "-F", "hash:" + m)
    t.ok(code == 1 and "usage" in err, "postalias has none", err)


@test("errors")
def _(t):
    m = write("e", "a 1\n")
    code, out, err = postmap()
    t.ok((code, out) == (1, "") and err.startswith("postmap: fatal: usage: postmap ["), "usage", err)
    code, out, err = postmap("-Z", m)
    t.ok(code == 1 and "postmap: fatal: usage:" in err, "an unknown option", err)
    code, out, err = postmap("-s", "-q", "x", m)
    t.eq((code, err), (1, "postmap: fatal: specify only one of -s -q -d or -i\n"), "two at once")
    code, out, err = postmap("hash:" + path("nowhere"))
    t.eq((code, err), (1, f"postmap: fatal: open {path('nowhere')}: No such file or directory\n"), "no source")
    code, out, err = postmap("-q", "x", "hash:" + path("nowhere"))
    t.ok(code == 1 and f"open {path('nowhere')}.cdb: No such file or directory" in err, "no table", err)
    code, out, err = postmap("-q", "x", "nosuch:" + m)
    t.ok(code == 1 and "unsupported dictionary type: nosuch" in err, "no such type", err)
    code, out, err = postmap("regexp:" + m)
    t.ok(code == 1 and "not a table that is kept in a file" in err, "a type without files", err)
    code, out, err = postmap("-q", "x", "fail:now")
    t.ok(code == 1 and "query error" in err, "could not ask is not 'no'", err)
    write("broken.cdb", "x" * 5000)
    code, out, err = postmap("-q", "x", "hash:" + path("broken"))
    t.ok(code == 1 and "query error" in err, "a broken table", (code, out, err))


@test("postalias: lines of name: value")
def _(t):
    m = write("aliases", "Postmaster: root\n\"some one\": a@b,\n  \"|/bin/x y\"\nno colon\na@b: c\n")
    t.eq(run("postalias", "hash:" + m), (0, "",
         f"postalias: warning: {m}, line 4: need name:value pair\n"
         f"postalias: warning: {m}, line 5: name must be local\n"), "build")
    t.eq(run("postalias", "-q", "postmaster", "hash:" + m), (0, "root\n", ""), "-q")
    t.eq(run("postalias", "-s", "hash:" + m),
         (0, "postmaster:\troot\nsome one:\ta@b,  \"|/bin/x y\"\n", ""), "-s")


@test("patterns are asked too")
def _(t):
    write("re", "/^(.*)@a\\.test$/ <$1>\n")
    write("cidr", "192.0.2.0/24 net\n2001:db8::/32 six\n")
    t.eq(postmap("-q", "Joe@A.test", "regexp:" + path("re")), (0, "<Joe>\n", ""), "regexp")
    t.eq(postmap("-q", "Joe@A.test", "pcre:" + path("re")), (0, "<Joe>\n", ""), "pcre")
    t.eq(postmap("-q", "2001:db8::9", "cidr:" + path("cidr")), (0, "six\n", ""), "cidr")
    t.eq(postmap("-q", "::ffff:192.0.2.9", "cidr:" + path("cidr")), (0, "net\n", ""), "a mapped address")


@test("a maker that is killed leaves the old table, and the next one works")
def _(t):
    m = write("big", "generation 0\n")
    postmap("hash:" + m)
    text = "".join(f"key{i} value{i}\n" for i in range(60000))
    chance = random.Random(1)
    kills = 0
    for n in range(1, 31):
        write("big", f"generation {n}\n" + text)
        p = subprocess.Popen([program("postmap"), "-c", base, "hash:" + m])
        time.sleep(chance.random() * 0.12)
        p.kill()
        kills += p.wait() != 0
        code, out, err = postmap("-q", "generation", "hash:" + m)
        t.ok(code == 0 and int(out) <= n, f"round {n}", (code, out, err))
        if int(out) > 0:
            t.eq(postmap("-q", "key59999", "hash:" + m)[1], "value59999\n", f"round {n}: whole")
    t.ok(kills > 0, "some were killed in time")
    t.eq(postmap("hash:" + m), (0, "", ""), "the next one")
    t.eq(postmap("-q", "generation", "hash:" + m)[1], "30\n", "is there")
    t.ok(not os.path.exists(m + ".cdb.tmp"), "nothing left behind")


@test("several makers at a time: nothing added is lost")
def _(t):
    m = write("many", "")
    postmap("hash:" + m)
    procs = []
    for n in range(12):
        p = subprocess.Popen([program("postmap"), "-c", base, "-i", "hash:" + m], stdin=subprocess.PIPE, text=True)
        procs.append(p)
        p.stdin.write(f"key{n} {n}\n")
        p.stdin.close()
    t.ok(all(p.wait() == 0 for p in procs), "all done")
    t.eq(len(postmap("-s", "hash:" + m)[1].splitlines()), 12, "all there")


if IS_ROOT:
    @test("root builds as the owner, and not in a user's folder")
    def _(t):
        d = path("home")
        os.mkdir(d)
        m = write("home/t", "a 1\n")
        os.chown(d, 65534, 65534)
        code, _, err = postmap("hash:" + m)
        t.ok(code == 1 and "belongs to the user with id 65534" in err, "root's file in his folder", err)
        t.eq(postmap("-o", "hash:" + m), (0, "", ""), "-o")
        t.eq(os.stat(m + ".cdb").st_uid, 0, "root's")
        os.unlink(m + ".cdb")
        os.chown(m, 65534, 65534)
        t.eq(postmap("hash:" + m), (0, "", ""), "his own file")
        t.eq(os.stat(m + ".cdb").st_uid, 65534, "is his")


main(cleanup=lambda: shutil.rmtree(base))
