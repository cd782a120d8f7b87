#!/usr/bin/env python3
"""Train the bundled MainNet: a CIFAR-family ResNet on Fashion-MNIST, with PyTorch.

    python3 weights/fashion_mnist/train_mainnet.py -o weights/fashion_mnist/resnet32.pth

Data: Debian's `dataset-fashion-mnist` (60,000 training and 10,000 test images, 28 x 28 grey).
  rows     0 … 54,999 of the training file: train the MainNet (and, later, the SideNets)
  rows 55,000 … 59,999 of the training file: kept back, to choose thresholds and to calibrate
  the test file: reported, never used for a choice

The network is "Deep Residual Learning for Image Recognition" (arXiv 1512.03385), section 4.2, with one input
channel: 6n + 2 layers, n = 5, widths 16/32/64, option-A shortcuts. Module names follow the common CIFAR code
(`conv1`, `bn1`, `layer1.0.conv1`, …, `linear`).
"""
import argparse
import gzip
import os
import struct
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

MEAN, STD = 0.2860, 0.3530  # of the training pixels, in 0 … 1
TRAIN_ROWS = 55_000


def read_idx(path):
    with gzip.open(path, "rb") as file:
        data = file.read()
    rank = data[3]
    shape = struct.unpack(f">{rank}I", data[4:4 + 4 * rank])
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.stride, self.pad = stride, (out_channels - in_channels) // 2

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.pad:  # option A: subsample, and zero channels on both sides
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.pad, self.pad))
        return F.relu(x + y)


class CifarResNet(nn.Module):
    def __init__(self, blocks, in_channels=1, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        width = 16
        for stage, out in enumerate((16, 32, 64), 1):
            layer = nn.Sequential()
            for index in range(blocks):
                layer.append(BasicBlock(width, out, 2 if stage > 1 and index == 0 else 1))
                width = out
            setattr(self, f"layer{stage}", layer)
        self.linear = nn.Linear(64, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean((2, 3)))


def augment(x, generator):
    """Random shifts of up to two pixels and horizontal flips; x is (rows, 1, 28, 28)."""
    rows = x.shape[0]
    x = F.pad(x, (2, 2, 2, 2), value=float(-MEAN / STD))
    dy = torch.randint(0, 5, (rows,), generator=generator)
    dx = torch.randint(0, 5, (rows,), generator=generator)
    flip = torch.rand(rows, generator=generator) < 0.5
    ys = dy[:, None] + torch.arange(28)
    xs = dx[:, None] + torch.where(flip[:, None], torch.arange(27, -1, -1), torch.arange(28))
    return x[torch.arange(rows)[:, None, None], 0, ys[:, :, None], xs[:, None, :]][:, None]


@torch.no_grad()
def accuracy(model, x, y):
    model.eval()
    correct = sum((model(a).argmax(1) == b).sum().item() for a, b in zip(x.split(500), y.split(500)))
    return correct / len(y)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--blocks", type=int, default=5, help="blocks a stage: depth is 6 x blocks + 2")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    generator = torch.Generator().manual_seed(args.seed)

    def load(split):
        x = torch.from_numpy(read_idx(f"{args.data}/{split}-images-idx3-ubyte.gz").copy())
        y = torch.from_numpy(read_idx(f"{args.data}/{split}-labels-idx1-ubyte.gz").copy()).long()
        return ((x.float() / 255 - MEAN) / STD)[:, None], y

    x_all, y_all = load("train")
    x_train, y_train = x_all[:TRAIN_ROWS], y_all[:TRAIN_ROWS]
    x_held, y_held = x_all[TRAIN_ROWS:], y_all[TRAIN_ROWS:]
    x_test, y_test = load("t10k")

    model = CifarResNet(args.blocks).to(memory_format=torch.channels_last)
    batch = 128
    steps = len(x_train) // batch
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, weight_decay=5e-4, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.2, total_steps=steps * args.epochs, pct_start=0.25)
    for epoch in range(args.epochs):
        model.train()
        order = torch.randperm(len(x_train), generator=generator)
        start, total = time.time(), 0.0
        for step in range(steps):
            rows = order[step * batch:(step + 1) * batch]
            x = augment(x_train[rows], generator).contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16):
                logits = model(x)
            loss = F.cross_entropy(logits.float(), y_train[rows], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}/{args.epochs} loss {total / steps:.4f} "
              f"held-out {accuracy(model, x_held, y_held):.4f} ({time.time() - start:.0f} s)", flush=True)

    model = model.to(memory_format=torch.contiguous_format)
    print(f"held-out accuracy {accuracy(model, x_held, y_held):.4f}, test accuracy {accuracy(model, x_test, y_test):.4f}")
    temporary = args.output + ".tmp"
    torch.save({"state_dict": {k: v.contiguous() for k, v in model.state_dict().items()}}, temporary)
    os.replace(temporary, args.output)


if __name__ == "__main__":
    main()
