"""Where an image runs here: Docker, Podman, or a sandbox of Linux namespaces."""
