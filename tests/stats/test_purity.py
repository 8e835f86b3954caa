"""The core is arithmetic: it loads no packages but NumPy and SciPy, and keeps no hidden randomness."""

import subprocess
import sys
from pathlib import Path

import overthink.stats

MODULES = sorted(f"overthink.stats.{file.stem}" for file in Path(overthink.stats.__path__[0]).glob("[a-z]*.py"))
ALLOWED = {"numpy", "scipy", "overthink"}


def foreign(*modules: str) -> set[str]:
    """Packages that importing these brings in, apart from the standard library and ``ALLOWED`` with their own."""
    code = "import sys, numpy, scipy.special; before = set(sys.modules)\n" + "".join(
        f"import {name}\n" for name in modules
    )
    code += "print(*sorted({name.split('.')[0] for name in set(sys.modules) - before}))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    return {n for n in out.split() if not n.startswith("_")} - ALLOWED - set(sys.stdlib_module_names)


def test_the_core_needs_numpy_and_scipy_only() -> None:
    assert len(MODULES) > 10
    assert foreign(*MODULES) == set()


def test_the_core_does_not_wait_for_scipy_stats() -> None:
    code = "import sys\n" + "".join(f"import {name}\n" for name in MODULES) + "assert 'scipy.stats' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_check_sees_another_package() -> None:
    assert "hypothesis" in foreign("hypothesis")


def test_the_core_leaves_global_randomness_alone() -> None:
    code = (
        "import numpy as np, random\n"
        "np.random.seed(1); random.seed(1)\n"
        "a = np.random.get_state()[1].tolist(), random.getstate()\n"
        "from overthink.stats.bootstrap import question_weights\n"
        "question_weights(5, rng=np.random.default_rng(0))\n"
        "assert (np.random.get_state()[1].tolist(), random.getstate()) == a\n"
        "np.random.random()\n"
        "assert np.random.get_state()[2] != 624"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
