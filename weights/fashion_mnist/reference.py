#!/usr/bin/env python3
"""PyTorch's logits of the bundled MainNet for the first test images, as `sidenet import --check` takes them.

    python3 weights/fashion_mnist/reference.py FOLDER      # prints the argument of --check
"""
import pathlib
import sys

import torch

from train_mainnet import MEAN, STD, CifarResNet, read_idx

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tools"))
from reference_logits import save_reference  # noqa: E402

ROWS = 16

if __name__ == "__main__":
    net = CifarResNet(blocks=5)
    net.load_state_dict(torch.load(HERE / "resnet32.pth", weights_only=True)["state_dict"])
    images = torch.from_numpy(read_idx(HERE / "sample1000-images.idx.gz")[:ROWS].copy()).float()
    print(save_reference(net, ((images / 255 - MEAN) / STD).unsqueeze(1), sys.argv[1]))
