"""What ferrule remembers from one run to the next: small tables in JSON files."""

import json
from pathlib import Path
from typing import Any

from ferrule.errors import FerruleError

MOST = 256
"""Entries of a table. The one that was remembered first is forgotten first."""


class Memory:
    """JSON values under keys. A file that is broken is an empty one."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def recall(self, key: str) -> Any:
        """What was remembered, of whatever form somebody may have given it, or None."""
        return self._read().get(key)

    def remember(self, key: str, value: Any) -> None:
        """Keep the value. Where that is impossible the next run is slower, and has no other fault."""
        known = self._read()
        if known.pop(key, None) == value:
            return
        from ferrule.atomic import appearing  # only now: a head start waits for every import before it

        try:
            with appearing(self._file) as part:
                part.write_text(json.dumps(dict([*known.items(), (key, value)][-MOST:])))
        except FerruleError:
            return

    def _read(self) -> dict[str, Any]:
        try:
            known = json.loads(self._file.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        return known if isinstance(known, dict) else {}
