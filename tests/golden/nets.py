"""The networks that goldens and benchmarks are made with, as PyTorch modules."""

import torch
from torch import nn
from torch.nn import functional


class CifarBlock(nn.Module):
    """Basic block (arXiv 1512.03385, section 4.2). Shortcut where the shape changes: option "A" pads with zero channels,
    option "B" is a 1x1 convolution."""

    def __init__(self, in_channels, channels, stride, option):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.pad = 0
        self.shortcut = nn.Sequential()
        if stride != 1 or in_channels != channels:
            if option == "A":
                self.pad = (channels - in_channels) // 2
            else:
                conv = nn.Conv2d(in_channels, channels, 1, stride, bias=False)
                self.shortcut = nn.Sequential(conv, nn.BatchNorm2d(channels))

    def forward(self, x):
        y = functional.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.pad:
            x = functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.pad, self.pad))
        return functional.relu(y + self.shortcut(x))


class CifarResNet(nn.Module):
    """ResNet of 6 n + 2 layers for small images: three stages of n blocks. Names as in public CIFAR checkpoints."""

    def __init__(self, depth, classes=10, in_channels=3, widths=(16, 16, 32, 64), option="A"):
        super().__init__()
        blocks = (depth - 2) // 6
        self.conv1 = nn.Conv2d(in_channels, widths[0], 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.layer1 = self._stage(blocks, widths[0], widths[1], 1, option)
        self.layer2 = self._stage(blocks, widths[1], widths[2], 2, option)
        self.layer3 = self._stage(blocks, widths[2], widths[3], 2, option)
        self.linear = nn.Linear(widths[3], classes)

    @staticmethod
    def _stage(blocks, in_channels, channels, stride, option):
        first = CifarBlock(in_channels, channels, stride, option)
        return nn.Sequential(first, *[CifarBlock(channels, channels, 1, option) for _ in range(blocks - 1)])

    def forward(self, x):
        x = functional.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean(dim=(2, 3)))


class PreActivationBlock(nn.Module):
    """Norms in front of the convolutions (arXiv 1603.05027). `raw`: the 1x1 shortcut reads the input as it is, else normed and
    activated; `second`: the second convolution has the stride."""

    def __init__(self, in_channels, channels, stride, shortcut, raw=False, second=False, bias=False):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, channels, 3, 1 if second else stride, 1, bias=bias)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride if second else 1, 1, bias=bias)
        self.raw, self.name = raw, shortcut
        if stride != 1 or in_channels != channels:
            conv = nn.Conv2d(in_channels, channels, 1, stride, bias=bias)
            setattr(self, shortcut, conv if shortcut == "convShortcut" else nn.Sequential(conv))

    def forward(self, x):
        y = functional.relu(self.bn1(x))
        projection = getattr(self, self.name, None)
        side = projection(x if self.raw else y) if projection else x
        return self.conv2(functional.relu(self.bn2(self.conv1(y)))) + side


class PreActivationNet(nn.Module):
    """A small one. last: the module of a norm behind the blocks, or none."""

    def __init__(self, last, widths=(16, 32, 48), classes=10, bias=False, **block):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=bias)
        channels = 16
        for stage, width in enumerate(widths):
            first = PreActivationBlock(channels, width, 2 if stage else 1, bias=bias, **block)
            second = PreActivationBlock(width, width, 1, bias=bias, **block)
            setattr(self, f"layer{stage + 1}", nn.Sequential(first, second))
            channels = width
        if last:
            setattr(self, last, nn.BatchNorm2d(channels))
        self.last = last
        self.linear = nn.Linear(channels, classes)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(self.conv1(x))))
        if self.last:
            x = functional.relu(getattr(self, self.last)(x))
        return self.linear(x.mean(dim=(2, 3)))


_library = None


def torchvision_models():
    """torchvision.models. A torchvision built for CUDA imports beside a CPU PyTorch once its operators are declared."""
    global _library
    if _library is None:
        _library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            try:
                _library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            except RuntimeError:
                pass  # torchvision's own library is loaded
    import torchvision

    return torchvision.models


def imagenet_resnet(name, classes=1000, in_channels=3):
    """A torchvision ResNet, ResNeXt or wide ResNet with untrained weights."""
    model = getattr(torchvision_models(), name)(weights=None, num_classes=classes)
    if in_channels != 3:
        model.conv1 = nn.Conv2d(in_channels, 64, 7, 2, 3, bias=False)
    return model


def small_stem(model):
    """The usual change of a torchvision ResNet for 32 x 32 images: a 3x3 stem at stride 1, and no max pooling."""
    model.conv1 = nn.Conv2d(model.conv1.in_channels, 64, 3, 1, 1, bias=False)
    model.maxpool = nn.Identity()
    return model
