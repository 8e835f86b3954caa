"""The study folder: names and paths of its files."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from overthink.errors import InputError
from overthink.paths import is_there, path_kind
from overthink.storage.files import replacing, require_own_folder, storage_errors, write_text
from overthink.storage.study_lock import LOCK_FILE

_SCRATCH = re.compile(r"\..*\.\d+\.part", re.DOTALL)
"""Names of partial files (:func:`overthink.storage.files.scratch_path`)."""


@dataclass(frozen=True, slots=True)
class StudyFolder:
    """The folder of one study.

    Attributes:
        path: Path of the folder.

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
    def shard(self) -> Path:
        """Which shard of its study the folder holds; there is none in the folder of a whole study."""
        return self.path / "shard.json"

    @property
    def shard_pool(self) -> Path:
        """The rows of a complete shard; no pool, because nothing but `merge` reads them."""
        return self.path / "shard.parquet"

    @property
    def merged(self) -> Path:
        """The shards that a merged study was made of."""
        return self.path / "merged.json"

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
        """Token usage of traces that were interrupted when a run was stopped."""
        return self.path / "unfinished.jsonl"

    @property
    def decisions(self) -> Path:
        """Decisions of arms that decide, trace by trace, for placebos to take theirs from; no text."""
        return self.path / "decisions.jsonl"

    @property
    def latent(self) -> Path:
        """Finished traces of a latent model, appended one by one; what `overthink latent --resume` starts from."""
        return self.path / "latent.jsonl"

    @property
    def waves(self) -> Path:
        """Number of draws of each question, wave by wave, with adaptive sampling."""
        return self.path / "waves.jsonl"

    @property
    def endpoints(self) -> Path:
        """The endpoints of every run, with what each did; there is none without ``--endpoint``."""
        return self.path / "endpoints.json"

    @property
    def questions(self) -> Path:
        """Questions of the study."""
        return self.path / "questions.json"

    @property
    def thoughts(self) -> Path:
        """Thinking as token ids; in the folder of the logs, as it can be decoded to text."""
        return self.logs / "thoughts.jsonl"

    @property
    def scores(self) -> Path:
        """Scores of a verifier for existing answers, appended one by one."""
        return self.path / "verified.jsonl"

    @property
    def verified(self) -> Path:
        """The verifier of the answers, once all are scored."""
        return self.path / "verified.json"

    @property
    def verifier_logs(self) -> Path:
        """Folder of the Inspect logs of a verifier; they hold its inputs."""
        return self.path / "verifier-logs"

    @property
    def oversight(self) -> Path:
        """The table beside the pool: scores of monitors, and answers after perturbations."""
        return self.path / "oversight.parquet"

    @property
    def oversight_journal(self) -> Path:
        """Rows of that table, appended one by one."""
        return self.path / "oversight.jsonl"

    @property
    def projections(self) -> Path:
        """Projected activations that a probe has read, appended one by one."""
        return self.path / "projections.jsonl"

    @property
    def oversight_logs(self) -> Path:
        """Folder of the Inspect logs of monitors and perturbations; they hold their inputs."""
        return self.path / "oversight-logs"

    @property
    def estimate(self) -> Path:
        """Cost estimate before the start."""
        return self.path / "estimate.json"

    @property
    def models(self) -> Path:
        """Models of its arms by role, with sizes and prices."""
        return self.path / "models.json"

    @property
    def analysis(self) -> Path:
        """Analysis options of the findings, human labels included."""
        return self.path / "analysis.json"

    @property
    def facts(self) -> Path:
        """What the evaluator states, and no finding says."""
        return self.path / "facts.json"

    @property
    def findings(self) -> Path:
        """Findings from the pool."""
        return self.path / "findings.json"

    @property
    def report(self) -> Path:
        """The report page."""
        return self.path / "report.html"

    @property
    def figures(self) -> Path:
        """Folder of the charts as files."""
        return self.path / "figures"

    def is_study(self) -> bool:
        """Whether the folder holds a study: a plan, a pool or findings, be they damaged or no plain files.

        The traces of a latent model are one, too, before there is a pool of them.

        Raises:
            InputError: The folder cannot be reached.
        """
        return any(is_there(file) for file in (self.plan, self.latent, self.pool, self.findings))

    def is_finished(self) -> bool:
        """Whether the folder holds findings and the pool that they were made from.

        Raises:
            InputError: The folder cannot be reached.
        """
        return is_there(self.pool) and is_there(self.findings)

    def is_free(self) -> bool:
        """Whether the folder is missing or empty; what a start leaves that was killed before its plan does not count.

        Nor do the waves that are stored for a shard before it begins.

        Raises:
            InputError: The folder cannot be read.
        """
        kind = path_kind(self.path)
        if kind != "a folder":
            return kind == "not there"
        with storage_errors(self.path):
            return all(
                entry.name in (LOCK_FILE, self.shard.name, self.waves.name) or _SCRATCH.fullmatch(entry.name)
                for entry in self.path.iterdir()
            )

    def create(self) -> None:
        """Create the folder for a new study, or for new files in an existing study.

        Raises:
            InputError: The path is no folder, a folder with something else in it, or a study with links for folders.
            StoppedError: The disk is full.
        """
        if (kind := path_kind(self.path)) not in ("not there", "a folder"):
            raise InputError(f"{self.path} is {kind}; needed: a new folder for the study")
        if not (self.is_free() or self.is_study()):
            raise InputError(f"{self.path} is not empty and holds no study; choose a new folder with --out")
        self.refuse_links()
        with storage_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)

    def refuse_links(self) -> None:
        """Raise an error if a folder inside the study, or a log in it, is a link or no plain file.

        Inspect reads and writes logs by itself, and would follow links.

        Raises:
            InputError: One is.
        """
        for folder in (self.logs, self.verifier_logs, self.oversight_logs, self.figures):
            require_own_folder(folder)
        for folder in (self.logs, self.verifier_logs, self.oversight_logs):
            for path in folder.rglob("*"):
                if (kind := path_kind(path, follow=False)) not in ("a file", "a folder"):
                    raise InputError(f"{path} is {kind}; needed: a plain file. Replace it by a copy of its content.")

    def clear_leftovers(self) -> None:
        """Delete partial files of a killed run. Call only while holding the folder's lock."""
        with storage_errors(self.path):
            for scratch in self.path.iterdir():
                if _SCRATCH.fullmatch(scratch.name) and path_kind(scratch, follow=False) == "a file":
                    scratch.unlink(missing_ok=True)

    def require(self) -> None:
        """Raise an error unless the folder holds a study.

        Raises:
            InputError: There is none, or a folder inside it is a link.
        """
        if not self.is_study():
            raise InputError(
                f"{self.path} holds no study; needed: a folder made by `overthink run` or `overthink analyse --out`"
            )
        self.refuse_links()

    def unfinished_error(self) -> InputError:
        """Return the error on a study that has not finished, by which nothing but its page can be read."""
        if is_there(self.shard):
            return InputError(
                f"{self.path} holds a shard: part of the questions of a study, of which nothing is claimed. Put all "
                "shards together with `overthink merge OUT SHARDS…`, and read OUT."
            )
        if is_there(self.merged):
            return InputError(
                f"{self.path} was merged of shards that lack traces. `overthink merge` names the commands that collect "
                "them; merge again behind these."
            )
        command = "latent" if is_there(self.latent) else "run"
        return InputError(
            f"{self.path} holds a study that has not finished; repeat its `overthink {command}` with --resume"
        )

    def refuse_unfinished(self) -> None:
        """Check that a study has its pool, which its run writes last.

        Raises:
            InputError: It has a plan, or traces of a latent model, and no pool.
        """
        if (is_there(self.plan) or is_there(self.latent)) and not is_there(self.pool):
            raise self.unfinished_error()

    def write_report(self, page: str) -> None:
        """Write report.html atomically.

        Raises:
            StoppedError: The disk is full.
        """
        write_text(self.report, page)

    def write_figures(self, figures: Iterable[tuple[str, bytes]]) -> None:
        """Write figures, each atomically; one of the same name is replaced.

        Args:
            figures: File name and content, one by one.

        Raises:
            StoppedError: The disk is full.
            InputError: The folder cannot be written to.
        """
        require_own_folder(self.figures)
        with storage_errors(self.figures):
            self.figures.mkdir(exist_ok=True)
        for name, content in figures:
            with replacing(self.figures / name) as file:
                file.write(content)
