"""What was measured beside what was demanded, and what must not happen."""


class Results:
    """Rows of a table; and what failed that may not fail, however slow the machine is."""

    def __init__(self):
        self.rows, self.failures = [], []

    def add(self, what, measured, demanded="", is_met=True):
        missed = "" if is_met else " (missed)"
        self.rows.append(f"| {what} | {measured} | {demanded}{missed} |")
        print(f"{what}: {measured}; demanded: {demanded or 'nothing'}{missed}", flush=True)

    def must(self, holds, what):
        """Notes a failure unless something holds."""
        if not holds:
            self.failures.append(what)
            print(f"FAILED: {what}", flush=True)

    def table(self):
        return ["| | measured | demanded |", "|---|---|---|", *self.rows]
