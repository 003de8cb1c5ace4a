"""What the code cannot say of itself: a line for each key and variable. None is missing or spare."""

KEYS = {
    "image": "The image's repository, such as `ghcr.io/acme/shop`, without a tag. `{bin}` in it stands for "
    "the binary. `--push` needs it, and `{bin}` where `--all` pushes several.",
    "link": "How the program is linked. `auto` is static where nothing needs a shared library at run time. "
    "`musl` is static with another C library.",
    "allocator": "What gives the program its memory. `mimalloc` is faster than the C library's own and takes "
    "more memory; `auto` is mimalloc with musl, and with glibc `system`, the C library's own. A project "
    "keeps an allocator that it brings.",
    "platforms": "What images are made for, such as `linux/amd64` and `linux/arm64`: several make an index. "
    "Without it, this machine's, or those of cargo's `build.target`.",
    "glibc": "The oldest glibc that a dynamic program is to run with, such as `2.28`. It takes zig.",
    "base": "What the image stands on: `auto`, `scratch`, `fitted`, `distroless`, `debian`, an image "
    "reference, or `oci:DIR[:TAG]`.",
    "donor": "The image whose loader and libraries a `fitted` base gets, as a reference or `oci:DIR[:TAG]`, "
    "best by digest. Without it: this machine, and `gcr.io/distroless/cc-debian12` for another processor.",
    "libraries": "Libraries that the program opens by name: sonames such as `libfoo.so.1`, or paths such as "
    '`"/usr/$LIB/ossl-modules/*.so"`. A `fitted` base gets them, any other is asked for them.',
    "optimize": "What is added to cargo's profile. Without it: one codegen unit, and no symbols. `speed` "
    'adds fat LTO, `size` also `opt-level = "s"`, `off` adds nothing at all.',
    "args": "The program's default arguments, the image's Cmd. What stands behind `--` in `ferrule run` "
    "replaces them.",
    "ports": 'Ports that the program listens on, such as `3000` or `"53/udp"`. The health path is asked on '
    "the first TCP port.",
    "health": 'How the program says that it is well: `{ path = "/health" }`, asked by a probe that the image '
    "gets, with `port`, `expect` (a status), `header` and `live` (a path for liveness) where needed; "
    "`{ tcp = 5432 }`; or `{ command = [...] }`, a program inside the image and its arguments. All take "
    '`interval = "30s"`, `timeout = "5s"`, `start-period = "10s"` and `retries = 3`, which are the defaults.',
    "files": 'Files to take along, such as `{ from = "static", to = "/app/static" }`. `from` is a file, a '
    "folder or a pattern, looked up from the package's folder; it must stay inside the workspace.",
    "migrations": "A folder of migrations to take along to `/app/migrations`; `false` for none. Not said: "
    "`migrations`, where a source reads it at run time with sqlx, refinery or Diesel.",
    "migrate": 'How the program migrates its database by itself: `{ args = ["migrate"] }`. `run` and '
    "`verify` let it do so before they start it with the database that they made.",
    "database": 'The database that the program needs: `{ postgres = "16", url-env = "DATABASE_URL" }`. `run` '
    "and `verify` start one beside the program, and hand over its URL in the variable `url-env`, which is "
    "`DATABASE_URL` by default, and a required secret of the contract unless `env` says otherwise.",
    "volumes": "Folders for data that outlives the container: made in the image, owned by the user, as is "
    "what `files` puts there.",
    "workdir": "The folder that the program starts in. It is made in the image, and root's.",
    "user": "Who runs the program, as numbers: `UID` or `UID:GID`.",
    "stop-signal": "The signal that asks the program to stop.",
    "init": "A process 1 of two kilobytes before the program: it hands on signals that the program has no "
    "handler for, and waits for orphans.",
    "capabilities": "What the program that runs may do beyond its user, as capabilities of its file, such as "
    "`NET_BIND_SERVICE` for a port below 1024.",
    "include-bins": "Further binaries of the workspace for the same image: each lies beside the program in "
    "`/app`.",
    "env": "What the program reads from its environment, by name: a value, which goes into the image, or a "
    'table such as `{ required = true, secret = true, type = "url" }`. See the environment contract.',
    "verify": "`true` boots every image before it is pushed, as `ferrule verify` does, and pushes nothing "
    "that is not fit to run. `--no-verify` leaves it out.",
    "labels": "Labels of the image, by key. They win over those that are taken from Cargo.toml.",
}
"""Key of `[package.metadata.ferrule]` → what it means."""

OWN_FILE = {
    "mirrors": "The registry that names use → the one that is asked in its place when reading.",
    "insecure": "Hosts, with or without a port, that are spoken to without TLS. This machine always is.",
    "ca-file": "A file with certificates in PEM form that are believed beside the machine's own.",
    "cache-size": "The most that stays in the cache, such as `500MB`, `5GB` or `2GiB`; 2GiB by default.",
}
"""Key of the user's own config.toml → what it means."""

VARIABLES = {
    "FERRULE_CACHE_DIR": "The folder for layers and downloaded blobs, instead of `ferrule` in the user's "
    "cache folder. It may be deleted at any time.",
    "FERRULE_CACHE_SIZE": "Like `cache-size` in the user's own file, which it beats.",
    "FERRULE_CA_FILE": "Like `ca-file` in the user's own file, which it beats.",
    "SOURCE_DATE_EPOCH": "Seconds since 1970 for every time in the image, which is otherwise 0.",
}
"""Variable without a flag → what it means."""
