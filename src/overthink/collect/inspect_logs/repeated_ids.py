"""Samples of one log that share an id: nothing says which question they answer."""

from collections import Counter
from collections.abc import Iterable, Sequence

from inspect_ai.log import EvalSample

from overthink.data.visible import name_list
from overthink.errors import InputError
from overthink.paths import name_text

_MAX_NAMES = 10


def refuse_repeated_ids(log_name: str, samples: Sequence[EvalSample]) -> None:
    """Raise an error if two samples have one id and epoch; 1 and "1" are one id.

    Args:
        log_name: The log in the error's words.
        samples: Its samples.

    Raises:
        InputError: There are such samples.
    """
    counts = Counter((str(sample.id), sample.epoch) for sample in samples)
    repeated = list(dict.fromkeys(name for (name, _), count in counts.items() if count > 1))
    if repeated:
        n_samples = sum(count for count in counts.values() if count > 1)
        raise InputError(
            f"{log_name} holds {n_samples} samples that share an id and an epoch with another: {names_of(repeated)}; "
            "needed: an id of its own for each sample, or nothing says which question it answers. Give the samples "
            "of the dataset ids, and run it again"
        )


def names_of(names: Iterable[str]) -> str:
    """Return names as a list in a sentence, the first of many.

    Example:
        >>> names_of(["q1", "q2"])
        'q1, q2'
    """
    return name_list([name_text(name) for name in names], _MAX_NAMES)
