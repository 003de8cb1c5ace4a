"""Features for one package of several: those of the command line go in, those for the package come out."""

import re
from collections.abc import Iterable

from msgspec.structs import replace

from ferrule.cargo.metadata import Package
from ferrule.cargo.plan import CargoOptions


def options_for(options: CargoOptions, package: Package, chosen: tuple[Package, ...]) -> CargoOptions:
    """The options for one call of cargo, where several packages were `chosen`.

    As with `cargo build --workspace`, each gets those features that it has. One that none has stays, so that
    cargo itself refuses it.
    """
    known = [word for word in _words(options) if any(_is_for(word, each) for each in chosen)]
    unknown = [word for word in _words(options) if word not in known]
    own = [word for word in known if _is_for(word, package)]
    return replace(options, features=(*own, *unknown))


def turned_on(options: CargoOptions, package: Package) -> frozenset[str]:
    """The features of the package that a build with the options has."""
    if options.all_features:
        return frozenset(package.features)
    own = {word.removeprefix(f"{package.name}/") for word in _words(options) if _is_for(word, package)}
    waiting = [*own, *(() if options.no_default_features else ("default",))]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in package.features and name not in found:
            found.add(name)
            waiting += package.features[name]
    return frozenset(found)


def _words(options: CargoOptions) -> Iterable[str]:
    """cargo takes several in one value, with blanks or commas between them."""
    return [word for value in options.features for word in re.split(r"[ ,]+", value) if word]


def _is_for(word: str, package: Package) -> bool:
    """`feature`, or `package/feature`; the feature of a dependency is for whoever has the dependency."""
    owner, slash, name = word.rpartition("/")
    if not slash or owner == package.name:
        return name in package.features
    return any(dependency.name == owner.removesuffix("?") for dependency in package.dependencies)
