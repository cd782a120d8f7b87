#!/usr/bin/env python3
"""Writes one network and one input for every engine: NET.pth (a state dict), NET.npy and, where the exporter is there, NET.onnx.

    python3 bench/prepare.py NET BATCH FOLDER

Weights and inputs are the generated ones of tests/golden, with BatchNorm statistics that are not trivial. A process of its
own, so that what is measured never runs beside an idle PyTorch.
"""

import contextlib
import os
import pathlib
import sys
import warnings

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden"))
import generated_weights  # noqa: E402
from nets import CifarResNet, imagenet_resnet  # noqa: E402


def make_net(name):
    """(module, height and width of its input)"""
    if name.startswith("cifar_resnet"):
        return generated_weights.fill(CifarResNet(int(name.removeprefix("cifar_resnet"))), name), 32
    return generated_weights.fill(imagenet_resnet(name), name), 224


def main():
    name, batch, folder = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3])
    model, size = make_net(name)
    inputs = generated_weights.inputs(name, [batch, 3, size, size])
    torch.save(model.state_dict(), folder / f"{name}.pth")
    np.save(folder / f"{name}.npy", inputs)
    try:  # its file names come from the first; a row, for ncnn knows no batches
        import pnnx
        with open(os.devnull, "w") as quiet, contextlib.redirect_stdout(quiet), contextlib.chdir(folder):
            pnnx.export(model, f"{name}.pt", (torch.from_numpy(inputs[:1]),))
    except Exception as error:
        print(f"{name}: no ncnn files: {error}", file=sys.stderr)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(model, (torch.from_numpy(inputs),), str(folder / f"{name}.onnx"), dynamo=False,
                              input_names=["input"], output_names=["logits"])
    except Exception as error:  # an exporter that lacks a package: the engines that need it are reported as absent
        print(f"{name}: no ONNX file: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
