"""`python -m streams` is `maalstrom`."""

from streams.cli.main import main

if __name__ == "__main__":
    main(prog_name="maalstrom")
