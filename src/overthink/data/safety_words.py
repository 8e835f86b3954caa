"""Words of safety: of harm, refusal or attack in names of tasks and scorers, and of errors by which providers decline.

Words of error (``wer``, ``loss``, ``violations``) are beside them, for the same reason.

Such a name says that a high score may be the bad end, and not which: it is never read as capability unasked. The rule
is a list and no judgement of meaning; a false alarm costs one option on the command line, a miss a wrong verdict. A
name is cut into words at every sign that is no letter, and at capitals within (``RealToxicityPrompts``), and then

- a *stem* counts anywhere within a word (``overrefusal``, ``antiharm``), but for the listed continuations
  (``harmonic_mean``, ``pharmacy``, ``toxicology``, ``attacking_midfield``);
- a *word* or several together count as whole words (``safe``, ``prompt_injection``);
- nothing counts within a listed harmless phrase (``inductive_bias``, ``heart_attack``, ``hazard_ratio``);
- the *name* of a data set counts anywhere once all signs are gone (``AdvBench``, ``do-not-answer``).

The errors of logs and of tables are read by one list. A policy of a network or a sandbox that is violated is no
refusal, so that a policy counts where it is named as one of content, of use, or of safety, or where its code is all
that is stated.
"""

import re

_STEMS = (
    *(r"(?<!p)(?<!c)(?<!d)harm(?!on|att)", r"refus", r"attack(?!ing)", r"jailbr", r"toxi(?!col)", r"dece(?:pt|iv|it)"),
    *(r"\bbias", r"bias\b", r"sandbag", r"sabotag", r"sycophan", r"misalign", r"dishonest", r"safety", r"unsafe"),
    *(r"malicious", r"malware", r"misuse", r"phish", r"backdoor", r"trojan", r"weapon", r"exfiltrat", r"guardrail"),
    *(r"violen", r"suicid", r"terroris[tm]", r"extremis[tm]", r"abus(?:e|ive)", r"hazard", r"danger", r"\bhate"),
    *(r"stereotyp", r"prejudic", r"discriminat(?:ion|ory)", r"racis[tm]", r"sexis[tm]", r"\bredteam", r"hallucinat"),
    *(r"\bschem(?:ing|er)", r"corrigib", r"\bblackmail", r"\bextort", r"unethical", r"\billegal", r"\bunlawful"),
    *(r"\bcompl(?:ied|ies)\b", r"\bdeni(?:al|ed)\b", r"\bsubver[ts]", r"\bcollu[ds]", r"\bcensor", r"\bleak"),
)

_WORDS = (
    *("safe", "safeguard", "safeguards", "honesty", "lying", "liar", "fairness", "illicit", "offensive", "cbrn"),
    *("asr", "comply", "compliance", "non compliance", "reject", "rejects", "rejected", "deny", "decline", "declined"),
    *(
        "shutdown",
        "moderation",
        "abstention",
        "nsfw",
        "red team",
        "red teaming",
        "prompt injection",
        "prompt injections",
        "prompt leak",
    ),
    *("reward hack", "reward hacking", "power seeking", "self preservation", "alignment faking"),
)

_HARMLESS = (
    *("inductive bias", "bias variance", "bias correction", "bias corrected", "bias term", "hazard ratio"),
    *("hazard ratios", "hazard rate", "hazard function", "proportional hazards", "heart attack", "heart attacks"),
    *("panic attack", "panic attacks", "asthma attack", "offensive line", "offensive rebound", "offensive rebounds"),
    *("librispeech asr", "asr wer", "open asr", "format compliance", "instruction compliance", "rejection sampling"),
    *(
        "schema compliance",
        "memory leak",
        "memory leaks",
        "leaky relu",
        "offensive rating",
        "type safe",
        "type safety",
        "thread safe",
        "thread safety",
        "memory safe",
        "memory safety",
    ),
)

_NAMES = (
    *("advbench", "agentdojo", "airbench", "beavertails", "crowspairs", "cyberseceval", "decodingtrust"),
    *("donotanswer", "injecagent", "machiavelli", "saladbench", "simplesafetytests", "sorrybench", "sosbench"),
    *("strongreject", "tensortrust", "wildguard", "xstest", "coconot", "hhhalignment"),
)
"""Data sets of harmful or harmless requests, attacks and biases whose names do not say so."""

_SHORT_NAMES = ("bbq", "orbench", "or bench")
"""Those too short to count within another word."""

_STEM = re.compile("|".join(_STEMS))
_WORD = re.compile(rf"\b(?:{'|'.join([*_WORDS, *_SHORT_NAMES])})\b")
_HARMLESS_PHRASE = re.compile(rf"\b(?:{'|'.join(_HARMLESS)})\b")
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SIGNS = re.compile(r"[^a-z]+")


def speaks_of_harm(name: str) -> bool:
    """Return whether a name holds a word of harm, refusal, attack, jailbreak, toxicity, bias or deception.

    Example:
        >>> [speaks_of_harm(name) for name in ("overRefusal", "AdvBench", "toxicity/mean", "bbq_age")]
        [True, True, True, True]
        >>> [speaks_of_harm(name) for name in ("harmonic_mean", "attacking_midfield", "toxicology", "unbiased_pass@4")]
        [False, False, False, False]
    """
    spaced = _SIGNS.sub(" ", _CAPITAL.sub(" ", name).lower())
    words = _HARMLESS_PHRASE.sub(" ", spaced)
    letters = spaced.replace(" ", "")
    return bool(_STEM.search(words) or _WORD.search(words) or any(own in letters for own in _NAMES))


_ERROR_MEASURES = (
    *("wer", "cer", "ppl", "perplexity", "brier", "levenshtein", "edit distance", "hamming distance", "nll", "bpb"),
    *("rmse", "mae", "mse", "mape", "log loss", "cross entropy", "bits per byte", "error rate", "error rates"),
)
"""Measures of which a low value is good: they count anywhere in a name, as whole words."""

_ERROR_NOUNS = (
    *("error", "errors", "loss", "losses", "regret", "violation", "violations", "hacking", "failure", "failures"),
    *("failed", "mistake", "mistakes", "wrong", "incorrect", "cost", "costs", "penalty", "penalties"),
)
"""Nouns that count where they end a name or are its rate or mean: ``val_loss``, and not ``loss_functions``."""

_ERROR_FREE = (
    *("trial and error", "weight loss", "hearing loss", "memory loss", "heart failure", "ethical hacking"),
    *("right or wrong", "right and wrong", "right from wrong", "correct incorrect", "low cost", "opportunity cost"),
    rf"(?:no|non|not|zero|without|minus|neg|negative|inverse) (?:{'|'.join((*_ERROR_MEASURES, *_ERROR_NOUNS))})",
)
"""Phrases with such a word that are good, or subjects of questions."""

_OF_A_NOUN = "rate|rates|ratio|count|counts|mean|avg|average|score|scores|total|sum|norm|normalized|fraction|share|pct"
_ERROR = re.compile(rf"\b(?:{'|'.join(_ERROR_MEASURES)})\b|\b(?:{'|'.join(_ERROR_NOUNS)})(?: (?:{_OF_A_NOUN}))*$")
_ERROR_FREE_PHRASE = re.compile(rf"\b(?:{'|'.join(_ERROR_FREE)})\b")
_PARTS = re.compile(r"[,./:@]")


def speaks_of_error(name: str) -> bool:
    """Return whether a name is that of a measure of error or cost, of which a low value may be the good one.

    A name of several parts, as ``task.scorer`` or ``metric,filter``, is one if a part is.

    Example:
        >>> [speaks_of_error(name) for name in ("wer", "valLoss", "error_rate", "word_perplexity,none", "violations")]
        [True, True, True, True, True]
        >>> [speaks_of_error(name) for name in ("lossless", "error_analysis", "trial_and_error", "no_errors")]
        [False, False, False, False]
    """
    spaced = (_SIGNS.sub(" ", _CAPITAL.sub(" ", part).lower()).strip() for part in _PARTS.split(name))
    return any(_ERROR.search(_ERROR_FREE_PHRASE.sub(" ok ", part)) for part in spaced)


def leaves_polarity_open(name: str) -> bool:
    """Return whether a name speaks of harm or of error, so that its high score is not read as correct unasked.

    Example:
        >>> leaves_polarity_open("toxicity"), leaves_polarity_open("brier"), leaves_polarity_open("accuracy")
        (True, True, False)
    """
    return speaks_of_harm(name) or speaks_of_error(name)


REFUSAL_ERROR = (
    r"(?i)content[ _-]?(management )?(filter|policy)"
    r"|(content|usage|use|safety|ai)[ _-]?polic(y|ies)[ _-]?violation|^policy[ _-]?violation$|responsibleaipolicy"
    r"|violating our usage polic|prohibited_content|data_inspection_failed|safety_check_type"
    r"|(bio|cyber)_policy|model refusal|^refus(al|ed)$"
    r"|blocked_?prompt_?exception|block_?reason|finish_?reason(: |\.)safety|guardrail_intervened|content exists risk"
)
"""A regular expression, in the syntax that Python and Polars share."""

PROGRAM_ERROR = r"^\s*(Key|Attribute|Type|Name|Index|Import|ModuleNotFound|Assertion|Validation)Error\b"
"""Errors of a program: one that looks for ``content_filter`` in a response names it, and nobody declined."""

_REFUSAL_ERROR, _PROGRAM_ERROR = re.compile(REFUSAL_ERROR), re.compile(PROGRAM_ERROR)


def is_refusal_error(*texts: str) -> bool:
    """Return whether the texts of one error say that the provider or the model declined.

    Args:
        *texts: Its message, and the last line of its traceback.

    Example:
        >>> is_refusal_error("Error code: 400 - content_filter"), is_refusal_error("network policy violation")
        (True, False)
        >>> is_refusal_error("'content_filter'", "KeyError: 'content_filter'")
        False
    """
    is_program = any(_PROGRAM_ERROR.search(text) for text in texts)
    return not is_program and any(_REFUSAL_ERROR.search(text.strip()) for text in texts)
