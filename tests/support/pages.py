"""The pages of the documentation that are written from the code. `make pages` writes them; tests only compare."""

import difflib
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[2]
_COMMANDS = "\nMade by `make pages` from the commands themselves; do not edit.\n"


def commands_page() -> str:
    """Every command and its options."""
    command = [sys.executable, "-m", "typer", "overthink.cli.main", "utils", "docs", "--name", "overthink"]
    text = subprocess.run([*command, "--title", "Command line"], capture_output=True, text=True, check=True).stdout
    title, rest = text.split("\n", maxsplit=1)
    return f"{title}\n{_COMMANDS}{rest.rstrip()}\n"


def every_page() -> Mapping[str, Callable[[], str]]:
    """What writes each page, by the page's file."""
    import hosted_page
    import literature_page
    import studies_pages
    import thresholds_page
    import worked_examples

    return {
        "docs/cli.md": commands_page,
        "docs/hosted.md": hosted_page.page,
        "docs/literature.md": literature_page.page,
        "docs/thresholds.md": thresholds_page.page,
        "docs/worked-examples.md": worked_examples.page,
        **{f"docs/studies/{name}.md": partial(studies_pages.page, name) for name in studies_pages.PAGES},
    }


def assert_current(name: str, text: str) -> None:
    """The page is the text, to the letter."""
    file = ROOT / name
    page = file.read_text(encoding="utf-8") if file.exists() else ""
    changes = "\n".join(difflib.unified_diff(page.splitlines(), text.splitlines(), name, "the code", lineterm="", n=0))
    assert page == text, f"{name} is not what the code says; run: make pages\n{changes}"


if __name__ == "__main__":
    for name, page in every_page().items():
        (ROOT / name).write_text(page(), encoding="utf-8")
