"""An image that stands for Docker's official `postgres`, made of Debian's packages: an OCI layout comes out.

It holds Debian's own Postgres 15, whatever its tag says, and obeys what the official one's entry point does
of these: POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB, POSTGRES_HOST_AUTH_METHOD, PGDATA, PGPORT, and
arguments of the server. Engines get it as `postgres:16` or under any other name; nothing is ever pushed.

`python -m tests.parts.postgres_image` makes it, in about half a minute, and keeps it.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from ferrule.errors import FerruleError
from ferrule.image.archive import write_archive
from ferrule.image.layout import read_layout
from ferrule.oci.platform import this_platform
from ferrule.oci.reference import parse_reference
from tests.fakes.images import write_layout_of
from tests.parts.bases import tar_of_folder
from tests.parts.debian import CACHE, download, locked, run

VERSION = "15"
NAME = "postgres:16"
PROGRAMS = f"/usr/lib/postgresql/{VERSION}/bin"
DATA = "/var/lib/postgresql/data"
OWNER = 999
"""The official image's number for its user."""

PACKAGES = (
    *("base-files", "coreutils", "dash", "libacl1", "libattr1", "libc6", "libcap-ng0", "libgmp10"),
    *("libpcre2-8-0", "libselinux1", "util-linux"),
    *("postgresql-15", "postgresql-client-15", "libpq5", "libicu72", "libxml2", "libssl3", "zlib1g"),
    *("libgcc-s1", "libstdc++6", "liblz4-1", "libzstd1", "liblzma5", "libpam0g", "libaudit1"),
    *("libldap-2.5-0", "libsasl2-2", "libgssapi-krb5-2", "libkrb5-3", "libk5crypto3", "libkrb5support0"),
    *("libcom-err2", "libkeyutils1", "libsystemd0", "libgcrypt20", "libgpg-error0", "libcap2"),
    *("libreadline8", "libtinfo6", "libgnutls30", "libp11-kit0", "libidn2-0", "libunistring2"),
    *("libtasn1-6", "libnettle8", "libhogweed6", "libffi8", "tzdata"),
)
UNWANTED = ("usr/share/doc", "usr/share/locale", "usr/share/man", "usr/share/postgresql/15/man")
ACCOUNTS = {
    "etc/passwd": f"root:x:0:0:root:/root:/bin/sh\npostgres:x:{OWNER}:{OWNER}::/var/lib/postgresql:/bin/sh\n",
    "etc/group": f"root:x:0:\npostgres:x:{OWNER}:\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
}
ENTRY_POINT = f"""\
#!/bin/sh
set -eu
case "${{1:-postgres}}" in -*) set -- postgres "$@" ;; esac
[ "${{1:-postgres}}" = postgres ] || exec "$@"
if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA" /var/run/postgresql
    chown {OWNER}:{OWNER} "$PGDATA" /var/run/postgresql
    chmod 0700 "$PGDATA"
    exec setpriv --reuid={OWNER} --regid={OWNER} --clear-groups -- "$0" "$@"
fi
user="${{POSTGRES_USER:-postgres}}"
database="${{POSTGRES_DB:-$user}}"
method="${{POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}}"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    if [ -z "${{POSTGRES_PASSWORD:-}}" ] && [ "$method" != trust ]; then
        echo "Error: Database is uninitialized and superuser password is not specified." >&2
        exit 1
    fi
    file="$(mktemp)"
    printf '%s\\n' "${{POSTGRES_PASSWORD:-unused}}" > "$file"
    initdb --username="$user" --pwfile="$file" --auth-local=trust --auth-host="$method" \\
        --encoding=UTF8 --locale=C --no-sync > /dev/null
    rm "$file"
    echo "host all all all $method" >> "$PGDATA/pg_hba.conf"
    echo "listen_addresses = '*'" >> "$PGDATA/postgresql.conf"
    if [ "$database" != postgres ]; then
        echo "CREATE DATABASE \\"$database\\"" | postgres --single -D "$PGDATA" -j postgres > /dev/null
    fi
fi
unset POSTGRES_PASSWORD
exec "$@"
"""


def postgres_layout() -> Path:
    """The layout (tag `latest`), for this machine's processor. The first call takes half a minute."""
    place = CACHE / "bases" / f"postgres_{VERSION}"
    if not place.exists():
        with locked(f"base-{place.name}"):
            if not place.exists():
                _make(place)
    return place


def load_postgres(program: str, env: dict[str, str], name: str = NAME) -> None:
    """Hand it to an engine under the name, by `docker load` or `podman load` in this environment."""
    with tempfile.TemporaryDirectory(prefix="ferrule-") as folder:
        archive = Path(folder) / "image.tar"
        image = read_layout(postgres_layout(), "latest", this_platform())
        write_archive(image, (parse_reference(name),), archive, docker_only=program == "podman")
        run(program, "load", "--input", str(archive), env=env)


def _make(place: Path) -> None:
    print("making an image of Postgres from Debian's packages, half a minute", file=sys.stderr, flush=True)
    work = place.with_name(f".{place.name}")
    shutil.rmtree(work, ignore_errors=True)
    root = work / "root"
    processor = run("dpkg", "--print-architecture").strip()
    for deb in download(work, suite="bookworm", arch=processor, packages=PACKAGES):
        run("dpkg-deb", "-x", str(deb), str(root))
    for name in UNWANTED:
        shutil.rmtree(root / name, ignore_errors=True)
    for name, text in {**ACCOUNTS, "usr/local/bin/docker-entrypoint.sh": ENTRY_POINT}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "usr/local/bin/docker-entrypoint.sh").chmod(0o755)
    (root / "bin/sh").unlink(missing_ok=True)
    (root / "bin/sh").symlink_to("dash")
    (root / "tmp").chmod(0o1777)
    config = {
        "Env": [f"PATH={PROGRAMS}:/usr/local/bin:/usr/bin:/bin", f"PG_MAJOR={VERSION}", f"PGDATA={DATA}"],
        "Entrypoint": ["docker-entrypoint.sh"],
        "Cmd": ["postgres"],
        "ExposedPorts": {"5432/tcp": {}},
        "Volumes": {DATA: {}},
        "StopSignal": "SIGINT",
    }
    write_layout_of(work / "layout", {processor: ((tar_of_folder(root),), config)})
    (work / "layout").replace(place)
    shutil.rmtree(work)


def main() -> int:
    """Make it, if it is not there yet."""
    try:
        print(postgres_layout())
    except FerruleError as error:
        print(f"{error}; {error.hint}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
