"""`python -m dashboard` is the command `pilothouse`.

What is imported stays: looking for garbage among it meanwhile takes a sixth of the start.
"""

import gc

gc.disable()

from dashboard.commands import main  # noqa: E402 - after the line above, which is for it

gc.freeze()
gc.enable()

if __name__ == "__main__":
    main()
