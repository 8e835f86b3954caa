"""Weights from a hub, on a loopback one that speaks its protocol, through huggingface-hub itself."""

import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from killed import killed_after
from loopback_hub import COMMIT, FILE, REPO, SHA256, SOURCE, WEIGHTS, LoopbackHub

from overthink.collect.providers.embedded import hub, installed
from overthink.collect.providers.embedded.install import install
from overthink.errors import InputError, StoppedError

constants = pytest.importorskip("huggingface_hub.constants", reason="needs pip install 'overthink[hub]'")

EMBEDDED = "/providers/embedded/"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    loopback = LoopbackHub(WEIGHTS)
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, loopback.url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "ENDPOINT", loopback.url)
    monkeypatch.setenv("HF_TOKEN", "hf_of_a_test")
    monkeypatch.setenv(installed.FOLDER_VARIABLE, str(tmp_path / "models"))
    monkeypatch.setattr(hub, "PAUSE_SECONDS", 0.0)
    yield loopback
    loopback.close()


def test_the_hub_s_own_hash_is_demanded_of_the_bytes(server: LoopbackHub) -> None:
    path = install("tiny", f"hub:{REPO}/{FILE}@main")
    assert path.read_bytes() == WEIGHTS
    record = installed.read_installed("tiny")
    assert record is not None
    assert (record.sha256, record.source) == (SHA256, SOURCE)  # the branch became the commit that it was
    assert server.served == len(WEIGHTS)
    assert server.authorized == []  # the store of files is no part of the hub, and gets no token
    server.requests.clear()
    assert install("tiny", SOURCE) == path
    assert [request.split()[0:2] for request in server.requests] == [["hub", "HEAD"]]


def test_other_bytes_than_the_hub_states_are_refused(server: LoopbackHub) -> None:
    server.sha256 = "a" * 64
    with pytest.raises(InputError, match=f"has SHA-256 {SHA256}, needed {'a' * 64}"):
        install("tiny", SOURCE)
    assert installed.installed_names() == ()
    assert {path.suffix for path in installed.models_folder().iterdir()} == {".lock"}


def test_a_stated_sha256_is_compared_with_the_hub_s_before_any_byte(server: LoopbackHub) -> None:
    with pytest.raises(InputError, match=f"has SHA-256 {SHA256} by the hub's own words, needed {'b' * 64}"):
        install("tiny", SOURCE, sha256="b" * 64)
    assert server.served == 0


def test_a_file_outside_lfs_needs_a_stated_sha256(server: LoopbackHub) -> None:
    server.lfs = False
    with pytest.raises(InputError, match="states no SHA-256 of .*needed: --sha256"):
        install("tiny", SOURCE)
    assert install("tiny", SOURCE, sha256=SHA256).read_bytes() == WEIGHTS


@pytest.mark.parametrize("limit", [100_000, len(WEIGHTS) - 1])
def test_a_broken_connection_is_taken_up_where_it_broke(server: LoopbackHub, limit: int) -> None:
    server.limit = limit
    assert install("tiny", SOURCE).read_bytes() == WEIGHTS
    assert server.served == len(WEIGHTS)  # no byte twice


def test_what_a_stopped_download_left_is_gone_on_with(server: LoopbackHub) -> None:
    part = installed.part_path("tiny", SHA256)
    part.parent.mkdir(parents=True)
    part.write_bytes(WEIGHTS[:700_000])
    server.limit = 0
    with pytest.raises(StoppedError, match=r"broke off after 700,000 of 1,048,600 bytes .*run the same command again"):
        install("tiny", SOURCE)
    assert sum("store" in request for request in server.requests) == hub.MOST_FAILURES + 1
    assert installed.installed_names() == ()
    server.limit = None
    assert install("tiny", SOURCE).read_bytes() == WEIGHTS
    assert server.served == len(WEIGHTS) - 700_000


def test_a_store_without_ranges_sends_all_of_it_again(server: LoopbackHub) -> None:
    server.ranges = False
    part = installed.part_path("tiny", SHA256)
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 700_000)
    assert install("tiny", SOURCE).read_bytes() == WEIGHTS


@pytest.mark.parametrize(
    ("source", "refusal", "message"),
    [
        (f"hub:{REPO}/other.gguf@main", None, "has no file other.gguf at main"),
        (f"hub:{REPO}/{FILE}@{'d' * 40}", None, f"has no revision {'d' * 40}"),
        (f"hub:maker/other/{FILE}@main", None, "has no repository maker/other, or it is private"),
        (SOURCE, (403, "GatedRepo"), f"{REPO} is gated; accept its terms"),
        (SOURCE, (401, ""), "has no repository|refused"),
        (SOURCE, (500, ""), "refused hub:.*500"),
        (f"hub:{REPO}/{FILE}", None, r"needed: hub:OWNER/REPO/FILE@REVISION or file:PATH; the revision"),
        (f"hub:{REPO}/../x@main", None, "names no file inside a repository"),
        ("hub:..a/--b/x.gguf@main", None, "cannot be reached|names no|refused|cannot be used"),
    ],
)
def test_what_a_hub_refuses_is_one_message(
    server: LoopbackHub, source: str, refusal: tuple[int, str] | None, message: str
) -> None:
    server.refusal = refusal
    with pytest.raises(InputError, match=message) as caught:
        install("tiny", source)
    assert len(caught.value.lines) == 1


def test_another_commit_than_the_named_one_is_refused(server: LoopbackHub) -> None:
    server.commit = "f" * 40
    with pytest.raises(InputError, match=f"answered from commit {'f' * 40}"):
        install("tiny", SOURCE)
    assert COMMIT in SOURCE


def test_a_hub_that_is_not_there_is_one_message(server: LoopbackHub) -> None:
    server.close()
    with pytest.raises(InputError, match=r"cannot be reached for hub:.*check the network, or use --from file:PATH"):
        install("tiny", SOURCE)


def test_a_full_disk_stops_a_download_that_goes_on_later(server: LoopbackHub) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, before[1]))  # the system itself refuses the write
    try:
        with pytest.raises(StoppedError, match="File too large. Free some space, or name another folder"):
            install("tiny", SOURCE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert installed.part_path("tiny", SHA256).stat().st_size == 500_000
    seen: list[tuple[int, int]] = []
    assert install("tiny", SOURCE, progress=lambda done, size: seen.append((done, size))).read_bytes() == WEIGHTS
    assert seen[0][0] > 500_000
    assert seen[-1] == (len(WEIGHTS), len(WEIGHTS))
    assert seen == sorted(seen)


def test_killed_at_any_moment_a_download_goes_on_where_it_was(server: LoopbackHub) -> None:
    def order() -> None:
        install("tiny", SOURCE)

    order()
    shutil.rmtree(installed.models_folder())
    lines = killed_after(None, order, inside=EMBEDDED)
    shutil.rmtree(installed.models_folder())
    step = lines // 20
    for line in range(step, lines, step):
        before = _bytes_there()
        killed_after(line, order, inside=EMBEDDED)
        assert _bytes_there() >= before
        assert installed.read_installed("tiny") is None or installed.usable_path("tiny").read_bytes() == WEIGHTS
    order()
    assert installed.usable_path("tiny").read_bytes() == WEIGHTS


def _bytes_there() -> int:
    """Bytes of the weights in the folder of models, under any name."""
    files = installed.models_folder().glob("*") if installed.models_folder().exists() else ()
    return sum(file.stat().st_size for file in files if file.suffix in (".part", ".gguf") and "json" not in file.name)
