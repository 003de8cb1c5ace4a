"""Writes files from what is known of a project, and says which of them have drifted."""

import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

import msgspec
from msgspec.structs import replace

from ferrule.atomic import is_there
from ferrule.base.known import FITTED
from ferrule.cargo.metadata import Package, Project
from ferrule.cargo.select import Selection
from ferrule.config import Settings
from ferrule.errors import OutputError
from ferrule.generate import compose, dockerfile, ecs, env, github, kubernetes, systemd
from ferrule.generate.build_facts import Build, Cache
from ferrule.generate.marked import has_marks, mark_name
from ferrule.generate.service import Draft, Service, Sqlx
from ferrule.image.archive import familiar
from ferrule.oci.digest import Digest, parse_digest
from ferrule.oci.reference import Reference, reference_of_program
from ferrule.verbs.build_facts import Wish, build_facts
from ferrule.verbs.context import Context
from ferrule.verbs.generated import Generated, compared, left_over, owner_of, parts_of, text_of
from ferrule.verbs.prepare import SHORT_NAMES, ProjectRequest, check_references, read_settings
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
PLACES = {
    dockerfile.KIND: (dockerfile.AIDS,),
    github.KIND: (github.FOLDER,),
    kubernetes.KIND: (kubernetes.FOLDER, f"{kubernetes.FOLDER}/{kubernetes.RESOURCES}"),
    ecs.KIND: (ecs.FOLDER,),
    systemd.KIND: (systemd.FOLDER,),
}
"""Kind → folders with as many files as a project has something to say in."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for.

    `only_ours`: of the files of the kinds, those alone that are there and were generated.
    `image` is what the files start; None for the digest that stands in them, else this version's tag.
    `check`: nothing will be written, so that what differs from machine to machine may stay as it is.
    """

    kinds: tuple[str, ...]
    output: Path | None = None
    image: Reference | None = None
    force: bool = False
    only_ours: bool = False
    check: bool = False
    dockerfile: Wish = Wish()


class Folders(msgspec.Struct, frozen=True, kw_only=True):
    """Where files go: the project's folder, or the root of the git repository around it, or another place."""

    project: Path
    repository: Path
    output: Path | None = None

    def of(self, kind: str) -> Path:
        """GitHub looks for workflows at the root of a repository alone."""
        return self.output or (self.repository if kind == github.KIND else self.project)


def generate(context: Context, request: ProjectRequest, wanted: Wanted) -> tuple[Generated, ...]:
    """Every file of the kinds, below `output` or in the project, and what is left over of earlier ones.

    Nothing is written yet. Raises `ProjectError` for a file whose marks are no pair any more.
    """
    project, selection, settings = read_settings(context, request)
    own = check_references(settings, selection.binary) or reference_of_program(selection.binary)
    name = wanted.image or own
    root, program = project.workspace.workspace_root, selection.binary
    others = _other_names(project, selection)
    folders = Folders(project=root, repository=_repository_of(root), output=wanted.output)
    kinds = tuple(kind for kind in wanted.kinds if not (wanted.only_ours and _is_without(folders, kind)))
    asks = dockerfile.KIND in kinds
    wish = _with_known(wanted, folders) if asks else wanted.dockerfile
    build = build_facts(context, request, wish, project) if asks else None
    shared = folders.of(github.KIND) / github.PATH

    def placed(name: Reference) -> dict[Path, Draft]:
        service = replace(
            service_of(selection, settings, name, build),
            sqlx=sqlx_of(project, selection.package),
            folder=os.path.relpath(root, folders.repository),
            is_alone=root == folders.repository and owner_of(shared, github.KIND) not in others,
        )
        # Kinds share files: compose needs the example of its .env as much as `env` does.
        drafts = (draft for kind in kinds for draft in KINDS[kind](service))
        found = {folders.of(draft.kind) / draft.path: draft for draft in drafts}
        return {path: each for path, each in found.items() if not wanted.only_ours or _is_ours(path, each)}

    known = None if wanted.image else _known_digest(placed(name), name)
    found = placed(name.with_digest(known) if known else name)
    files = (
        compared(each, folders.of(each.kind), program, others, force=wanted.force) for each in found.values()
    )
    return (*files, *_left_over(folders, kinds, found, program, others))


def _left_over(
    folders: Folders, kinds: tuple[str, ...], found: Collection[Path], program: str, others: frozenset[str]
) -> Iterator[Generated]:
    for kind in kinds:
        # Workflows of other projects in the repository are none of this one's, whatever their programs are.
        theirs = None if kind == github.KIND else others
        for place in PLACES.get(kind, ()):
            yield from left_over(kind, folders.of(kind) / place, found, program, theirs)


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
        bases=tuple(filter(_is_image, (settings.base, settings.donor or FITTED))),
        build=build,
    )


def _is_image(name: str) -> bool:
    """Whether a base or a donor is an image of a registry."""
    return name not in SHORT_NAMES and not name.startswith("oci:")


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


def _other_names(project: Project, selection: Selection) -> frozenset[str]:
    """Of the other binaries in the workspace, as marks have them."""
    names = (name for package in project.workspace.packages for name in package.binaries)
    return frozenset(map(mark_name, names)) - {mark_name(selection.binary)}


def _repository_of(root: Path) -> Path:
    """The folder of the git repository around the project; its own where there is none."""
    return next((each for each in (root, *root.parents) if is_there(each / ".git")), root)


def _is_ours(path: Path, draft: Draft) -> bool:
    try:
        return has_marks(text_of(path) or "", draft.kind, draft.comment)
    except OutputError:  # a folder, or no text: nothing that was generated
        return False


def _is_without(folders: Folders, kind: str) -> bool:
    """Whether there is no such file, of the one kind for which cargo is asked."""
    draft = Draft(kind=kind, path=dockerfile.PATH, text="")
    return kind == dockerfile.KIND and not _is_ours(folders.of(kind) / draft.path, draft)


def _with_known(wanted: Wanted, folders: Folders) -> Wish:
    """With what stands in the Dockerfile: only `--cache` changes how it keeps what was compiled."""
    wish = replace(wanted.dockerfile, folder=wanted.output)
    parts = parts_of(folders.of(dockerfile.KIND) / dockerfile.PATH, dockerfile.KIND)
    if parts is None:
        return wish
    known: Cache = "chef" if dockerfile.is_chef(parts.ours) else "mount"
    rust = dockerfile.rust_of(parts.ours) if wanted.check else None
    return replace(wish, cache=wish.cache or known, rust=rust)


def _known_digest(drafts: Mapping[Path, Draft], name: Reference) -> Digest | None:
    """The digest of this image that was written last time: only `--image` changes what is started."""
    names = "|".join(map(re.escape, (familiar(name), str(name))))
    form = re.compile(rf"(?:^|[^\w./-])(?:{names})@(sha256:[0-9a-f]{{64}})\b", re.MULTILINE)
    for path, draft in drafts.items():
        parts = parts_of(path, draft.kind, draft.comment)
        if parts and (match := form.search(parts.ours)):
            return parse_digest(match[1])
    return None
