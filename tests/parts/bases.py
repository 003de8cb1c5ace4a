"""Base images for tests, as OCI layouts made of Debian's own packages: a name goes in, a folder comes out.

They hold the packages that the public images of the same names hold, and are not those images: a size
measured with them is "the same packages", never the published one. Made once, in minutes, and kept.

`python -m tests.parts.bases` makes all of them.
"""

import io
import shutil
import stat
import sys
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ferrule.errors import FerruleError
from tests.fakes.images import write_layout_of
from tests.parts.debian import CACHE, download, locked, mirror, run

SUITE = "bookworm"
PROCESSORS = ("amd64", "arm64")
SEARCH_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
STATIC = ("base-files", "ca-certificates", "media-types", "netbase", "tzdata")
CC = (*STATIC, "gcc-12-base", "libc6", "libgcc-s1", "libgomp1", "libssl3", "libstdc++6")
DISTROLESS = {"distroless/cc-debian12": CC, "distroless/static-debian12": STATIC}
NAMES = ("library/debian:bookworm-slim", *(f"{name}:latest" for name in DISTROLESS))
NONROOT = 65532
UNWANTED = ("man", "locale", "info", "lintian", "bug", "gcc", "gdb", "base-files", "ca-certificates")
PASSWD = """\
root:x:0:0:root:/root:/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin
nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin
"""
GROUP = "root:x:0:\ntty:x:5:\nstaff:x:50:\nnonroot:x:65532:\nnobody:x:65534:\n"


def base_layout(name: str) -> Path:
    """The layout (tag `latest`) of one of `NAMES`. The first call takes minutes, and says so."""
    place = CACHE / "bases" / name.replace("/", "_").replace(":", "_")
    if not place.exists():
        with locked(f"base-{place.name}"):
            if not place.exists():
                _make(name, place)
    return place


def push_bases(registry: str) -> tuple[str, ...]:
    """Copy every base into the registry (HOST:PORT, plain HTTP) under its own name; returns references."""
    references = tuple(f"{registry}/{name}" for name in NAMES)
    for name, reference in zip(NAMES, references, strict=True):
        source = f"oci:{base_layout(name)}:latest"
        options = ("--all", "--insecure-policy", "--dest-tls-verify=false")
        run("skopeo", "copy", "--quiet", *options, source, f"docker://{reference}")
    return references


def _make(name: str, place: Path) -> None:
    print(f"making the base image {name} from Debian's packages, about a minute", file=sys.stderr, flush=True)
    work = place.with_name(f".{place.name}")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    packages = DISTROLESS.get(name.removesuffix(":latest"))
    write_layout_of(work / "layout", _distroless(work, packages) if packages else _slim(work))
    (work / "layout").replace(place)
    shutil.rmtree(work)


Recipe = Mapping[str, tuple[tuple[bytes, ...], Mapping[str, Any]]]


def _slim(work: Path) -> Recipe:
    """Debian's smallest system with apt, without documentation and translations."""
    drop = ("doc", "info", "lintian", "locale", "man")
    rules = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in drop]
    rules.append("--dpkgopt=path-include=/usr/share/doc/*/copyright")
    clean = 'rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/* "$1"/var/log/*'
    out = work / "slim.tar"
    options = ("--quiet", "--variant=minbase", f"--customize-hook={clean}", *rules)
    run("mmdebstrap", *options, SUITE, str(out), mirror(), env={"SOURCE_DATE_EPOCH": "0"})
    return {"amd64": ((out.read_bytes(),), {"Env": [SEARCH_PATH], "Cmd": ["bash"]})}


def _distroless(work: Path, packages: tuple[str, ...]) -> Recipe:
    environment = [SEARCH_PATH, f"SSL_CERT_FILE=/{CERTIFICATES}"]
    config = {"Env": environment, "User": "0", "WorkingDir": "/"}
    return {name: ((tar_of_folder(_root(work / name, name, packages)),), config) for name in PROCESSORS}


def _root(work: Path, processor: str, packages: tuple[str, ...]) -> Path:
    """The packages' files without their scripts, and the records of each package that scanners read."""
    root = work / "root"
    records = root / "var" / "lib" / "dpkg" / "status.d"
    records.mkdir(parents=True)
    for deb in download(work, suite=SUITE, arch=processor, packages=packages):
        run("dpkg-deb", "-x", str(deb), str(root))
        run("dpkg-deb", "-e", str(deb), str(work / "control"))
        record = (work / "control" / "control").read_text()
        name = record.partition("\n")[0].removeprefix("Package: ")
        (records / name).write_text(record)
        if (work / "control" / "md5sums").exists():
            (work / "control" / "md5sums").replace(records / f"{name}.md5sums")
        shutil.rmtree(work / "control")
    _finish(root)
    return root


def _finish(root: Path) -> None:
    authorities = sorted((root / "usr/share/ca-certificates").rglob("*.crt"))
    bundle = "".join(file.read_text() for file in authorities)
    for name in UNWANTED:
        shutil.rmtree(root / "usr/share" / name, ignore_errors=True)
    for page in (root / "usr/share/doc").glob("*/*"):
        if page.name != "copyright" and not page.is_dir():
            page.unlink()
    for name in ("etc/ssl/certs", "home/nonroot", "tmp"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    texts = {CERTIFICATES: bundle, "etc/passwd": PASSWD, "etc/group": GROUP}
    for name, text in {**texts, "etc/nsswitch.conf": "hosts: files dns\n"}.items():
        (root / name).write_text(text)


def tar_of_folder(root: Path) -> bytes:
    """All of it as an uncompressed layer, owned by root."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in _walk(root):
            info = tar.gettarinfo(path, arcname=str(path.relative_to(root)))
            owner = NONROOT if info.name == "home/nonroot" else 0
            info.mtime, info.uid, info.gid, info.uname, info.gname = 0, owner, owner, "", ""
            content = path.read_bytes() if info.isreg() else b""
            tar.addfile(info, io.BytesIO(content))
    return raw.getvalue()


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        yield path
        if stat.S_ISDIR(path.lstat().st_mode):
            yield from _walk(path)


def main() -> int:
    """Make what is not there yet."""
    try:
        for name in NAMES:
            base_layout(name)
    except FerruleError as error:
        print(f"{error}; {error.hint}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
