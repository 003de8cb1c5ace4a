"""Programs of this machine, run in a root that holds what `fitted` gives them and nothing else."""

import io
import os
import tarfile
from pathlib import Path, PurePosixPath

import pytest

from ferrule.base.entry import FileEntry
from ferrule.base.fitted import Donor, Fitted, fitted
from ferrule.base.skeleton import skeleton
from ferrule.elf.closure import closure
from ferrule.elf.facts import read_binary
from ferrule.elf.files import LocalFiles
from ferrule.image.tar import with_parents, write_tar
from ferrule.process import Command, Finished, SystemRunner
from ferrule.values import User
from tests.parts.compile import compiled

pytestmark = pytest.mark.real

ZLIB = """\
#include <stdio.h>
#include <zlib.h>
int main(void) { printf("%lx\\n", crc32(0L, (const Bytef *)"123456789", 9)); return 0; }
"""

CANCEL = """\
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static void *sleeper(void *nothing) { for (;;) pause(); return nothing; }
int main(void) {
    pthread_t thread;
    void *result;
    pthread_create(&thread, NULL, sleeper, NULL);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    puts(result == PTHREAD_CANCELED ? "cancelled" : "not cancelled");
    return 0;
}
"""

CPLUSPLUS = """\
#include <iostream>
#include <stdexcept>
#include <thread>
int main() {
    std::thread([] {
        try { throw std::runtime_error("caught in a thread"); }
        catch (const std::exception &error) { std::cout << error.what() << std::endl; }
    }).join();
}
"""

RUST = """\
use std::net::ToSocketAddrs;
fn main() {
    let result = std::panic::catch_unwind(|| std::thread::spawn(|| panic!("on purpose")).join().is_err());
    let found = ("127.0.0.1", 80).to_socket_addrs().map(|mut all| all.next().is_some());
    println!("{:?} {:?}", result.unwrap(), found.unwrap());
}
"""

OPENSSL = """\
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <stdio.h>
int main(void) {
    int usual = EVP_MD_fetch(NULL, "SHA256", NULL) != NULL;
    int legacy = OSSL_PROVIDER_load(NULL, "legacy") && EVP_MD_fetch(NULL, "MD4", NULL);
    printf("%d %d\\n", usual, legacy);
    return 0;
}
"""

LIBPQ = """\
#include <libpq-fe.h>
#include <stdio.h>
int main(void) {
    PGconn *connection = PQconnectdb("host=127.0.0.1 port=1");
    printf("%d %s", PQlibVersion() > 0, PQerrorMessage(connection));
    return 0;
}
"""

PLUGIN = """\
#include <dlfcn.h>
#include <stdio.h>
int main(void) {
    void *zlib = dlopen("libz.so.1", RTLD_NOW);
    puts(zlib && dlsym(zlib, "zlibVersion") ? "opened" : dlerror());
    return 0;
}
"""

CHARSETS = """\
#include <iconv.h>
#include <langinfo.h>
#include <locale.h>
#include <pwd.h>
#include <stdio.h>
int main(void) {
    struct passwd *user = getpwnam("nonroot");
    setlocale(LC_ALL, "C.UTF-8");
    printf("%s %d %d\\n", nl_langinfo(CODESET), iconv_open("UTF-8", "ISO-8859-1") != (iconv_t)-1,
           user ? (int)user->pw_uid : 0);
    return 0;
}
"""

OWN = "int answer(void) { return 42; }\n"
ASKS_OWN = """\
#include <stdio.h>
int answer(void);
int main(void) { printf("%d\\n", answer()); return 0; }
"""


def fit(program: Path, *libraries: str) -> Fitted:
    return fitted((read_binary(program),), Donor(files=LocalFiles()), libraries)


def unpacked(root: Path, program: Path, entries: tuple[FileEntry, ...]) -> Path:
    """The image's files as an engine would unpack them, in a folder."""
    app = FileEntry(path=PurePosixPath("/app", program.name), kind="file", mode=0o755, source=program)
    raw = io.BytesIO()
    write_tar(with_parents((*skeleton(User()), *entries, app)), raw, mtime=0)
    with tarfile.open(fileobj=io.BytesIO(raw.getvalue())) as tar:
        tar.extractall(root, filter="fully_trusted")
    return root


def run(root: Path, program: Path) -> Finished:
    """Run in the root; without being root, as root of a user namespace."""
    become = () if os.geteuid() == 0 else ("unshare", "--user", "--map-root-user")
    return SystemRunner().run(Command(argv=(*become, "chroot", str(root), f"/app/{program.name}")))


@pytest.mark.parametrize(
    ("name", "source", "flags", "says"),
    [
        ("crc.c", ZLIB, ("-lz",), "cbf43926"),
        ("cancel.c", CANCEL, ("-pthread",), "cancelled"),
        ("thrower.cc", CPLUSPLUS, ("-pthread",), "caught in a thread"),
        ("shop.rs", RUST, (), "true true"),
        ("old.c", ZLIB, ("-lz", "-no-pie", "-Wl,-z,norelro"), "cbf43926"),
    ],
)
def test_a_program_runs_on_what_it_was_given(
    tmp_path: Path, name: str, source: str, flags: tuple[str, ...], says: str
) -> None:
    program = compiled(tmp_path, name, source, *flags)
    root = unpacked(tmp_path / "root", program, fit(program).entries)

    finished = run(root, program)

    assert (finished.stdout.decode().strip(), finished.returncode) == (says, 0), finished.stderr.decode()


def test_without_libgcc_a_cancelled_thread_ends_the_program(tmp_path: Path) -> None:
    program = compiled(tmp_path, "cancel.c", CANCEL, "-pthread")
    entries = fit(program).entries
    less = tuple(entry for entry in entries if entry.path.name != "libgcc_s.so.1")

    finished = run(unpacked(tmp_path / "root", program, less), program)

    assert len(less) == len(entries) - 1
    assert finished.returncode != 0


def test_every_file_is_needed(tmp_path: Path) -> None:
    program = compiled(tmp_path, "crc.c", ZLIB, "-lz")
    root = unpacked(tmp_path / "root", program, fit(program).entries)
    files = [path for path in root.rglob("*") if ".so" in path.name and path.name != "libgcc_s.so.1"]

    assert len(files) >= 4
    for path in files:
        hidden = path.rename(path.with_name("hidden"))
        assert not run(root, program).ok, path
        hidden.rename(path)
    assert run(root, program).ok


def test_a_library_of_the_build_folder_is_found_in_the_image(tmp_path: Path) -> None:
    build = tmp_path / "target" / "deps"
    build.mkdir(parents=True)
    compiled(build, "libown.so.c", OWN, "-shared", "-fPIC", "-Wl,-soname,libown.so")
    program = compiled(tmp_path, "user.c", ASKS_OWN, f"-L{build}", "-lown", f"-Wl,-rpath,{build}")

    found = fit(program)
    finished = run(unpacked(tmp_path / "root", program, found.entries), program)

    assert finished.stdout == b"42\n", finished.stderr
    assert not [entry.path for entry in found.entries if str(entry.path).startswith(str(tmp_path))]


@pytest.mark.parametrize(
    ("name", "source", "flags", "libraries", "says"),
    [
        ("ssl.c", OPENSSL, ("-lcrypto",), (), "1 0"),
        ("ssl.c", OPENSSL, ("-lcrypto",), ("/usr/$LIB/ossl-modules/legacy.so",), "1 1"),
        ("pq.c", LIBPQ, ("-I/usr/include/postgresql", "-lpq"), (), "1 connection to server"),
        ("plugin.c", PLUGIN, (), (), "libz.so.1: cannot open shared object file"),
        ("plugin.c", PLUGIN, (), ("libz.so.1",), "opened"),
        ("charsets.c", CHARSETS, (), (), "UTF-8 0 65532"),
        ("charsets.c", CHARSETS, (), ("/usr/$LIB/gconv/ISO8859-1.so",), "UTF-8 1 65532"),
    ],
)
def test_a_program_opens_what_is_declared_and_nothing_else(
    tmp_path: Path, name: str, source: str, flags: tuple[str, ...], libraries: tuple[str, ...], says: str
) -> None:
    program = compiled(tmp_path, name, source, *flags)
    root = unpacked(tmp_path / "root", program, fit(program, *libraries).entries)

    finished = run(root, program)

    assert finished.stdout.decode().startswith(says), (finished.stdout, finished.stderr)


def test_a_library_that_only_the_donor_s_cache_knows_is_found_in_the_image(tmp_path: Path) -> None:
    """The image has no cache, so /usr/local/lib would not do there."""
    base = compiled(tmp_path, "base.c", "int main(void) { return 0; }\n")
    donor = unpacked(tmp_path / "donor", base, fit(base).entries)
    local = donor / "usr" / "local" / "lib"
    local.mkdir(parents=True)
    compiled(local, "libown.so.c", OWN, "-shared", "-fPIC", "-Wl,-soname,libown.so")
    (donor / "etc" / "ld.so.conf").write_text("/usr/local/lib\n")
    program = compiled(tmp_path, "user.c", ASKS_OWN, f"-L{local}", "-lown")
    (donor / "etc" / "ld.so.cache").write_bytes(b"")

    found = fitted((read_binary(program),), Donor(files=LocalFiles(donor)))
    finished = run(unpacked(tmp_path / "root", program, found.entries), program)

    assert finished.stdout == b"42\n", finished.stderr


def test_the_unpacked_files_are_what_the_search_finds_there(tmp_path: Path) -> None:
    """The plan is checked before it is written; the files on disk must give the same answer."""
    program = compiled(tmp_path, "crc.c", ZLIB, "-lz")
    root = unpacked(tmp_path / "root", program, fit(program).entries)
    here = closure(read_binary(program), LocalFiles(), origin=PurePosixPath(tmp_path))
    there = closure(read_binary(program), LocalFiles(root), origin=PurePosixPath("/app"))

    assert there.missing == ()
    assert [one.name for one in there.libraries] == [one.name for one in here.libraries]
