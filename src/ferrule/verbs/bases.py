"""What an image stands on: the choice, the base image where there is one, and the files that come with it."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ferrule.base.choose import BaseChoice, choose_base
from ferrule.base.entry import FileEntry
from ferrule.base.skeleton import CA_FILE, accounts_over, certificates, skeleton, time_zones
from ferrule.cargo.needs import Need
from ferrule.config import Settings
from ferrule.elf.facts import Binary, version_key
from ferrule.elf.files import LocalFiles
from ferrule.errors import ImageError, InvalidValueError, RegistryError, UsageError
from ferrule.image.contents import DamagedLayerError
from ferrule.image.image import Image
from ferrule.image.layer import LayerSpec
from ferrule.image.layout import LayoutError, read_layout
from ferrule.image.tree import LayerTree, tree_of
from ferrule.oci.platform import Platform
from ferrule.oci.reference import parse_reference
from ferrule.verbs.context import Context

if TYPE_CHECKING:
    from ferrule.registry.client import Client

CA_VARIABLE = "SSL_CERT_FILE"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """Everything below the project's own files.

    `name` is what a person reads; `layers` are ours, on top of `image` where there is one; `present` are the
    paths that the base has already; `unpacked` are the bytes of the base's files; `variables` and `labels`
    follow from it.
    """

    name: str
    platform: Platform
    image: Image | None = None
    layers: tuple[LayerSpec, ...] = ()
    present: frozenset[PurePosixPath] = frozenset()
    unpacked: int = 0
    variables: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


def lay_ground(
    context: Context,
    stack: ExitStack,
    binaries: tuple[Binary, ...],
    settings: Settings,
    roots: Need,
    zones: Need,
) -> Ground:
    """Choose the base, fetch it where it is an image, and check that it can run every program.

    Raises `ImageError` when it cannot, `RegistryError` when there is no such image.
    """
    binary = max(binaries, key=_demands)
    choice = choose_base(settings.base, binary)
    if choice.image is None:
        return _own_ground(context, choice, binaries, settings, roots, zones)
    from ferrule.base.check import check

    image = open_image(context, choice.image, binary.platform)
    _check_platform(image, binary.platform, choice.name)
    _fetch(context, image, choice.name)
    tree = stack.enter_context(_tree(image, choice.name))
    for each in binaries:
        check(each, tree, choice.name)
    wanted = _common(settings, roots, zones)
    missing = tuple(entry for entry in wanted if not tree.has(entry.path))
    entries = (*missing, *accounts_over(settings.user, tree))
    return Ground(
        name=choice.name,
        platform=image.config.platform,
        image=image,
        layers=(LayerSpec(title="users, certificates and zones", entries=entries),),
        present=tree.paths,
        unpacked=tree.size,
        variables=_variables(roots),
        labels=_labels(choice.name, image),
    )


def _demands(binary: Binary) -> tuple[bool, tuple[int, ...]]:
    """The most demanding of several programs is the greatest: dynamic, and of the newest glibc."""
    return not binary.is_static, version_key(binary.glibc or "")


def open_image(context: Context, name: str, platform: Platform, *, any_platform: bool = False) -> Image:
    """An image by reference, or `oci:DIR[:TAG]`. Raises `RegistryError` when there is none.

    With `any_platform`, an image that is for one other platform alone will do.
    """
    if name.startswith("oci:"):
        folder, _, tag = name.removeprefix("oci:").partition(":")
        try:
            return read_layout(Path(folder), tag or None, platform)
        except LayoutError as error:
            raise RegistryError(error.message, hint=error.hint) from error
    from ferrule.registry.pull import resolve

    try:
        reference = parse_reference(name)
    except InvalidValueError as error:
        raise UsageError(error.message, hint=error.hint) from error
    with context.report.step(f"reading {name}"):
        return resolve(client_of(context), reference, platform, context.store, any_platform=any_platform)


def _joined(known: FileEntry | None, entry: FileEntry) -> FileEntry:
    """A package's list of files names those of every program; all else is the same for all of them."""
    if known is None or entry.path.suffix != ".md5sums" or not isinstance(known.source, bytes):
        return entry
    assert isinstance(entry.source, bytes)
    lines = sorted({*known.source.splitlines(keepends=True), *entry.source.splitlines(keepends=True)})
    return replace(entry, source=b"".join(lines))


def _fetch(context: Context, image: Image, name: str) -> None:
    """Have the layers here, several at a time; a layout on disk has them already."""
    if image.origins:
        from ferrule.registry.pull import prefetch

        with context.report.step(f"fetching {name}"):
            prefetch(image)


def client_of(context: Context) -> "Client":
    """The registry client of this run, with the user's credentials and trust."""
    from ferrule.registry.client import Access, Client
    from ferrule.registry.credentials import Credentials

    access = Access(
        mirrors=dict(context.trust.mirrors), insecure=context.trust.insecure, ca_file=context.trust.ca_file
    )
    return Client(access=access, credentials=Credentials(runner=context.runner))


def _own_ground(
    context: Context,
    choice: BaseChoice,
    binaries: tuple[Binary, ...],
    settings: Settings,
    roots: Need,
    zones: Need,
) -> Ground:
    """scratch or fitted: every file below the program is ours."""
    base = LayerSpec(title="base: users and /tmp", entries=skeleton(settings.user))
    if choice.name == "fitted":
        libraries = _libraries(context, binaries)
        base = LayerSpec(title="base: loader and libraries", entries=(*base.entries, *libraries))
    extra = (*(certificates() if roots.wanted else ()), *(time_zones() if zones.wanted else ()))
    return Ground(
        name=choice.name,
        platform=binaries[0].platform,
        layers=(base, LayerSpec(title="certificates and zones", entries=extra)),
        variables=_variables(roots),
    )


def _libraries(context: Context, binaries: tuple[Binary, ...]) -> tuple[FileEntry, ...]:
    """What the programs need, each file once."""
    from ferrule.base.fitted import fitted
    from ferrule.base.packages import DpkgPackages

    entries: dict[PurePosixPath, FileEntry] = {}
    notes: dict[str, None] = {}
    for binary in binaries:
        found = fitted(binary, LocalFiles(), DpkgPackages(context.runner))
        for entry in found.entries:
            entries[entry.path] = _joined(entries.get(entry.path), entry)
        notes.update(dict.fromkeys(found.notes))
    for note in notes:
        context.report.say(note)
    return tuple(entries.values())


def _labels(name: str, image: Image) -> dict[str, str]:
    """Which base it was. A layout's name is a path of this machine, which no image may hold."""
    named = {} if name.startswith("oci:") else {"base.name": name}
    return {**named, "base.digest": image.descriptor.digest}


def _check_platform(image: Image, platform: Platform, name: str) -> None:
    if not platform.runs(image.config.platform):
        raise ImageError(
            f"{name} is for {str(image.config.platform)[:100]}, and the program is for {platform}",
            hint="choose a base that has the program's platform",
        )


def _common(settings: Settings, roots: Need, zones: Need) -> tuple[FileEntry, ...]:
    return (
        *skeleton(settings.user),
        *(certificates() if roots.wanted else ()),
        *(time_zones() if zones.wanted else ()),
    )


@contextmanager
def _tree(image: Image, name: str) -> Iterator[LayerTree]:
    try:
        with tree_of(image) as tree:
            yield tree
    except DamagedLayerError as error:
        raise RegistryError(f"the base {name}: {error.message}", hint=error.hint) from error


def _variables(roots: Need) -> dict[str, str]:
    return {CA_VARIABLE: str(CA_FILE)} if roots.wanted else {}
