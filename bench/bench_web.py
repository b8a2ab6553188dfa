"""Prints how many pages a second are cut to their subject, beside the libraries that it is made of.

The public pages where they are present, else pages made on the spot. Wall time and CPU time of one
process, the best of three rounds after a first one that loads everything. Ours gives blocks with
places, plain Markdown and the subject; the peers give text.

    python bench/bench_web.py [--rounds N]
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence

from made_pages import make_pages
from quality_web import load_public
from resiliparse.extract.html2text import extract_plain_text
from trafilatura.core import extract

from koderz.extract.web.choosing import build_page_digest
from koderz.extract.web.pages import build_page

TARGET = 60
READERS: dict[str, Callable[[str], object]] = {
    "ours": build_page,
    "ours with a digest of 1,000 tokens": lambda html: build_page_digest(build_page(html), 1000),
    "trafilatura": extract,
    "trafilatura, fast": lambda html: extract(html, fast=True, include_comments=False),
    "resiliparse": lambda html: extract_plain_text(html, main_content=True),
}


def measure(read: Callable[[str], object], pages: Sequence[str]) -> tuple[float, float]:
    """Wall and CPU time of reading all pages."""
    wall, cpu = time.perf_counter(), time.process_time()
    for html in pages:
        read(html)
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    pages = [page.html for page in load_public()]
    title = "public pages" if pages else "made pages"
    pages = pages or [page.html for page in make_pages(1)]
    size_kb = sum(map(len, pages)) / len(pages) / 1000
    print(f"{len(pages)} {title}, {size_kb:.0f} thousand characters each on average")
    ours = 0.0
    for name, read in READERS.items():
        measure(read, pages)
        rounds = [measure(read, pages) for _ in range(options.rounds)]
        wall_s, cpu_s = min(each[0] for each in rounds), min(each[1] for each in rounds)
        ours = ours or wall_s
        print(
            f"  {name:<36}{len(pages) / wall_s:>7.1f} pages/s"
            f" {1000 * cpu_s / len(pages):>7.1f} ms CPU a page; ours takes {ours / wall_s:.2f} x"
        )
    verdict = "met" if len(pages) / ours >= TARGET else "NOT met"
    print(f"target ({TARGET} pages/s): {verdict}")
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}; one is used")


if __name__ == "__main__":
    main()
