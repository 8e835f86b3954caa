"""The address of a transcript: the form that `inspect view` was seen to open, and no address for what it does not."""

import shlex
from urllib.parse import unquote

import pytest

from overthink.reports.transcripts import NO_EPOCH, NO_LOG, common_folder, transcript_link, view_command

HOSTILE = ["</script>\"'", "a b#c", "q?x=1", "100%", "100%25", "a/b/../c", "\u202eabc", "π ü", "..", "+&;", " lead"]


@pytest.mark.parametrize("sample_id", HOSTILE)
def test_every_part_of_an_id_comes_back_from_its_address(sample_id: str) -> None:
    link = transcript_link("logs/a.eval", sample_id, 3)
    assert link.url is not None
    path = link.url.partition("/#/logs/")[2]
    assert path.isascii()
    assert not set(path) & set("<>\"'#?& ")
    file, _, rest = path.partition("/samples/sample/")
    part, epoch, end = rest.split("/")
    assert (file, unquote(part), epoch, end) == ("a.eval", sample_id, "3", "")


@pytest.mark.parametrize("sample_id", ["two\nlines", "a\r\nb", "\u2028x", "nul\0", "\ud800", "", "q" * 1000])
def test_an_id_that_the_viewer_does_not_open_has_a_reason(sample_id: str) -> None:
    link = transcript_link("logs/a.eval", sample_id, 1)
    assert link.url is None
    assert link.reason is not None
    assert link.command == "inspect view --log-dir logs"


@pytest.mark.parametrize(
    "log", ["l/a#1.eval", "l/q?.eval", "l/a:b.eval", "l/nl\nx.eval", "l/\udcff.eval", "l/a..b.eval"]
)
def test_a_file_that_the_viewer_does_not_open_has_a_reason(log: str) -> None:
    link = transcript_link(log, "q", 1)
    assert (link.url, link.folder) == (None, "l")
    assert "rename the log" in str(link.reason)


def test_the_unknown_has_no_address() -> None:
    assert transcript_link(None, "q", 1).reason == NO_LOG
    assert transcript_link("a.eval", "q", None).reason == NO_EPOCH


@pytest.mark.parametrize(
    ("log", "folder", "file"),
    [
        ("a.eval", ".", "a.eval"),
        ("./a.eval", ".", "a.eval"),
        ("/a.eval", "/", "a.eval"),
        ("/data/my logs/100%.eval", "/data/my logs", "100%25.eval"),
        ("../up/a.json", "../up", "a.json"),
        ("s3://bucket/x/a.eval", "s3://bucket/x", "a.eval"),
    ],
)
def test_a_viewer_serves_the_folder_of_the_log(log: str, folder: str, file: str) -> None:
    link = transcript_link(log, "q", 1)
    assert link.folder == folder
    assert link.url == f"http://127.0.0.1:7575/#/logs/{file}/samples/sample/q/1/"


@pytest.mark.parametrize(
    ("logs", "folder"),
    [
        (["logs/a.eval", "logs/a.eval"], "logs"),
        (["logs/a/1.eval", "logs/b/2.eval", "logs/3.eval"], "logs"),
        (["/x/logs-a/1.eval", "/x/logs-b/2.eval"], "/x"),
        (["a.eval", "b/c.eval"], "."),
        (["a/1.eval", "b/2.eval"], "."),
        (["/a/1.eval", "/b/2.eval"], None),
        (["a/1.eval", "/b/2.eval"], None),
        (["../a/1.eval", "../../b/2.eval"], None),
        (["s3://one/a.eval", "s3://two/a.eval"], None),
        (["s3://one/x/a.eval", "s3://one/y/a.eval"], "s3://one"),
    ],
)
def test_one_viewer_serves_the_lowest_folder_above_all_logs(logs: list[str], folder: str | None) -> None:
    assert common_folder(logs) == folder
    if folder is not None:
        links = [transcript_link(log, "q", 1, folder=folder) for log in logs]
        assert all(link.url is not None and link.folder == folder for link in links)


@pytest.mark.parametrize("folder", ["it's", "a b", "$(x)", "-rf", "a;b\nc"])
def test_a_command_names_one_folder_whatever_it_is_called(folder: str) -> None:
    *command, last = shlex.split(view_command(folder))
    assert command == ["inspect", "view", "--log-dir"]
    assert last.removeprefix("./") == folder
