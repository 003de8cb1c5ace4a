"""What an image stands on: the choice, the base image where there is one, and the files that come with it."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import PurePosixPath

import msgspec

from ferrule.base.choose import BaseChoice, choose_base
from ferrule.base.entry import FileEntry
from ferrule.base.known import FITTED
from ferrule.base.skeleton import CA_FILE, accounts_over, certificates, skeleton, time_zones, words_for
from ferrule.cargo.needs import Need
from ferrule.config import Settings
from ferrule.elf.facts import Binary, version_key
from ferrule.elf.files import LocalFiles
from ferrule.errors import ImageError, RegistryError
from ferrule.image.contents import DamagedLayerError
from ferrule.image.image import Image
from ferrule.image.layer import LayerSpec
from ferrule.image.tree import LayerTree, tree_of
from ferrule.oci.platform import Platform, this_linux
from ferrule.oci.reference import parse_reference
from ferrule.verbs.context import Context
from ferrule.verbs.open_image import open_image

CA_VARIABLE = "SSL_CERT_FILE"
DONOR_LABEL = "ferrule.donor"
"""The image that a fitted base was taken from, by digest; none of its layers is in ours, so it is no base."""


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """Everything below the project's own files.

    `name` is what a person reads; `layers` are ours, on top of `image` where there is one; `present` are the
    paths that the base has already; `unpacked` are the bytes of the base's files; `variables` and `labels`
    follow from it: `labels` by the specification's keys, `own_labels` by whole keys.
    """

    name: str
    platform: Platform
    image: Image | None = None
    layers: tuple[LayerSpec, ...] = ()
    present: frozenset[PurePosixPath] = frozenset()
    unpacked: int = 0
    variables: Mapping[str, str] = msgspec.field(default_factory=dict)
    labels: Mapping[str, str] = msgspec.field(default_factory=dict)
    own_labels: Mapping[str, str] = msgspec.field(default_factory=dict)


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
    if binary.is_static and settings.libraries:
        raise ImageError(
            f"`libraries` names {settings.libraries[0]}, and the program is static: it can open none",
            hint="build it with --link dynamic, or leave `libraries` out",
        )
    choice = choose_base(settings.base, binary)
    if choice.image is None:
        return _own_ground(context, choice, binaries, settings, roots, zones)
    from ferrule.base.check import check
    from ferrule.base.opened import opening

    image = _opened(context, choice.image, binary.platform)
    tree = stack.enter_context(_tree(context, image, choice.name))
    for each in binaries:
        check(opening(each, settings.libraries, tree, choice.name), tree, choice.name)
    wanted = _common(settings, roots, zones)
    missing = tuple(entry for entry in wanted if not tree.has(entry.path))
    entries = (*missing, *accounts_over(settings.user, tree))
    return Ground(
        name=choice.name,
        platform=image.config.platform,
        image=image,
        layers=(LayerSpec(title=_listed(words_for(entries)), entries=entries),),
        present=tree.paths,
        unpacked=tree.size,
        variables=_variables(roots),
        labels=_labels(choice.name, image),
    )


def _demands(binary: Binary) -> tuple[bool, tuple[int, ...]]:
    """The most demanding of several programs is the greatest: dynamic, and of the newest glibc."""
    return not binary.is_static, version_key(binary.glibc or "")


def _opened(context: Context, name: str, platform: Platform) -> Image:
    """An image for the programs' platform, its layers fetched. It is looked for once."""
    image = context.once((name, platform), lambda: open_image(context, name, platform))
    _check_platform(image, platform, name)
    _fetch(context, image, name)
    return image


def _fetch(context: Context, image: Image, name: str) -> None:
    """Have the layers here, several at a time; a layout on disk has them already."""
    if image.origins:
        from ferrule.registry.pull import prefetch

        with context.report.step(f"fetching {name}"):
            prefetch(image)


def _own_ground(
    context: Context,
    choice: BaseChoice,
    binaries: tuple[Binary, ...],
    settings: Settings,
    roots: Need,
    zones: Need,
) -> Ground:
    """scratch or fitted: every file below the program is ours."""
    below = skeleton(settings.user)
    words = words_for(below)
    name, labels = choice.name, dict[str, str]()
    if choice.name == FITTED:
        libraries, donor = _libraries(context, binaries, settings)
        below, words = (*below, *libraries), ("loader", "libraries", *words)
        name, labels = (f"{name} (from {donor})", {DONOR_LABEL: donor}) if donor else (name, labels)
    extra = (*(certificates() if roots.wanted else ()), *(time_zones() if zones.wanted else ()))
    return Ground(
        name=name,
        platform=binaries[0].platform,
        layers=(
            LayerSpec(title=f"base: {_listed(words)}", entries=below),
            LayerSpec(title=_listed(words_for(extra)), entries=extra),
        ),
        variables=_variables(roots),
        own_labels=labels,
    )


def _listed(words: tuple[str, ...]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def _libraries(
    context: Context, binaries: tuple[Binary, ...], settings: Settings
) -> tuple[tuple[FileEntry, ...], str | None]:
    """What the programs need, and the image that it comes from, by digest."""
    from ferrule.base.choose import choose_donor
    from ferrule.base.fitted import Donor, fitted

    name = choose_donor(settings.donor, max(binaries, key=_demands), this_linux())
    if name is None:
        donor = context.once("this machine", lambda: Donor(files=LocalFiles()))
        found, pinned = fitted(binaries, donor, settings.libraries), None
    else:
        image = _opened(context, name, binaries[0].platform)
        with _tree(context, image, name) as tree:
            donor = context.once(
                ("donor", name, image.descriptor.digest), lambda: Donor(files=tree, name=name)
            )
            found, pinned = fitted(binaries, donor, settings.libraries), _pinned(name, image)
    for note in found.notes:
        context.report.say(note)
    return found.entries, pinned


def _pinned(name: str, image: Image) -> str:
    """A layout's name is a path of this machine, which no image may hold: its digest says the same."""
    digest = image.descriptor.digest
    return digest if name.startswith("oci:") else str(parse_reference(name).with_digest(digest))


def _labels(name: str, image: Image) -> dict[str, str]:
    """Which base it was. A layout's name is a path of this machine, which no image may hold."""
    named = {} if name.startswith("oci:") else {"base.name": name}
    return {**named, "base.digest": image.descriptor.digest}


def _check_platform(image: Image, platform: Platform, name: str) -> None:
    if not platform.runs(image.config.platform):
        raise ImageError(
            f"{name} is for {str(image.config.platform)[:100]}, and the program is for {platform}",
            hint="choose an image that has the program's platform",
        )


def _common(settings: Settings, roots: Need, zones: Need) -> tuple[FileEntry, ...]:
    return (
        *skeleton(settings.user),
        *(certificates() if roots.wanted else ()),
        *(time_zones() if zones.wanted else ()),
    )


@contextmanager
def _tree(context: Context, image: Image, name: str) -> Iterator[LayerTree]:
    """Read once for all images that stand on it."""
    try:
        yield context.once(image.descriptor.digest, lambda: context.keep_open(tree_of(image)))
    except DamagedLayerError as error:
        raise RegistryError(f"{name}: {error.message}", hint=error.hint) from error


def _variables(roots: Need) -> dict[str, str]:
    return {CA_VARIABLE: str(CA_FILE)} if roots.wanted else {}
