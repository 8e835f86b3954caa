"""The pairs are pairs: alike in topic and wording, spread over the categories, in one order on both halves."""

import re
from collections import Counter

from inspect_ai.dataset import Sample

from overthink.collect.tasks import contrast_benign, contrast_harm


def request(sample: Sample) -> str:
    return sample.input[-1].text  # type: ignore[union-attr]


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))


def alike(one: str, other: str) -> float:
    return len(words(one) & words(other)) / len(words(one) | words(other))


def test_there_are_sixty_pairs_in_ten_categories() -> None:
    harm, benign = contrast_harm().dataset, contrast_benign().dataset
    assert len(harm) == len(benign) == 60
    assert set(Counter(sample.metadata["category"] for sample in harm if sample.metadata).values()) == {6}
    assert len({request(sample) for half in (harm, benign) for sample in half}) == 120


def test_a_limit_takes_the_same_pairs_from_both_halves_and_meets_every_category() -> None:
    harm, benign = list(contrast_harm().dataset)[:20], list(contrast_benign().dataset)[:20]
    pairs = [[sample.metadata["pair"] for sample in half if sample.metadata] for half in (harm, benign)]
    assert pairs[0] == pairs[1]
    assert set(Counter(pair.split("-")[0] for pair in pairs[0]).values()) == {2}


def test_each_request_is_closest_in_wording_to_its_own_twin() -> None:
    harm, benign = list(contrast_harm().dataset), list(contrast_benign().dataset)
    twins = [alike(request(h), request(b)) for h, b in zip(harm, benign, strict=True)]
    strangers = [alike(request(h), request(b)) for h, b in zip(harm, benign[1:] + benign[:1], strict=True)]
    assert min(twins) >= 0.2
    assert sum(twins) > 3 * sum(strangers)


def test_the_worked_examples_can_be_left_out_and_are_no_question_of_the_set() -> None:
    with_examples, without = contrast_harm().dataset[0], contrast_harm(examples=False).dataset[0]
    assert [message.role for message in without.input] == ["system", "user"]  # type: ignore[union-attr]
    assert len(with_examples.input) == 10
    asked = {request(sample) for task in (contrast_harm(), contrast_benign()) for sample in task.dataset}
    assert asked.isdisjoint({message.text for message in with_examples.input[:-1]})  # type: ignore[union-attr]
