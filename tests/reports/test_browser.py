"""The browser that tests share: a page has its time, and nothing of the pages before it."""

from pathlib import Path

from browser import opened

PAGE = """<!DOCTYPE html><title>a page</title><p id="before"></p><p id="after"></p><p id="late"></p><p id="width"></p>
<script>
const put = (id, text) => { document.getElementById(id).textContent = text; };
put("before", String(localStorage.getItem("visits")));
localStorage.setItem("visits", "1");
put("after", String(localStorage.getItem("visits")));
put("width", String(innerWidth));
setTimeout(() => put("late", "drawn"), 3000);
</script>"""


def test_each_page_begins_anew_and_runs_to_its_end(tmp_path: Path) -> None:
    first, second = opened(PAGE, tmp_path), opened(PAGE, tmp_path, width=1300)
    assert first.text == {"before": "null", "after": "1", "late": "drawn", "width": "800"}
    assert second.text == first.text | {"width": "1300"}
