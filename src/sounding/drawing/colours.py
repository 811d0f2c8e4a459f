"""Colours of drawings. Classes have those of Okabe and Ito ("Color Universal Design", 2008), which people with any kind
of colour vision can tell apart; weights go from blue (against) over white to red (for), after ColorBrewer's RdBu.
"""

from __future__ import annotations

import numpy as np

INK, MUTED, LINE, PAPER = "#222222", "#6B6B6B", "#D9D9D9", "#FFFFFF"
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"
YELLOW, GREY = "#F0E442", "#5A5A5A"
OKABE_ITO = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, YELLOW, GREY)
LINES = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY)
"""The order of curves in a plot, on white."""
FONTS = "'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif"

_RED = np.array([[247, 247, 247], [253, 219, 199], [244, 165, 130], [214, 96, 77], [178, 24, 43], [103, 0, 31]])
_BLUE = np.array([[247, 247, 247], [209, 229, 240], [146, 197, 222], [67, 147, 195], [33, 102, 172], [5, 48, 97]])


def diverging(weights: np.ndarray) -> np.ndarray:
    """The colours [..., 3] (uint8) of weights in [-1, 1]: red above 0, blue below, white at 0."""
    size = np.clip(np.abs(np.nan_to_num(np.asarray(weights, float))), 0, 1) * (len(_RED) - 1)
    low = np.minimum(size.astype(int), len(_RED) - 2)
    part = (size - low)[..., None]
    red, blue = (table[low] * (1 - part) + table[low + 1] * part for table in (_RED, _BLUE))
    return np.where(np.asarray(weights)[..., None] < 0, blue, red).round().astype(np.uint8)


def scaled(weights: np.ndarray) -> np.ndarray:
    """Weights as float64 in [-1, 1]: divided by the largest, whatever its sign; all 0 where that is 0 or not finite."""
    weights = np.nan_to_num(np.asarray(weights, float), posinf=0.0, neginf=0.0)
    return weights / (float(np.abs(weights).max(initial=0.0)) or 1.0)


def hexadecimal(colour: np.ndarray) -> str:
    """A colour [3] as "#RRGGBB"."""
    red, green, blue = (int(part) for part in colour)
    return f"#{red:02X}{green:02X}{blue:02X}"


def brightness(colour: str) -> float:
    """How bright "#RRGGBB" looks, in 0..1, by the luma weights of ITU-R BT.601."""
    red, green, blue = bytes.fromhex(colour[1:])
    return (0.299 * red + 0.587 * green + 0.114 * blue) / 255


def light(colour: str, share: float = 0.35) -> str:
    """A colour on which words can be read: `share` of it, the rest white."""
    parts = np.frombuffer(bytes.fromhex(colour[1:]), np.uint8).astype(float)
    return hexadecimal((255 - share * (255 - parts)).round())
