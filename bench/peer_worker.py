#!/usr/bin/env python3
"""One peer engine in a process of its own, under the line protocol of bench_session.cc:

    python3 bench/peer_worker.py pytorch|pytorch-compiled|onnxruntime|openvino|ncnn NET FOLDER THREADS

First line out: {"engine", "version"}. Then, for each line in: "run N" gives {"ms": [N times of one run]}; "logits FILE"
writes the last logits as .npy and gives {"written": FILE}.
"""

import json
import pathlib
import sys
import time

import numpy as np


def pytorch(net, folder, inputs, threads, compiled=False):
    import torch

    from prepare import make_net
    torch.set_num_threads(threads)
    model, _ = make_net(net)
    model.load_state_dict(torch.load(folder / f"{net}.pth", weights_only=True))
    batch = torch.from_numpy(inputs)
    if compiled:
        model = torch.compile(model.eval())

    def run():
        with torch.inference_mode():
            return model(batch).numpy()
    return torch.__version__, run


def pytorch_compiled(net, folder, inputs, threads):
    return pytorch(net, folder, inputs, threads, compiled=True)


def ncnn(net, folder, inputs, threads):
    """A row at a time: it has no batches."""
    import ncnn as engine
    network = engine.Net()
    network.opt.num_threads = threads
    for option in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage"):
        setattr(network.opt, option, False)
    for load, suffix in ((network.load_param, "param"), (network.load_model, "bin")):
        if load(str(folder / f"{net}.ncnn.{suffix}")) != 0:
            raise SystemExit(f"no {net}.ncnn.{suffix}")
    rows = [engine.Mat(np.ascontiguousarray(row)).clone() for row in inputs]

    def run():
        logits = []
        for row in rows:
            extractor = network.create_extractor()
            extractor.input("in0", row)
            logits.append(np.array(extractor.extract("out0")[1]))
        return np.stack(logits)
    return getattr(engine, "__version__", "?"), run


def onnx_session(path, threads):
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def openvino_request(path, threads):
    import openvino as ov
    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    return ov.Core().compile_model(str(path), "CPU", settings).create_infer_request()


def onnxruntime(net, folder, inputs, threads):
    import onnxruntime as ort
    session = onnx_session(folder / f"{net}.onnx", threads)
    return ort.__version__, lambda: session.run(None, {"input": inputs})[0]


def openvino(net, folder, inputs, threads):
    import openvino as ov
    request = openvino_request(folder / f"{net}.onnx", threads)
    return ov.__version__, lambda: request.infer([inputs])[0]


ENGINES = {"pytorch": pytorch, "pytorch-compiled": pytorch_compiled, "onnxruntime": onnxruntime, "openvino": openvino, "ncnn": ncnn}


def answer(message):
    print(json.dumps(message), flush=True)


def main():
    engine, net, folder, threads = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), int(sys.argv[4])
    inputs = np.load(folder / f"{net}.npy")
    version, run = ENGINES[engine](net, folder, inputs, threads)
    answer({"engine": engine, "version": version})
    logits = None
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        if command == "run":
            times = []
            for _ in range(int(argument)):
                start = time.perf_counter()
                logits = run()
                times.append(1e3 * (time.perf_counter() - start))
            answer({"ms": times})
        elif command == "logits":
            np.save(argument, np.ascontiguousarray(logits, dtype=np.float32))
            answer({"written": argument})
        else:
            answer({"error": f"unknown command {command!r}"})


if __name__ == "__main__":
    main()
