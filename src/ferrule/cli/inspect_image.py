"""What `ferrule inspect` says of an image, as a screen and as JSON."""

import json
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ferrule.image.contents import OPAQUE, WHITEOUT
from ferrule.oci.image_config import HealthCheck, RunConfig
from ferrule.text import counted, printable, size
from ferrule.verbs.inspect_image import BASE_DIGEST, BASE_NAME

if TYPE_CHECKING:
    from ferrule.image.stack import Hidden
    from ferrule.image.untar import Member
    from ferrule.verbs.inspect_image import Base, ImageLayer, ImageReport

MOST_HIDDEN = 10
LONGEST_TITLE = 60
LEGACY = "/bin/sh -c #(nop)"
"""What Docker's old builder puts before each line of the history that ran nothing."""

TYPES = {
    "file": stat.S_IFREG,
    "hard link": stat.S_IFREG,
    "dir": stat.S_IFDIR,
    "link": stat.S_IFLNK,
    "fifo": stat.S_IFIFO,
    "device": stat.S_IFCHR,
}
Rows = list[tuple[str, str]]


def screen(report: "ImageReport") -> Iterator[str]:
    """The whole image: who it is, how it runs, its layers, and what they hide of each other."""
    config = report.source.config
    sizes = (
        f"{size(report.size)} unpacked, {size(report.stored)} stored, {counted(len(report.layers), 'layer')}"
    )
    rows = [
        ("image", report.name),
        *([("digest", str(report.source.digest))] if report.source.digest else []),
        ("platform", str(config.platform)),
        *_run_rows(config.run),
        ("base", _base(report.base)),
        ("size", sizes),
        *_listed("layers", list(_layer_lines(report.layers))),
        *_listed("hidden", list(_hidden_lines(report))),
    ]
    return _aligned(rows)


def files_screen(report: "ImageReport") -> Iterator[str]:
    """The tree that a container sees."""
    return _tree((path, node.member) for path, node in report.stack.nodes.items())


def layer_screen(report: "ImageReport", number: int) -> Iterator[str]:
    """One layer alone; what it removes of those below it is marked."""
    members = report.layers[number - 1].contents.members
    return _tree((member.name, member) for member in members)


def as_json(report: "ImageReport", *, files: bool, layer: int | None) -> Iterator[str]:
    """The report for machines, with a file a line. With `files` or a layer's number, also the files."""
    import msgspec

    said = {
        "version": 1,
        "image": report.name,
        "digest": report.source.digest,
        "platform": str(report.source.config.platform),
        "base": msgspec.to_builtins(report.base),
        "size": report.size,
        "stored": report.stored,
        "config": msgspec.to_builtins(report.source.config.run),
        "layers": [_layer(number, each) for number, each in enumerate(report.layers, 1)],
        "hidden": {"size": report.hidden, "files": map(_hidden, report.stack.hidden)},
    }
    if layer:
        said["files"] = (_file(member.name, member) for member in report.layers[layer - 1].contents.members)
    elif files:
        nodes = sorted(report.stack.nodes.items())
        said["files"] = ({**_file(path, node.member), "layer": node.layer + 1} for path, node in nodes)
    yield from _written(said, "\n")
    yield "\n"


def _written(value: object, line: str) -> Iterator[str]:
    """JSON in pieces. Of an iterator one element is in memory at a time, and stands on a line of its own."""
    if isinstance(value, Mapping) and value:
        for number, (key, each) in enumerate(value.items()):
            yield f"{',' if number else '{'}{line}  {json.dumps(key)}: "
            yield from _written(each, f"{line}  ")
        yield f"{line}}}"
    elif isinstance(value, Iterator):
        count = 0
        for count, each in enumerate(value, 1):
            yield f"{',' if count > 1 else '['}{line}  {json.dumps(each)}"
        yield f"{line}]" if count else "[]"
    else:
        yield json.dumps(value, indent=2).replace("\n", line)


def _base(base: "Base") -> str:
    """What it stands on, and how that is known."""
    if base.known_by == "labels":
        return f"{'@'.join(filter(None, (base.name, base.digest)))}, as its labels say"
    if base.known_by == "os-release":
        return f"{base.name}, as its os-release says; no label names it"
    if base.known_by == "history":
        return f"{base.name}: every layer is ferrule's"
    return "unknown: no label names it, and it has no os-release"


def _run_rows(run: RunConfig) -> Rows:
    """How a container of it starts; what is not said, or in the line of the base, is left out."""
    labels = {
        key: value for key, value in sorted((run.labels or {}).items()) if key not in (BASE_NAME, BASE_DIGEST)
    }
    rows = [
        ("user", run.user or "root: the image names none"),
        ("program", " ".join(map(_quoted, run.entrypoint or ()))),
        ("arguments", " ".join(map(_quoted, run.cmd or ()))),
        ("workdir", run.working_dir),
        *_listed("variables", list(run.env or ())),
        ("ports", ", ".join(run.exposed_ports or ())),
        ("volumes", ", ".join(run.volumes or ())),
        ("signal", run.stop_signal),
        ("health", _health(run.healthcheck) if run.healthcheck else ""),
        *_listed("labels", [f"{key}={value}" for key, value in labels.items()]),
    ]
    return [(name, text) for name, text in rows if text]


def _health(check: HealthCheck) -> str:
    """Docker's words, and the times that are not Docker's own."""
    times = {
        "every {:g} s": check.interval,
        "{:g} s for an answer": check.timeout,
        "{:g} s to start": check.start_period,
    }
    said = [" ".join(map(_quoted, check.test))]
    said += [words.format(nanoseconds / 1e9) for words, nanoseconds in times.items() if nanoseconds]
    return ", ".join(said + ([f"unhealthy after {check.retries}"] if check.retries else []))


def _quoted(argument: str) -> str:
    import shlex

    return shlex.quote(argument)


def _layer_lines(layers: "Sequence[ImageLayer]") -> Iterator[str]:
    holdings = [_holds(layer.contents.members) for layer in layers]
    width = max((12, *map(len, holdings)))
    for number, (layer, holds) in enumerate(zip(layers, holdings, strict=True), 1):
        contents = layer.contents
        digest = str(contents.source.digest or contents.source.diff_id).removeprefix("sha256:")[:12]
        title = layer.created_by.removeprefix(LEGACY).lstrip()
        shown = title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 1]}…"
        sizes = f"{size(contents.size):>8}  {size(contents.stored):>8} stored  {holds:>{width}}"
        yield f"{number:>2}  {digest}  {sizes}  {shown}"


def _holds(members: "Iterable[Member]") -> str:
    """How many files a layer brings, and how much of lower layers it removes."""
    names = [member.name.rpartition("/")[2] for member in members if member.kind != "dir"]
    removals = sum(name.startswith(WHITEOUT) for name in names)
    files = counted(len(names) - removals, "file")
    return f"{files}, {counted(removals, 'removal')}" if removals else files


def _hidden_lines(report: "ImageReport") -> Iterator[str]:
    hidden = sorted(report.stack.hidden, key=lambda file: (-file.size, file.path))
    if not hidden:
        yield "nothing: every file is seen"
        return
    yield f"{size(report.hidden)} in {counted(len(hidden), 'file')} that no container sees"
    for file in hidden[:MOST_HIDDEN]:
        does = "removes" if file.removed else "replaces"
        place = f"/{file.path} of layer {file.layer + 1}"
        yield f"{size(file.size):>8}  {place}, which layer {file.by + 1} {does}"
    if len(hidden) > MOST_HIDDEN:
        yield f"and {len(hidden) - MOST_HIDDEN} smaller ones; --json has them all"


def _tree(members: "Iterable[tuple[str, Member]]") -> Iterator[str]:
    """Mode, owner and size in front, names indented below their folders."""
    by_path = sorted(members, key=lambda pair: _place(pair[0]))
    owners = max((len(f"{member.uid}:{member.gid}") for _, member in by_path), default=0)
    return (f"{_tree_line(path, member, owners)}\n" for path, member in by_path)


def _place(path: str) -> str:
    """What sorts a path behind its folder, and a removal by the name of what it removes."""
    folder, slash, name = path.rpartition("/")
    shown = "" if name == OPAQUE else name.removeprefix(WHITEOUT)
    return f"{folder}{slash}{shown}".replace("/", "\0")


def _tree_line(path: str, member: "Member", owners: int) -> str:
    folder, _, name = path.rpartition("/")
    depth = (folder.count("/") + 2 if folder else 1) if path else 0
    mode = stat.filemode(TYPES[member.kind] | member.mode)
    owner = f"{member.uid}:{member.gid}"
    bytes_ = size(member.size) if member.kind == "file" and not name.startswith(WHITEOUT) else ""
    return printable(f"{mode}  {owner:>{owners}}  {bytes_:>8}  {'  ' * depth}{_shown(name, member)}").rstrip()


def _shown(name: str, member: "Member") -> str:
    if name == OPAQUE:
        return "(removes everything that lower layers have here)"
    if name.startswith(WHITEOUT):
        return f"{name.removeprefix(WHITEOUT)} (removed)"
    ends = {"dir": "/", "link": f" -> {member.target}", "hard link": f" = /{member.target}"}
    allowed = f" ({', '.join(member.capabilities)})" if member.capabilities else ""
    return f"{name}{ends.get(member.kind, '')}{allowed}"


def _listed(label: str, lines: list[str]) -> Rows:
    return [(label if number == 0 else "", line) for number, line in enumerate(lines)]


def _aligned(rows: Rows) -> Iterator[str]:
    return (f"{name:>9}  {printable(text).rstrip()}\n" for name, text in rows)


def _layer(number: int, layer: "ImageLayer") -> dict[str, Any]:
    contents = layer.contents
    return {
        "number": number,
        "digest": contents.source.digest,
        "diff_id": contents.source.diff_id,
        "size": contents.size,
        "stored": contents.stored,
        "members": len(contents.members),
        "created_by": layer.created_by,
    }


def _hidden(file: "Hidden") -> dict[str, Any]:
    return {
        "path": f"/{file.path}",
        "size": file.size,
        "layer": file.layer + 1,
        "by": file.by + 1,
        "how": "removed" if file.removed else "replaced",
    }


def _file(path: str, member: "Member") -> dict[str, Any]:
    return {
        "path": f"/{path}",
        "kind": member.kind,
        "mode": f"{member.mode:04o}",
        "uid": member.uid,
        "gid": member.gid,
        "size": member.size,
        **({"target": member.target} if member.target else {}),
        **({"capabilities": list(member.capabilities)} if member.capabilities else {}),
    }
