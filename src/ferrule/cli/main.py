"""The command `ferrule`."""


def main() -> None:
    """Entry point of the script `ferrule`."""


def cargo_main() -> None:
    """Entry point of the script `cargo-ferrule`."""
