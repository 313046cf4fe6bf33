"""A chart as SVG text: panels over one time, without a library that only draws."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, PANEL_HEIGHT = 900, 230
LEFT, RIGHT, TOP, BOTTOM = 70, 110, 34, 30
COLOURS = ("#4477aa", "#ee6677", "#228833")
"""Told apart by people who do not see red and green alike."""
STEPS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Lines by name; None is a gap."""

    title: str
    unit: str
    times_s: Sequence[float]
    lines: Mapping[str, Sequence[float | None]]

    @property
    def highest(self) -> float:
        """Of all lines; never zero."""
        return max((one for line in self.lines.values() for one in line if one), default=1.0)


def chart(panels: Sequence[Panel]) -> str:
    """The whole image, one panel below the other."""
    parts = [_panel(panel, number * PANEL_HEIGHT) for number, panel in enumerate(panels)]
    height = PANEL_HEIGHT * len(panels)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif" font-size="12">'
    )
    ground = f'<rect width="{WIDTH}" height="{height}" fill="white"/>'
    return "\n".join([head, ground, *parts, "</svg>"])


def _panel(panel: Panel, above: int) -> str:
    base, top = above + PANEL_HEIGHT - BOTTOM, above + TOP
    last_s = max(panel.times_s, default=1.0)
    across, up = (WIDTH - LEFT - RIGHT) / last_s, (base - top) / panel.highest
    parts = [_text(LEFT, above + 20, f"{panel.title} ({panel.unit})", bold=True)]
    for step in range(STEPS + 1):
        value, at_s = panel.highest * step / STEPS, last_s * step / STEPS
        y, x = base - value * up, LEFT + at_s * across
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd" stroke-width="1"/>')
        parts.append(_text(LEFT - 8, y + 4, f"{value:.4g}", anchor="end"))
        parts.append(_text(x, base + 16, f"{at_s:.0f} s", anchor="middle"))
    for number, (name, values) in enumerate(panel.lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        points = [
            (LEFT + at_s * across, base - value * up)
            for at_s, value in zip(panel.times_s, values, strict=True)
            if value is not None
        ]
        parts += _line(points, colour)
        parts.append(_text(WIDTH - RIGHT + 10, top + 12 + 18 * number, name, colour=colour))
    return "\n".join(parts)


def _line(points: Sequence[tuple[float, float]], colour: str) -> list[str]:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{colour}"/>' for x, y in points]
    return [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>', *dots]


def _text(
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    colour: str = "#333",
    bold: bool = False,
) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}"{weight}>'
        f"{escape(text)}</text>"
    )
