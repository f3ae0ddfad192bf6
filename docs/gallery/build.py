"""Draw every figure of the gallery in every preset, check it, and write pages to look at: `make gallery`.

Into build/gallery: a PNG a figure and preset, and index.html with what `check_figure` says of each.
"""

from __future__ import annotations

import sys
import time
from html import escape
from pathlib import Path

from rich.progress import track

from analysis import check_figure, style
from analysis.figures.journals import JOURNALS
from analysis.figures.record import record_of
from gallery.cases import CASES

ROOT = Path(__file__).resolve().parents[2]
DPI = 150
_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Gallery</title>
<style>
body { font: 14px/1.4 sans-serif; margin: 2em; max-width: 75em }
img { max-width: 100%; border: 1px solid #ccc }
figure { margin: 0 0 3em 0 }
</style></head><body>
"""


def draw(name: str, preset: str, folder: Path) -> str:
    """Write one figure and return its part of the page."""
    with style(preset):
        figure = CASES[name]()
        report = check_figure(figure, journal=preset)
        place = folder / preset / f"{name}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(place, dpi=DPI, metadata={"Software": None})
    record = record_of(figure)
    alt, caption = (record.alt, record.caption) if record else (name, "")
    found = "".join(f"<li>{escape(str(finding))}</li>" for finding in report.findings)
    return (
        f'<figure id="{name}-{preset}"><h2>{name}, {preset}</h2>'
        f'<img src="{preset}/{name}.png" alt="{escape(alt, quote=True)}">'
        f"<figcaption>{escape(caption)}<ul>{found}</ul></figcaption></figure>\n"
    )


def main() -> None:
    folder = ROOT / "build" / "gallery"
    chosen = sys.argv[1:] or list(JOURNALS)
    start = time.perf_counter()
    for preset in track(chosen, description="Presets"):
        parts = [draw(name, preset, folder) for name in CASES]
        (folder / f"{preset}.html").write_text(_HEAD + "".join(parts) + "</body></html>\n", encoding="utf-8")
    links = "".join(f'<li><a href="{preset}.html">{preset}</a></li>' for preset in chosen)
    (folder / "index.html").write_text(_HEAD + f"<ul>{links}</ul></body></html>\n", encoding="utf-8")
    print(f"{len(CASES)} figures in {len(chosen)} presets, {time.perf_counter() - start:.0f} s: {folder}")


if __name__ == "__main__":
    main()
