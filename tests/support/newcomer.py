"""Ten things that a newcomer does, each in a few lines, with public names alone. Run in an empty folder."""

# ruff: noqa: T201
import csv
from pathlib import Path

import polars as pl

import overthink
from overthink import extend


# A way of thinking and a file format of their own, in this file.
@extend.component("primed")
class Primed(extend.Intervention):
    """A line of care at the beginning of the thinking."""

    line: str = extend.Field("Let me be careful.", description="the line")

    @property
    def prefix_text(self) -> str:
        """The text that the thinking begins with."""
        return f"{self.line}\n"

    def wrap(self, stepper: extend.Stepper, context: extend.TraceContext) -> extend.Stepper:
        """Return the stepper as it is."""
        return stepper


@extend.component("marks")
class Marks(extend.Reader):
    """Lines such as `q7 +`: a question and whether the answer was right."""

    def claims(self, path: Path) -> bool:
        """Return whether a path is such a file."""
        return path.suffix == ".marks"

    def frame(self, path: Path) -> pl.DataFrame:
        """Return a row per line."""
        lines = [line.split() for line in path.read_text().splitlines()]
        return pl.DataFrame([{"question": name, "draw": 0, "value": int(mark == "+")} for name, mark in lines])


def main(here: str) -> None:
    """Do the ten things; `here` is the path of this file."""
    # 1. Run a model on two tasks at three budgets.
    study = overthink.experiment(
        model="overthink/simulated",
        capability="overthink/arithmetic",
        safety="overthink/secret",
        budgets=[0, 16, 64],
        arms="base,zerothink",
        draws=1,
        limit=4,
        seed=1,
        out="study",
        progress=False,
    )

    # 2. Read a verdict.
    for verdict in study.verdicts.iter_rows(named=True):
        print("verdict:", verdict["axis"], verdict["arm"], verdict["label"], verdict["p_adjusted"])

    # 3. Plot a curve.
    study.chart("capability").save("capability.svg")

    # 4. Make a table for a paper.
    Path("curves.tex").write_text(overthink.table("study", what="curves", format="latex"))

    # 5. Compare two arms.
    arms = overthink.compare("study", reference="base")
    for finding in arms.find(kind=overthink.Kind.ARM_DIFFERENCE, metric="mean", arm="zerothink"):
        print("difference:", finding.axis, finding.estimate, (finding.low, finding.high))

    # 6. Forecast: from 20 tries to 1,000.
    with Path("attempts.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("question", "attempts", "successes"), *((f"q{n}", 20, n % 4) for n in range(30))])
    print("forecast:", overthink.forecast_table("attempts.csv", k=[1, 1000]).text().splitlines()[0])

    # 7. State what may be claimed, and check it.
    statement = overthink.statement("study")
    print("statement:", statement.statement.title, overthink.check(statement.path, study="study").ok)

    # 8. An arm of one's own.
    own = overthink.experiment(
        model="overthink/simulated",
        safety="overthink/secret",
        budgets=[0, 16],
        arms=["base", f"{here}@primed"],
        draws=1,
        limit=3,
        progress=False,
    )
    print("own arm:", own.curves["arm"].unique().sort().to_list())

    # 9. A reader of one's own.
    Path("answers.marks").write_text("q1 +\nq2 -\nq3 +\n")
    marks = overthink.analyse("answers.marks", reader=f"{here}@marks")
    print("own reader:", marks.frame()["value"].to_list())

    # 10. Resume: more draws for the study.
    more = overthink.experiment(
        model="overthink/simulated",
        capability="overthink/arithmetic",
        safety="overthink/secret",
        budgets=[0, 16, 64],
        arms="base,zerothink",
        draws=2,
        limit=4,
        seed=1,
        out="study",
        resume=True,
        progress=False,
    )
    print("resumed:", study.frame().height, more.frame().height)


if __name__ == "__main__":
    main(__file__)
