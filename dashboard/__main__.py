"""`python -m dashboard` is the command `pilothouse`."""

from dashboard.commands import main

main()
