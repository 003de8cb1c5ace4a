"""Projects to try ferrule on, and the demo."""
