"""Peers of `validate` and `profile`: pandera and Great Expectations with the same rules, polars' `describe`.

Speed alone, on the CSV that tools/validate-data makes from a seed: 1 GB beside polars, 128 MB beside
pandera and Great Expectations, which want many times the file's size in memory.
"""

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


def project(bench, data):
    """A project whose nlp source is the file, with the rules above."""
    folder = bench.folder / data.stem
    folder.mkdir()
    subprocess.run([bench.binary, "init", "-q"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (folder / "schema").mkdir()
    (folder / "schema" / "nlp.yaml").write_text(SCHEMA)
    sets = [f"-Snlp.data.source={data}", "-Snlp.data.text=t1", "-Snlp.data.label=c1"]
    return folder, [bench.binary, "validate", "nlp", *sets]


def rows(found, ours):
    lines = ["| | CPU | wall | peak memory | CPU against easylife |", "|---|---|---|---|---|"]
    for name, run in found.items():
        ratio = run.cpu / found[ours].cpu
        lines.append(f"| {name} | {run.cpu:.2f} s | {run.wall:.2f} s | {run.memory:.0f} MB | {ratio:.2f} x |")
    return "\n".join(lines)


def run(bench, measuring):
    small, large = bench.folder / "small.csv", bench.folder / "large.csv"
    for path, megabytes in ((small, 128), (large, 1024)):
        subprocess.run([sys.executable, REPO / "tools" / "validate-data", path, str(megabytes)], check=True)

    def python(code, data):
        return lambda: measuring.measure([bench.python, "-c", code, data])

    folder, validate = project(bench, small)
    beside = measuring.alternate({
        "easylife validate": lambda: measuring.measure(validate, cwd=folder),
        "pandera (polars)": python(PANDERA, small),
        "Great Expectations": python(EXPECTATIONS, small),
    }, runs=3)
    folder, validate = project(bench, large)
    whole = measuring.alternate({
        "easylife profile": lambda: measuring.measure([bench.binary, "profile", large]),
        "easylife validate": lambda: measuring.measure(validate, cwd=folder),
        "polars describe": python(DESCRIBE, large),
    }, runs=3, warm=False)
    return (f"Beside {bench.versions('pandera', 'great_expectations', 'polars', 'pandas')}.\n\n"
            "The same rules over the same 128 MB CSV (types, ranges, allowed values, a pattern, lengths, "
            "empty cells, uniqueness):\n\n" + rows(beside, "easylife validate") +
            "\n\nA CSV of 1 GB, every column profiled (validate: and checked by the same rules):\n\n"
            + rows(whole, "easylife profile"))
