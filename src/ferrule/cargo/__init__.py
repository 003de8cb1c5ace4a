"""What the Cargo project is, and how it is built."""
