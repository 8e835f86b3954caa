"""A package of components as pip would install it: a module and its dist-info, in a folder on sys.path."""

from pathlib import Path

import pytest


def package_of(
    folder: Path, monkeypatch: pytest.MonkeyPatch, source: str, *, name: str = "foreign", **entries: str
) -> None:
    """Install a module of this source, with entry points by component name.

    Args:
        folder: An empty folder, which is put on sys.path.
        monkeypatch: Takes it off again.
        source: Text of the module.
        name: Name of the package; that of its module has the folder's name behind it.
        **entries: Class by name of the component.
    """
    module = f"{name}_{abs(hash(folder))}"
    folder.mkdir(exist_ok=True)
    (folder / f"{module}.py").write_text(source, encoding="utf-8")
    metadata = folder / f"{name}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    lines = [f"{key.replace('__', '-')} = {module}:{cls}" for key, cls in entries.items()]
    (metadata / "entry_points.txt").write_text("\n".join(["[overthink.components]", *lines]) + "\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))
