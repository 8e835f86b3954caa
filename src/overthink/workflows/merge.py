"""The workflow `merge`: shards of one plan become one study; no model is called, and nothing is paid.

    shards ──rows──▶ each trace once ──▶ pool ──▶ findings, report

A shard needs none of the others while it runs, and merging is idempotent: what is merged again gives the same study.
"""

import os
import re
import shlex
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import polars as pl

from overthink.data.shards import Shard, shard_of
from overthink.errors import InputError, StoppedError
from overthink.paths import is_there, name_text, path_kind, read_file, sync_folder
from overthink.plan.study import Plan
from overthink.storage.files import scratch_path, storage_errors
from overthink.storage.journal import unfinished_file
from overthink.storage.json_documents import Questions, write_plan, write_questions
from overthink.storage.merged_pool import write_merged_pool
from overthink.storage.pool import scan_pool
from overthink.storage.shards import MergedShard, MergedStudy, write_merged
from overthink.storage.study_folder import StudyFolder
from overthink.storage.study_lock import LOCK_FILE, reading_lock, study_lock
from overthink.workflows import arguments as arg
from overthink.workflows.endpoints import carry_endpoints
from overthink.workflows.shard_rows import ShardRows, common_plan, missing_traces, rows_of_shard, without_duplicates
from overthink.workflows.study import Study
from overthink.workflows.waves import draws_of, merged_waves, wave_notes


@arg.checked(out=arg.a_path, command=arg.a(str | None))
def merge(out: str | Path, *shards: str | Path, command: str | None = None) -> Study:
    """Put shards together: one study of all their traces, each once.

    Of several copies of a trace the first complete one counts, in the order of the shards; the others stay in the books
    as paid and not used. Where traces are missing, the study has values and no verdicts, and `notes` name the commands
    that collect them; merge again behind that.

    Args:
        out: Folder of the study: new, or one that was merged before, which is replaced as a whole.
        *shards: Folders of `overthink run --shard`.
        command: The command line, for the report.

    Raises:
        InputError: A folder holds no shard, is named twice or is in use, or shards are of different plans or questions.
        StoppedError: The disk is full; nothing was merged.

    Example:
        >>> import overthink, tempfile
        >>> study = {"model": "overthink/simulated", "safety": "overthink/secret", "budgets": "0,8", "limit": 4}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for shard in ("1/2", "2/2"):
        ...         part = f"{folder}/{shard[0]}"
        ...         _ = overthink.experiment(**study, shard=shard, out=part, progress=False)
        ...     merged = overthink.merge(f"{folder}/study", f"{folder}/1", f"{folder}/2")
        ...     merged.frame()["question"].n_unique()
        4
    """
    folders = [StudyFolder(Path(shard)) for shard in shards]
    target = StudyFolder(Path(os.path.realpath(out)))
    _check_folders(target, folders)
    with ExitStack() as locks:
        for folder in folders:
            locks.enter_context(reading_lock(folder.path))
        plan, questions = common_plan(folders)
        locks.enter_context(_target_lock(target))
        with _swap(target) as scratch:
            study = _write(scratch, target, folders, plan, questions, command=command)
    rows = target.pool if is_there(target.pool) else target.shard_pool
    return replace(study, pool=scan_pool(rows), folder=target)


def _check_folders(target: StudyFolder, folders: Sequence[StudyFolder]) -> None:
    """Check that the shards are different folders, each with a shard, and that the target may be replaced."""
    if not folders:
        raise InputError("no shard was named; needed: OUT and the folders of `overthink run --shard`")
    places: dict[str, StudyFolder] = {}
    for folder in folders:
        if not is_there(folder.shard) or not is_there(folder.plan):
            raise InputError(f"{folder.path} holds no shard; needed: a folder made by `overthink run --shard I/N`")
        folder.refuse_links()
        place = os.path.realpath(folder.path)
        if place in places:
            other = places[place].path
            fault = f"{other} is named twice" if other == folder.path else f"{folder.path} and {other} are one folder"
            raise InputError(f"{fault}; name every shard once. Nothing was merged.")
        places[place] = folder
    check_target(target)


def check_target(target: StudyFolder) -> None:
    """Check that a merge may write a study into a folder, or replace the one that is there.

    Raises:
        InputError: It holds something else, or what a new merge would not have.
    """
    if (earlier := _displaced(target)) is not None:
        raise InputError(
            f"{earlier} is an earlier study, left by a merge that was killed; move it back to {target.path}, "
            "or remove it with its labels and stated facts"
        )
    if not target.is_free() and not is_there(target.merged):
        raise InputError(f"{target.path} is neither empty nor a merged study; give another folder to merge into")
    if is_there(target.verified) or is_there(target.scores):
        raise InputError(
            f"{target.path} holds scores of a verifier, which a new merge would not have; give another folder"
        )
    if is_there(target.oversight) or is_there(target.oversight_journal):
        raise InputError(
            f"{target.path} holds scores of monitors or answers behind a changed thinking, which a new merge would not "
            "have; give another folder"
        )


def _displaced(target: StudyFolder) -> Path | None:
    """Return the study that a merge moved aside and could not replace, as it was killed; None if there is none."""
    if not target.is_free() or path_kind(target.path.parent) != "a folder":
        return None
    moved = (StudyFolder(path) for path in _leftovers(target) if f"{_BEFORE}." in path.name)
    return next((folder.path for folder in moved if is_there(folder.merged)), None)


@contextmanager
def _target_lock(target: StudyFolder) -> Iterator[None]:
    """Hold the lock of the folder that is merged into; one that was made for it and stays empty is removed."""
    is_new = path_kind(target.path) == "not there"
    with storage_errors(target.path):
        target.path.mkdir(parents=True, exist_ok=True)
    try:
        with study_lock(target.path):
            yield
    except BaseException:
        if is_new:
            with suppress(OSError):
                (target.path / LOCK_FILE).unlink(missing_ok=True)
                target.path.rmdir()
        raise


@contextmanager
def _swap(target: StudyFolder) -> Iterator[StudyFolder]:
    """A new folder beside the target, which takes its place when the block ends without error; locked by the caller.

    Raises:
        StoppedError: The disk is full; the target is as it was.
    """
    scratch, before = scratch_path(target.path), scratch_path(target.path.with_name(f"{target.path.name}{_BEFORE}"))
    try:
        with storage_errors(target.path):
            for left in _leftovers(target):
                shutil.rmtree(left)  # of a killed merge: the lock is ours
            scratch.mkdir()
        yield StudyFolder(scratch)
        with storage_errors(target.path):
            (scratch / LOCK_FILE).touch()
            target.path.rename(before)
            scratch.rename(target.path)
            sync_folder(target.path.parent)
    except StoppedError as failure:
        raise StoppedError(
            f"nothing was merged into {target.path}, which is as it was: {failure.lines[0].split(';')[0]}. Free some "
            "space, then repeat the command."
        ) from failure
    finally:
        if is_there(before) and not is_there(target.path):
            before.rename(target.path)
        for left in (scratch, before):
            shutil.rmtree(left, ignore_errors=True)


_BEFORE = ".before"
"""What the name of a study that is moved aside has in addition."""


def _leftovers(target: StudyFolder) -> list[Path]:
    """Return the folders beside a target that merges into it have begun or moved aside; those of no other target."""
    own = re.compile(rf"\.{re.escape(target.path.name)}({re.escape(_BEFORE)})?\.\d+\.part")
    return [path for path in target.path.parent.iterdir() if own.fullmatch(path.name)]


def _write(
    scratch: StudyFolder,
    target: StudyFolder,
    folders: Sequence[StudyFolder],
    plan: Plan,
    questions: Questions,
    *,
    command: str | None,
) -> Study:
    """Write the merged study into the new folder, and return it."""
    from overthink.workflows.merged_study import finished_study, unfinished_study

    rows = scratch.path / "rows"
    with storage_errors(scratch.path):
        rows.mkdir()
    shards = [rows_of_shard(folder, plan, rows / f"{number}.parquet") for number, folder in enumerate(folders)]
    shards = without_duplicates(shards, rows)
    waves_file, waves = merged_waves(folders, plan)
    missing = missing_traces(shards, plan, questions, draws_of(waves))
    write_plan(scratch.plan, plan)
    write_questions(scratch.questions, questions)
    notes = _carry(scratch, target, shards)
    if waves_file is not None:
        _copy(waves_file, scratch.waves)
    reasons = (*_missing_notes(missing, shards),) if missing else wave_notes(plan, waves, shards)
    unfinished_file(scratch.unfinished).replace([usage for shard in shards for usage in shard.waste])
    sources = tuple(
        MergedShard(str(shard.folder.path), shard.state.shard, shard.n_traces(), shard.duplicates) for shard in shards
    )
    write_merged(scratch.merged, MergedStudy(sources, sum(missing.values())))
    parts = [
        _with_logs(scratch, shard, name).with_columns(study=pl.lit(name_text(target.path.name)))
        for shard, name in zip(shards, _names(shards), strict=True)
    ]
    sha256 = write_merged_pool(scratch.shard_pool if reasons else scratch.pool, parts)
    with storage_errors(scratch.path):
        shutil.rmtree(rows)
    if reasons:
        return unfinished_study(scratch, plan, notes=(*notes, *reasons), command=command)
    return finished_study(scratch, sha256, notes=notes, command=command)


def _carry(scratch: StudyFolder, target: StudyFolder, shards: Sequence[ShardRows]) -> tuple[str, ...]:
    """Copy what all shards have alike, and what the study had before; return what must be said of it."""
    notes = []
    for name in ("estimate.json", "models.json"):
        there = [file for shard in shards if is_there(file := shard.folder.path / name)]
        if there:
            _copy(there[0], scratch.path / name)
        if name == "models.json" and len({read_file(file) for file in there}) > 1:
            notes.append(f"Sizes and prices of models differ between the shards; those of {there[0].parent} are used.")
    carry_endpoints([shard.folder for shard in shards], scratch)
    for file in (target.analysis, target.facts):
        if is_there(file):
            _copy(file, scratch.path / file.name)
    return tuple(notes)


def _copy(source: Path, target: Path) -> None:
    with storage_errors(target):
        target.write_bytes(read_file(source))


def _names(shards: Sequence[ShardRows]) -> list[str]:
    """Return the folder of each shard's logs: its name, numbered where several folders hold one shard."""
    counts: Counter[str] = Counter()
    names = []
    for shard in shards:
        name = shard.state.part.name
        counts[name] += 1
        names.append(name if counts[name] == 1 else f"{name}-{counts[name]}")
    return names


def _with_logs(scratch: StudyFolder, shard: ShardRows, name: str) -> pl.LazyFrame:
    """Give the study the logs of a shard, and return its rows with their logs named there.

    Logs are linked where the file system can, as they are not written to again; else they are copied.
    """
    source, target = shard.folder.logs, scratch.logs / name
    with storage_errors(target):
        for log in sorted(source.rglob("*")):
            if log.suffix not in (".eval", ".json"):
                continue  # the thinking as token ids, which only a shard goes on with
            place = target / log.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(log, place, follow_symlinks=False)
            except OSError:
                shutil.copy2(log, place, follow_symlinks=False)
    own, column = f"{scratch.logs.name}/", pl.col("log")
    there = pl.lit(f"{own}{name}/") + column.str.strip_prefix(own)
    return shard.rows.with_columns(log=pl.when(column.str.starts_with(own)).then(there).otherwise(column))


def _missing_notes(missing: Mapping[tuple[str, str], int], shards: Sequence[ShardRows]) -> Iterator[str]:
    """Yield one sentence per shard that lacks traces, with the command that collects them."""
    number_of_shards = Counter(shard.state.part.of for shard in shards).most_common(1)[0][0]
    by_shard: Counter[int] = Counter()
    for (task, question), count in missing.items():
        by_shard[shard_of(task, question, number_of_shards)] += count
    for number, count in sorted(by_shard.items()):
        shard = Shard(number, number_of_shards)
        own = next((each for each in shards if each.state.part == shard), None)
        yield f"{count} traces of shard {shard} are missing; {fill_command(shard, own, shards[0])}"


def fill_command(shard: Shard, own: ShardRows | None, other: ShardRows) -> str:
    """Return what collects the missing traces of a shard, in words.

    Args:
        shard: The shard.
        own: Its folder, if it was named.
        other: Another shard, whose command says how the study is run.
    """
    if own is not None:
        if own.state.command is None:
            return f"run it with resume=True in {own.folder.path}"
        words = _without_options(shlex.split(own.state.command), "--save-config")
        return f"this collects them: {shlex.join(words if '--resume' in words else [*words, '--resume'])}"
    if other.state.command is None:
        return f"no folder of it was named: run it with shard={str(shard)!r}"
    words = [word for word in shlex.split(other.state.command) if word != "--resume"]
    words = _without_options(words, "--shard", "--out", "--save-config")
    words += ["--shard", str(shard), "--out", str(other.folder.path.with_name(shard.name))]
    return f"no folder of it was named; this begins it: {shlex.join(words)}"


def _without_options(words: Sequence[str], *options: str) -> list[str]:
    """Return the words of a command without some options and their values."""
    result, is_value = [], False
    for word in words:
        name, equals, _ = word.partition("=")
        if not is_value and name not in options:
            result.append(word)
        is_value = not is_value and name in options and not equals
    return result
