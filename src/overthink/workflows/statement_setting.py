"""How the rows of a statement were made: by the plan of a study, or as far as a pool of logs and tables says it."""

from overthink.data.pool import words_of
from overthink.errors import InputError
from overthink.governance.statement.setting import (
    PoolFacts,
    Setting,
    distinct_conditions,
    setting_of_plan,
    setting_of_pool,
)
from overthink.paths import is_there
from overthink.plan.analysis import Analysis
from overthink.plan.study import Plan
from overthink.storage.json_documents import read_plan, read_polarity
from overthink.storage.pool import read_pool
from overthink.storage.study_folder import StudyFolder


def plan_of(folder: StudyFolder) -> Plan | None:
    """Return the plan of a study; None for analysed logs and tables, whose analysis is stored.

    Raises:
        InputError: There is neither.
    """
    if is_there(folder.plan):
        return read_plan(folder.plan)
    if not is_there(folder.analysis):
        raise InputError(
            f"{folder.path} holds neither plan.json nor analysis.json; needed: a study by `overthink run`, or what "
            "`overthink analyse LOGS --out FOLDER` wrote"
        )
    return None


def sources_text(plan: Plan | None) -> str:
    """Return what the findings are computed from, in words."""
    return "the pool and its analysis" if plan is None else "plan and pool"


def setting_of(folder: StudyFolder, plan: Plan | None, analysis: Analysis) -> Setting:
    """Return how the rows were made: by the plan, or as far as the pool and what was stated at reading say it.

    Raises:
        InputError: There is no plan, and the rows are of several models.
    """
    if plan is not None:
        return setting_of_plan(plan)
    pool = read_pool(folder.pool)
    models, arms, conditions = (words.to_list() for words in words_of(pool, "model", "arm", "conditions"))
    if len(models) > 1:
        raise InputError(
            f"{folder.pool} holds rows of {len(models)} models, {', '.join(models[:5])}; a statement is of one: "
            "analyse the logs of each alone"
        )
    polarity = {(one.axis, one.task, one.scorer): one.high for one in read_polarity(folder.analysis)}
    facts = PoolFacts(models[0] if models else None, arms, distinct_conditions(conditions), polarity, analysis)
    return setting_of_pool(facts)
