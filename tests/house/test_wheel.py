"""The wheel works without the checkout."""

import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOG = ROOT / "tests" / "golden" / "inputs" / "logs" / "epochs"
MEANING = ("--safety", "harms@judge.refused:high=safe")


def run(*command: str | Path, cwd: Path) -> str:
    result = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_the_wheel_analyses_a_log_without_the_checkout(tmp_path: Path) -> None:
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path / "dist", cwd=ROOT)
    [wheel] = (tmp_path / "dist").glob("overthink-*.whl")
    environment = tmp_path / "environment"
    python = environment / "bin" / "python"
    uv = Path(sys.executable).parent / "uv"
    run(uv, "venv", "--quiet", "--offline", "--python", sys.executable, environment, cwd=tmp_path)
    install = ("pip", "install", "--quiet", "--offline", "--no-deps", "--no-index", "--python", python)
    run(uv, *install, wheel, cwd=tmp_path)
    # A path file shows the dependencies; the path files of that folder, such as the checkout's own, are not read.
    packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip())
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    home = run(python, "-c", "import overthink; print(overthink.__file__)", cwd=tmp_path).strip()
    assert Path(home).is_relative_to(environment)
    run(environment / "bin" / "overthink", "analyse", LOG, *MEANING, "--out", "study", cwd=tmp_path)
    assert (tmp_path / "study" / "findings.json").stat().st_size > 1000
    assert "</html>" in (tmp_path / "study" / "report.html").read_text(encoding="utf-8")
