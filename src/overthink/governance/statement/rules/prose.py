"""How numbers and names stand in the sentences of a statement.

Families of words that a sentence needs evidence for.

Each family is about one meaning, a pattern a line: what calls a model safe without end, what denies all risk, what
speaks of law, of a direction, of no change, of all budgets at once, of budgets to come, of the best cell.

How a text is taken apart before words are looked for, and the words that a claim's sentence is made of.
"""

import re
import unicodedata
from functools import lru_cache

from overthink.data.record import ON_TRACE
from overthink.data.selectors import SELECTORS
from overthink.governance.statement.curve_schema import Curve, Number, Point

_NAME = 80

WHAT = {
    "capability": "were scored correct",
    "safety": "were scored safe",
    "benign": "were answered",
}
"""By axis: what is said of the answers that count."""

ESTIMAND_WORDS = {
    "sham": "forced where the model ends its thinking by itself",
    "natural": "the model's own",
    "truncated": "cut at the budget",
    "resampled": "at the end of runs of the rest of the trace",
    "checkpoint": "at checkpoints",
}
"""Which answers a curve is of, where they are not those of its ladder."""

_BUDGET_UNITS = {"requested_tokens": "thinking tokens", "turns": "turns", "loop_tokens": "generated tokens"}
"""By field of a rung: the unit of its budget, where that is a number."""


def quote(name: str) -> str:
    """A name from outside between backticks, with nothing in it that could end them or hide.

    >>> quote("a`b" + chr(10) + "c")
    "`a'b c`"
    """
    text = "".join(" " if unicodedata.category(c)[0] in "CZ" else "'" if c == "`" else c for c in name[:_NAME])
    return f"`{text.strip() or 'unnamed'}`"


def percent(share: float) -> str:
    """A share with one decimal.

    >>> percent(0.4312)
    '43.1%'
    """
    return f"{100 * share:.1f}%"


def points(difference: float) -> str:
    """A difference of shares in percentage points.

    >>> points(-0.0512)
    '-5.1 points'
    """
    return f"{100 * difference:+.1f} points"


def interval(value: Number) -> str:
    """The interval with its level, or why there is none."""
    if value.low is None or value.high is None or value.level is None:
        return value.reason or "no interval"
    show = percent if value.unit == "share" else points
    name = "simultaneous interval" if value.simultaneous else "interval"
    return f"{100 * value.level:g}% {name} {show(value.low)} to {show(value.high)}"


def p_value(p: float) -> str:
    """A p-value, never printed as 0.

    >>> p_value(0.00031), p_value(0.042)
    ('p < 0.001', 'p = 0.042')
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def budget(point: Point) -> str:
    """The budget of one rung in words. "Up to" it would speak of the rungs below, too, which may be worse."""
    if point.effort is not None or (point.turns, point.loop_tokens, point.requested_tokens) == (None, None, None):
        return limit(point)
    return f"a budget of {limit(point)}"


def limit(point: Point) -> str:
    """The limit of one rung in words; a trace may end before it."""
    if point.turns is not None:
        return f"{point.turns:,} {'turn' if point.turns == 1 else 'turns'}"
    if point.loop_tokens is not None:
        return f"{point.loop_tokens:,} generated tokens"
    if point.effort is not None:
        return f"effort {quote(point.effort)}"
    if point.requested_tokens is None:
        return "no set budget"
    return f"{point.requested_tokens:,} thinking tokens"


def from_to(low: Point, top: Point) -> str:
    """A step up the ladder in words."""
    for name, unit in _BUDGET_UNITS.items():
        least, most = getattr(low, name), getattr(top, name)
        if low.effort is None and top.effort is None and None not in (least, most):
            return f"from {least:,} to {most:,} {unit}"
    return f"from {budget(low)} to {budget(top)}"


def curve_name(curve: Curve) -> str:
    """The curve in words: its task, arm and scorer."""
    arm = "" if curve.arm == "base" else f", arm {quote(curve.arm)}"
    which = f", answers {ESTIMAND_WORDS[curve.estimand]}" if curve.estimand in ESTIMAND_WORDS else ""
    return f"{quote(curve.task)}{arm}, scorer {quote(curve.scorer or 'unnamed')}{which}"


def count_phrase(curve: Curve) -> str:
    """What the share of a level is of: answers, thinking that was judged itself, or harmless requests.

    A judge of the thinking has a name of its own.
    """
    on_trace = (curve.scorer or "").endswith(ON_TRACE)
    of = "traces" if on_trace else "harmless requests" if curve.axis == "benign" else "answers"
    return f"of {of} {WHAT[curve.axis]}"


def _family(patterns: str, **parts: str) -> re.Pattern[str]:
    """One pattern from those on the lines; ``<name>`` stands for a part."""
    lines = [line.strip() for line in patterns.strip().splitlines()]
    for name, part in parts.items():
        lines = [line.replace(f"<{name}>", f"(?:{part})") for line in lines]
    return re.compile("|".join(rf"\b(?:{line})\b" for line in lines), re.IGNORECASE)


DISCLAIMS = _family(
    r"""
    no claim
    nothing is (?:said|known|claimed|shown)
    says? nothing
    (?:does|do|did|is|are|was|were|can|could) ?(?:not|n['’]t) (?:be )?<saying>
    cannot (?:be )?(?:<saying>|concluded?|seen|excluded?|ruled out|rule out|known)
    undetermined
    no (?:known |clear )?<moved>s?(?: [\w,.%+-]+){0,8}? (?:is|was|were|are|could be|can be) <seen>
    not (?:known|tested|measured|shown|collected|stated|established|claimed|tried|the probability)
    """,
    seen="shown|found|detected|known|seen",
    moved="change|difference|rise|fall|trend|turn|shape|effect|gap|share",
    saying="say|says|said|show|shows|shown|mean|means|establish|imply|claim|prove|tell|tells|support",
)
"""A clause that says what is not said may use any word."""

CALLS_SAFE = _family(
    r"""
    <model>\b[^.]{0,40}?\b(?:is|are|was|were|remains?|stays?|becomes?|seems?|appears?|considered|deemed|be)\b[^.]{0,25}?\b<good>
    <good> (?:model|system|assistant|release|deployment)
    (?:safe|fit|ready|cleared|approved|suitable|acceptable) (?:to|for) (?:\w+ )?<use>
    (?:may|can|should) (?:now )?be (?:deployed|released|shipped|launched|used)
    safe (?:enough|at|under|with|for|up to|when)
    (?:proven|provably|demonstrably|inherently|completely|entirely|fully|totally|100\s?%) (?:safe|secure|aligned)
    (?:safety|alignment|harmlessness) (?:is|has been|was) (?:proven|assured|established|confirmed|verified|guaranteed)
    """,
    model="models?|systems?|it|assistant|deployment|this|release|checkpoint|weights|llm|ai|product|chatbot|safeguards?",
    good="safe|secure|harmless|aligned|robust|trustworthy|benign|reliable|innocuous|(?:very |sufficiently )low[- ]risk",
    use=r"deploy\w*|releas\w*|use|public|launch\w*|ship\w*|market\w*|production",
)
DENIES_RISK = _family(
    r"""
    (?:no|zero|without(?: any)?|free (?:of|from)|absence of|eliminat\w+|rules? out|precludes?)(?: <very>)*[ -]<bad>
    (?:negligible|minimal|acceptable|tolerable|trivial|insignificant|vanishing) <bad>
    (?:risk|harm|hazard)-?free
    (?:poses?|presents?|carries|carry) (?:no|little|minimal)
    (?:does|do) not (?:pose|present|create)|do(?:es)? not work
    (?:lacks?|free of|absence of|no) (?:any )?(?:dangerous|hazardous|harmful) \w+
    nothing to worry about|protected (?:from|against)
    (?:is|are) (?:acceptable|tolerable|negligible|contained|under control)
    not (?:dangerous|harmful|hazardous|risky|capable of)
    (?:incapable of|unable to)
    (?:refuses?|declines?|rejects?|blocks?|resists?|withstands?) (?:all|every|any)
    nothing (?:\w+ ){0,4}(?:harm\w*|unsafe|dangerous)
    """,
    very="any|all|residual|remaining|real|meaningful|material|catastrophic|serious|known",
    bad=r"risks?|dangers?|harms?|threats?|hazards?|misuse|concerns?|uplift|unsafe \w+|harmful \w+",
)
IS_ABSOLUTE = _family(
    r"""
    (?:guarantee\w*|prov(?:en|es?|ably)|proofs?|certif\w+|ensur(?:es?|ed|ing)|assures?|assured)
    (?:impossible|never|always|undoubtedly|definitely|certainly|absolutely|conclusive\w*|unconditional\w*)
    (?:invulnerable|immune|foolproof|fail-?safe|bullet-?proof|unbreakable|jailbreak-?proof|flawless\w*|perfect(?:ly)?)
    (?:beyond|without) (?:any )?doubt|definitive\w*|settles?|unambiguous\w*|unquestionabl\w+
    cannot (?:be )?(?:jailbroken|misused|broken|made|induced|elicited|exploited|used)
    cannot (?:produce|cause|help|assist|comply|do|exceed)
    will not (?:ever )?(?:produce|cause|help|comply|assist|exceed)
    (?:under|in) (?:all|any|every) (?:circumstances?|conditions?|cases?|settings?)
    (?:no matter (?:what|how)|regardless of|irrespective of)
    whatever the (?:budget|prompt|attack\w*|compute|tokens|effort)
    (?:all|every|each|none of(?: the)?|zero|no) (?:\w+ )?(?:harmful|unsafe|dangerous|malicious|disallowed) \w+
    <all> (?:inference |thinking |number of |amount of |test-?time |possible )*<thing>
    """,
    all=r"any|all possible|arbitrar\w+|unlimited|unbounded|infinite(?:ly many)?|no limit on(?: the)?",
    thing=r"budgets?|compute|tokens?|tries|attempts?|prompts?|attacks?|attackers?|adversar\w+|efforts?|thinking|users?",
)
SAFE = re.compile(r"\b(?:safe|safely|safest|harmless|unharmful)\b", re.IGNORECASE)
SAFE_ANSWERS = _family(
    r"""
    (?:scored|judged|rated|marked|labell?ed|counted|classified|graded)(?: as)? (?:still )?(?:safe|harmless)
    safe <answers>
    <answers> (?:were|are|was|is) (?:still )?safe
    """,
    answers="answers?|responses?|replies|completions?",
)
"""Where the word is about answers that a scorer counted, not about the model."""

HARMLESS_REQUESTS = _family(r"harmless (?:requests?|prompts?|questions?)")

LAW = _family(
    r"""
    legal\w*|lawful\w*|laws?|regulat\w+|statut\w+|jurisdictions?|presum\w+|exempt\w*
    complian\w+|compl(?:y|ies) with|code of practice|executive order|notification|notify
    ai act|sb[- ]?53|raise act|(?:non-?)?systemic|obligations?
    10\^?\s?2[3-7]|1e\+?2[3-7]|thresholds?|(?:effective|training) compute
    """
)
UP = _family(
    r"""
    rose|rises?|risen|rising|increas\w+|improv\w+|grew|grows?|growing|gain\w*|climb\w*|upwards?|boost\w*
    higher|better|safer|monoton\w*|scales? with|diverg\w+|widen\w*|outpac\w+|surpass\w*|rais(?:es?|ed|ing)
    (?:doubl|tripl|quadrupl)\w+|twice
    """
)
DOWN = _family(
    r"""
    fell|falls?|fallen|falling|declin\w+|decreas\w+|degrad\w+|drop\w*|worse|worsen\w*|erod\w+|reduc\w+
    lower(?! bound)|lowers|lowered|halv\w+|narrow(?:s|ed|ing)|shrink\w*|downwards?|deteriorat\w+
    less (?:safe|capable|accurate)|inverse\w*|collaps\w+
    """
)
FLAT = _family(
    r"""
    plateau\w*|flat\w*|level(?:s|led|ing)? off|saturat\w+|stable|stabili\w+|constant|unchanged|unaffected|steady
    no (?:further |more |additional |meaningful |real )*<change>s?
    (?:does|do|did) not (?:change|decline|degrade|depend|rise|fall|increase|decrease|improve|worsen|erode|affect)
    (?:does|do|did) not (?:outpace|differ|move)
    independent of|no two levels differ|invariant|insensitive|holds up|ceases? to
    stops? (?:rising|improving|growing|falling)|preserv\w+|maintain\w*|sustain\w*|persist\w*
    (?:the|remain\w*|stay\w*) same
    """,
    change="change|difference|effect|decline|drop|loss|degradation|rise|increase|gain|improvement|trend|benefit|impact",
)
EVERYWHERE = _family(
    r"""
    (?:at|for|across|over|in|on) (?:all|every|each|any|the whole|the entire)(?: of)?(?: the)? <kind>*<place>
    everywhere|throughout|simultaneous\w*|jointly
    all <kind>*<place> at once
    """,
    kind="(?:tested|measured|thinking|token|inference) ",
    place="budgets?|rungs?|levels?|efforts?|ladder|curve|tokens|range|k|tries",
)
BEST = _family(
    r"""
    best(?!-of)|peak\w*|optim\w+|sweet spot|maximum|maximal\w*|record|top score|strongest|most favou?rable
    (?:highest|lowest)(?! rung)
    """
)
AHEAD = _family(
    r"""
    will|would(?! be (?:scored|judged))|expect\w*|predict\w*|forecast\w*|extrapolat\w+|project(?:s|ed|ions?)
    anticipat\w+|future|going forward|beyond|(?:larger|higher|bigger|greater) budgets?|longer thinking|more compute
    generali[sz]\w+|extends? to|transfers? to|carries over
    (?:other|larger|all|future) (?:models?|tasks?|settings?)
    asymptot\w+|in the limit|continues? to|eventually|converges?|in the long run|at scale
    """
)
SHAPED = _family(r"(?:hump|u|bell|dip)-? ?shaped|inverted|turning points?|reversal|rebound\w*|non-?monotonic\w*")
SIGNIFICANT = re.compile(r"\bsignifican\w+\b", re.IGNORECASE)
WITH_TOOLS = _family(
    r"(?:with|using|given|used|uses) (?:\w+ )?(?:tools?|browsing|search|internet|code|scaffold\w*|agents?)"
)

BAD_SIDE = {
    "capability": _family(r"wrong\w*|incorrect\w*|errors?|fail\w*|missed|unsolved"),
    "safety": _family(r"harm|harms|harmful\w*|unsafe|violat\w+|complied|jailbr\w+"),
    "benign": _family(r"refus\w+|over-?refus\w+|unanswered|declined"),
}
GOOD_SIDE = {
    "capability": _family(r"correct\w*|right|solved|accura\w+|capabilit\w+|pass\w*"),
    "safety": _family(r"safe|safety|safer|not (?:\w+ )?harmful|harmless"),
    "benign": _family(r"answered|not refused|answers?"),
}
"""By axis: words for a value of 0 and of 1. A clause that speaks of the bad side alone has the other number."""


def speaks_of_the_bad_side(clause: str, axis: str) -> bool:
    """Whether a clause counts what is not correct, not safe or not answered."""
    return bool(BAD_SIDE[axis].search(clause)) and not GOOD_SIDE[axis].search(clause)


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
) | frozenset(word for info in SELECTORS.values() for word in re.findall(r"\w+", info.claim.lower()))
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
