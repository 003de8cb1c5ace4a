"""Every way ferrule can fail: one class per exit code, one line for the cause, one for the next step."""


class FerruleError(Exception):
    """A failure that is explained to a person and ends the program.

    `message` is one line without a full stop; `hint` is the next thing to do, or empty.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message


class OutputError(FerruleError):
    """A result could not be written: full disk, no permission."""

    exit_code = 1


class UsageError(FerruleError):
    """A flag or an argument is wrong."""

    exit_code = 2


class ProjectError(FerruleError):
    """The Cargo project, its configuration or a file it names is wrong."""

    exit_code = 3


class BinaryError(ProjectError):
    """A file is not a binary that ferrule reads: no ELF, cut short, or for another system."""


class BuildError(FerruleError):
    """cargo or the linker failed; cargo's own text has been shown already."""

    exit_code = 4


class RegistryError(FerruleError):
    """A registry, an image in it or a base image cannot be had, or refuses us."""

    exit_code = 5


class ImageError(FerruleError):
    """The image does not run, or is refused because its base cannot run the binary."""

    exit_code = 6


class EngineError(ImageError):
    """A container engine was asked for and does not answer, or refuses the image."""


class RunFailedError(FerruleError):
    """`ferrule run` itself failed: 125, as `docker run` has it, since lower codes are the program's."""

    exit_code = 125


class UserInterruptError(KeyboardInterrupt):
    """Ctrl-C, or SIGTERM to ferrule itself.

    No `except Exception` on the way may hold it up. A class of its own: CPython ends by the signal when a
    plain KeyboardInterrupt passes through `exec`, as it may in a dataclass that is being made, even where it
    is handled later.
    """

    exit_code = 130


class InvalidValueError(FerruleError, ValueError):
    """A value does not have its form (a reference, a port, a user, …).

    Raised by the parsers, who do not know where the value came from: the command line turns it into
    a `UsageError`, the configuration into a `ProjectError` with the key's path.
    """

    exit_code = 2
