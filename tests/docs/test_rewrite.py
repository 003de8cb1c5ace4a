"""What is written into a document: all that a command prints, and nothing of this machine."""

import os
from pathlib import Path

from tests.docs.rewrite import rewritten
from tests.docs.test_commands import ROOT

BEFORE = f"""# T
```console
$ echo one
of yesterday
$ echo {ROOT} /tmp/file HOST:1
$ sleep 60
started
…
```
```text
$ echo not run
```
"""
AFTER = """# T
```console
$ echo one
one
$ echo {ROOT} /tmp/file HOST:1
/home/ada/ferrule /tmp/file 127.0.0.1:5000
$ sleep 60
started
…
```
```text
$ echo not run
```
"""


def test_a_document_gets_what_its_commands_print(tmp_path: Path) -> None:
    environment = {"REGISTRY": "HOST:1", "PATH": os.environ["PATH"]}
    assert rewritten(BEFORE, environment, tmp_path) == AFTER.replace("{ROOT}", str(ROOT))
