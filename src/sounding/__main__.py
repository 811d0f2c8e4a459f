"""`python -m sounding` is `sounding`."""

from sounding.cli import main

main()
