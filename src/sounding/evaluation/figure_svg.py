"""One matplotlib Figure → one clean <svg> element in the house's style; or a png or pdf, where no SVG is shown.

The same drawing gives the same text, byte for byte, and several may stand in one page: ids are each picture's own,
and no style leaks. Colours and fonts are those of all drawings (drawing/colours.py).
"""

from __future__ import annotations

import hashlib
import io
import re
import threading
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sounding.drawing.colours import FONTS, INK, LINE, MUTED

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

STYLE: Mapping[str, Any] = {
    "svg.fonttype": "none",  # text stays text: small, searchable, in the reader's own font
    "svg.hashsalt": "sounding",
    "text.parse_math": False,  # a class may be called "$"
    "font.family": ["DejaVu Sans"],  # measured with this; FONTS are narrower
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.markersize": 4.5,
    "figure.constrained_layout.w_pad": 0.08,
    "figure.constrained_layout.h_pad": 0.08,
}

_matplotlib = threading.Lock()  # its settings are global to the process


def figure_svg(draw: Callable[[Canvas], None], width: float = 6.4, height: float = 3.4) -> str:
    """What `draw` draws on a matplotlib Figure of `width` × `height` inches, as one <svg> element."""
    return _clean(_saved(draw, width, height, format="svg", metadata={"Date": None}).decode())


def figure_bytes(draw: Callable[[Canvas], None], width: float, height: float, kind: str) -> bytes:
    """The same drawing as the content of a file of that kind: png or pdf."""
    return _saved(draw, width, height, format=kind, dpi=130)


def _saved(draw: Callable[[Canvas], None], width: float, height: float, **how: Any) -> bytes:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    buffer = io.BytesIO()
    settings: Any = dict(STYLE)
    with _matplotlib, rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # measured a little off; the reader's font has it
        figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
        draw(figure)
        figure.savefig(buffer, **how)
    return buffer.getvalue()


def _clean(svg: str) -> str:
    """One <svg> element that can stand in a page beside others: no header or metadata, no style that leaks, own ids."""
    svg = svg[svg.index("<svg") :].strip()
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"\s*<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.DOTALL)
    svg = svg.replace(" font-family: 'DejaVu Sans';", "").replace("'DejaVu Sans'", FONTS)
    inherited = f'font-family="{FONTS}" stroke-linejoin="round" stroke-linecap="butt"'
    svg = re.sub(r"\n\s*<", "\n<", svg.replace("<svg ", f'<svg role="img" {inherited} ', 1))
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
    prefix = f"s{hashlib.blake2b(svg.encode(), digest_size=5).hexdigest()}-"
    svg = re.sub(r' id="([^"]+)"', lambda m: f' id="{prefix}{m[1]}"' if m[1] in used else "", svg)
    return re.sub(r'(href="#|url\(#)', rf"\g<1>{prefix}", svg)
