"""`python -m ferrule`, the same as the script `ferrule`."""

from ferrule.cli.main import main

if __name__ == "__main__":
    main()
