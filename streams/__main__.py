"""`python -m streams` is `maalstrom`."""

from streams.cli import main

if __name__ == "__main__":
    main(prog_name="maalstrom")
