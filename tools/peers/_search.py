"""How settings of peers are searched: a grid, then a walk. In the peers' own Python.

The grid is the product of some settings, the others at their first value; the walk goes from its best along
each setting to the neighbouring values for as long as that is better. What is better is said by `measure`,
which sees the training part alone. A search may have a budget of CPU seconds, after which nothing more is begun;
the answer says whether it was used up.
"""

import itertools
import time


def search(values, grid, measure, budget=float("inf")):
    """values: setting -> values in order; grid: the settings whose product is tried; budget: CPU seconds.

    Gives the best settings, their score, how many were tried, the CPU seconds of it, and whether the budget ended
    it."""
    start, scores = time.process_time(), {}
    is_cut = False

    def score(settings):
        nonlocal is_cut
        key = repr(settings)
        if key not in scores:
            if scores and time.process_time() - start > budget:
                is_cut = True
                return float("-inf")
            scores[key] = measure(settings)
        return scores[key]

    first = {name: tried[0] for name, tried in values.items()}
    products = itertools.product(*(values[name] for name in grid))
    best = max(({**first, **dict(zip(grid, product))} for product in products), key=score)
    moved = True
    while moved:
        moved = False
        for name, tried in values.items():
            for step in (-1, 1):
                place = tried.index(best[name]) + step
                while 0 <= place < len(tried) and score({**best, name: tried[place]}) > score(best):
                    best, moved = {**best, name: tried[place]}, True
                    place += step
    return {"settings": best, "score": score(best), "tried": len(scores), "cpu": time.process_time() - start,
            "is_cut": is_cut}


def told(settings):
    """`name value` of each setting, for a table."""
    shown = lambda value: f"{value:g}" if isinstance(value, (int, float)) else \
        "-".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return ", ".join(f"{name.replace('_', ' ')} {shown(value)}" for name, value in settings.items())
