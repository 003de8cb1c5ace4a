"""The project's words; what is generated of them is made by `docs.reference.generate`."""
