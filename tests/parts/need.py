"""What a test needs of this machine: missing in CI is a failure, elsewhere a reason to skip."""

import os

import pytest


def need(condition: object, what: str) -> None:
    """Go on when the condition holds. `what` is the missing part, as a person would name it."""
    if condition:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"missing on this machine: {what}", pytrace=False)
    pytest.skip(f"missing on this machine: {what}")
