"""The health probe and the init: their source, compiled for an image's platform, and where they lie in it."""
