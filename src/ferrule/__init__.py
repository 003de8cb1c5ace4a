"""ferrule: from a Cargo project to a small, reproducible container image."""

__version__ = "0.1.0"
