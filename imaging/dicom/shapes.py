"""Marks as the shapes that presentation states and structured reports draw (PS3.3 C.10.5.2 and C.18.6.1.2).

Both count from the top left corner of the first pixel, as the site does.
"""

Points = list[list[float]]


def of(kind: str, points: Points) -> list[tuple[str, Points]]:
    """(POINT, POLYLINE or ELLIPSE, its points): an ellipse by the ends of its longer axis, then of the shorter."""
    if kind == "probe":
        return [("POINT", points)]
    if kind == "cobb":
        return [("POLYLINE", points[:2]), ("POLYLINE", points[2:])]
    if kind == "rectangle":
        (x, y), (u, v) = points
        return [("POLYLINE", [[x, y], [u, y], [u, v], [x, v], [x, y]])]
    if kind == "ellipse":
        (x, y), (u, v) = points
        across = [[min(x, u), (y + v) / 2], [max(x, u), (y + v) / 2]]
        down = [[(x + u) / 2, min(y, v)], [(x + u) / 2, max(y, v)]]
        return [("ELLIPSE", [*across, *down] if abs(u - x) >= abs(v - y) else [*down, *across])]
    return [("POLYLINE", points)]
