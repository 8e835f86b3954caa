"""Comparison of arms with a reference arm, within one study or across studies on the same questions."""

import os
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Unpack

import polars as pl

from overthink.analysis.arm_pairs import DEFAULT_REFERENCE
from overthink.cost.units import ModelRoles, Unit
from overthink.data.comparison import (
    MIN_COMPARABLE,
    RunDifference,
    common_questions,
    comparable_tasks,
    difference_notes,
    rows_of,
    run_differences,
    with_default_level,
)
from overthink.data.decisions import placebo_label, placebo_of
from overthink.data.pool import COLUMNS, read, words_of
from overthink.data.traces import TRACE
from overthink.data.verifier_scores import VerifierRun
from overthink.errors import InputError
from overthink.paths import is_there, name_text, path_kind
from overthink.storage.models import StudyModels
from overthink.storage.study_folder import StudyFolder
from overthink.workflows import arguments as arg
from overthink.workflows.analyse import analyse_source, stored_study
from overthink.workflows.compare_checks import (
    digests_of_table,
    has_comparison,
    text_differences,
    with_one_task,
    without_comparison,
)
from overthink.workflows.models import arm_models
from overthink.workflows.request import AnalysisOptions
from overthink.workflows.sources import ReadOptions, Source, read_sources, with_logs_from_here
from overthink.workflows.study import Study
from overthink.workflows.words import CompareWords, analysis, reading

SETTINGS = ("temperature", "top_p", "think_format", "answer_tokens", "answer_cue", "grader", "model_args")
"""Plan fields other than arms that may explain a difference between two studies."""


@dataclass(frozen=True, slots=True)
class _ComparedSource:
    """One source, its short name, and the unique label of each of its arms in the comparison."""

    name: str
    source: Source
    arms: Mapping[str, str]

    @property
    def verifications(self) -> tuple[VerifierRun, ...]:
        """Its verifications, with the new arm labels."""
        verifications = self.source.verifications
        return tuple(
            replace(verification, arms=tuple(self.arms[arm] for arm in verification.arms if arm in self.arms))
            for verification in verifications
        )

    @property
    def passive_arms(self) -> frozenset[str]:
        """Its arms that are known to decide nothing, by their new labels."""
        return frozenset(self.arms[arm] for arm in self.source.passive_arms if arm in self.arms)

    @property
    def planned_arms(self) -> frozenset[str]:
        """Its arms whose runs are alike by construction, by their new labels."""
        return frozenset(self.arms[arm] for arm in self.source.planned_arms if arm in self.arms)

    @property
    def model_roles(self) -> dict[str, ModelRoles]:
        """Model roles by new arm label; a model without a name gets its arm's label."""
        roles_of = {self.arms[arm]: roles for arm, roles in self.source.models.roles.items() if arm in self.arms}
        models = self.models
        return {
            arm: roles if models[arm] is not None else replace(roles, model=replace(roles.model, name=arm))
            for arm, roles in roles_of.items()
        }

    @property
    def models(self) -> dict[str, str | None]:
        """Model by new arm label; None if neither the plan nor the rows name a single model."""
        plan = self.source.plan
        if plan is not None:
            return dict.fromkeys(self.arms.values(), plan.model)
        models_of: dict[str, set[str | None]] = defaultdict(set)
        for arm, model in arm_models(self.source.pool):
            models_of[self.arms[arm]].add(model)
        return {arm: next(iter(models)) if len(models) == 1 else None for arm, models in models_of.items()}

    @property
    def pool(self) -> pl.LazyFrame:
        """Its rows with new arm labels; of adaptive draws only the first wave, which every question has."""
        sure = {task: waves.guaranteed_draws for task, waves in self.source.waves.items()}
        n_sure = pl.col("task").replace_strict(sure, default=None, return_dtype=pl.Int64)
        rows = self.source.pool.filter(n_sure.is_null() | (pl.col("draw") < n_sure)) if sure else self.source.pool
        return rows.select(*COLUMNS, TRACE).with_columns(pl.col("arm").replace(dict(self.arms)))


@arg.checked(
    reference=arg.a(str | None),
    out=arg.a_path_or_none,
    read=arg.a(ReadOptions | None),
    options=arg.a(AnalysisOptions | None),
)
def compare(
    paths: str | Path | Sequence[str | Path],
    *others: str | Path,
    reference: str | None = None,
    out: str | Path | None = None,
    read: ReadOptions | None = None,
    options: AnalysisOptions | None = None,
    command: str | None = None,
    **words: Unpack[CompareWords],
) -> Study:
    """Compare arms question by question, and on one axis of total compute with a verdict on every mitigation.

    Args:
        paths: One study with several arms, or several studies, logs or tables on the same questions; a list, or one.
        *others: More of them, if `paths` is one.
        reference: Reference arm; None for ``base`` of the first source that has it, else the first source's first arm.
        out: Folder for pool, findings and report; None writes nothing.
        read: Properties that logs and tables do not state.
        options: Analysis options; None for values the studies agree on, else the defaults.
        command: The command line, for the report.
        **words: Options of the command line, with underscores for hyphens and spelled as there, such as ``by="flop"``.

    Returns:
        The arms as one study; its kinds ``arm_difference``, ``safety_tax`` and ``mitigation`` are the comparison, and
        ``flop_matched`` where models are compared in FLOP.

    Raises:
        InputError: There is only one arm, no such reference, no common task or questions, or nothing to compare at.
    """
    paths = _path_list(paths, others)
    read, options = reading(words, read), analysis(words, options)
    for path in (*paths, *([] if out is None else [out])):
        path_kind(Path(path))  # links in circles and names that are too long are refused
    if len({os.path.realpath(path) for path in paths}) < len(paths):
        raise InputError("a study is given twice; needed: each once, its arms are compared anyway")
    if out is not None and (is_there(StudyFolder(Path(out)).plan) or any(_same(out, path) for path in paths)):
        raise InputError(f"{out} holds a study, whose findings would be overwritten; choose another folder")
    own_paths = [Path(path) for path in paths]
    each = read_sources(own_paths, read)
    from_here = [(path, with_logs_from_here(source, path)) for path, source in zip(own_paths, each, strict=True)]
    sources = _compared_sources(with_one_task(from_here))
    chosen = _reference(sources, reference)
    _refuse_contradictions(sources)
    rows = with_default_level(pl.concat([source.pool for source in sources]), chosen)
    tasks = comparable_tasks(rows, chosen)
    counterparts = _counterparts(sources) if reference is None else ()
    references = dict.fromkeys((label for each in sources for label in each.arms.values()), chosen) | dict(counterparts)
    differences = run_differences(rows, references)
    differences += _other_texts(own_paths, sources, references, differences)
    options = replace(
        options,
        reference=chosen,
        counterparts=counterparts,
        other_measures=tuple((each.arm, each.task, each.name) for each in differences if each.measures),
        other_models=_other_models(sources, chosen),
    )
    if len(sources) == 1:
        own = sources[0].source
        with_notes = replace(own, notes=(*difference_notes(differences), *own.notes))
        return _compared_study(with_notes, options, out=out, command=command)
    common, notes = common_questions(rows, tasks)
    pool = Source(
        " and ".join(source.name for source in sources),
        rows_of(rows, common),
        notes=(
            *difference_notes(differences),
            *_difference_notes(sources, options.unit or Unit.TOKENS),
            *notes,
            *dict.fromkeys(note for source in sources for note in source.source.notes),
        ),
        verifications=tuple(verification for source in sources for verification in source.verifications),
        models=StudyModels({arm: roles for source in sources for arm, roles in source.model_roles.items()}),
        passive=frozenset().union(*(source.passive_arms for source in sources)),
        planned=frozenset().union(*(source.planned_arms for source in sources)),
        polarity=tuple(dict.fromkeys(one for source in sources for one in source.source.polarity)),
        unread=tuple(fault for source in sources for fault in source.source.unread),
        reading=tuple(dict.fromkeys(note for source in sources for note in source.source.reading)),
    )
    return _compared_study(pool, _with_common_settings(options, sources), out=out, command=command)


def _path_list(paths: object, others: Sequence[object]) -> Sequence[str | Path]:
    """Return the paths of a list, or one behind the other.

    Raises:
        TypeError: They are no paths, or paths behind a list.
        InputError: There is none, or one is no path of this system.
    """
    if not isinstance(paths, list | tuple):
        paths = [paths, *others]
    elif others:
        raise TypeError("paths is a list with other paths behind it; needed: all in the list, or none in a list")
    arg.paths(paths, "paths")
    return paths  # type: ignore[return-value]


def _other_texts(
    paths: Sequence[Path],
    sources: Sequence[_ComparedSource],
    references: Mapping[str, str],
    seen: Sequence[RunDifference],
) -> list[RunDifference]:
    """Return where ids stand for other questions; those of plans are the same by their tasks and arguments."""
    of_others = [source.pool for source in sources if source.source.plan is None]
    if len(of_others) < 2:
        return []
    tables = {
        label: digests
        for path, source in zip(paths, sources, strict=True)
        if (digests := digests_of_table(path, source.source.pool))
        for label in source.arms.values()
    }
    return text_differences(pl.concat(of_others), references, seen, tables)


def _compared_study(source: Source, options: AnalysisOptions, *, out: str | Path | None, command: str | None) -> Study:
    """Return the study of the arms; nothing is written where nothing was compared.

    Raises:
        InputError: No arm was compared with another.
    """
    study = analyse_source(source, options, command=command)
    if not has_comparison(study.results):
        raise InputError(without_comparison(study.results, str(options.reference)))
    return study if out is None else stored_study(study, out)


def _counterparts(sources: Sequence[_ComparedSource]) -> tuple[tuple[str, str], ...]:
    """Return arms of later sources with the arm of the first one that has the same name there."""
    first, *others = sources
    return tuple((source.arms[arm], first.arms[arm]) for source in others for arm in source.arms if arm in first.arms)


def _same(out: str | Path, path: str | Path) -> bool:
    return os.path.realpath(out) == os.path.realpath(path)


_LOG_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d[+-]\d\d-\d\d_(?=.)")
"""Start of the name that Inspect gives a log, before its task and id."""


def _compared_sources(sources: Sequence[tuple[Path, Source]]) -> list[_ComparedSource]:
    """Return the sources with short names; labels of arms that occur in several sources include the source's name."""
    resolved = [path.resolve() for path, _ in sources]
    whole = [name_text(path.stem if path_kind(path) == "a file" else path.name) for path in resolved]
    short = [_LOG_TIME.sub("", name) for name in whole]
    if len(set(short)) < len(short):
        short = whole
    if len(set(short)) < len(short):
        short = [f"{name_text(path.parent.name)}/{name}" for path, name in zip(resolved, short, strict=True)]
    if len(set(short)) < len(short):
        short = [name_text(str(path)) for path, _ in sources]
    own = [words_of(source.pool, "arm")[0].to_list() for _, source in sources]
    times: dict[str, int] = defaultdict(int)
    for arms in own:
        for arm in arms:
            times[arm] += 1
    return [
        _ComparedSource(name, source, _new_labels(arms, times, name))
        for name, (_, source), arms in zip(short, sources, own, strict=True)
    ]


def _new_labels(arms: Sequence[str], times: Mapping[str, int], name: str) -> dict[str, str]:
    """Return the label of each arm of a source; a placebo is called after its arm."""
    labels = {arm: arm if times[arm] == 1 else f"{arm} ({name})" for arm in arms}
    own = {arm: placebo_of(arm) for arm in arms}
    return labels | {arm: placebo_label(labels[of]) for arm, of in own.items() if of in labels}


def _reference(sources: Sequence[_ComparedSource], name: str | None) -> str:
    labels = [label for source in sources for label in source.arms.values()]
    choices = ", ".join(labels)
    if len(labels) < MIN_COMPARABLE:
        raise InputError(
            f"there is one arm only, {choices}; needed: a study with two or more (--arms), or several studies"
        )
    if name is None:
        labels = [label for label in labels if placebo_of(label) is None] or labels
        plain = [source.arms[DEFAULT_REFERENCE] for source in sources if DEFAULT_REFERENCE in source.arms]
        first = sources[0].source.plan
        own = sources[0].arms
        leading = None
        if first is not None:
            leading = next((arm.label for arm in first.arms if arm.label in own and arm.placebo_of is None), None)
        return plain[0] if plain else own[leading] if leading is not None else labels[0]
    if placebo_of(name) is not None:
        others = ", ".join(label for label in labels if placebo_of(label) is None)
        raise InputError(f"--reference {name} is a placebo, which no arm is measured by; needed: one of {others}")
    if name in labels:
        return name
    bare = [source.arms[name] for source in sources if name in source.arms]
    if len(bare) == 1:
        return bare[0]
    raise InputError(f"--reference {name} is no arm; needed: one of {choices}")


def _refuse_contradictions(sources: Sequence[_ComparedSource]) -> None:
    """Refuse plans that read the same task with different polarity or arguments."""
    first: dict[str, tuple[_ComparedSource, object, object]] = {}
    for source in sources:
        for task in source.source.plan.tasks if source.source.plan is not None else ():
            other, high, args = first.setdefault(task.task, (source, (task.axis, task.high), task.args))
            if high != (task.axis, task.high):
                raise InputError(
                    f"{task.task}: high is {high} in {other.name} and {(task.axis, task.high)} in {source.name}; the "
                    "same score cannot mean both: run one of them again with the right polarity"
                )
            if args != task.args:
                raise InputError(
                    f"{task.task} has the arguments {args} in {other.name} and {task.args} in {source.name}: the same "
                    "ids may be other questions; needed: studies with the same -T"
                )


def _other_models(sources: Sequence[_ComparedSource], reference: str) -> tuple[str, ...]:
    """Return arms whose model differs from the reference's, or is unknown and of another source."""
    own = next(source for source in sources if reference in source.arms.values())
    mine = own.models[reference]
    others = []
    for source in sources:
        models = source.models
        unknown = source is not own  # unknown models of one source count as the same model
        for arm in source.arms.values():
            is_stated = models[arm] is not None and mine is not None
            if (is_stated and models[arm] != mine) or (unknown and not is_stated):
                others.append(arm)
    return tuple(others)


def _difference_notes(sources: Sequence[_ComparedSource], unit: Unit) -> list[str]:
    """Return notes on differences between the studies other than their arms."""
    plans = [(source.name, source.source.plan) for source in sources]
    with_plan = [(name, plan) for name, plan in plans if plan is not None]
    by_source = {source.name: dict.fromkeys(source.models.values()) for source in sources}
    models_of = {name: [model for model in models if model is not None] for name, models in by_source.items()}
    notes = []
    if len({model for models in models_of.values() for model in models}) > 1:
        models = ", ".join(f"{' and '.join(models)} ({name})" for name, models in models_of.items() if models)
        tokens = ", and tokens are not alike: --by flop counts what they compute" if unit == Unit.TOKENS else ""
        notes.append(f"Different models: {models}. Differences are those of models as well{tokens}.")
    nameless = [name for name, plan in plans if plan is None and None in by_source[name]]
    if nameless:
        notes.append(f"Model and settings are not stated for {', '.join(nameless)}: they may differ.")
    stated = {source.name for source in sources if _states_conditions(source.source)}
    unset = [name for name, plan in plans if plan is None and name not in nameless and name not in stated]
    if unset:
        notes.append(f"Settings are not stated for {', '.join(unset)}: they may differ.")
    for field in SETTINGS:
        if len({repr(getattr(plan, field)) for _, plan in with_plan}) > 1:
            values = ", ".join(f"{getattr(plan, field)} ({name})" for name, plan in with_plan)
            notes.append(f"The studies differ in {field}: {values}.")
    return notes


def _states_conditions(source: Source) -> bool:
    """Return whether every row says under which conditions it was made."""
    return not bool(read(source.pool.select(pl.col("conditions").is_null().any())).item())


def _with_common_settings(options: AnalysisOptions, sources: Sequence[_ComparedSource]) -> AnalysisOptions:
    """Return the options with level, margin and reference of K of the studies, if they agree and none is set."""
    plans = [source.source.plan for source in sources if source.source.plan is not None]
    levels, margins = {plan.level for plan in plans}, {plan.margin for plan in plans}
    references = {None if options.unit == Unit.FLOP else plan.k_reference for plan in plans}
    return replace(
        options,
        level=options.level if options.level is not None or len(levels) != 1 else levels.pop(),
        margin=options.margin if options.margin is not None or len(margins) != 1 else margins.pop(),
        k_reference=options.k_reference
        if options.k_reference is not None or len(references) != 1
        else references.pop(),
    )
