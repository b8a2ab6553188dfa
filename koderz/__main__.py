"""`python -m koderz` is the command line."""

from koderz.cli import main

main()
