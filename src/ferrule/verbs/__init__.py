"""One file per verb: the whole story on one screen, and the Python API."""
