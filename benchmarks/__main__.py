"""`make bench`: every benchmark, each a ratio against a peer that ran in the same rounds."""

import sys

from benchmarks import allocator, images, inspect, quote, start, verify, workspace


def main() -> None:
    """Run all, or those that are named."""
    known = {
        "start": start.run,
        "images": images.run,
        "workspace": workspace.run,
        "verify": verify.run,
        "inspect": inspect.run,
        "quote": quote.run,
        "allocator": allocator.run,
    }
    for name in sys.argv[1:] or known:
        known[name]()


if __name__ == "__main__":
    main()
