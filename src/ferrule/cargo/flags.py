"""The flags that every crate is compiled with: the project's own, as cargo sees them, then ours."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from ferrule.atomic import appearing
from ferrule.cargo.metadata import Project
from ferrule.cargo.sources import config_files, mentions
from ferrule.cargo.toolchain import Toolchain
from ferrule.errors import BuildError
from ferrule.process import Command, Runner

_PROBE = """fn main() {
    let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    println!("cargo:rustc-env=FLAGS={flags}");
}
"""

C_FLAGS = ("CFLAGS", "CXXFLAGS")

SEPARATOR = "\x1f"
"""Between two flags in CARGO_ENCODED_RUSTFLAGS."""


class Remap(msgspec.Struct, frozen=True, kw_only=True):
    """Folders of this machine and the names that stand for them in the binary, general ones first."""

    pairs: tuple[tuple[Path, str], ...]

    @property
    def rustflags(self) -> tuple[str, ...]:
        """One flag for each pair; the last one that matches wins in rustc."""
        return tuple(f"--remap-path-prefix={old}={new}" for old, new in self.pairs)

    @property
    def cflags(self) -> str:
        """The same for C compilers, but for folders with blanks in their names.

        CFLAGS is split at blanks, so such a flag would end the build; a path that stays is found afterwards.
        """
        fit = ((old, new) for old, new in self.pairs if not re.search(r"\s", str(old)))
        return " ".join(f"-ffile-prefix-map={old}={new}" for old, new in fit)


def remap_of(project: Project, toolchain: Toolchain, target_dir: Path) -> Remap:
    """The folders that would otherwise be written into the binary."""
    pairs = [
        (project.workspace.workspace_root, "/src"),
        (toolchain.cargo_home, "/cargo"),
        (toolchain.sysroot, "/rust"),
        (target_dir, "/target"),
    ]
    return Remap(pairs=tuple(sorted(pairs, key=lambda pair: len(pair[0].parts))))


def effective_rustflags(runner: Runner, project: Project, *, triple: str, cache: Path) -> tuple[str, ...]:
    """The project's own flags from every source, as cargo itself resolves them.

    A dummy crate's build script prints what cargo hands to rustc: no rule of cargo's is written again here.
    """
    if not _has_source(project.folder):
        return ()
    manifest = _dummy_crate(cache / "flags-probe")
    argv = (
        *("cargo", "check", "-q", "--release", "--offline", "--message-format=json"),
        *(
            "--manifest-path",
            str(manifest),
            "--target",
            triple,
            "--target-dir",
            str(cache / "flags-probe-target"),
        ),
        *("--config", f"build.build-dir={toml_string(str(cache / 'flags-probe-target'))}"),
    )
    finished = runner.run(Command(argv=argv, cwd=project.folder))
    if not finished.ok:
        text = finished.stderr.decode(errors="replace")
        # cargo's own line says that rustc failed, and rustc's first one behind it says why.
        reasons = re.findall(r"^ *error(?:\[\w+\])?: (.+)$", text, re.MULTILINE) or ["no reason given"]
        raise BuildError(
            f"cargo does not say which flags are set: {reasons[:2][-1]}",
            hint="check rustflags in .cargo/config.toml and in the environment",
        )
    return _flags_in(finished.stdout)


def configured_variables(runner: Runner, project: Project) -> dict[str, str]:
    """The variables of cargo's `[env]`: what ferrule sets would hide them. Asked only where they matter."""
    if not mentions(config_files(project.folder), (*C_FLAGS, "SQLX_OFFLINE", "include")):
        return {}
    # The bootstrap variable opens an unstable query on a stable cargo; it builds nothing.
    argv = ("cargo", "-Zunstable-options", "config", "get", "--format", "json-value", "env")
    finished = runner.run(Command(argv=argv, cwd=project.folder, env={"RUSTC_BOOTSTRAP": "1"}))
    if not finished.ok:
        return {}
    try:
        found = msgspec.json.decode(finished.stdout, type=dict[str, str | _Variable])
    except msgspec.ValidationError:
        # A value that cargo does not take either, as it will say itself.
        return {}
    return {name: each if isinstance(each, str) else each.value for name, each in found.items()}


class _Variable(msgspec.Struct):
    value: str


def c_environment(triple: str, remap: Remap, environ: Mapping[str, str]) -> dict[str, str]:
    """Variables for the `cc` crate: what is set for the target, and our prefix map behind it."""
    return {
        f"{kind}_{triple.replace('-', '_')}": f"{_first_set(kind, triple, environ)} {remap.cflags}".strip()
        for kind in C_FLAGS
    }


def toml_string(text: str) -> str:
    """A TOML basic string, for values on cargo's command line."""
    return msgspec.json.encode(text).decode()


def _first_set(kind: str, triple: str, environ: Mapping[str, str]) -> str:
    names = (f"{kind}_{triple}", f"{kind}_{triple.replace('-', '_')}", f"TARGET_{kind}", kind)
    return next((environ[name] for name in names if name in environ), "")


def _has_source(folder: Path) -> bool:
    named = ("CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS")
    in_environment = any(
        name in named or (name.startswith("CARGO_TARGET_") and name.endswith("_RUSTFLAGS"))
        for name in os.environ
    )
    return in_environment or mentions(config_files(folder), ("rustflags", "include"))


def _dummy_crate(folder: Path) -> Path:
    files = {
        "Cargo.toml": '[package]\nname = "ferrule-flags"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n',
        "build.rs": _PROBE,
        "src/lib.rs": "",
    }
    for name, text in files.items():
        path = folder / name
        if not path.is_file() or path.read_text() != text:
            with appearing(path) as part:
                part.write_text(text)
    return folder / "Cargo.toml"


class _BuildScript(msgspec.Struct):
    reason: str
    env: tuple[tuple[str, str], ...] = ()


def _flags_in(output: bytes) -> tuple[str, ...]:
    for line in output.splitlines():
        if b'"build-script-executed"' in line:
            message = msgspec.json.decode(line, type=_BuildScript)
            flags = dict(message.env).get("FLAGS", "")
            return tuple(flags.split(SEPARATOR)) if flags else ()
    return ()
