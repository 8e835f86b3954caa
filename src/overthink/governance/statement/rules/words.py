"""Families of words that a sentence needs evidence for.

Each family is about one meaning, a pattern a line: what calls a model safe without end, what denies all risk, what
speaks of law, of a direction, of no change, of all budgets at once, of budgets to come, of the best cell.
"""

import re


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
