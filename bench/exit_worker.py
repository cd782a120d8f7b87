#!/usr/bin/env python3
"""Early exit in another engine, in a process of its own, under the line protocol of bench_session.cc:

    python3 bench/exit_worker.py pytorch|onnxruntime|onnxruntime-if|openvino mainnet|exits FOLDER MODEL THREADS BATCH

FOLDER is what prepare_exits.py wrote for that BATCH. A run is all of rows.npy, BATCH rows at a time. With exits: `pytorch` is a loop over
MainNet's parts, `onnxruntime` and `openvino` hold each segment as a model of its own, and `onnxruntime-if` is one graph. Rows that
left are taken out before the next segment. "answers FILE" writes (rows, 3): class, index of the exit, confidence.
"""

import json
import pathlib
import sys
import time

import numpy as np

from peer_worker import answer, onnx_session, openvino_request


def leave_one_by_one(segments, thresholds, x):
    """One row: (logits, exit)."""
    for number, (segment, threshold) in enumerate(zip(segments, thresholds)):
        x, logits, confidence = segment(x)
        if confidence.item() >= threshold:
            return logits, [number]
    return segments[-1](x), [len(thresholds)]


def leave_in_batches(segments, thresholds, x):
    """Rows of NumPy: (logits, exit of each)."""
    rows, logits_of, exit_of = np.arange(len(x)), None, np.full(len(x), len(thresholds))
    for number, (segment, threshold) in enumerate(zip(segments, thresholds)):
        x, logits, confidence = segment(x)
        if logits_of is None:
            logits_of = np.empty((len(rows), logits.shape[1]), np.float32)
        leaves = confidence >= threshold
        if leaves.any():
            left = rows[leaves]
            logits_of[left], exit_of[left] = logits[leaves], number
            rows = rows[~leaves]
            if len(rows) == 0:
                return logits_of, exit_of
            x = x[~leaves]
    logits_of[rows] = segments[-1](x)
    return logits_of, exit_of


def leave_in_batches_of_torch(segments, thresholds, x):
    """The same on tensors."""
    import torch
    rows, logits_of, exit_of = torch.arange(len(x)), None, torch.full((len(x),), len(thresholds))
    for number, (segment, threshold) in enumerate(zip(segments, thresholds)):
        x, logits, confidence = segment(x)
        if logits_of is None:
            logits_of = torch.empty(len(rows), logits.shape[1])
        leaves = confidence >= threshold
        left = rows[leaves]
        if len(left) > 0:
            logits_of[left], exit_of[left] = logits[leaves], number
            stay = (~leaves).nonzero().squeeze(1)
            if len(stay) == 0:
                return logits_of.numpy(), exit_of.numpy()
            rows, x = rows.index_select(0, stay), x.index_select(0, stay)
    logits_of[rows] = segments[-1](x)
    return logits_of.numpy(), exit_of.numpy()


def pytorch(folder, model, threads, batch, thresholds):
    import torch

    from prepare_exits import load
    torch.set_num_threads(threads)
    mainnet, segments = load(folder, model)
    leave = leave_one_by_one if batch == 1 else leave_in_batches_of_torch

    def run(x):
        with torch.inference_mode():
            rows = torch.from_numpy(x)
            return leave(segments, thresholds, rows) if thresholds else (mainnet(rows).numpy(), None)
    return torch.__version__, run


def cut(folder, batch, thresholds, load):
    """What runs MainNet or, with thresholds, the segments, each as load(path) gives it: a function of rows to a list of outputs."""
    if not thresholds:
        mainnet = load(folder / "mainnet.onnx")
        return lambda x: (mainnet(x)[0], None)
    parts = [load(folder / f"segment{number}.onnx") for number in range(len(thresholds) + 1)]
    last = parts.pop()
    parts.append(lambda x: last(x)[0])
    leave = leave_one_by_one if batch == 1 else leave_in_batches
    return lambda x: leave(parts, thresholds, x)


def onnxruntime(folder, model, threads, batch, thresholds):
    import onnxruntime as ort
    if thresholds:  # one pool for all sessions: with threads of their own, each session's spin while the next one works
        ort.set_global_thread_pool_sizes(threads, 1)
        shared = ort.SessionOptions()
        shared.use_per_session_threads = False

    def load(path):
        session = ort.InferenceSession(str(path), shared) if thresholds else onnx_session(path, threads)
        return lambda x: session.run(None, {"input": x})
    return ort.__version__, cut(folder, batch, thresholds, load)


def onnxruntime_if(folder, model, threads, batch, thresholds):
    import onnxruntime as ort
    if batch != 1:
        raise SystemExit("an If takes one row")
    session = onnx_session(folder / "nested.onnx", threads)
    return ort.__version__, lambda x: session.run(None, {"s0.input": x})


def openvino(folder, model, threads, batch, thresholds):
    import openvino as ov

    def load(path):
        request = openvino_request(path, threads)
        outputs = range(len(request.model_outputs))

        def run(x):
            results = request.infer([x], share_inputs=True, share_outputs=True)
            return [results[index] for index in outputs]
        return run
    return ov.__version__, cut(folder, batch, thresholds, load)


ENGINES = {"pytorch": pytorch, "onnxruntime": onnxruntime, "onnxruntime-if": onnxruntime_if, "openvino": openvino}


def describe(logits, exit_of, temperatures):
    """(rows, 3): class, exit, confidence."""
    scaled = logits.astype(np.float64) / np.array(temperatures)[exit_of][:, None]
    confidence = 1 / np.exp(scaled - scaled.max(axis=1, keepdims=True)).sum(axis=1)
    return np.stack([logits.argmax(axis=1), exit_of, confidence], axis=1).astype(np.float32)


def main():
    engine, mode, folder, model, threads, batch = sys.argv[1:]
    folder, batch = pathlib.Path(folder), int(batch)
    exits = json.loads((folder / "exits.json").read_text())
    thresholds = [exit["threshold"] for exit in exits[:-1]] if mode == "exits" else []
    version, run = ENGINES[engine](folder, model, int(threads), batch, thresholds)
    rows = np.load(folder / "rows.npy")
    batches = [rows[first:first + batch] for first in range(0, len(rows), batch)]
    answer({"engine": engine, "version": version})
    parts = []
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        if command == "run":
            times = []
            for _ in range(int(argument)):
                parts = []
                start = time.perf_counter()
                for x in batches:
                    logits, exit_of = run(x)
                    parts.append((np.array(logits), exit_of))  # a copy: an engine may write its next answer there
                times.append(1e3 * (time.perf_counter() - start))
            answer({"ms": times})
        elif command == "answers":
            logits = np.concatenate([part[0] for part in parts])
            exit_of = np.concatenate([part[1] for part in parts]) if thresholds else np.full(len(rows), len(exits) - 1)
            np.save(argument, describe(logits, exit_of, [exit["temperature"] for exit in exits]))
            answer({"written": argument})
        else:
            answer({"error": f"unknown command {command!r}"})


if __name__ == "__main__":
    main()
