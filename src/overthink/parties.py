"""Who works for each arm, how big they are and what they charge: from plans, rows, weights and price lists."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from overthink.collect.worker import Worker, Workers, asked
from overthink.core.costing import Parties, Party
from overthink.core.model_shape import ModelShape
from overthink.core.record import RungRecord
from overthink.core.sourced_shape import SourcedShape
from overthink.core.verified import Verified
from overthink.errors import InputError
from overthink.plan import Plan
from overthink.price import is_own, rates_of
from overthink.store.folder import StudyFolder
from overthink.store.models import MANY, Known, Origin, read_models
from overthink.store.verified import read_verified

if TYPE_CHECKING:
    from overthink.collect.opened import Opened

NO_CHARGE = "no charge: it runs on this machine"
NO_LIST = "price unknown: its server has no list price"


def known_of(workers: Mapping[str, Workers], *, before: Known | None = None) -> Known:
    """What is known today of those who work for the arms.

    Args:
        workers: By arm.
        before: What was known earlier. It stays, so that a study counts with the prices of its first day.
    """
    look_up = _LookUp(before or Known())
    return Known({arm: _each(of_arm, look_up) for arm, of_arm in workers.items()}, look_up.origins)


def known_at_start(opened: "Opened", folder: StudyFolder, shapes: Mapping[str, SourcedShape]) -> Known:
    """What a study keeps of those who will work for its arms.

    Args:
        opened: The plan, opened; its tasks tell who grades.
        folder: The study's folder, where it may have kept something already.
        shapes: By model: its shape, as it is stated now.

    Raises:
        InputError: A shape is of a model that nobody uses, or what was kept is damaged.
    """
    from overthink.collect.workers import workers_of

    judges = [name for task in opened.asked for name in task.graders]
    workers, scored = workers_of(opened.plan, judges, free=opened.spending.free), read_verified(folder.verified)
    known = known_of(workers, before=read_models(folder.models))
    return with_shapes(known if scored is None else with_verifier(known, scored), shapes, by_arm=False)


def known_of_plan(plan: Plan, verified: Verified | None, *, free: bool) -> Known:
    """The same for a study that did not keep it.

    Args:
        plan: The study's plan; who grades by a task's own choice, it does not tell.
        verified: Who scored answers after they had been collected.
        free: Nobody sends a bill for the model under test.
    """
    from overthink.collect.workers import workers_of

    known = known_of(workers_of(plan, [plan.grader] if plan.grader is not None else [], free=free))
    return known if verified is None else with_verifier(known, verified)


def known_of_rows(rows: Iterable[RungRecord]) -> Known:
    """The same for rows from elsewhere: an arm's model where its rows name one, else the arm's own name for it."""
    named: dict[str, set[str]] = {}
    for row in rows:
        named.setdefault(row.arm, set()).update(() if row.model is None else (row.model,))
    return known_of(
        {arm: Workers(asked(next(iter(models)) if len(models) == 1 else arm)) for arm, models in named.items()}
    )


def with_verifier(known: Known, verified: Verified) -> Known:
    """The same once somebody has scored answers that were there already; scores of others are gone then."""
    from overthink.collect.workers import verifiers_of

    look_up = _LookUp(known)
    parties = {
        arm: replace(
            of_arm,
            verifiers=tuple(map(look_up, verifiers_of(verified, Worker(of_arm.model.name))))
            if arm in verified.arms
            else (),
        )
        for arm, of_arm in known.parties.items()
    }
    return Known(parties, {**known.origins, **look_up.origins})


def with_shapes(known: Known, shapes: Mapping[str, SourcedShape], *, by_arm: bool) -> Known:
    """The same with shapes that are stated now in place of those that were known.

    Args:
        known: Who works for the arms.
        shapes: By model.
        by_arm: The name of an arm stands for its model under test, too.

    Raises:
        InputError: Nobody of that name works for any arm.
    """
    arms = known.parties.keys() if by_arm else set()
    strange = [name for name in shapes if name not in known.models and name not in arms]
    if strange:
        there = ", ".join(dict.fromkeys((*known.models, *(arm for arm in known.parties if arm in arms)))) or "none"
        raise InputError(f"--model-shape {strange[0]}: no such model is used; there are: {there}")

    def shaped(party: Party) -> Party:
        return replace(party, shape=shapes[party.name].shape) if party.name in shapes else party

    parties = {arm: _each(of_arm, shaped) for arm, of_arm in known.parties.items()}
    for arm in arms & shapes.keys():
        parties[arm] = replace(parties[arm], model=replace(parties[arm].model, shape=shapes[arm].shape))
    sources = {
        name: replace(known.origins[name], shape=shapes[name].source) for name in shapes if name in known.origins
    }
    return Known(parties, {**known.origins, **sources})


class _LookUp:
    """Makes workers known, each name once.

    Args:
        before: What was known earlier.
    """

    def __init__(self, before: Known) -> None:
        self.origins: dict[str, Origin] = {}
        self._before = before
        self._there = before.models
        self._found: dict[str, Party] = {}

    def __call__(self, worker: Worker) -> Party:
        name = worker.name
        if name not in self._found:
            self._found[name], self.origins[name] = self._kept(*_today(worker))
        return self._found[name]

    def _kept(self, party: Party, origin: Origin) -> tuple[Party, Origin]:
        """With what was known earlier in place of what is found now."""
        there = self._there.get(party.name)
        if there is None:
            return party, origin
        told = self._before.origins.get(party.name, origin)
        if there.shape != ModelShape():
            party, origin = replace(party, shape=there.shape), replace(origin, shape=told.shape)
        if there.rates is not None or there.free:
            party, origin = replace(party, rates=there.rates, free=there.free), replace(origin, price=told.price)
        return party, origin


def _today(worker: Worker) -> tuple[Party, Origin]:
    """What weights and price list say of a model today."""
    read = worker.shape
    if worker.place == "here" or is_own(worker.name):
        return Party(worker.name, read.shape, free=True), Origin(read.source, NO_CHARGE)
    rates = NO_LIST if worker.place == "server" else rates_of(worker.name)
    if isinstance(rates, str):
        return Party(worker.name, read.shape), Origin(read.source, rates)
    dated = replace(rates, source=f"{rates.source}, {datetime.now(UTC).date().isoformat()}")
    return Party(worker.name, read.shape, dated), Origin(read.source, dated.source)


def _each(of_arm: Any, change: Callable[[Any], Party]) -> Parties:
    """Parties with what is made of everybody."""
    return Parties(change(of_arm.model), **{role: tuple(map(change, getattr(of_arm, role))) for role in MANY})
