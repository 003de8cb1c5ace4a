"""The actions that a generated workflow uses, each pinned by the commit that its tag stood for.

Every commit was read from the refs of the action's own repository, as those were on the day of `read`. A tag
can be moved by whoever holds the repository, a commit cannot. Renew all three fields together.
"""

import msgspec


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """An action's repository, a tag of it, the commit behind the tag, and when (YYYY-MM-DD) that was read."""

    name: str
    version: str
    commit: str
    read: str

    def pinned(self, part: str = "") -> str:
        """As `uses:` names it, or the part of it below that path."""
        return f"{self.name}{part}@{self.commit}"


CHECKOUT = Action(
    name="actions/checkout",
    version="v7.0.1",
    commit="3d3c42e5aac5ba805825da76410c181273ba90b1",
    read="2026-07-24",
)
CACHE = Action(
    name="actions/cache",
    version="v5.0.5",
    commit="27d5ce7f107fe9357f9df03efb73ab90386fccae",
    read="2026-05-21",
)
