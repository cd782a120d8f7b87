#!/usr/bin/env python3
"""Writes wirings/: networks whose state dicts are alike and whose logits are not, as PyTorch computes them.

    python3 tests/golden/make_wiring_goldens.py

Needs torch and torchvision. index.json is as make_resnet_goldens.py writes it; a net has "settings" too: what an import must be
told to compute the same logits. "cifar_plain" and "plain" need none.
"""
import json
import pathlib

import torch
from torch import nn
from torch.nn import functional

import generated_weights
import make_resnet_goldens
from nets import CifarBlock, CifarResNet, imagenet_resnet, small_stem

OUTPUT = pathlib.Path(__file__).resolve().parent / "wirings"


class ZerosBehind(CifarBlock):
    def forward(self, x):
        y = functional.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.pad:
            x = functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, 2 * self.pad))
        return functional.relu(y + self.shortcut(x))


def changed(net, change):
    change(net)
    return net


def one_block(block):
    """A ResNet of one block a stage: small, and with every kind of layer."""
    net = imagenet_resnet("resnet18" if block == "basic" else "resnet50", classes=7)
    for stage in range(1, 5):
        layer = getattr(net, f"layer{stage}")
        setattr(net, f"layer{stage}", nn.Sequential(layer[0]))
    return net


def stride_in_1x1(net):
    for stage in range(2, 5):
        block = getattr(net, f"layer{stage}")[0]
        block.conv1.stride, block.conv2.stride = (2, 2), (1, 1)


def last_stride_1(net):
    net.layer4[0].conv1.stride = net.layer4[0].downsample[0].stride = (1, 1)


def epsilon(net):
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 0.01


def gelu(net):
    net.relu = nn.GELU()
    for stage in range(1, 5):
        getattr(net, f"layer{stage}")[0].relu = nn.GELU()


def zeros_behind(net):
    for stage in range(1, 4):
        for block in getattr(net, f"layer{stage}"):
            block.__class__ = ZerosBehind


def stem(**attributes):
    def change(net):
        for name, value in attributes.items():
            setattr(net.conv1, name, value)
    return change


def without_pool(net):
    net.maxpool = nn.Identity()


def small_stem_with_pool(net):
    pool = net.maxpool
    small_stem(net)
    net.maxpool = pool


NETS = {
    "plain": (lambda: one_block("basic"), {}),
    "stem_stride": (lambda: changed(one_block("basic"), stem(stride=(1, 1))), {"stem_stride": "1"}),
    "stem_pool": (lambda: changed(one_block("basic"), without_pool), {"stem_pool": "none"}),
    "stem_padding": (lambda: changed(one_block("basic"), stem(padding=(1, 1))), {"stem_padding": "1"}),
    "small_stem_pool": (lambda: changed(one_block("basic"), small_stem_with_pool), {"stem_pool": "max"}),
    "strides": (lambda: changed(one_block("basic"), last_stride_1), {"strides": "1,2,2,1"}),
    "bottleneck_stride": (lambda: changed(one_block("bottleneck"), stride_in_1x1), {"bottleneck_stride": "1x1"}),
    "epsilon": (lambda: changed(one_block("basic"), epsilon), {"epsilon": "0.01"}),
    "activation": (lambda: changed(one_block("basic"), gelu), {"activation": "gelu"}),
    "cifar_plain": (lambda: CifarResNet(8, option="A"), {}),
    "shortcut_zeros": (lambda: changed(CifarResNet(8, option="A"), zeros_behind), {"shortcut_zeros": "behind"}),
}


def main():
    OUTPUT.mkdir(exist_ok=True)
    make_resnet_goldens.OUTPUT = OUTPUT
    index = {"kinds": {}, "nets": {}, "cases": []}
    for name, (make, settings) in NETS.items():
        model = generated_weights.fill(make(), name)
        tensors, kinds = generated_weights.describe(model)
        index["kinds"].update(kinds)
        index["nets"][name] = {"settings": settings, "num_batches_tracked": False, "tensors": tensors}
        size = (2, 64, 64) if "fc.weight" in model.state_dict() else (2, 32, 32)
        index["cases"].append(make_resnet_goldens.run_case(model, name, size, with_taps=False))
    text = make_resnet_goldens.dump(index)
    assert json.loads(text)["nets"].keys() == NETS.keys()
    (OUTPUT / "index.json").write_text(text)


if __name__ == "__main__":
    torch.manual_seed(0)
    main()
