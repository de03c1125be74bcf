"""Figures of clusters: readable XML, stable bytes, honest when empty; the page against hostile texts, in a browser."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pyarrow as pa
import pytest

from sm_assets.plots import canvas, cluster_k, cluster_look, cluster_map, cluster_sizes, cluster_terms

HOSTILE = (
    "<script>document.documentElement.dataset.hit = 1</script>",
    "</script><script>document.documentElement.dataset.hit = 1</script>",
    '" onmouseover="document.documentElement.dataset.hit = 1',
    "<img src=x onerror='document.documentElement.dataset.hit = 1'>",
    '<a href="javascript:document.documentElement.dataset.hit = 1">read me</a>',
    "<b>bold</b> &amp; &lt;plain&gt; %{x} {y} \\u003cscript\\u003e",
    "turned \u202efdp.exe \u2066here",
    "nul \x00 and bell \x07",
    "<!--<script>",
    "x" * 1_000_000,
    "",
)
LABELS = {0: "moon, orbit, probe", 1: HOSTILE[1], 3: HOSTILE[2], 17: "wind"}
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def points(*clusters: int | None, texts: tuple[str | None, ...] = ()) -> pa.Table:
    return pa.table(
        {
            "platform": ["bluesky"] * len(clusters),
            "item_id": [texts[at] if at < len(texts) else f"did:plc:{at:03d}" for at in range(len(clusters))],
            "cluster_id": pa.array(clusters, pa.int64()),
            "x": pa.array([float(7 * at % 11) for at in range(len(clusters))]),
            "y": pa.array([float(at) for at in range(len(clusters))]),
            "text": pa.array([texts[at] if at < len(texts) else None for at in range(len(clusters))], pa.string()),
        }
    )


def numbers_tried(*ks: int, chosen: int, reason: str = "best_silhouette") -> pa.Table:
    schema = pa.schema(
        {
            "k": pa.int64(), "inertia": pa.float64(), "silhouette": pa.float64(), "stability": pa.float64(),
            "chosen": pa.bool_(), "reason": pa.string(),
        }
    )  # fmt: skip
    rows = [
        {
            "k": k,
            "inertia": 100 / k,
            "silhouette": None if k == 1 else 0.5 - k / 200,
            "stability": None if k < 4 else 0.9,
            "chosen": k == chosen,
            "reason": reason,
        }
        for k in ks
    ]
    return pa.Table.from_pylist(rows, schema)


def terms(*clusters: int) -> pa.Table:
    schema = pa.schema(
        {
            "cluster_id": pa.int64(),
            "rank": pa.int64(),
            "term": pa.string(),
            "weight": pa.float64(),
            "n_accounts": pa.int64(),
        }
    )
    rows = [
        {"cluster_id": c, "rank": rank, "term": text, "weight": 0.1 / rank, "n_accounts": 10 * rank}
        for c in clusters
        for rank, text in enumerate((*HOSTILE[:4], "月面 lander"), 1)
    ]
    return pa.Table.from_pylist(rows, schema)


DRAWINGS: dict[str, Callable[[], str]] = {
    "map": lambda: cluster_map.draw(points(0, 0, 1, 3, None, -1, 17, 40, texts=HOSTILE), LABELS),
    "map of one": lambda: cluster_map.draw(points(0), {}),
    "map of many clusters": lambda: cluster_map.draw(points(*range(40), *range(40)), {}),
    "map of 5,000": lambda: cluster_map.draw(points(*[at % 9 for at in range(5000)]), LABELS),
    "k": lambda: cluster_k.draw(numbers_tried(2, 3, 4, 5, 6, 8, 10, 12, 50, chosen=4)),
    "one k": lambda: cluster_k.draw(numbers_tried(7, chosen=7, reason="given")),
    "one cluster": lambda: cluster_k.draw(numbers_tried(1, chosen=1, reason="one_cluster")),
    "sizes": lambda: cluster_sizes.draw({0: 50_000, 1: 20, 3: 1}, LABELS, {"noise": 900, "too few texts": 0}),
    "sizes of many": lambda: cluster_sizes.draw({n: 1 + n for n in range(60)}, {}, {}),
    "none in clusters": lambda: cluster_sizes.draw({}, {}, {"other language": 4}),
    "terms": lambda: cluster_terms.draw(terms(0, 1, 2, 3, 4)),
    "terms of many": lambda: cluster_terms.draw(terms(*range(30))),
}


def svg_of(markdown: str) -> str:
    return base64.b64decode(markdown.split("base64,")[1].removesuffix(")")).decode()


@pytest.mark.parametrize("name", DRAWINGS)
def test_figures_are_small_well_formed_and_the_same_each_time(name: str) -> None:
    markdown = DRAWINGS[name]()
    svg = svg_of(markdown)
    ET.fromstring(svg)  # noqa: S314  our own figure
    assert len(svg.encode()) <= canvas.MAX_SVG_BYTES
    assert "<script" not in svg
    assert "\u202e" not in svg
    assert DRAWINGS[name]() == markdown


def test_figures_say_what_they_show() -> None:
    assert "8 accounts in 5 clusters" in svg_of(DRAWINGS["map"]())
    shown = svg_of(DRAWINGS["k"]())
    assert "4 clusters, silhouette 0.48, stability 0.90" in shown
    assert "the highest silhouette among stable numbers" in shown
    assert "there is one cluster only" in svg_of(DRAWINGS["one cluster"]())
    sizes = svg_of(DRAWINGS["sizes"]())
    assert "50,021 accounts in 3 clusters" in sizes
    assert "900 in none" in sizes
    assert "too few texts" not in sizes
    assert "Not shown: 30 smaller clusters of 465" in svg_of(DRAWINGS["sizes of many"]())
    assert "月面 lander" in svg_of(DRAWINGS["terms"]())
    assert "Not shown: 14 smaller clusters" in svg_of(DRAWINGS["terms of many"]())


def test_nothing_to_draw_is_said() -> None:
    assert "nothing has a place" in cluster_map.draw(points(), {})
    assert "no clusters on this day" in cluster_k.draw(numbers_tried(chosen=0))
    assert "no accounts on this day" in cluster_sizes.draw({}, {}, {"noise": 0})
    assert "no cluster has terms" in cluster_terms.draw(terms())


def test_a_cluster_has_its_colour_everywhere_and_noise_is_grey() -> None:
    styles = [cluster_look.style(number) for number in range(16)]
    assert len(set(styles)) == 16
    assert cluster_look.style(None) == cluster_look.style(-1)
    assert cluster_look.style(-1) not in styles
    for others in ((), (0, 1, 2)):
        figure = figure_of(cluster_map.page(points(*others, 5, None), {}, "t"))
        colours = {trace["name"].split()[0]: trace["marker"]["color"] for trace in figure["data"]}
        assert colours["5"] == cluster_look.style(5).colour
        assert colours["in"] == canvas.QUIET


class Page(HTMLParser):
    """Tags with their attributes, and the texts of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.lasttag == "script" and self.scripts:
            self.scripts[-1] += data


def figure_of(page: str) -> dict:
    found = re.search(r'<script type="application/json" id="figure">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    assert not set("<>&") & set(found[1])
    return json.loads(found[1])


@pytest.fixture(scope="module")
def hostile_page() -> str:
    table = points(*[(0, 1, 3, None, 17)[at % 5] for at in range(len(HOSTILE) + 9)], texts=HOSTILE)
    return cluster_map.page(table, LABELS, HOSTILE[1], about=HOSTILE[0])


def test_the_page_holds_its_own_scripts_and_nothing_else(hostile_page: str) -> None:
    page = Page(hostile_page)
    assert [tag for tag, _ in page.tags if tag in ("script", "img", "a", "iframe", "b", "object", "form")] == [
        "script"
    ] * 3
    assert not [name for _, given in page.tags for name in given if name.startswith("on") or name == "src"]
    assert [given["href"] for tag, given in page.tags if tag == "link"] == ["data:,"]
    policy = next(given["content"] for _, given in page.tags if given.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]


def test_texts_are_cut_and_escaped_for_each_language_they_pass(hostile_page: str) -> None:
    figure = figure_of(hostile_page)
    shown = [cell for trace in figure["data"] for pair in trace["customdata"] for cell in pair]
    shown += [trace[key] for trace in figure["data"] for key in ("name",)] + [t["meta"][0] for t in figure["data"]]
    assert len(shown) > 40
    for text in shown:
        # Plotly's markup may hold our line breaks only, and no braces of its templates.
        assert not set("<>\"'{%") & set(text.replace("<br>", ""))
        assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x1f]", text)
        assert re.sub("&(amp|lt|gt|#34|#x27|#37|#123);", "", text).count("&") == 0
        assert len(re.sub("&[^;]*;", "x", text.replace("<br>", " "))) <= 300
    assert len(hostile_page) < 6_000_000


def test_pages_are_equal_for_every_order_of_rows() -> None:
    table = points(0, 1, None, 1, 0)
    assert cluster_map.page(table.take(pa.array([4, 2, 0, 3, 1])), {}, "t") == cluster_map.page(table, {}, "t")
    assert "0 accounts in 0 clusters" in cluster_map.page(points(), {}, "t")


def browse(page: Path, *options: str) -> str:
    """The page's DOM after its scripts ran."""
    done = subprocess.run(
        [
            str(CHROMIUM), "--headless=new", "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader",
            "--enable-unsafe-swiftshader", f"--user-data-dir={page.parent / 'profile'}", "--virtual-time-budget=5000",
            *options, "--dump-dom", page.as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return done.stdout


needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed to open the page in")


def hosts_asked(page: Path) -> tuple[str, set[str]]:
    """(DOM, hosts that were asked for anything, the browser's own errands at its maker left out)."""
    log = page.with_suffix(".json")
    dom = browse(page, f"--log-net-log={log}", "--disable-background-networking", "--disable-component-update")
    urls = re.findall(r'"url":"(\w+)://([^/"]*)', log.read_text(encoding="utf-8"))
    own = (".google.com", ".googleapis.com", ".gvt1.com")
    return dom, {host for scheme, host in urls if scheme != "file" and not host.endswith(own)}


@needs_chromium
def test_a_browser_draws_the_page_runs_nothing_and_fetches_nothing(hostile_page: str, tmp_path: Path) -> None:
    page = tmp_path / "map.html"
    page.write_text(hostile_page, encoding="utf-8")
    dom, asked = hosts_asked(page)
    assert 'class="main-svg"' in dom
    assert "moon, orbit, probe (" in dom  # the legend
    assert ran(dom) is False
    assert asked == set()


@needs_chromium
def test_the_browser_would_tell_of_what_runs_and_what_is_fetched(tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(f'{HOSTILE[0]}<img src="http://somebody.invalid/a.png">', encoding="utf-8")
    dom, asked = hosts_asked(page)
    assert ran(dom) is True
    assert asked == {"somebody.invalid"}


def ran(dom: str) -> bool:
    return re.search(r"<html[^>]*data-hit", dom) is not None


HOVER = """<script>
window.addEventListener("load", async () => {
  const map = document.getElementById("map");
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  const seen = [];
  await wait(500);
  for (const trace of map.data) {
    for (const p of trace.x.keys()) {
      Plotly.Fx.hover(map, {xval: trace.x[p], yval: trace.y[p]});
      await wait(120);
      seen.push(map.querySelector(".hoverlayer").textContent);
    }
  }
  const out = document.createElement("pre");
  out.id = "seen";
  out.textContent = JSON.stringify(seen);
  document.body.append(out);
});
</script>"""


@needs_chromium
def test_even_without_the_policy_no_text_runs_when_it_is_shown(hostile_page: str, tmp_path: Path) -> None:
    # Every point is hovered over, with inline scripts allowed: escaping alone must hold.
    weak = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", hostile_page)
    page = tmp_path / "weak.html"
    page.write_text(weak.replace("</body>", f"{HOVER}</body>"), encoding="utf-8")
    dom = browse(page)
    assert ran(dom) is False
    found = re.search(r'<pre id="seen">(.*?)</pre>', dom, re.DOTALL)
    assert found is not None
    seen = [re.sub(r"\s", "", text) for text in json.loads(unescape(found[1]))]
    assert len(seen) == len(HOSTILE) + 9
    # The reader sees the letters that were written.
    for text in HOSTILE[:6]:
        assert any(re.sub(r"\s", "", text) in shown for shown in seen), text
