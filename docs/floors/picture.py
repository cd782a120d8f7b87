"""The floors as SVG: boxes by level, an arrow to each floor that a folder stands on."""
import html

from floors.build_files import COMMAND, PUBLIC, libraries, short

BASE, REPORT = "src/core", "src/report"
WIDTH, BOX, STEP_X, STEP_Y, BAR = 960, (126, 34), 136, 70, 36
INK, PALE, EDGE = "#12202f", "#7d8894", "#8b98a6"
FILLS = {"core": "#c9d3dd", "kernels": "#f3c98b", "libsidenet": "#a9cdec", "study": "#b9dfae",
         "command": "#dcc3ea"}


def drawn_edges(found):
    """Arrows between floors, without core, and without those that another way already tells."""
    below = {f: {b for b in inside if b in found and b != BASE} for f, (inside, _) in found.items()}

    def reach(folder):
        return below[folder] | {deep for b in below[folder] for deep in reach(b)}

    return {f: {b for b in below[f] if not any(b in reach(o) for o in below[f] - {b})}
            for f in below if f not in (BASE, COMMAND, REPORT)}


def levels(edges):
    """Each floor stands right below the lowest that includes it; one that none does, above its own."""
    lowest, found = {}, {}

    def above(folder):
        if folder not in lowest:
            lowest[folder] = 1 + max((above(b) for b in edges[folder]), default=-1)
        return lowest[folder]

    def level(folder):
        users = [f for f in edges if folder in edges[f]]
        if folder not in found:
            found[folder] = min((level(f) - 1 for f in users), default=above(folder))
        return found[folder]

    return {folder: level(folder) for folder in edges}


def chains(edges, level):
    """For each arrow the places that it passes, a bend on each level between its ends."""
    for folder in sorted(edges):
        for other in sorted(edges[folder]):
            between = range(level[folder] - 1, level[other], -1)
            yield [folder] + [(folder, other, i) for i in between] + [other]


def apart(row, wanted):
    """Places close to those wanted, in that order, with room for each box (a bend needs less)."""
    row.sort(key=lambda place: (wanted[place], str(place)))
    at, end = {}, -1e9
    for place in row:
        half = 0.5 if isinstance(place, str) else 0.14
        at[place] = max(wanted[place], end + half)
        end = at[place] + half
    shift = sum(wanted[place] - at[place] for place in row) / len(row)
    return {place: x + shift for place, x in at.items()}


def places(edges):
    """Where boxes and bends of arrows stand: by level, so that arrows are short and cross little."""
    level = levels(edges)
    ways = list(chains(edges, level))
    level.update({place: place[2] for way in ways for place in way[1:-1]})
    near = {place: [] for place in level}
    for way in ways:
        for one, other in zip(way, way[1:]):
            near[one].append(other)
            near[other].append(one)
    rows = [sorted((p for p in level if level[p] == i), key=str) for i in range(max(level.values()) + 1)]
    at = {place: float(k) for row in rows for k, place in enumerate(row)}
    for _ in range(60):
        for row in rows + rows[::-1]:
            wanted = {p: sum(at[n] for n in near[p]) / len(near[p]) if near[p] else at[p] for p in row}
            at.update(apart(row, wanted))
    left = (min(at.values()) + max(at.values())) / 2 - WIDTH / STEP_X / 2
    top = BAR * 3 + 34
    found = {p: (STEP_X * (at[p] - left), top + STEP_Y * (len(rows) - 1 - level[p])) for p in at}
    return found, ways


def box(x, y, width, height, label, fill, note=""):
    words = f'<text x="{x + width / 2:.0f}" y="{y + height / 2 + 4:.0f}">{html.escape(label)}'
    words += f'<tspan class="note">  {html.escape(note)}</tspan>' if note else ""
    return (f'<rect x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}" rx="6" '
            f'fill="{fill}"/>{words}</text>')


def fill_of(folder, held):
    if folder.startswith("kernels/"):
        return FILLS["kernels"]
    if folder in held.get("libsidenet-study", []):
        return FILLS["study"]
    return FILLS["libsidenet" if folder in held["libsidenet"] else "command"]


def arrow(points):
    half = BOX[1] / 2
    x, y = points[0]
    path = f"M{x:.0f} {y + half:.0f}"
    for i, (end_x, end_y) in enumerate(points[1:], 1):
        start_y, last = y + (half if i == 1 else 0), i == len(points) - 1
        end_y -= half if last else 0
        middle = (start_y + end_y) / 2
        path += f" C{x:.0f} {middle:.0f} {end_x:.0f} {middle:.0f} {end_x:.0f} {end_y:.0f}"
        x, y = end_x, end_y
    return f'<path d="{path}"/>'


def picture(found):
    edges, held = drawn_edges(found), libraries()
    at, ways = places(edges)
    bottom = max(y for _, y in at.values()) + STEP_Y - 16
    parts = [arrow([at[place] for place in way]) for way in ways]
    for folder in sorted(edges):
        x, y = at[folder]
        parts.append(box(x - BOX[0] / 2, y - BOX[1] / 2, *BOX, short(folder), fill_of(folder, held)))
    rest = ", ".join(short(b) for b in found[COMMAND][0])
    parts.append(box(8, 8, WIDTH - 176, BAR, "cli", FILLS["command"], "the command, on " + rest))
    parts.append(box(WIDTH - 160, 8, 152, BAR, "report", FILLS["command"]))
    parts.append(box(8, 16 + BAR, WIDTH - 16, BAR, PUBLIC, FILLS["core"], "the public headers"))
    parts.append(box(8, bottom, WIDTH - 16, BAR, "core", FILLS["core"], "under every floor"))
    height = bottom + BAR + 34
    names = [(f"{name}", FILLS["study" if "study" in name else "libsidenet"]) for name in held]
    names += [("kernels", FILLS["kernels"]), ("the command", FILLS["command"])]
    for i, (name, fill) in enumerate(names):
        x = 12 + i * 190
        parts.append(f'<rect x="{x}" y="{height - 22:.0f}" width="14" height="14" rx="3" '
                     f'fill="{fill}"/><text class="key" x="{x + 20}" y="{height - 10:.0f}">{name}</text>')
    style = (f"path{{fill:none;stroke:{EDGE};stroke-width:1.3}}"
             f"text{{font:600 12px sans-serif;fill:{INK};text-anchor:middle}}"
             f".note{{font-weight:400;font-size:12px}}"
             f".key{{font-weight:400;font-size:12px;fill:{PALE};text-anchor:start}}")
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}">\n'
            f"<style>{style}</style>\n" + "\n".join(parts) + "\n</svg>\n")
