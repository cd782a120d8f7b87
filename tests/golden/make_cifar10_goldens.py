#!/usr/bin/env python3
"""Writes what PyTorch gives for the real CIFAR-10 checkpoints: logits of the first 16 test images, and how many of all 10,000
it gets right.

    SIDENET_SHARED=DIR python3 tests/golden/make_cifar10_goldens.py

Writes resnet/cifar10_NAME.npy, (16, 10), and resnet/cifar10_checkpoints.json: [{"checkpoint": path under DIR, "logits": file,
"rows", "correct"}]. Inputs: bytes / 255, less the ImageNet mean, over the ImageNet standard deviation.
"""

import json
import os
import pathlib
import re

import numpy as np
import torch

from nets import CifarResNet

OUTPUT = pathlib.Path(__file__).resolve().parent / "resnet"
MEAN = torch.tensor([0.485, 0.456, 0.406]).reshape(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).reshape(3, 1, 1)
LOGIT_ROWS, BATCH = 16, 250

CHECKPOINTS = {
    "checkpoints/cifar10-resnet/resnet20-12fca82f.th": lambda: CifarResNet(20),
    "checkpoints/cifar10-resnet/resnet32-d509ac18.th": lambda: CifarResNet(32),
    "checkpoints/cifar10-resnet/resnet44-014dd654.th": lambda: CifarResNet(44),
    "checkpoints/cifar10-resnet/resnet56-4bfd9763.th": lambda: CifarResNet(56),
    "checkpoints/cifar10-resnet20-projection/resnet20.pth": lambda: CifarResNet(20, option="B"),
    "checkpoints/cifar10-resnet20-projection/resnet20_pgd.pth": lambda: CifarResNet(20, option="B"),
}


def module_name(name):
    """The names of both sources as those of CifarResNet."""
    name = re.sub(r"^module\.|(?<=conv)_|(?<=bn)_", "", name)
    name = re.sub(r"^stage_", "layer", name).replace("downsample", "shortcut")
    return re.sub(r"^fc\.", "linear.", name)


def load(path, make):
    content = torch.load(path, map_location="cpu", weights_only=True)
    state = content.get("state_dict", content)
    model = make()
    result = model.load_state_dict({module_name(name): value for name, value in state.items()}, strict=False)
    if result.unexpected_keys or any(not name.endswith("num_batches_tracked") for name in result.missing_keys):
        raise ValueError(f"{path}: {result}")
    return model.eval()


def main():
    shared = pathlib.Path(os.environ["SIDENET_SHARED"])
    rows = np.fromfile(shared / "datasets/cifar10/test_batch.bin", np.uint8).reshape(-1, 3073)
    labels = torch.from_numpy(rows[:, 0].astype(np.int64))
    images = torch.from_numpy(rows[:, 1:].reshape(-1, 3, 32, 32))
    OUTPUT.mkdir(exist_ok=True)
    index = []
    for checkpoint, make in CHECKPOINTS.items():
        model = load(shared / checkpoint, make)
        logits = []
        with torch.inference_mode():
            for first in range(0, len(rows), BATCH):
                batch = images[first:first + BATCH].float() / 255
                logits.append(model((batch - MEAN) / STD))
        logits = torch.cat(logits)
        correct = int((logits.argmax(dim=1) == labels).sum())
        file = "cifar10_" + pathlib.Path(checkpoint).stem + ".npy"
        np.save(OUTPUT / file, logits[:LOGIT_ROWS].numpy())
        index.append({"checkpoint": checkpoint, "logits": file, "rows": len(rows), "correct": correct})
        top = logits.topk(2, dim=1).values
        print(f"{checkpoint}: {correct} of {len(rows)}, smallest margin {float((top[:, 0] - top[:, 1]).min()):.2g}", flush=True)
    lines = ",\n ".join(json.dumps(item) for item in index)
    (OUTPUT / "cifar10_checkpoints.json").write_text(f"[{lines}]\n")


if __name__ == "__main__":
    main()
