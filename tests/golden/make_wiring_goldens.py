#!/usr/bin/env python3
"""Writes wirings/: networks whose state dicts are alike and whose logits are not, as PyTorch computes them.

    python3 tests/golden/make_wiring_goldens.py

Needs torch and torchvision. index.json is as make_resnet_goldens.py writes it; a net has "settings" too: what an import must be
told to compute the same logits. Those without any need none. "untold" is of a net that is refused without its settings.
"""
import json
import pathlib

import torch
from torch import nn
from torch.nn import functional

import generated_weights
import make_resnet_goldens
from nets import CifarBlock, CifarResNet, PreActivationNet, imagenet_resnet, small_stem

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


class ZerosBefore(CifarBlock):
    def forward(self, x):
        y = functional.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.pad:
            x = functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 2 * self.pad, 0))
        return functional.relu(y + self.shortcut(x))


class MeansAndZeros(CifarBlock):
    def forward(self, x):
        y = functional.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.pad:
            x = functional.pad(functional.avg_pool2d(x, 2), (0, 0, 0, 0, 0, 2 * self.pad))
        return functional.relu(y + self.shortcut(x))


def option_a(block):
    def change(net):
        for stage in range(1, 4):
            for each in getattr(net, f"layer{stage}"):
                each.__class__ = block
    return change


def max_head(net):
    net.avgpool = nn.AdaptiveMaxPool2d(1)


def first_blocks(net):
    return [getattr(net, f"layer{stage}")[0] for stage in range(1, 5)]


def stride_in_second(net):
    for block in first_blocks(net):
        block.conv2.stride, block.conv1.stride = block.conv1.stride, (1, 1)


def dilate(conv, dilation):
    conv.stride, conv.dilation, conv.padding = (1, 1), (dilation, dilation), (dilation, dilation)


def output_stride_8(net):
    for block, first, second in ((net.layer3[0], 1, 2), (net.layer4[0], 2, 4)):
        dilate(block.conv1, first)
        dilate(block.conv2, second)
        block.downsample[0].stride = (1, 1)


def blur(x):
    weight = torch.tensor([1.0, 2.0, 1.0]) / 4
    weight = (weight[:, None] * weight).expand(x.shape[1], 1, 3, 3)
    return functional.conv2d(functional.pad(x, (1, 1, 1, 1), mode="reflect"), weight, stride=2, groups=x.shape[1])


def average(x):
    return functional.avg_pool2d(x, 2)


class BlurredConv(nn.Conv2d):
    def forward(self, x):
        return super().forward(blur(x))


class AveragedConv(nn.Conv2d):
    def forward(self, x):
        return super().forward(average(x))


class BlurredMaxPool(nn.Module):
    def forward(self, x):
        return blur(functional.max_pool2d(x, 3, 1, 1))


def smoothed(conv, pool):
    def change(net):
        net.maxpool = pool
        for block in first_blocks(net)[1:]:
            block.conv1.stride = (1, 1)
            block.conv2.__class__ = conv
    return change


def resnet_d(net):
    def conv(in_channels, channels, stride=1):
        return nn.Conv2d(in_channels, channels, 3, stride, 1, bias=False)

    net.conv1 = nn.Sequential(conv(3, 16, 2), nn.BatchNorm2d(16), nn.ReLU(), conv(16, 24), nn.BatchNorm2d(24), nn.ReLU(),
                              conv(24, 64))
    net.conv1.in_channels = 3
    for block in first_blocks(net)[1:]:
        block.downsample[0].stride = (1, 1)
        block.downsample = nn.Sequential(nn.AvgPool2d(2, 2, ceil_mode=True, count_include_pad=False), *block.downsample)


class SqueezeExcite(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(channels, 8, 1), nn.Conv2d(8, channels, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.fc2(functional.relu(self.fc1(x.mean((2, 3), keepdim=True)))))


class EfficientAttention(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv1d(1, 1, 5, padding=2, bias=False)

    def forward(self, x):
        return x * torch.sigmoid(self.conv(x.mean((2, 3))[:, None]))[:, 0, :, None, None]


class AttendingBlock(CifarBlock):
    def forward(self, x):
        y = self.se(self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x))))))
        return functional.relu(y + self.shortcut(x))


def with_attention(attention):
    def change(net):
        for stage in range(1, 4):
            for block in getattr(net, f"layer{stage}"):
                block.__class__ = AttendingBlock
                block.se = attention(block.bn2.num_features)
    return change


def group_norm(channels):
    return nn.GroupNorm(8, channels)


def group_norms(net):
    for module in list(net.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm2d):
                setattr(module, name, group_norm(child.num_features))


class FusedBlock(CifarBlock):
    def forward(self, x):
        return functional.relu(self.conv2(functional.relu(self.conv1(x))) + self.shortcut(x))


class FusedNet(CifarResNet):
    """As it is with its norms computed into the convolutions."""

    def __init__(self):
        super().__init__(8, option="B")
        del self.bn1
        self.conv1.bias = nn.Parameter(torch.zeros(16))
        for stage in (self.layer1, self.layer2, self.layer3):
            for block in stage:
                block.__class__ = FusedBlock
                del block.bn1, block.bn2
                block.shortcut = block.shortcut[:1]
                for conv in (block.conv1, block.conv2, *block.shortcut):
                    conv.bias = nn.Parameter(torch.zeros(conv.out_channels))

    def forward(self, x):
        x = functional.relu(self.conv1(x))
        return self.linear(self.layer3(self.layer2(self.layer1(x))).mean(dim=(2, 3)))


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
    "zeros_before": (lambda: changed(CifarResNet(8, option="A"), option_a(ZerosBefore)), {"shortcut_zeros": "before"}),
    "shortcut_pool": (lambda: changed(CifarResNet(8, option="A"), option_a(MeansAndZeros)),
                      {"shortcut_zeros": "behind", "shortcut_pool": "average"}),
    "basic_stride": (lambda: changed(one_block("basic"), stride_in_second), {"basic_stride": "second"}),
    "output_stride": (lambda: changed(one_block("basic"), output_stride_8), {"output_stride": "8"}),
    "head_pool": (lambda: changed(one_block("basic"), max_head), {"head_pool": "max"}),
    "blur": (lambda: changed(one_block("basic"), smoothed(BlurredConv, BlurredMaxPool())), {"antialias": "blur"}),
    "average": (lambda: changed(one_block("basic"), smoothed(AveragedConv, nn.AvgPool2d(2))), {"antialias": "average"}),
    "resnet_d": (lambda: changed(one_block("bottleneck"), resnet_d), {}),
    "squeeze_excite": (lambda: changed(CifarResNet(8, option="B"), with_attention(SqueezeExcite)), {}),
    "efficient_attention": (lambda: changed(CifarResNet(8, option="B"), with_attention(EfficientAttention)), {}),
    "fused": (FusedNet, {}),
    "preact": (lambda: PreActivationNet(None, shortcut="shortcut"), {}),
    "preact_raw": (lambda: PreActivationNet("bn", shortcut="downsample", raw=True), {}),
    "wide": (lambda: PreActivationNet("bn1", shortcut="convShortcut", widths=(32, 64, 128)), {}),
    "wide_biased": (lambda: PreActivationNet("bn1", shortcut="shortcut", widths=(32, 64, 128), raw=True, second=True, bias=True),
                    {"shortcut_input": "raw", "basic_stride": "second"}),
    "preact_untold": (lambda: PreActivationNet("bn", shortcut="shortcut"), {"shortcut_input": "activated"}),
    "norm_groups": (lambda: changed(CifarResNet(8, option="B"), group_norms), {"norm_groups": "8"}),
}
UNTOLD = ("wide_biased", "preact_untold", "norm_groups")


def main():
    OUTPUT.mkdir(exist_ok=True)
    make_resnet_goldens.OUTPUT = OUTPUT
    index = {"kinds": {}, "nets": {}, "cases": []}
    for name, (make, settings) in NETS.items():
        model = generated_weights.fill(make(), name)
        tensors, kinds = generated_weights.describe(model)
        index["kinds"].update(kinds)
        index["nets"][name] = {"settings": settings, "num_batches_tracked": False, "tensors": tensors}
        if name in UNTOLD:
            index["nets"][name]["untold"] = True
        size = (2, 64, 64) if "fc.weight" in model.state_dict() else (2, 32, 32)
        if name == "resnet_d":
            size = (2, 72, 72)  # 9 and 5 pixels a side in front of averaged shortcuts
        index["cases"].append(make_resnet_goldens.run_case(model, name, size, with_taps=False))
    text = make_resnet_goldens.dump(index)
    assert json.loads(text)["nets"].keys() == NETS.keys()
    (OUTPUT / "index.json").write_text(text)


if __name__ == "__main__":
    torch.manual_seed(0)
    main()
