"""Files that look like secrets: a path goes in, what it seems to be comes out."""

import re
from pathlib import Path

MOST_READ = 1 << 16
"""Bytes at a file's beginning; keys are shorter."""

ENVIRONMENT = "an environment file"
PRIVATE_KEY = "a private key"
CREDENTIALS = "a credentials file"
HISTORY = "the history of the repository"

ENVIRONMENT_NAMES = (".env", ".envrc")
EXAMPLES = ("example", "sample", "template", "dist")
"""Before or behind `.env`."""
KEY_NAMES = ("id_rsa", "id_dsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk")
KEY_ENDINGS = (".key", ".p12", ".pfx", ".jks", ".ppk")
CREDENTIALS_NAMES = (
    *(".npmrc", ".pypirc", ".netrc", "_netrc", ".pgpass", ".git-credentials", "credentials.json"),
    *(".dockercfg", ".dockerconfigjson", ".docker/config.json", ".kube/config", ".aws/credentials"),
    *(".cargo/credentials", ".cargo/credentials.toml"),
    *("secrets.toml", "secrets.json", "secrets.yaml", "secrets.yml"),
)
"""A file's name, or those of its folder and its own."""
REPOSITORIES = (".git", ".hg", ".svn")

MAY_HOLD_KEYS = (".pem", ".crt", ".cer", ".asc", ".json", "")
"""Endings of files that are read: a service account of Google's is JSON with a key in it; ssh's have none."""
KEY = re.compile(rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")


def what_secret(path: Path) -> str | None:
    """What the file or folder seems to be, in a few words; None where it looks like no secret."""
    name = path.name.lower()
    if name in ENVIRONMENT_NAMES or name.startswith(".env.") or name.endswith(".env"):
        return None if name.replace(".env", "").strip(".") in EXAMPLES else ENVIRONMENT
    if name in KEY_NAMES or name.endswith(KEY_ENDINGS):
        return PRIVATE_KEY
    if name in CREDENTIALS_NAMES or f"{path.parent.name.lower()}/{name}" in CREDENTIALS_NAMES:
        return CREDENTIALS
    if name in REPOSITORIES:
        return HISTORY
    return (
        PRIVATE_KEY if path.suffix.lower() in MAY_HOLD_KEYS and path.is_file() and _holds_key(path) else None
    )


def _holds_key(path: Path) -> bool:
    with path.open("rb") as stream:
        return KEY.search(stream.read(MOST_READ)) is not None
