"""Saved prompts: the best file is found, little gains are not worth one, and the oldest leave first."""

from pathlib import Path

from overthink.collect.providers.embedded.cache import WORTH, SavedPrompts


def save(saved: SavedPrompts, folder: Path, tokens: list[int], *, size: int = 100) -> str:
    name = saved.new_name()
    (folder / name).write_bytes(b"x" * size)
    saved.add(name, tokens)
    return name


def test_the_file_that_spares_most_is_found_if_it_is_worth_it(tmp_path: Path) -> None:
    saved = SavedPrompts(tmp_path)
    prompt = list(range(100))
    save(saved, tmp_path, prompt[:40])
    longest = save(saved, tmp_path, [*prompt[:80], -1])
    save(saved, tmp_path, [-1, *prompt])
    assert saved.find(prompt, already=0) == (longest, 80)
    assert saved.find(prompt, already=80 - WORTH) == (longest, 80)
    assert saved.find(prompt, already=81 - WORTH) is None


def test_beyond_the_limit_the_least_recently_used_is_deleted(tmp_path: Path) -> None:
    saved = SavedPrompts(tmp_path, limit=250)
    prompts = [[n] * 20 for n in range(3)]
    names = [save(saved, tmp_path, prompt) for prompt in prompts[:2]]
    assert saved.find(prompts[0], already=0) == (names[0], 20)
    newest = save(saved, tmp_path, prompts[2])
    assert {file.name for file in tmp_path.iterdir()} == {names[0], newest}
    assert saved.find(prompts[1], already=0) is None
