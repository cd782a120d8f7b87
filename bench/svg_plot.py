"""Small line plots as one SVG, no package needed. Axes and text are mid-grey on no ground: for light and dark pages."""

import math

GREY, COLOURS = "#808080", ["#2f81c7", "#d0742c", "#3c9d5c", "#a765c0"]
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 380, 250, 52, 14, 34, 58


def ticks(low, high, log):
    if log:
        step = 10 if high / low > 40 else 2
        first = math.floor(math.log(low) / math.log(step) + 1e-9)
        values = [step ** power for power in range(first, 40) if low * 0.999 <= step ** power <= high * 1.001]
        if len(values) > 1:
            return values
    size = 10 ** math.floor(math.log10((high - low) / 2))
    size *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (size * factor) <= 6)
    return [number * size for number in range(math.ceil(low / size - 1e-9), math.floor(high / size + 1e-9) + 1)]


def panel(title, x_label, series, x_log=True, y_log=True, x_ticks=None):
    """`series`: {name: [(x, y) …]}; "name *" is drawn dashed, in the colour of "name". Gives SVG text, its origin at the panel's corner."""
    points = [point for line in series.values() for point in line]
    low_x, high_x = min(x for x, _ in points), max(x for x, _ in points)
    low_y, high_y = min(y for _, y in points), max(y for _, y in points)
    low_y, high_y = (low_y / 1.15, high_y * 1.15) if y_log else (min(0, low_y), 1.08 * high_y)

    def place(value, low, high, log, begin, end):
        share = math.log(value / low) / math.log(high / low) if log else (value - low) / (high - low)
        return round(begin + share * (end - begin), 1)

    def x_of(value):
        return place(value, low_x, high_x, x_log, LEFT, WIDTH - RIGHT)

    def y_of(value):
        return place(value, low_y, high_y, y_log, HEIGHT - BOTTOM, TOP)

    parts = [f'<text x="{LEFT}" y="18" font-weight="bold">{title}</text>',
             f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - BOTTOM + 32}" text-anchor="middle">{x_label}</text>']
    for value in ticks(low_y, high_y, y_log):
        parts.append(f'<path d="M{LEFT} {y_of(value)}H{WIDTH - RIGHT}" stroke="{GREY}" stroke-opacity=".25"/>'
                     f'<text x="{LEFT - 6}" y="{y_of(value) + 4}" text-anchor="end">{value:g}</text>')
    for value in x_ticks or ticks(low_x, high_x, x_log):
        parts.append(f'<text x="{x_of(value)}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{value:g}</text>')
    parts.append(f'<path d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}" fill="none" stroke="{GREY}"/>')
    at, colours = LEFT, {}
    for name, line in series.items():
        base, dashed = name.removesuffix(" *"), name.endswith(" *")
        if base not in colours:
            colours[base] = COLOURS[len(colours) % len(COLOURS)]
            parts.append(f'<text x="{at}" y="{HEIGHT - 8}" fill="{colours[base]}">{base}</text>')
            at += 16 + round(5.6 * len(base))
        path = "L".join(f"{x_of(x)} {y_of(y)}" for x, y in line)
        dashes = ' stroke-dasharray="5 4"' if dashed else ""
        parts.append(f'<path d="M{path}" fill="none" stroke="{colours[base]}" stroke-width="1.8"{dashes}/>')
        if not dashed:
            parts += [f'<circle cx="{x_of(x)}" cy="{y_of(y)}" r="2.5" fill="{colours[base]}"/>' for x, y in line]
    return "\n".join(parts)


def grid(panels, columns=2):
    """A whole SVG file of panel() texts."""
    rows = -(-len(panels) // columns)
    placed = [f'<g transform="translate({index % columns * WIDTH} {index // columns * HEIGHT})">\n{text}\n</g>' for index, text in enumerate(panels)]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {columns * WIDTH} {rows * HEIGHT}" font-family="sans-serif" font-size="11" fill="{GREY}">\n'
            + "\n".join(placed) + "\n</svg>\n")
