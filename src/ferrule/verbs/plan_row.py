"""One row of a plan."""

from typing import Any

import msgspec


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One thing decided. `value` is for machines (a JSON value), `text` for people."""

    name: str
    value: Any
    text: str
    reason: str = ""
