"""Blurred photos: easylife beside OpenCV, for tools/bench-peers.

OpenCV reads a photo as gray and takes the variance of its Laplacian, on one thread, in two ways: as
everybody writes it (CV_64F, numpy's var) and as it runs fastest (CV_16S, meanStdDev). It reports the
CPU seconds of that alone, imports left out; easylife is measured as a whole process, start and output
included, and does more: three scales, tiles, a model.

Run by OpenCV's Python, this file is the peer: cv.py literal|well LIST, or cv.py make FOLDER PHOTOS.
"""

import pathlib
import sys

LARGE = 24  # photos of 12 megapixels
DEMANDED = {"literal": 2.5, "well": 1.0}
STRETCH = {"literal": 4.0, "well": 1.5}


# --- in the peer's own Python ---------------------------------------------------------------------


def peer(how, listed):
    import time
    import cv2
    cv2.setNumThreads(1)

    def literal(path):
        return cv2.Laplacian(cv2.imread(path, cv2.IMREAD_GRAYSCALE), cv2.CV_64F).var()

    def well(path):
        edges = cv2.Laplacian(cv2.imread(path, cv2.IMREAD_GRAYSCALE), cv2.CV_16S)
        return cv2.meanStdDev(edges)[1][0, 0] ** 2

    score = {"literal": literal, "well": well}[how]
    paths = pathlib.Path(listed).read_text().split("\n")[1:-1]
    score(paths[0])
    start = time.process_time()
    for path in paths:
        score(path)
    print(time.process_time() - start)


def make(folder, photos):
    """Photos of 12 and of 50 megapixels: small ones side by side, each mirrored at random."""
    import cv2
    import numpy
    random = numpy.random.default_rng(4)
    small = [cv2.imread(str(path)) for path in sorted(pathlib.Path(photos).glob("*.jpg"))]

    def mosaic(width, height):
        out = numpy.empty((height, width, 3), numpy.uint8)
        for y in range(0, height, 300):
            for x in range(0, width, 400):
                tile = cv2.resize(small[random.integers(len(small))], (400, 300))
                tile = tile[:: random.choice([-1, 1]), :: random.choice([-1, 1])]
                part = out[y : y + 300, x : x + 400]
                part[:] = tile[: part.shape[0], : part.shape[1]]
        return out

    quality = [cv2.IMWRITE_JPEG_QUALITY, 92]
    kinds = {"jpg": quality, "progressive.jpg": [*quality, cv2.IMWRITE_JPEG_PROGRESSIVE, 1], "png": []}
    for name in ("large", *(f"huge {kind}" for kind in kinds)):
        (pathlib.Path(folder) / name).mkdir()
    for number in range(LARGE):
        cv2.imwrite(f"{folder}/large/{number:02}.jpg", mosaic(4000, 3000), quality)
    for number in range(4):
        picture = mosaic(8660, 5774)
        for kind, options in kinds.items():
            cv2.imwrite(f"{folder}/huge {kind}/{number}.{kind}", picture, options)


# --- in bench-peers' ------------------------------------------------------------------------------


def run(bench, measuring):
    photos = bench.data / "img"
    if not photos.is_dir():
        raise SystemExit(f"no photos at {photos}; set EASYLIFE_DATA")
    measuring.measure([bench.python, __file__, "make", bench.folder, photos])
    small = sorted(photos.glob("*.jpg"))
    large = sorted((bench.folder / "large").glob("*.jpg"))
    rows = [costs(bench, measuring, f"{len(small)} photos of up to 768 pixels", small)]
    rows.append(costs(bench, measuring, f"{len(large)} photos of 12 megapixels", large))
    return "\n".join([
        f"Peers: {bench.versions('opencv-python-headless', 'numpy')}. CPU seconds, medians of five "
        "runs in turn, one thread each; imports of Python left out.",
        "",
        "| photos | OpenCV, literal | OpenCV, written well | easylife | times less than literal "
        "(demanded 2.5, stretch 4) | than written well (demanded 1, stretch 1.5) |",
        "|---|---|---|---|---|---|",
        *rows,
        "",
        threads(bench, measuring, small),
        "",
        "| four photos of 50 megapixels, two threads | peak memory (demanded 300 MB, stretch 200) |",
        "|---|---|",
        *memory(bench, measuring),
    ])


def listing(bench, name, paths):
    path = bench.folder / f"{name}.csv"
    path.write_text("path\n" + "".join(f"{photo}\n" for photo in paths))
    return path


def predict(bench, measuring, listed, threads=1):
    command = [bench.binary, "predict", "cv", "-q", "-i", listed, "-o", bench.folder / "out.csv",
               "--threads", threads]
    return measuring.measure(command, cwd=bench.folder)


def costs(bench, measuring, name, paths):
    listed = listing(bench, "photos", paths)

    def opencv(how):
        run = measuring.measure([bench.python, __file__, how, listed])
        return run._replace(cpu=float(run.stdout))

    found = measuring.alternate({
        "literal": lambda: opencv("literal"),
        "well": lambda: opencv("well"),
        "easylife": lambda: predict(bench, measuring, listed),
    })
    ours = found["easylife"].cpu
    cells = [f"{found[how].cpu:.3f} s" for how in ("literal", "well", "easylife")]
    for how in ("literal", "well"):
        times = found[how].cpu / ours
        met = "missed" if times < DEMANDED[how] else "stretch" if times >= STRETCH[how] else "met"
        cells.append(f"{times:.2f} ({met})")
    return "| " + " | ".join([name, *cells]) + " |"


def threads(bench, measuring, paths):
    listed = listing(bench, "many", paths * 5)
    found = measuring.alternate({
        number: lambda number=number: predict(bench, measuring, listed, number) for number in (1, 2)
    })
    times = found[1].wall / found[2].wall
    return (f"{5 * len(paths)} small photos: {found[1].wall:.3f} s on one thread, {found[2].wall:.3f} s "
            f"on two, {times:.2f} times less (demanded 1.8, stretch 1.9).")


def memory(bench, measuring):
    for folder in sorted(bench.folder.glob("huge *")):
        listed = listing(bench, "huge", sorted(folder.iterdir()))
        peak = measuring.median([predict(bench, measuring, listed, 2) for _ in range(3)]).memory
        yield f"| {folder.name.removeprefix('huge ')} | {peak:.0f} MB |"


if __name__ == "__main__":
    {"make": make, "literal": peer, "well": peer}[sys.argv[1]](*(sys.argv[2:] if sys.argv[1] == "make" else sys.argv[1:]))
