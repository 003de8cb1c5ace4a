"""The command `ferrule`: finds the verb; every failure becomes an error line, a hint and an exit code."""

import importlib
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ferrule import __version__
from ferrule.errors import FerruleError, UsageError, UserInterruptError
from ferrule.text import printable

if TYPE_CHECKING:
    from ferrule.cargo.head_start import HeadStart

VERBS = {
    "init": ("ferrule.cli.init:command", "Propose the settings of a project that has none."),
    "plan": ("ferrule.cli.plan:command", "Say what would be built, on which base, and why. Changes nothing."),
    "build": ("ferrule.cli.build:command", "Build the project and make an image of it."),
    "pack": ("ferrule.cli.pack:command", "Make an image of binaries that were built elsewhere."),
    "run": ("ferrule.cli.run:command", "Run an image here, or build a project and run it."),
    "verify": ("ferrule.cli.verify:command", "Boot an image as production would, before it goes there."),
    "stop": ("ferrule.cli.stop:command", "Stop what `ferrule run --detach` left running."),
    "inspect": ("ferrule.cli.inspect:command", "Say what a binary needs, or what an image is made of."),
    "env": ("ferrule.cli.env:command", "List and check what the program reads from its environment."),
    "generate": ("ferrule.cli.generate:command", "Write files from what is known of the project."),
}
"""Verb → where its command is, imported when it is called, and its line in `--help`."""

ELSEWHERE = {
    "--target": "--platform linux/arm64 is for another processor, --link musl for musl",
    "--manifest-path": "give the path of Cargo.toml as it is: ferrule build PATH",
    "--target-dir": "set CARGO_TARGET_DIR, or build.target-dir in .cargo/config.toml",
    "--config": "write it into .cargo/config.toml, or set its CARGO_… variable",
    "--workspace": "--all makes an image for each binary",
    "--bins": "--all makes an image for each binary",
    "--example": "an image is made of a binary: [[bin]] can name the example's file",
    "-q": "stdout has the result alone, and 2>/dev/null leaves out the rest",
    "--quiet": "stdout has the result alone, and 2>/dev/null leaves out the rest",
    "-f": "there is no Dockerfile: what it would say stands in Cargo.toml, see ferrule init",
    "--rm": "ferrule run leaves nothing behind that it would remove",
}
"""What cargo or docker call otherwise → what it is here."""


class LazyGroup(click.Group):
    """A group whose commands are imported only when they are asked for: `--help` imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs in the order of a first use."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one verb."""
        if cmd_name not in VERBS:
            return None
        module, _, name = VERBS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb; a wrong one comes with the nearest as its hint."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib  # who names a right one need not wait for it

            near = difflib.get_close_matches(args[0], VERBS, 1)
            if near:
                error.hint = f"did you mean {near[0]}?"  # type: ignore[attr-defined]  # read by _usage_hint
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in `--help`, from the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in VERBS.items()])


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, "-V", "--version", prog_name="ferrule", message="%(prog)s %(version)s")
def ferrule() -> None:
    """From a Cargo project to a tiny, reproducible container image.

    No Docker daemon, no Dockerfile. Start with `ferrule plan`, then `ferrule build`.
    """
    try:
        Path.cwd()
    except OSError as error:
        raise UsageError("the folder that this runs in is gone", hint="cd to one that is there") from error


def run(arguments: list[str], ahead: "HeadStart | None" = None, name: str = "ferrule") -> int:
    """Run the command line and give the exit code; every failure becomes an error line and a hint.

    `ahead` is a cargo that runs already, `name` what was typed before the arguments.
    """
    if arguments[:1] == ["help"]:
        arguments = [*arguments[1:], "--help"]
    try:
        result: Any = ferrule.main(args=arguments, prog_name=name, standalone_mode=False, obj=ahead)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        sys.stderr.write(f"{error.format_message()}\n")
        return 2
    except click.NoSuchOption as error:
        return _fail(error.message, _option_hint(error), 2)
    except click.UsageError as error:
        return _fail(error.format_message(), _usage_hint(error), 2)
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted", "", UserInterruptError.exit_code)
    except FerruleError as error:
        return _fail(error.message, error.hint, error.exit_code)
    except BrokenPipeError:
        # The reader of our output has gone; that is not worth a word.
        sys.stderr.close()
        return 1
    except OSError as error:
        # Of the machine, and where nobody thought of it: a full disk, no more files, a folder that is gone.
        return _fail(": ".join(map(str, filter(None, (error.filename, error.strerror or error)))), "", 1)
    return result if isinstance(result, int) else 0


def _option_hint(error: click.NoSuchOption) -> str:
    """The flag that does it here, or those that are spelt alike."""
    near = f"did you mean {' or '.join(error.possibilities)}?" if error.possibilities else ""
    return ELSEWHERE.get(error.option_name, near) or _usage_hint(error)


def _usage_hint(error: click.UsageError) -> str:
    hint = getattr(error, "hint", "")
    path = error.ctx.command_path if error.ctx else "ferrule"
    return hint or f"see {path} --help"


def _fail(message: str, hint: str, code: int) -> int:
    colour = sys.stderr.isatty()
    label = "\x1b[31;1merror:\x1b[0m" if colour else "error:"
    mark = "\x1b[36mhint:\x1b[0m" if colour else "hint:"
    with suppress(OSError):  # nobody reads it; the exit code says the same
        sys.stderr.write(f"{label} {_one_line(message)}\n")
        if hint:
            sys.stderr.write(f"{mark} {_one_line(hint)}\n")
    return code


def _one_line(text: str) -> str:
    return printable(" ".join(text.split()))
