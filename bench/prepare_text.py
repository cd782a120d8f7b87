#!/usr/bin/env python3
"""Writes one text model and its input for every engine: a Hugging Face folder with model.onnx (and fused.onnx), and ids.npy.

    python3 bench/prepare_text.py FOLDER NAME ROWS TOKENS      # bert-base or minilm, untrained, random words; TOKENS or FIRST-LAST
    python3 bench/prepare_text.py FOLDER MODEL_FOLDER DATA     # a trained one, on a TSV of texts and labels with a header

ids.npy: (rows, tokens), -1 behind a shorter row's end. A process of its own, so that nothing of it runs beside what is measured.
"""

import os
import pathlib
import shutil
import sys
import warnings

import numpy as np

sys.modules["torchvision"] = None
import torch
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

SHAPES = {"bert-base": {}, "minilm": {"hidden_size": 384, "num_hidden_layers": 6, "intermediate_size": 1536}}


def texts_of(path):
    with open(path, encoding="utf-8") as lines:
        next(lines)
        return [line.rstrip("\n").rsplit("\t", 1)[0] for line in lines]


class Logits(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask):
        return self.model(input_ids, attention_mask=attention_mask).logits


def export(model, folder):
    ids = torch.ones(2, 9, dtype=torch.int64)
    axes = {0: "rows", 1: "tokens"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(Logits(model), (ids, ids), str(folder / "model.onnx"), dynamo=False, opset_version=17,
                          input_names=["input_ids", "attention_mask"], output_names=["logits"],
                          dynamic_axes={"input_ids": axes, "attention_mask": axes})
    from onnxruntime.transformers import optimizer
    fused = optimizer.optimize_model(str(folder / "model.onnx"), model_type="bert", num_heads=model.config.num_attention_heads,
                                     hidden_size=model.config.hidden_size, opt_level=0)
    fused.save_model_to_file(str(folder / "fused.onnx"))
    print(f"fused: {fused.get_fused_operator_statistics()}", file=sys.stderr)


def main():
    folder, source = pathlib.Path(sys.argv[1]), sys.argv[2]
    torch.manual_seed(1)
    if source in SHAPES:
        rows, (first, last) = int(sys.argv[3]), (sys.argv[4] + "-" + sys.argv[4]).split("-")[:2]
        model = BertForSequenceClassification(BertConfig(num_labels=2, attn_implementation="eager", **SHAPES[source])).eval()
        random = np.random.default_rng(1)
        ids = random.integers(1000, 30000, (rows, int(last)))
        ids[np.arange(int(last)) >= random.integers(int(first), int(last) + 1, (rows, 1))] = -1
        model.save_pretrained(folder)
    else:
        model = BertForSequenceClassification.from_pretrained(source, attn_implementation="eager").eval()
        for name in os.listdir(source):
            if name.endswith((".json", ".txt", ".safetensors")):
                shutil.copy(os.path.join(source, name), folder)
        encoded = AutoTokenizer.from_pretrained(source)(texts_of(sys.argv[3]), truncation=True, max_length=512)["input_ids"]
        ids = np.full((len(encoded), max(map(len, encoded))), -1)
        for row, values in zip(ids, encoded):
            row[:len(values)] = values
    np.save(folder / "ids.npy", ids.astype(np.int64))
    try:
        export(model, folder)
    except Exception as error:  # an exporter that lacks a package: the engines that need it are reported as absent
        print(f"{source}: no ONNX file, or not fused: {type(error).__name__}: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
