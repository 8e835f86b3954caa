"""How a text is taken apart before words are looked for, and the words that a claim's sentence is made of."""

import re
import unicodedata
from functools import lru_cache

from overthink.governance.statement.rules.words import AHEAD, BEST, DISCLAIMS, DOWN, EVERYWHERE, FLAT, SHAPED, SIGNIFICANT, UP

_QUOTED_CLAUSE = re.compile(r"`[^`]*`")
_CLAUSE = re.compile(
    r"(?<=[.!?])\s+|;|\n|,?\s+(?:but|however|yet|so|therefore|hence|thus|although|which means|meaning)\b,?",
    re.IGNORECASE,
)


CLAIM_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
    a an the of on in at to from by with for and or per than that which this these those its their it is are was were be
    been has have had as not no only up over under between within after before when where while then one two three both
    any some other same all most least more fewer less about around nor either neither also still here there what if
    model models answered answers answer response responses reply replies completion completions request requests prompt
    prompts question questions task tasks correct correctly right wrong safe harmful harmless refused refusal refusals
    unanswered scored score scores scorer scoring judged judge judges marked rated labelled labeled label labels counted
    classified graded verdict verdicts worst frequent picked verifier majority selector pass capability safety over
    refusal accuracy benign axis respectively namely
    share shares rate rates proportion fraction percentage percent points point pp interval intervals confidence ci band
    bands level levels estimate estimates estimated mean value values lower upper bound bounds limit limits range margin
    number numbers total result results evidence statistic statistical statistically significance test tests tested
    adjusted p k n holm paired pointwise simultaneous
    arm arms budget budgets thinking think tokens token tries try attempts attempt samples sample draws draw rung rungs
    ladder effort efforts requested consumed generated capped cap cut allowed allowing maximum run runs single highest
    lowest name names loop loops checkpoint checkpoints under stated reference basis multiple times compute inference
    shape shapes curve curves turn turns ends end began begin begins start starts started higher differ differs
    difference differences change changes changed moved shown show shows seen found detected observed measured known
    undetermined regime regimes registered pre half levels two corrected correction human gap minus against compared
    relative going whole part remaining rest would evaluation statement report study
    traces trace natural own forced set itself s
    collected calculated computed reported recorded given used using holds hold held
        """,
    )
)
"""What a claim's sentence is made of: answers, scorers, shares, intervals, tests, budgets, shapes."""


@lru_cache(maxsize=4096)
def clauses(text: str) -> tuple[str, ...]:
    """The clauses of a text, in plain characters and without quoted names; each is judged on its own.

    >>> clauses("On `a safe task`, 5% failed. It is safe, but untested")
    ('On (name), 5% failed.', 'It is safe', ' untested')
    """
    plain = unicodedata.normalize("NFKC", _QUOTED_CLAUSE.sub("(name)", text))
    plain = "".join(c for c in plain if unicodedata.category(c) != "Cf").replace("−", "-")
    return tuple(clause for clause in _CLAUSE.split(plain) if clause and clause.strip())


def claiming(text: str) -> list[str]:
    """The clauses that claim something: those that only say what is not said are left out."""
    return [clause for clause in clauses(text) if not DISCLAIMS.search(clause)]


def unfounded_words(clause: str, names: str) -> list[str]:
    """Words of a clause that are about nothing that is measured.

    Args:
        clause: A clause that claims something.
        names: Names that it may use: of the task, the scorer, the model.
    """
    for family in (UP, DOWN, FLAT, EVERYWHERE, BEST, SIGNIFICANT, AHEAD, SHAPED):  # these have rules of their own
        clause = family.sub(" ", clause)
    vocabulary = CLAIM_WORDS | set(re.findall(r"[a-z]+", names.lower()))
    return [word for word in re.findall(r"[^\W\d_]+", clause.lower()) if word not in vocabulary]
