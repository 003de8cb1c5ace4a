"""A folder that is to become a root: names of the image go in, places below that folder come out, always.

The image may be a stranger's. A symbolic link in it means a place in it, also an absolute one, and `..` ends
at its root, as they will when the folder is the root. Nobody else changes the folder meanwhile.
"""

# Names of the image are text: pathlib would fold them, and take longer.
# ruff: noqa: PTH101, PTH102, PTH108, PTH112, PTH115, PTH120, PTH123

import os
import shutil
import stat
from pathlib import Path

from ferrule.errors import ImageError

MAX_LINKS = 40

USUAL_USER = 65532
"""As images of ours have it; not from `values`, since the sandbox's own process removes its root too."""


class RootFolder:
    """The folder, and what may be asked of it.

    `capabilities` are those of its files as the image has them, by place; the disk may have refused them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._base = os.fspath(folder)
        self._known: dict[str, str] = {}
        self.capabilities: dict[str, tuple[str, ...]] = {}

    def place(self, name: str, *, follow: bool = False) -> str:
        """Where a name of the image is: links in its folders are followed, its own only with `follow`."""
        name = name.strip("/")
        folder, _, last = name.rpartition("/")
        if follow or last in ("", ".", ".."):
            return self._walk(name)
        if folder not in self._known:
            self._known[folder] = self._walk(folder)
        return f"{self._known[folder]}/{last}"

    def make_folder(self, name: str) -> str:
        """A folder behind the name, made where it is missing. Something else in the way is an `OSError`."""
        place = self.place(name, follow=True)
        make_folders(place)
        return place

    def make_real_folder(self, name: str) -> None:
        """A folder directly below the root that is no link, so that a mount on it stays inside."""
        place = f"{self._base}/{name}"
        if not _is_folder(place):
            self.remove(place)
            make_folders(place)

    def write(self, name: str, text: str) -> None:
        """A file of our own behind the name, readable by everybody; what is there is replaced."""
        self.make_folder(os.path.dirname(name))
        place = self.place(name)
        self.remove(place)
        with open(place, "x", encoding="utf-8", errors="surrogateescape") as file:
            os.fchmod(file.fileno(), 0o644)
            file.write(text)

    def read(self, name: str) -> str:
        """The text of a small file of the image, empty when there is none."""
        try:
            # Else to open a named pipe would wait for somebody to write into it.
            descriptor = os.open(self.place(name, follow=True), os.O_RDONLY | os.O_NONBLOCK)
            with open(descriptor, encoding="utf-8", errors="replace") as file:
                return file.read(1 << 20) if stat.S_ISREG(os.fstat(descriptor).st_mode) else ""
        except OSError:
            return ""

    def remove(self, place: str) -> None:
        """Remove what stands at the place, with everything below it."""
        self.forget()
        if _is_folder(place):
            remove_tree(Path(place))
        elif os.path.lexists(place):
            os.unlink(place)

    def forget(self) -> None:
        """To be called after a link or a folder has come or gone."""
        self._known.clear()

    def _walk(self, name: str) -> str:
        here: list[str] = []
        parts = name.split("/")[::-1]
        links = 0
        while parts:
            part = parts.pop()
            if part == "..":
                del here[-1:]
            elif part not in ("", "."):
                try:
                    target = os.readlink("/".join((self._base, *here, part)))
                except OSError:
                    here.append(part)
                    continue
                links += 1
                if links > MAX_LINKS:
                    raise ImageError(f"the image has a circle of links at /{name}")
                here = [] if target.startswith("/") else here
                parts.extend(target.split("/")[::-1])
        return "/".join((self._base, *here))


def make_folders(place: str) -> None:
    """Make a folder and those above it, mode 0755 whatever our umask is."""
    if not os.path.isdir(place):
        make_folders(os.path.dirname(place))
        os.mkdir(place)
        os.chmod(place, 0o755)  # noqa: S103 - programs of any user live in there


def has_all_users() -> bool:
    """Whether we are root, and of more than a user namespace of our own: files can be given to anybody."""
    if os.geteuid() != 0:
        return False
    with open("/proc/self/uid_map", encoding="ascii") as file:
        return any(int(line.split()[2]) > USUAL_USER for line in file)


def remove_tree(folder: Path) -> None:
    """Remove a folder of ours, also where a program has taken the permission away."""
    if not has_all_users():
        for place, names, _ in os.walk(folder):
            for path in (Path(place, name) for name in names):
                if not path.is_symlink():
                    path.chmod(0o700)
    shutil.rmtree(folder)


def _is_folder(place: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(place).st_mode)
    except OSError:
        return False
