"""What is served: the samples of all tasks, a photo, and model files to change between."""

import random
import re
import shutil
import string
import subprocess

TEXT = " ".join("this is a wonderful product that works great and arrived on time with a friendly note but the box "
                "was a bit damaged so i had to call them and they were very kind about it".split() * 2).strip()
TEXT = " ".join(TEXT.split()[:60])


def run(binary, folder, *words):
    subprocess.run([binary, "-q", *words], cwd=folder, check=True)


def project(binary, folder):
    """A project with the models of all tasks."""
    run(binary, folder, "init")
    for task in ("nlp", "ts", "recsys"):
        for verb in ("sample", "prepare", "train"):
            run(binary, folder, verb, task)
    run(binary, folder, "sample", "cv", "-Scv.sample.scenes=4", "-Scv.sample.incoming=4")


def photo(folder, python):
    """A JPEG of 640 × 480 out of a painted photo."""
    code = ("import sys, cv2; image = cv2.imread(sys.argv[1]); "
            "cv2.imwrite(sys.argv[2], cv2.resize(image, (640, 480), interpolation=cv2.INTER_AREA))")
    first = min((folder / "data/raw/cv").rglob("*.jpg"))
    if not python:
        return first
    subprocess.run([python, "-c", code, first, folder / "photo.jpg"], check=True)
    return folder / "photo.jpg"


def second(binary, folder):
    """Two models of the sample that answer differently: the project's, and one with another C."""
    own = folder / "models/nlp.safetensors"
    first, other = folder / "first.safetensors", folder / "second.safetensors"
    shutil.copy(own, first)
    run(binary, folder, "train", "nlp", "-Snlp.model.C=0.5")
    shutil.move(own, other)
    shutil.copy(first, own)
    return [first, other]


def large(binary, folder, words=1_070_000, classes=20):
    """Two models of about 100 MB: rare words, many classes, fitted by a few steps only."""
    chance = random.Random(7)
    with open(folder / "large.csv", "w", encoding="ascii") as file:
        file.write("text,label\n")
        for row in range(words // 100):
            made = ("".join(chance.choices(string.ascii_lowercase, k=9)) for _ in range(100))
            file.write(f"{' '.join(made)},c{row % classes}\n")
    settings = ["data.source=large.csv", "split.test=0", "features.ngrams=[1,1]", "features.negation=false",
                "features.characters=null", "features.max_features=null", "model.weighting=plain",
                "model.calibrate=false", "model.max_iterations=2"]
    given = [f"-Snlp.{setting}" for setting in settings]
    found = []
    work = folder / "large"
    work.mkdir()
    (folder / "large.csv").rename(work / "large.csv")
    run(binary, work, "init")
    run(binary, work, "prepare", "nlp", *given)
    for number, c in enumerate(("1", "0.1")):
        run(binary, work, "train", "nlp", *given, f"-Snlp.model.C={c}")
        found.append(folder / f"large-{number}.safetensors")
        (work / "models/nlp.safetensors").rename(found[-1])
    return found
