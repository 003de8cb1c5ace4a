"""Which image we make, and how it lies on disk."""
