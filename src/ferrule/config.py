"""What the user asked for: flags, environment and the `[package.metadata.ferrule]` table, checked."""
