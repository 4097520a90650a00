"""Writes the Parquet files beside this file, of types that our own writer does not write (pyarrow 26.0.1)."""
import datetime as dt
import decimal
import uuid

import pyarrow as pa
import pyarrow.parquet as pq

N = 16
texts = [f"the {'film' if i % 3 else 'plot'} was {'good' if i % 2 else 'poor'} number {i}" for i in range(N)]
labels = ["pos" if i % 2 else "neg" for i in range(N)]
base = {"text": texts, "label": labels}


def write(name, table, **options):
    pq.write_table(table, name, **options)


def with_column(values, kind):
    return pa.table({**base, "extra": pa.array(values, kind)})


categories = pa.table({
    "text": pa.array(texts, pa.large_string()).dictionary_encode(),
    "label": pa.array(labels).dictionary_encode(),
})
write("categorical.parquet", categories, row_group_size=5)

D = decimal.Decimal
utc = dt.timezone.utc
extras = pa.table({
    **base,
    "price": pa.array([D("12.50"), None, D("-0.05")] * 5 + [D("9999999999999.99")], pa.decimal128(15, 2)),
    "huge": pa.array([D(10) ** 49 + i for i in range(N)], pa.decimal256(50, 0)),
    "meta": pa.array([{"id": i, "tags": ["a", "b\n"]} for i in range(N)]),
    "list": pa.array([[i, None] for i in range(N)], pa.list_(pa.int64())),
    "map": pa.array([[("k", i)] for i in range(N)], pa.map_(pa.string(), pa.int64())),
    "raw": pa.array([b"\xff\x00"] * N, pa.binary()),
    "words": pa.array([b"plain"] * N, pa.binary()),
    "id": pa.array([uuid.UUID(int=i).bytes for i in range(N)], pa.uuid()),
    "when": pa.array([dt.datetime(2024, 1, 1, 12, tzinfo=utc)] * N, pa.timestamp("us", "Europe/Berlin")),
    "clock": pa.array([dt.time(12, 30)] * N, pa.time64("us")),
    "took": pa.array([dt.timedelta(minutes=90)] * N, pa.duration("ms")),
    "half": pa.array([0.5] * N, pa.float16()),
    "nothing": pa.array([None] * N, pa.null()),
})
write("extras.parquet", extras)

old = pa.table({**base, "when": pa.array([dt.datetime(2024, 1, 1, 12)] * (N - 1) + [dt.datetime(9999, 12, 31)],
                                         pa.timestamp("us"))})
write("int96.parquet", old, use_deprecated_int96_timestamps=True)

far = pa.table({**base, "until": pa.array([0] * (N - 1) + [253402300800000000], pa.int64()).cast(pa.timestamp("us"))})
write("far.parquet", far)

write("nan.parquet", pa.table({"text": texts, "label": pa.array([float(i % 2) for i in range(N - 1)] + [float("nan")])}))
write("empty.parquet", pa.table(base).slice(0, 0))

# Times written as numbers: the first of months from 2022 on, in two files that follow each other.
months = [dt.datetime(2022 + m // 12, m % 12 + 1, 1, tzinfo=utc) for m in range(30)]
seconds = [int(month.timestamp()) for month in months]
times = pa.table({
    "unique_id": ["a"] * 30,
    "yyyymm": pa.array([100 * t.year + t.month for t in months], pa.int32()),
    "yyyymmdd": pa.array([10000 * t.year + 100 * t.month + 1 for t in months], pa.int64()),
    "epoch_s": pa.array(seconds, pa.uint32()),
    "epoch_ms": pa.array([s * 10**3 for s in seconds], pa.int64()),
    "epoch_us": pa.array([s * 10**6 for s in seconds], pa.uint64()),
    "epoch_ns": pa.array([s * 10**9 for s in seconds], pa.int64()),
    "floats": pa.array([float(s * 10**9) for s in seconds], pa.float64()),
    "y": pa.array([m % 7 + m for m in range(30)], pa.int64()),
})
write("times.parquet", times.slice(0, 24))
write("later.parquet", times.slice(24))
