"""Sections of docs/benchmarks.md that a command writes: what stands between `<!-- NAME -->` and `<!-- /NAME -->`.

Each begins with the command, the day and the machine, so that no figure is without them, and a rerun replaces
all of it. For tools/bench, bench-peers, bench-serve, cv-hard, cv-real and jpeg-damage.
"""

import datetime
import os
import pathlib
import re

PAGE = pathlib.Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"


def cpu_name():
    lines = pathlib.Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")


def replace(name, command, text):
    """Prints `text`, and makes it the section of that name."""
    text = f"`{command}`, {datetime.date.today()}, {cpu_name()}, {os.cpu_count()} cores.\n\n{text.strip()}\n"
    page = PAGE.read_text(encoding="utf-8")
    section = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.S)
    print(text, flush=True)
    if not section.search(page):
        raise SystemExit(f"{PAGE.name} has no section <!-- {name} -->")
    PAGE.write_text(section.sub(lambda found: found[1] + text + found[2], page), encoding="utf-8")
