"""Where an image runs here: Docker, or a sandbox of Linux namespaces."""
