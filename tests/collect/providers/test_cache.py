"""A trace keeps its own prefix; no other trace takes it."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from overthink.collect.providers.embedded.cache import Slots, shared_prefix


def climb(question: int, trace: int, *, prompt_tokens: int = 40, rungs: tuple[int, ...] = (0, 16, 32, 128)):
    """The requests of one trace, in order: prompt and what is decoded. Traces of a question share the prompt."""
    prompt = [question * 1000 + i for i in range(prompt_tokens)]
    thought = [10**6 + trace * 1000 + i for i in range(rungs[-1])]
    yield [*prompt, -1, -2], [7] * 16
    for below, above in pairwise(rungs):
        yield prompt + thought[:below], thought[below:above]
        yield [*prompt, *thought[:above], -1, -2], [7] * 16


def reuse(slots, traces) -> float:
    """Share of forked prefixes found in the slot, the traces taking turns, each one request at a time."""
    waiting = [climb(*trace) for trace in traces]
    held: dict[int, list[int]] = {}
    found = wanted = 0
    while waiting:
        for trace in list(waiting):
            request = next(trace, None)
            if request is None:
                waiting.remove(trace)
                continue
            prompt, answer = request
            slot = slots.take(prompt).slot
            if prompt[-1] == -2 and len(prompt) > 50:
                found += min(shared_prefix(prompt, held.get(slot, [])), len(prompt) - 2)
                wanted += len(prompt) - 2
            held[slot] = prompt + answer
            slots.give_back(slot, prompt + answer)
    return found / wanted


class LongestPrefix(Slots):
    """What a server does by itself: the slot that shares most, whoever it belongs to."""

    def take(self, prompt):
        best = max(range(len(self._slots)), key=lambda i: shared_prefix(list(prompt), self._slots[i].tokens))
        place = super().take(prompt)
        self._slots[place.slot].waiting -= 1
        self._slots[best].waiting += 1
        return type(place)(best, fresh=False, shared_tokens=0)


def test_eight_traces_of_two_questions_keep_their_prefixes() -> None:
    traces = [(trace % 2, trace) for trace in range(8)]
    assert reuse(Slots(16, engines=2), traces) >= 0.99
    assert reuse(LongestPrefix(16, engines=2), traces) < 0.9  # the control: traces of one question evict each other


def test_new_traces_take_the_slots_of_finished_ones() -> None:
    slots = Slots(16)
    for first in range(0, 64, 8):
        assert reuse(slots, [(trace // 4, trace) for trace in range(first, first + 8)]) >= 0.99


def test_a_prompt_goes_to_the_engine_with_the_least_to_do() -> None:
    slots = Slots(4, engines=2)
    taken = [slots.take([n]).slot for n in range(4)]
    assert sorted(slot % 2 for slot in taken[:2]) == [0, 1]
    assert sorted(taken) == [0, 1, 2, 3]


def test_where_all_slots_are_busy_the_request_waits_in_one_of_them() -> None:
    slots = Slots(2)
    taken = [slots.take([n]).slot for n in range(4)]
    assert sorted(taken) == [0, 0, 1, 1]
    for slot in taken:
        slots.give_back(slot, [])
    assert slots.take([9]).fresh


@given(st.lists(st.integers(0, 2), max_size=40), st.lists(st.integers(0, 2), max_size=40))
def test_shared_prefix_is_the_count_of_equal_pairs_before_the_first_difference(a: list[int], b: list[int]) -> None:
    count = 0
    while count < min(len(a), len(b)) and a[count] == b[count]:
        count += 1
    assert shared_prefix(a, b) == count
