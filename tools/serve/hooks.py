"""What schemathesis needs to know to send the bodies of openapi.yaml: JSON lines are a text."""

import schemathesis


@schemathesis.serializer("application/x-ndjson", "application/jsonl")
def lines(_, value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
