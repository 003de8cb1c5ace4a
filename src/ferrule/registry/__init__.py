"""How images travel: the client, credentials, push and pull."""
