"""A process that keeps an embedded Postgres until it is ended, which tests kill, or start as another user.

`python -m tests.verify.postgres_here PROGRAMS`: says the server's process, and waits.
"""

import sys
import time
from pathlib import Path

from ferrule.engine.database import PORT
from ferrule.engine.embedded import embedded_server

if __name__ == "__main__":
    with embedded_server(Path(sys.argv[1]), PORT, alone=True) as server:
        print(server.network_of, flush=True)
        time.sleep(600)
