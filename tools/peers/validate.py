"""Peers of `validate` and `profile`: pandera and Great Expectations with the same rules, polars' `describe`.

Speed alone, on the CSV that tools/validate-data makes from a seed, once for all runs, in the cache
folder: the same rules over 128 MB (medians) and over 1 GB (one run each: the peers want many times the
file's size in memory), and every column profiled.
"""

import os
import subprocess
import sys

from pathlib import Path

REPO = Path(__file__).resolve().parent.parent.parent

SCHEMA = """\
easylife: "0.1"
columns:
  id: {type: integer, unique: true, nulls: {max: 0}}
  date: {type: date}
  i1: {type: integer, range: {min: 0, max: 9}}
  i5: {type: integer, range: {min: 0}}
  f1: {type: float, range: {min: 0, max: 1}}
  f6: {type: float, nulls: {max: 0.1}}
  c1: {allowed: [red, green, blue, yellow]}
  c4: {pattern: '[A-Z][0-9]'}
  t2: {length: {min: 1, max: 200}}
"""

PANDERA = """\
import sys, pandas as pd, pandera.pandas as pa
frame = pd.read_csv(sys.argv[1], parse_dates=["date"])
schema = pa.DataFrameSchema({
    "id": pa.Column("int64", unique=True, nullable=False),
    "date": pa.Column("datetime64[us]"),
    "i1": pa.Column("int64", pa.Check.in_range(0, 9)),
    "i5": pa.Column("int64", pa.Check.ge(0)),
    "f1": pa.Column("float64", pa.Check.in_range(0, 1)),
    "f6": pa.Column("float64", pa.Check(lambda column: column.isna().mean() <= 0.1, ignore_na=False),
                    nullable=True),
    "c1": pa.Column(str, pa.Check.isin(["red", "green", "blue", "yellow"])),
    "c4": pa.Column(str, pa.Check.str_matches("^[A-Z][0-9]$")),
    "t2": pa.Column(str, pa.Check.str_length(1, 200)),
})
schema.validate(frame, lazy=True)
"""

PANDERA_POLARS = """\
import sys, polars as pl, pandera.polars as pa
frame = pl.read_csv(sys.argv[1], try_parse_dates=True)
schema = pa.DataFrameSchema({
    "id": pa.Column(pl.Int64, unique=True, nullable=False),
    "date": pa.Column(pl.Date),
    "i1": pa.Column(pl.Int64, pa.Check.in_range(0, 9)),
    "i5": pa.Column(pl.Int64, pa.Check.ge(0)),
    "f1": pa.Column(pl.Float64, pa.Check.in_range(0, 1)),
    "f6": pa.Column(pl.Float64, pa.Check(
        lambda data: data.lazyframe.select(pl.col(data.key).is_null().mean() <= 0.1)), nullable=True),
    "c1": pa.Column(pl.String, pa.Check.isin(["red", "green", "blue", "yellow"])),
    "c4": pa.Column(pl.String, pa.Check.str_matches("^[A-Z][0-9]$")),
    "t2": pa.Column(pl.String, pa.Check.str_length(1, 200)),
})
schema.validate(frame, lazy=True)
"""

EXPECTATIONS = """\
import sys, os
os.environ["GX_ANALYTICS_ENABLED"] = "false"
import pandas as pd, great_expectations as gx, great_expectations.expectations as e
frame = pd.read_csv(sys.argv[1], parse_dates=["date"])
context = gx.get_context(mode="ephemeral")
batch = (context.data_sources.add_pandas("p").add_dataframe_asset("a")
         .add_batch_definition_whole_dataframe("b"))
suite = context.suites.add(gx.ExpectationSuite(name="s", expectations=[
    e.ExpectColumnValuesToBeUnique(column="id"),
    e.ExpectColumnValuesToNotBeNull(column="id"),
    e.ExpectColumnValuesToBeOfType(column="id", type_="int64"),
    e.ExpectColumnValuesToBeOfType(column="date", type_="datetime64"),
    e.ExpectColumnValuesToBeOfType(column="i1", type_="int64"),
    e.ExpectColumnValuesToBeBetween(column="i1", min_value=0, max_value=9),
    e.ExpectColumnValuesToBeBetween(column="i5", min_value=0),
    e.ExpectColumnValuesToBeBetween(column="f1", min_value=0, max_value=1),
    e.ExpectColumnValuesToNotBeNull(column="f6", mostly=0.9),
    e.ExpectColumnValuesToBeInSet(column="c1", value_set=["red", "green", "blue", "yellow"]),
    e.ExpectColumnValuesToMatchRegex(column="c4", regex="^[A-Z][0-9]$"),
    e.ExpectColumnValueLengthsToBeBetween(column="t2", min_value=1, max_value=200),
]))
run = context.validation_definitions.add(gx.ValidationDefinition(name="v", data=batch, suite=suite))
if not (result := run.run(batch_parameters={"dataframe": frame})).success:
    raise SystemExit(result)
"""

DESCRIBE = """\
import sys, polars as pl
print(pl.read_csv(sys.argv[1], try_parse_dates=True).describe())
"""


RULES = {"pandera (pandas)": PANDERA, "pandera (polars)": PANDERA_POLARS, "Great Expectations": EXPECTATIONS}
NEEDED, ALL = "easylife validate, profile: needed", "easylife validate, profile: all"


def table(megabytes):
    """The CSV of so many megabytes, made where it is not there yet."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    path = cache / "easylife" / "corpora" / f"validate-1-{megabytes}.csv"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        subprocess.run([sys.executable, REPO / "tools" / "validate-data", part, str(megabytes)], check=True)
        part.rename(path)
    return path


def project(bench, data):
    """A project whose nlp source is the file, with the rules above."""
    folder = bench.folder / data.stem
    folder.mkdir()
    subprocess.run([bench.binary, "init", "-q"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (folder / "schema").mkdir(exist_ok=True)
    (folder / "schema" / "nlp.yaml").write_text(SCHEMA)
    sets = [f"-Snlp.data.source={data}", "-Snlp.data.text=t1", "-Snlp.data.label=c1"]
    return folder, [bench.binary, "validate", "nlp", *sets]


def rows(found, ours):
    lines = [f"| | CPU | wall | peak memory | CPU against {ours} |", "|---|---|---|---|---|"]
    for name, run in found.items():
        ratio = run.cpu / found[ours].cpu
        lines.append(f"| {name} | {run.cpu:.2f} s | {run.wall:.2f} s | {run.memory:.0f} MB | {ratio:.2f} x |")
    return "\n".join(lines)


def checked(bench, measuring, data, **how):
    """All tools with the same rules over the same file."""
    folder, validate = project(bench, data)

    def peer(code):
        return lambda: measuring.measure([bench.python, "-c", code, data])

    candidates = {
        NEEDED: lambda: measuring.measure([*validate, "-Svalidate.profile=needed"], cwd=folder),
        ALL: lambda: measuring.measure(validate, cwd=folder),
    }
    candidates.update((name, peer(code)) for name, code in RULES.items())
    return measuring.alternate(candidates, **how)


def cache(path):
    """Reads a file, so that none of those that are measured reads it from the disk."""
    with open(path, "rb") as file:
        while file.read(1 << 24):
            pass


def described(bench, measuring, data):
    candidates = {
        "easylife profile": lambda: measuring.measure([bench.binary, "profile", data]),
        "polars describe": lambda: measuring.measure([bench.python, "-c", DESCRIBE, data]),
    }
    return measuring.alternate(candidates, runs=3, warm=False)


def demanded(small, large, profiles, size):
    """What was demanded of a file of 1 GB on two cores, beside what was measured."""
    whole, described = large[ALL], profiles["polars describe"]
    lines = [f"| demanded, of {size} MB | measured | |", "|---|---|---|"]
    add = lambda what, found, met: lines.append(f"| {what} | {found} | {'met' if met else '**missed**'} |")
    add("all columns profiled and nine checked in 10 s of wall time, 200 MB",
        f"{whole.wall:.1f} s, {whole.memory:.0f} MB", whole.wall <= 10 and whole.memory <= 200)
    ratio = profiles["easylife profile"].cpu / described.cpu
    add("at most 1.5 times the CPU of polars' `describe`", f"{ratio:.2f} times", ratio <= 1.5)
    for name in RULES:
        for ours, how in ((NEEDED, "without the profile"), (ALL, "with it")):
            ratios = [found[name].cpu / found[ours].cpu for found in (large, small)]
            add(f"a tenth of the CPU of {name}, {how}", f"1 / {ratios[0]:.0f}, of 128 MB 1 / {ratios[1]:.0f}",
                min(ratios) >= 10)
    return "\n".join(lines)


def run(bench, measuring):
    small, large = table(128), table(int(os.environ.get("VALIDATE_MEGABYTES", "1024")))
    size = large.stem.rsplit("-", 1)[1]
    cache(large)
    few, many = checked(bench, measuring, small, runs=3), checked(bench, measuring, large, runs=1, warm=False)
    profiles = described(bench, measuring, large)
    return (f"Beside {bench.versions('pandera', 'great_expectations', 'polars', 'pandas')}.\n\n"
            "The same nine columns with rules (types, ranges, allowed values, a pattern, lengths, empty cells, "
            "uniqueness) of the same CSV. The peers profile nothing; `profile: needed` neither, `all` profiles "
            "all twenty columns as well. 128 MB, medians of three:\n\n" + rows(few, NEEDED)
            + f"\n\n{size} MB, one run each:\n\n" + rows(many, NEEDED)
            + f"\n\n{size} MB, every column profiled, medians of three:\n\n" + rows(profiles, "easylife profile")
            + "\n\n" + demanded(few, many, profiles, size))
