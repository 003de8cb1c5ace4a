"""The projects of tests/projects, and what ferrule has to make of each: expected here, and nowhere else."""

import msgspec

NOTHING = "nothing in the graph needs a shared library at run time"
HERE = "linux/amd64"


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """A project and its image.

    `reason` are ferrule's own words for the link mode, before the build as after it. `beside` is all that the
    image holds beside the program and what all have. A static program starts in an empty root too, and a
    dynamic one does not. `programs` have to be on this machine; `is_quick` is for every run of the tests.
    """

    name: str
    trait: str
    link: str = "static"
    reason: str = NOTHING
    beside: tuple[str, ...] = ()
    platform: str = HERE
    programs: tuple[str, ...] = ()
    is_quick: bool = False

    @property
    def base(self) -> str:
        """Its name."""
        return "scratch" if self.link == "static" else "fitted"


def _dynamic(name: str, trait: str, reason: str, *beside: str, quick: bool = False) -> Expected:
    return Expected(name=name, trait=trait, link="dynamic", reason=reason, beside=beside, is_quick=quick)


def _links(crate: str, *libraries: str) -> str:
    return f"{crate} links the system's {' and '.join(libraries)}"


PROJECTS = (
    _dynamic(
        "openssl-system", "OpenSSL of the system", _links("openssl-sys", "crypto", "ssl"),
        "CA roots", "libcrypto.so.3", "libssl.so.3", quick=True,
    ),
    Expected(
        name="openssl-vendored", trait="OpenSSL that the crate builds", beside=("CA roots",),
        programs=("make", "perl"),
    ),
    _dynamic(
        "native-tls", "native-tls", _links("openssl-sys", "crypto", "ssl"),
        "CA roots", "libcrypto.so.3", "libssl.so.3",
    ),
    Expected(name="sqlite-bundled", trait="SQLite that the crate builds"),
    Expected(name="zstd", trait="C code: zstd"),
    Expected(name="zstd", trait="C code: zstd", platform="linux/arm64", is_quick=True),
    Expected(name="ring", trait="C and assembler: ring"),
    Expected(name="aws-lc", trait="C and assembler: aws-lc"),
    Expected(name="jemalloc", trait="jemalloc as the allocator"),
    Expected(name="mimalloc", trait="mimalloc as the allocator"),
    _dynamic(
        "libloading", "libraries opened by `libloading`",
        "libloading loads shared libraries at run time", quick=True,
    ),
    _dynamic(
        "dlopen-by-hand", "libraries opened by `dlopen` alone",
        "src/main.rs opens shared libraries at run time", quick=True,
    ),
    _dynamic(
        "plug-in", "a library beside, which `libraries` names",
        "asked for by `libraries` of package.metadata.ferrule", "libz.so.1",
    ),
    Expected(name="nss-users", trait="users looked up by the C library, in `/etc/passwd`", is_quick=True),
    _dynamic("libpq", "libpq of the system", _links("pq-sys", "pq"), "a locale", "libpq.so.5", quick=True),
    Expected(name="cplusplus", trait="C++ with its standard library", is_quick=True),
    _dynamic(
        "link-argument", "a library that an argument of the linker names",
        _links("build.rs", "z"), "libz.so.1",
    ),
    _dynamic(
        "link-attribute", "a library that an attribute links",
        _links("src/main.rs", "z"), "libz.so.1", quick=True,
    ),
    Expected(name="proc-macro", trait="a procedural macro as a member of the workspace"),
    Expected(name="no-std-member", trait="a `no_std` library as a member of the workspace"),
    Expected(name="two-binaries", trait="two binaries and `default-run`, names that differ"),
    Expected(name="flags-build", trait="flags in `[build]`"),
    Expected(name="flags-target", trait="flags in `[target.TRIPLE]`"),
    _dynamic(
        "flags-cfg", "flags in `[target.'cfg()']`, `-crt-static` among them",
        "the project's own flags turn crt-static off", quick=True,
    ),
    Expected(name="protoc", trait="a build script that needs protoc", programs=("protoc",)),
    Expected(name="no-lock-file", trait="no Cargo.lock"),
    Expected(name="toolchain-pin", trait="a pinned toolchain", programs=("rustup",)),
    Expected(name="assets-embedded", trait="assets in the program"),
    Expected(name="assets-read", trait="assets read at run time", beside=("pages",)),
    Expected(name="native-certs", trait="CA roots read from the system", beside=("CA roots",)),
    Expected(name="time-zones", trait="time zones read from the system", beside=("time zones",)),
)  # fmt: skip
