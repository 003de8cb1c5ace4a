"""Flags in, screens out: one file per verb."""
