#!/usr/bin/env python3
"""One cold start of a peer: imports it, loads a network from disk, computes one answer, and prints the seconds of each.

    python3 bench/cold_peer.py onnxruntime|openvino MODEL.onnx INPUT.npy THREADS     # integer inputs: token ids of a text

{"import_s", "load_s", "first_s"}; import_s is also what Python and NumPy take.
"""

import importlib
import json
import sys
import time

START = time.perf_counter()

import numpy as np  # noqa: E402

from peer_worker import onnx_session, openvino_request  # noqa: E402


def main():
    importlib.import_module(sys.argv[1])
    imported = time.perf_counter()
    values = np.load(sys.argv[3])
    feeds = {"input": values}
    if np.issubdtype(values.dtype, np.integer):
        feeds = {"input_ids": values, "attention_mask": np.ones_like(values)}
    path, threads = sys.argv[2], int(sys.argv[4])
    if sys.argv[1] == "onnxruntime":
        session = onnx_session(path, threads)
        loaded = time.perf_counter()
        session.run(None, feeds)
    else:
        request = openvino_request(path, threads)
        loaded = time.perf_counter()
        request.infer(feeds)
    print(json.dumps({"import_s": imported - START, "load_s": loaded - imported, "first_s": time.perf_counter() - loaded}))


if __name__ == "__main__":
    main()
