"""Clients of the Open Inference Protocol against a running server: tritonclient, KServe's, open-inference-openapi.

usage: clients.py HOST:PORT      (run by tools/test-serve, in the environment of requirements/serve-clients.txt)

Each asks for the same texts; all answers must have the same bits.
"""

import asyncio
import sys

import numpy as np

TEXTS = ["wonderful, works great", "terrible, broke at once", "", "naïve café — 例"]


def triton(address):
    import tritonclient.http as http
    client = http.InferenceServerClient(address)
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("nlp")
    assert client.get_server_metadata()["name"] == "easylife"
    described = client.get_model_metadata("nlp")
    assert described["inputs"] == [{"name": "text", "datatype": "BYTES", "shape": [-1]}], described
    assert client.get_model_config("nlp")["input"][0]["data_type"] == "TYPE_STRING"
    names = {entry["name"] for entry in client.get_model_repository_index()}
    assert names == {"nlp", "cv", "ts", "recsys"}, names
    found = None
    for binary in (False, True):
        for packed in (None, "gzip", "deflate"):
            given = http.InferInput("text", [len(TEXTS)], "BYTES")
            given.set_data_from_numpy(np.array(TEXTS, dtype=object), binary_data=binary)
            asked = [http.InferRequestedOutput(name, binary_data=binary) for name in ("prediction", "probability")]
            answer = client.infer("nlp", [given], outputs=asked, request_id="7",
                                  request_compression_algorithm=packed, response_compression_algorithm=packed)
            assert answer.get_response()["id"] == "7"
            one = [text.decode() if isinstance(text, bytes) else text for text in answer.as_numpy("prediction")]
            pair = (one, answer.as_numpy("probability").tolist())
            assert found in (None, pair), (binary, packed)
            found = pair
    client.unload_model("cv")
    assert not client.is_model_ready("cv")
    client.load_model("cv")
    assert client.is_model_ready("cv")
    counted = client.get_inference_statistics("nlp")["model_stats"][0]
    assert counted["inference_count"] >= 6 * len(TEXTS), counted
    for wrong in ("unknown", "../nlp"):
        try:
            client.infer(wrong, [given])
        except http.InferenceServerException as error:
            assert "unknown model" in str(error) or "not found" in str(error), error
        else:
            raise AssertionError(wrong)
    client.close()
    return found


def kserve(address):
    from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

    async def ask():
        client = InferenceRESTClient(RESTConfig(protocol="v2", timeout=10))
        base = f"http://{address}"
        assert await client.is_server_live(base) and await client.is_server_ready(base)
        assert await client.is_model_ready(base, "nlp")
        given = InferInput(name="text", shape=[len(TEXTS)], datatype="BYTES", data=TEXTS)
        answer = await client.infer(base, InferRequest(model_name="nlp", infer_inputs=[given]), model_name="nlp")
        outputs = {output.name: output.data for output in answer.outputs}
        return outputs["prediction"], outputs["probability"]

    return asyncio.run(ask())


def open_inference(address):
    from open_inference.openapi.client import InferenceRequest, OpenInferenceClient
    client = OpenInferenceClient(base_url=f"http://{address}")
    client.check_server_readiness()
    client.check_model_readiness("nlp")
    assert client.read_model_metadata("nlp").name == "nlp"
    given = {"name": "text", "shape": [len(TEXTS)], "datatype": "BYTES", "data": TEXTS}
    answer = client.model_infer("nlp", request=InferenceRequest(inputs=[given]))
    # Made from the protocol's own description; a list is wrapped.
    outputs = {output.name: output.data.dict()["__root__"] for output in answer.outputs}
    return outputs["prediction"], outputs["probability"]


def main():
    address = sys.argv[1]
    found = {client.__name__: client(address) for client in (triton, kserve, open_inference)}
    expected = found["triton"]
    for name, (predictions, probabilities) in found.items():
        assert list(predictions) == list(expected[0]), (name, predictions)
        assert [float(value) for value in probabilities] == expected[1], (name, probabilities)
        print(f"{name}: passed")


main()
