"""A study is a folder; this file knows the names in it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from overthink.errors import InputError
from overthink.store.atomic import replacing, storage_errors, write_text
from overthink.store.lock import LOCK


@dataclass(frozen=True, slots=True)
class StudyFolder:
    """The folder of one study.

    Attributes:
        path: Where it is.

    Example:
        >>> StudyFolder(Path("study")).pool.name
        'pool.parquet'
    """

    path: Path

    @property
    def plan(self) -> Path:
        """Every decision of the study."""
        return self.path / "plan.json"

    @property
    def logs(self) -> Path:
        """Folder of the Inspect logs; the only place that holds the model's text."""
        return self.path / "logs"

    @property
    def pool(self) -> Path:
        """The table: one row per question, draw and rung."""
        return self.path / "pool.parquet"

    @property
    def journal(self) -> Path:
        """Finished traces, appended one by one; what ``--resume`` starts from."""
        return self.path / "journal.jsonl"

    @property
    def unfinished(self) -> Path:
        """What was paid for traces that were cut short when a run was stopped."""
        return self.path / "unfinished.jsonl"

    @property
    def waves(self) -> Path:
        """How many draws each question was given, wave by wave, where that followed what earlier ones showed."""
        return self.path / "waves.jsonl"

    @property
    def questions(self) -> Path:
        """Which questions it asks."""
        return self.path / "questions.json"

    @property
    def thoughts(self) -> Path:
        """What was thought, as token ids; beside the logs, for it can be read as text."""
        return self.logs / "thoughts.jsonl"

    @property
    def scores(self) -> Path:
        """What a verifier said of answers that were there already, appended one by one."""
        return self.path / "verified.jsonl"

    @property
    def verified(self) -> Path:
        """Who scored the answers, once all are scored."""
        return self.path / "verified.json"

    @property
    def verifier_logs(self) -> Path:
        """Folder of the Inspect logs of a verifier; they hold what it was shown."""
        return self.path / "verifier-logs"

    @property
    def estimate(self) -> Path:
        """What was expected before it began."""
        return self.path / "estimate.json"

    @property
    def models(self) -> Path:
        """Who worked for its arms, how big they are and what they charged."""
        return self.path / "models.json"

    @property
    def analysis(self) -> Path:
        """What was decided when the findings were made, human labels included."""
        return self.path / "analysis.json"

    @property
    def findings(self) -> Path:
        """What follows from the pool."""
        return self.path / "findings.json"

    @property
    def report(self) -> Path:
        """The page to read."""
        return self.path / "report.html"

    @property
    def figures(self) -> Path:
        """Folder of the charts as files."""
        return self.path / "figures"

    def is_study(self) -> bool:
        """Whether the folder holds a study: a plan, a pool or findings."""
        return any(file.is_file() for file in (self.plan, self.pool, self.findings))

    def is_free(self) -> bool:
        """Whether nothing is there yet: no folder, or an empty one; a lock left by a start that failed is nothing."""
        return not self.path.exists() or (
            self.path.is_dir() and all(entry.name == LOCK for entry in self.path.iterdir())
        )

    def create(self) -> None:
        """Make the folder for a new study, or for new files in a study that is there.

        Raises:
            InputError: The path is a file, or a folder with something else in it.
            StoppedError: The disk is full.
        """
        if self.path.exists() and not self.path.is_dir():
            raise InputError(f"{self.path} is a file; needed: a new folder for the study")
        if not (self.is_free() or self.is_study()):
            raise InputError(f"{self.path} is not empty and holds no study; choose a new folder with --out")
        with storage_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)

    def clear_leftovers(self) -> None:
        """Delete the half-written files of a run that was killed. Only for whoever holds the folder's lock."""
        for scratch in self.path.glob(".*.part"):
            scratch.unlink(missing_ok=True)

    def require(self) -> None:
        """Check that a study is there.

        Raises:
            InputError: There is none.
        """
        if not self.is_study():
            raise InputError(
                f"{self.path} holds no study; needed: a folder made by `overthink run` or `overthink analyse --out`"
            )

    def write_report(self, page: str) -> None:
        """Write report.html, whole or not at all.

        Raises:
            StoppedError: The disk is full.
        """
        write_text(self.report, page)

    def write_figures(self, figures: Iterable[tuple[str, bytes]]) -> None:
        """Write figures, each whole or not at all; one of the same name is replaced.

        Args:
            figures: File name and content, one by one.

        Raises:
            StoppedError: The disk is full.
            InputError: The folder cannot be written to.
        """
        with storage_errors(self.figures):
            self.figures.mkdir(exist_ok=True)
        for name, content in figures:
            with replacing(self.figures / name) as scratch:
                scratch.write_bytes(content)
