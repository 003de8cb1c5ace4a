"""Writes files from what is known of a project, and says which of them have drifted."""

import difflib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec
from msgspec.structs import replace

from ferrule.atomic import appearing, is_there
from ferrule.cargo.metadata import Package, Project
from ferrule.cargo.select import Selection
from ferrule.config import Settings
from ferrule.errors import OutputError, ProjectError
from ferrule.generate import compose, dockerfile, ecs, env, github, kubernetes, systemd
from ferrule.generate.build_facts import Build, Cache
from ferrule.generate.marked import drafted, has_marks, split
from ferrule.generate.service import Draft, Service, Sqlx
from ferrule.image.archive import familiar
from ferrule.oci.digest import Digest, parse_digest
from ferrule.oci.reference import Reference, parse_reference
from ferrule.verbs.build_facts import Wish, build_facts
from ferrule.verbs.context import Context
from ferrule.verbs.prepare import ProjectRequest, check_references, read_settings
from ferrule.verbs.targets import named_platforms

KINDS: Mapping[str, Callable[[Service], tuple[Draft, ...]]] = {
    dockerfile.KIND: dockerfile.drafts,
    compose.KIND: compose.drafts,
    env.KIND: env.drafts,
    github.KIND: github.drafts,
    kubernetes.KIND: kubernetes.drafts,
    ecs.KIND: ecs.drafts,
    systemd.KIND: systemd.drafts,
}
WHY = {
    dockerfile.KIND: "for those who must have one: the image as ferrule would make it",
    compose.KIND: "the service on one machine, with the database that it needs",
    env.KIND: "the variables of the contract, to copy and fill in",
    github.KIND: "a workflow: tests, and an image that is verified before it is pushed",
    kubernetes.KIND: "plain manifests, and a kustomize base of them",
    ecs.KIND: "a task definition and a service for Fargate",
    systemd.KIND: "a hardened unit, and in its place where there is Podman a Quadlet",
}
State = Literal["new", "same", "changed"]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for.

    `only_ours`: of the files of the kinds, those alone that are there and were generated.
    `image` is what the files start; None for the digest that stands in them, else this version's tag.
    """

    kinds: tuple[str, ...]
    output: Path | None = None
    image: Reference | None = None
    force: bool = False
    only_ours: bool = False
    dockerfile: Wish = Wish()


class Generated(msgspec.Struct, frozen=True, kw_only=True):
    """A file: what it is now (None: not there), and what it should be."""

    kind: str
    path: Path
    before: str | None
    after: str

    @property
    def state(self) -> State:
        """Whether it is to be written, and why."""
        if self.before is None:
            return "new"
        return "same" if self.before == self.after else "changed"

    def diff(self) -> str:
        """A unified diff from what it is to what it should be."""
        before = (self.before or "").splitlines(keepends=True)
        after = self.after.splitlines(keepends=True)
        old = "/dev/null" if self.before is None else str(self.path)
        return "".join(difflib.unified_diff(before, after, old, str(self.path)))


def generate(context: Context, request: ProjectRequest, wanted: Wanted) -> tuple[Generated, ...]:
    """Every file of the kinds, below `output` or in the project; nothing is written yet.

    Raises `ProjectError` for a file that is there and not ours, unless `force`.
    """
    project, selection, settings = read_settings(context, request)
    own = check_references(settings, selection.binary) or parse_reference(selection.binary.lower())
    name = wanted.image or own
    folder = wanted.output or project.workspace.workspace_root
    kinds = tuple(kind for kind in wanted.kinds if not (wanted.only_ours and _is_without(folder, kind)))
    asks = dockerfile.KIND in kinds
    wish = msgspec.structs.replace(wanted.dockerfile, cache=wanted.dockerfile.cache or _known_cache(folder))
    build = build_facts(context, request, wish) if asks else None

    def drafts(name: Reference) -> tuple[Draft, ...]:
        service = service_of(selection, settings, name, build)
        service = replace(service, sqlx=sqlx_of(project, selection.package))
        # Kinds share files: compose needs the example of its .env as much as `env` does.
        return tuple({draft.path: draft for kind in kinds for draft in KINDS[kind](service)}.values())

    known = None if wanted.image else _known_digest(drafts(name), folder, name)
    found = drafts(name.with_digest(known) if known else name)
    if wanted.only_ours:
        found = tuple(each for each in found if _is_ours(folder, each))
    return tuple(_generated(draft, folder, force=wanted.force) for draft in found)


def service_of(
    selection: Selection, settings: Settings, image: Reference, build: Build | None = None
) -> Service:
    """What the files need to know; an image without tag and digest gets the package's version as its tag."""
    package = selection.package
    reference = image if image.tag or image.digest else image.with_tag(package.version.replace("+", "_"))
    return Service(
        name=selection.binary,
        package=package.name,
        version=package.version,
        description=package.description or selection.binary,
        repository=package.repository or "",
        image=familiar(reference),
        platforms=tuple(map(str, named_platforms(settings))),
        contract=settings.contract,
        args=settings.args,
        ports=settings.ports,
        health=settings.health,
        files=tuple((copy.source, str(copy.target)) for copy in settings.files),
        migrations=settings.migrations or None,
        migrate=settings.migrate,
        database=settings.database,
        volumes=tuple(map(str, settings.volumes)),
        workdir=str(settings.workdir),
        user=settings.user,
        stop_signal=settings.stop_signal,
        init=settings.init,
        capabilities=settings.capabilities,
        build=build,
    )


def sqlx_of(project: Project, package: Package) -> Sqlx | None:
    """What is there of SQLx; None where the lock file has no such crate."""
    root, lock = project.workspace.workspace_root, project.workspace.lock_file
    if not lock.is_file() or b'name = "sqlx"' not in lock.read_bytes():
        return None
    own, whole = (package.folder / ".sqlx").is_dir(), (root / ".sqlx").is_dir()
    return Sqlx(
        folder=os.path.relpath(package.folder, root),
        prepared=own or whole,
        is_whole=whole and not own,
        migrations=(package.folder / "migrations").is_dir(),
    )


def write(files: tuple[Generated, ...]) -> None:
    """Write those that are not as they should be, each whole or not at all."""
    for file in files:
        if file.state != "same":
            with appearing(file.path, lasting=True) as part:
                part.write_bytes(file.after.encode())


def _is_ours(folder: Path, draft: Draft) -> bool:
    return has_marks(_text_of(folder / draft.path) or "", draft.kind, draft.comment)


def _is_without(folder: Path, kind: str) -> bool:
    """Whether there is no such file, of the one kind for which cargo is asked."""
    return kind == dockerfile.KIND and not has_marks(_text_of(folder / dockerfile.PATH) or "", kind)


def _known_cache(folder: Path) -> Cache | None:
    """How the Dockerfile keeps what was compiled: only `--cache` changes that."""
    path = folder / dockerfile.PATH
    with _naming(path):
        parts = split(_text_of(path) or "", dockerfile.KIND)
    if parts is None:
        return None
    return "chef" if dockerfile.is_chef(parts.ours) else "mount"


def _known_digest(drafts: tuple[Draft, ...], folder: Path, name: Reference) -> Digest | None:
    """The digest of this image that was written last time: only `--image` changes what is started."""
    names = "|".join(map(re.escape, (familiar(name), str(name))))
    form = re.compile(rf"(?:^|[^\w./-])(?:{names})@(sha256:[0-9a-f]{{64}})\b", re.MULTILINE)
    for draft in drafts:
        path = folder / draft.path
        with _naming(path):
            parts = split(_text_of(path) or "", draft.kind, draft.comment)
        if parts and (match := form.search(parts.ours)):
            return parse_digest(match[1])
    return None


def _generated(draft: Draft, folder: Path, *, force: bool) -> Generated:
    path = folder / draft.path
    before = _text_of(path)
    with _naming(path):
        after = drafted(before, draft.kind, draft.text, force=force, comment=draft.comment)
    return Generated(kind=draft.kind, path=path, before=before, after=after)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """What is wrong with a file is said with its name."""
    try:
        yield
    except ProjectError as error:
        raise ProjectError(f"{path}: {error.message}", hint=error.hint) from error


def _text_of(path: Path) -> str | None:
    if not is_there(path):
        return None
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise OutputError(f"cannot read {path}: {reason}", hint="move it away") from error
