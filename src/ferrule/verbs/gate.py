"""The gate before a push: what was made comes through only when it runs as production would run it."""

import hashlib
import json
from typing import Any

from ferrule import __version__
from ferrule.config import Settings
from ferrule.errors import ImageError
from ferrule.image.image import Image, image_for
from ferrule.memory import Memory
from ferrule.oci.platform import this_platform
from ferrule.verbs.context import Context
from ferrule.verbs.database import needs_of
from ferrule.verbs.deliver import Destinations, Parcel, Passed
from ferrule.verbs.trial import Subject, Verified, VerifyOptions, environment, needs_now, subject_of, verify

MEMORY_FILE = "verified.json"


def check_gate(settings: Settings, destinations: Destinations) -> None:
    """Refuse before the build what could not be verified after it. Raises `UsageError`."""
    options = options_of(destinations)
    environment(settings.contract, options.env, needs_now(needs_of(settings), options))


def pass_gate(
    context: Context, settings: Settings, parcel: Parcel, version: str | None, destinations: Destinations
) -> Passed:
    """Verify the image for this machine, unless it was once, in the same way.

    Raises `ImageError` when it is not fit to run: the program's last lines have been shown then.
    """
    here = this_platform()
    image = image_for(parcel.content, here)
    if not here.runs(image.config.platform):
        raise ImageError(
            f"the image is for {image.config.platform}, and cannot be verified on {here}",
            hint="build it on a machine of its own kind, or leave this out: --no-verify",
        )
    for each in parcel.content.images:
        if each is not image:
            context.report.warn(
                f"the image for {each.config.platform} is not verified: this machine is {here}"
            )
    options = options_of(destinations)
    subject = subject_of(image, parcel.name.with_tag(parcel.tags[0]), settings, version)
    memory, key = Memory(context.cache / MEMORY_FILE), _key(image, subject, options)
    known = memory.recall(key)
    if known:
        context.report.say(f"verified before: {image.descriptor.digest}")
        return _passed(image, known if isinstance(known, dict) else {}, before=True)
    verified = verify(context, subject, options, parcel.name.with_tag(parcel.tags[0]))
    _say(context, verified)
    values = {check.name: check.values for check in verified.verdict.checks}
    found = {
        "engine": verified.engine,
        "seconds": values["health"]["seconds"],
        "memory": values.get("memory", {}).get("bytes"),
    }
    memory.remember(key, found)
    return _passed(image, found, before=False)


def _passed(image: Image, found: dict[str, Any], *, before: bool) -> Passed:
    return Passed(
        digest=image.descriptor.digest,
        platform=str(image.config.platform),
        engine=found.get("engine"),
        seconds=found.get("seconds"),
        memory=found.get("memory"),
        before=before,
    )


def options_of(destinations: Destinations) -> VerifyOptions:
    """What the flags of a build say."""
    return VerifyOptions(
        engine=destinations.gate.engine,
        env=destinations.gate.env,
        host_network=destinations.gate.host_network,
        memory=destinations.gate.memory,
    )


def _say(context: Context, verified: Verified) -> None:
    for check in verified.verdict.checks:
        if check.ok:
            context.report.detail(f"{check.name}: {check.said}")
    if verified.verdict.ok:
        said = next(check.said for check in verified.verdict.checks if check.name == "health")
        context.report.say(f"verified: {said}")
        return
    lines = verified.last_lines
    context.report.raw(lines if lines.endswith("\n") or not lines else f"{lines}\n")
    for check in verified.verdict.failed:
        context.report.warn(f"{check.name}: {check.said}")
    first = verified.verdict.failed[0]
    raise ImageError(f"{verified.name} is not fit to run: {first.said}", hint=first.hint)


def _key(image: Image, subject: Subject, options: VerifyOptions) -> str:
    """The image, and all that a verdict depends on, our checks too; values are in it as a digest only."""
    said = [
        __version__,
        options.engine,
        options.host_network,
        sorted(options.env),
        options.memory,
        subject.version,
        [[each.name, each.required, each.example] for each in subject.contract],
        *([subject.needs.database.version, subject.needs.migrate] if subject.needs.database else []),
    ]
    fingerprint = hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]
    return f"{image.descriptor.digest} {fingerprint}"
