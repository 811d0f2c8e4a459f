"""Where handicap stones lie: the fixed points of the Go Text Protocol (version 2, section 4.1.1)."""

from __future__ import annotations


def fixed(size: int) -> dict[int, list[int]]:
    """Number of stones → their points, on a board of so many lines: from 2 to 9 stones, to 4 where the board has an
    even number of lines or 7, none below 7 lines.
    """
    if size < 7:
        return {}
    edge = 3 if size >= 13 else 2
    low, high, middle = size - 1 - edge, edge, size // 2  # rows from the top: `low` is near the bottom
    left, right = edge, size - 1 - edge
    corners = [(low, left), (high, right), (high, left), (low, right)]
    sides, centre = [(middle, left), (middle, right)], (middle, middle)
    ends = [(low, middle), (high, middle)]
    placed = {2: corners[:2], 3: corners[:3], 4: corners}
    if size % 2 and size >= 9:
        six = [*corners, *sides]
        placed |= {5: [*corners, centre], 6: six, 7: [*six, centre], 8: [*six, *ends], 9: [*six, *ends, centre]}
    return {count: [row * size + column for row, column in points] for count, points in placed.items()}
