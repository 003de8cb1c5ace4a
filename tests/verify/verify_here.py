"""A process that verifies a layout with a database in a sandbox, which tests start as another user.

`python -m tests.verify.verify_here LAYOUT FOLDER`: says the checks, a line each.
"""

import sys
from pathlib import Path

from ferrule.config import UserConfig
from ferrule.database import Database
from ferrule.image.layout import read_layout
from ferrule.oci.platform import this_platform
from ferrule.process import SystemRunner
from ferrule.verbs.context import Context
from ferrule.verbs.database import Needs
from ferrule.verbs.trial import Subject, VerifyOptions, verify
from tests.fakes.report import Notes

NEEDS = Needs(database=Database(version="16"), migrate=("migrate",))


def main(layout: str, folder: str) -> int:
    image = read_layout(Path(layout), "latest", this_platform())
    context = Context(runner=SystemRunner(), report=Notes(), cache=Path(folder) / "cache", trust=UserConfig())
    subject = Subject(name="shop:1", image=image, run=image.config.run, needs=NEEDS)
    verified = verify(
        context, subject, VerifyOptions(engine="sandbox", within=60, env=(("TOKEN", "x"),)), None
    )
    for check in verified.verdict.checks:
        print(f"{check.name} {'ok' if check.ok else check.said}")
    return 0 if verified.verdict.ok else 6


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
