"""Boots an image as production would, before it is pushed: a project or a name becomes a verdict."""

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from ferrule.engine.choose import choose
from ferrule.errors import ImageError
from ferrule.image.archive import familiar
from ferrule.image.image import Image
from ferrule.oci.image_config import RunConfig
from ferrule.oci.platform import this_platform
from ferrule.probe.place import program_of
from ferrule.verbs.context import Context
from ferrule.verbs.database import needs_of
from ferrule.verbs.in_engine import name_in_engine
from ferrule.verbs.open_image import open_image
from ferrule.verbs.run_config import HEALTH_PATH
from ferrule.verbs.trial import (
    Subject,
    Verified,
    VerifyOptions,
    declared_ports,
    environment,
    needs_now,
    subject_of,
    verify,
)

if TYPE_CHECKING:
    from ferrule.verbs.prepare import ProjectRequest

VERSION_LABEL = "org.opencontainers.image.version"


def verify_project(context: Context, request: "ProjectRequest", options: VerifyOptions) -> Verified:
    """Build the project for this machine, and verify what came out."""
    from ferrule.verbs.build import build_image
    from ferrule.verbs.deliver import Destinations
    from ferrule.verbs.prepare import read_settings

    # What would stop it after the build stops it before.
    choose(options.engine)
    settings = read_settings(context, request)[2]
    environment(settings.contract, options.env, needs_now(needs_of(settings), options))
    built = build_image(context, msgspec.structs.replace(request, only_here=True), (), Destinations())
    prepared = built.prepared
    name = prepared.local_name.with_tag(built.tags[0])
    version = prepared.selection.package.version
    subject = subject_of(built.parts[0].made.image, name, prepared.settings, version)
    return verify(context, subject, options, name)


def verify_image(context: Context, name: str, options: VerifyOptions) -> Verified:
    """Verify an image by name: one that the engine has, a layout (`oci:DIR[:TAG]`), or one of a registry."""
    loader = choose(options.engine).engine.loader
    if loader is not None and not name.startswith("oci:") and loader.has(name):
        return verify(context, _kept(name, loader.config(name)), options, None)
    image = open_image(context, name, this_platform(), any_platform=True)
    if not this_platform().runs(image.config.platform):
        raise ImageError(
            f"the image is for {str(image.config.platform)[:100]}, and this machine is {this_platform()}",
            hint="verify it on a machine of its own kind",
        )
    reference = name_in_engine(name)
    subject = Subject(
        name=familiar(reference),
        given=name,
        image=image,
        run=image.config.run,
        digest=image.descriptor.digest,
        version=_version(image.config.run),
        capabilities=_capabilities(image),
    )
    return verify(context, subject, options, reference)


def _kept(name: str, run: RunConfig) -> Subject:
    """An image that only the engine has."""
    return Subject(name=name, run=run, version=_version(run))


def _version(run: RunConfig) -> str | None:
    """The crate's, in an image of ours; others may mean something else by the label."""
    labels = run.labels or {}
    return labels.get(VERSION_LABEL) if HEALTH_PATH in labels else None


def _capabilities(image: Image) -> tuple[str, ...]:
    """Those of the program's file. To read all layers takes its time: only where a port may need one."""
    run = image.config.run
    words = (*(run.entrypoint or ()), *(run.cmd or ()))
    if not words or all(port.number >= 1024 for port in declared_ports(run)):
        return ()
    from ferrule.image.tree import tree_of

    with tree_of(image) as tree:
        return tree.capabilities(PurePosixPath(program_of(words)))
