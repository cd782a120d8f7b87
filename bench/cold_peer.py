#!/usr/bin/env python3
"""One cold start of a peer: imports it, loads a network from disk, computes one answer, and prints the seconds of each.

    python3 bench/cold_peer.py onnxruntime|openvino MODEL.onnx INPUT.npy THREADS     # integer inputs: token ids of a text

{"import_s", "load_s", "first_s"}; import_s is also what Python and NumPy take.
"""

import json
import sys
import time

START = time.perf_counter()

import numpy as np  # noqa: E402


def onnxruntime(path, threads):
    import onnxruntime as ort

    def load():
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return lambda feeds: session.run(None, feeds)[0]
    return load


def openvino(path, threads):
    import openvino as ov

    def load():
        settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        request = ov.Core().compile_model(path, "CPU", settings).create_infer_request()
        return lambda feeds: request.infer(feeds)[0]
    return load


def main():
    load = {"onnxruntime": onnxruntime, "openvino": openvino}[sys.argv[1]](sys.argv[2], int(sys.argv[4]))
    imported = time.perf_counter()
    values = np.load(sys.argv[3])
    feeds = {"input": values}
    if np.issubdtype(values.dtype, np.integer):
        feeds = {"input_ids": values, "attention_mask": np.ones_like(values)}
    run = load()
    loaded = time.perf_counter()
    run(feeds)
    print(json.dumps({"import_s": imported - START, "load_s": loaded - imported, "first_s": time.perf_counter() - loaded}))


if __name__ == "__main__":
    main()
