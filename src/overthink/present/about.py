"""What a report says about itself: where its findings come from and how they were made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from overthink.core.spending import Estimate, Spent
from overthink.present.appendix import Appendix
from overthink.present.thresholds import Thresholds


@dataclass(frozen=True, slots=True)
class About:
    """Everything a report prints that is not a finding. All of it is given by the caller, the time too.

    Attributes:
        title: Heading of the report.
        source: What was analysed: a model, a folder of logs, a table.
        made_with: Version of Overthink.
        created: When, as ISO text.
        command: The command line, where there was one.
        plan: The plan as a nested mapping; printed as a table.
        plan_sha256: Hash of the plan.
        pool_sha256: Hash of the pool.
        notes: What a reader must know and no finding says: rows skipped, polarity assumed, a stopped run.
        reference: By ``"axis/task/arm"``: tokens of one attempt at K = 1.
        reference_means: What K = 1 stands for, in words ("the lowest rung").
        questions: By ``"axis/task"``: ids of the questions asked.
        estimate: What was expected before it began; None where nothing was.
        spent: What it took; None where there is no estimate to compare it with.
        thresholds: Where thresholds on training compute stand on the K axis; None says nothing of them.
        appendix: Calculators that could be filled, and what the others need; None for no appendix.
        not_tried: Ways to get more out of the model that were not tried, a sentence each.
        never_said: What no report says, whatever was measured.

    >>> About(title="A look", source="model m", made_with="0.1", created="2030-01-01T00:00:00Z").notes
    ()
    """

    title: str
    source: str
    made_with: str
    created: str
    command: str | None = None
    plan: Mapping[str, object] | None = None
    plan_sha256: str | None = None
    pool_sha256: str | None = None
    notes: tuple[str, ...] = ()
    reference: Mapping[str, float] = field(default_factory=dict)
    reference_means: str | None = None
    questions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    estimate: Estimate | None = None
    spent: Spent | None = None
    thresholds: Thresholds | None = None
    appendix: Appendix | None = None
    not_tried: tuple[str, ...] = ()
    never_said: tuple[str, ...] = ()
