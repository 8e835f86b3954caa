"""Where the folder of real data is: the environment variable OVERTHINK_DATA says it, and nothing else is tried."""

import os
from pathlib import Path


def real_data(folder: Path | None, needed: str = "") -> Path | None:
    """The folder, or None with the reason printed.

    Args:
        folder: What ``--data`` says; without it the environment decides.
        needed: A file that it must hold.
    """
    variable = os.environ.get("OVERTHINK_DATA")
    if folder is None and not variable:
        print("skipped: set OVERTHINK_DATA to the folder of real data")
        return None
    folder = folder or Path(variable or "")
    if not (folder / needed).exists():
        print(f"skipped: {folder} holds no {needed or 'data'}")
        return None
    return folder
