#!/usr/bin/env python3
"""One peer engine on texts, in a process of its own, under the line protocol of bench_session.cc:

    python3 bench/text_worker.py pytorch|pytorch-compiled|onnxruntime|openvino FOLDER IDS.npy THREADS BATCH file|sorted

FOLDER is a Hugging Face folder with model.onnx. A run is all rows, BATCH at a time, each batch padded to its longest row: in
the order of the file, or sorted by length first (the sorting is not timed). Logits come out in the order of the file.
"""

import pathlib
import sys
import time

import numpy as np

from peer_worker import answer, onnx_session, openvino_request


def batches_of(ids, size, order):
    lengths = (ids >= 0).sum(axis=1)
    rows = np.argsort(lengths, kind="stable") if order == "sorted" else np.arange(len(ids))
    result = []
    for start in range(0, len(rows), size):
        part = rows[start:start + size]
        values = ids[part, :lengths[part].max()]
        mask = (values >= 0).astype(np.int64)
        result.append((part, np.where(mask, values, 0), mask))
    return result


def pytorch(folder, threads, compiled=False):
    sys.modules["torchvision"] = None  # not needed; transformers would load it, broken or not
    import torch
    from transformers import AutoModelForSequenceClassification
    torch.set_num_threads(threads)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    if compiled:
        model = torch.compile(model)

    def run(ids, mask):
        with torch.inference_mode():
            return model(torch.from_numpy(ids), attention_mask=torch.from_numpy(mask)).logits.numpy()
    return torch.__version__, run


def pytorch_compiled(folder, threads):
    return pytorch(folder, threads, compiled=True)


def onnxruntime(folder, threads):
    import onnxruntime as ort
    fused = folder / "fused.onnx"  # by ONNX Runtime's own optimiser for transformers
    session = onnx_session(fused if fused.exists() else folder / "model.onnx", threads)
    name = ort.__version__ + ("" if fused.exists() else " (not fused)")
    return name, lambda ids, mask: session.run(None, {"input_ids": ids, "attention_mask": mask})[0]


def openvino(folder, threads):
    import openvino as ov
    request = openvino_request(folder / "model.onnx", threads)
    return ov.__version__, lambda ids, mask: request.infer({"input_ids": ids, "attention_mask": mask})[0]


def main():
    engine, folder, ids, threads, batch, order = sys.argv[1:]
    engines = {"pytorch": pytorch, "pytorch-compiled": pytorch_compiled, "onnxruntime": onnxruntime, "openvino": openvino}
    version, run = engines[engine](pathlib.Path(folder), int(threads))
    rows = batches_of(np.load(ids).astype(np.int64), int(batch), order)
    answer({"engine": engine, "version": version})
    parts = []
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        if command == "run":
            times = []
            for _ in range(int(argument)):
                start = time.perf_counter()
                parts = [run(values, mask) for _, values, mask in rows]
                times.append(1e3 * (time.perf_counter() - start))
            answer({"ms": times})
        elif command == "logits":
            order = np.concatenate([part for part, _, _ in rows])
            logits = np.empty((len(order), parts[0].shape[1]), np.float32)
            logits[order] = np.concatenate(parts)
            np.save(argument, logits)
            answer({"written": argument})
        else:
            answer({"error": f"unknown command {command!r}"})


if __name__ == "__main__":
    main()
