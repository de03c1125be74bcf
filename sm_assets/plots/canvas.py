"""The ground that all figures share: look, colours, and the way from a figure to Markdown.

Here: the style, the colour-blind-safe colours, texts made fit for a picture, SVG with the same bytes for the same
table. Not here: what any figure shows.
"""

from __future__ import annotations

import base64
import io
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, the ones that are told apart best first; yellow is left out, white paper swallows it.
COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7B5EA7", "#8C6D46")
INK: Final = "#1F2933"
FAINT: Final = "#697586"
QUIET: Final = "#CBD2D9"
MAX_SVG_BYTES: Final = 150_000

_STYLE: Final[dict[Any, Any]] = {
    "axes.axisbelow": True,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": FAINT,
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.unicode_minus": False,
    "figure.facecolor": "white",
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "grid.color": "#E4E7EB",
    "grid.linewidth": 0.8,
    "savefig.facecolor": "white",
    # Text stays text: the reader's browser has letters for every script, our fonts have not.
    "svg.fonttype": "none",
    "svg.hashsalt": "sm_assets",
    # A page named "$$$ Deals $$$" is not a formula.
    "text.parse_math": False,
    "xtick.color": FAINT,
    "xtick.labelsize": 8.5,
    "ytick.color": INK,
    "ytick.labelsize": 8.5,
}
_FAMILY: Final = "'DejaVu Sans', Verdana, 'Segoe UI', 'Noto Sans', sans-serif"
# Characters that XML 1.0 does not allow.
_NOT_XML: Final = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


@contextmanager
def figure(width: float, height: float) -> Iterator[Figure]:
    """An empty figure in our style (sizes in inches); draw inside the block and end it with `markdown`."""
    import matplotlib as mpl
    from matplotlib.figure import Figure as NewFigure

    defaults: dict[Any, Any] = {
        name: value for name, value in mpl.rcParamsDefault.items() if not name.startswith("backend")
    }
    with mpl.rc_context(), warnings.catch_warnings():
        # Letters that the measuring font lacks are only measured here, the browser draws them.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        mpl.rcParams.update(defaults)
        mpl.rcParams.update(_STYLE)
        yield NewFigure(figsize=(width, height), dpi=100)


def markdown(drawn: Figure, title: str) -> str:
    """`![title](data:image/svg+xml;base64,...)`; the same figure gives the same text. Call it inside `figure`."""
    text = io.StringIO()
    drawn.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Title": title})
    svg = text.getvalue().replace("font-family: 'DejaVu Sans'", f"font-family: {_FAMILY}")
    svg = re.sub(r"font: ([^;\"]*?)'DejaVu Sans'", rf"font: \1{_FAMILY}", svg)
    encoded = base64.b64encode(svg.encode()).decode("ascii")
    return f"![{_alternative(title)}](data:image/svg+xml;base64,{encoded})"


def statement(title: str, text: str) -> str:
    """What stands in the figure's place where there is nothing to draw."""
    return f"**{_alternative(title)}**: {text}"


def _alternative(title: str) -> str:
    return re.sub(r"[\[\]\\`*_<>]", "", " ".join(fit_text(title, 200).split()))


def fit_text(text: str | None, limit: int) -> str:
    """The text on one line, cut to `limit` characters, without what XML forbids."""
    plain = " ".join(_NOT_XML.sub("", text or "").split())
    return plain if len(plain) <= limit else f"{plain[: limit - 1].rstrip()}\u2026"


def count_text(number: int) -> str:
    """1234567 -> 1,234,567."""
    return f"{number:,}"


def counted(number: int, noun: str) -> str:
    """1 -> 1 account; 1200 -> 1,200 accounts."""
    return f"{count_text(number)} {noun}{'' if number == 1 else 's'}"


def network_name(cluster_id: int, language: str | None = None) -> str:
    """How figures call a network."""
    return f"network {cluster_id}" + (f" ({language})" if language else "")


def network_colours(cluster_ids: Iterable[int]) -> dict[int, str]:
    """A colour for each of at most eight networks, the same in every figure unless two of them would share it."""
    taken: dict[int, str] = {}
    for cluster_id in cluster_ids:
        wish = [COLOURS[(cluster_id + step) % len(COLOURS)] for step in range(len(COLOURS))]
        taken[cluster_id] = next((colour for colour in wish if colour not in taken.values()), wish[0])
    return taken


def bare(axes: Axes) -> None:
    """No frame, no ticks."""
    axes.set_axis_off()
