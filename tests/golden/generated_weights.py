"""Weights and inputs from an integer hash, the same to the bit here and in tests/public/golden_nets.h, so that the goldens
need no weight files.

    element i of tensor KEY:  u = (splitmix64(fnv1a64(KEY) + i) >> 40) * 2^-24         in [0, 1), exact in float32
                              value = lo + (hi - lo) * u                               float32, no fused multiply-add

splitmix64: Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators". FNV-1a: Fowler, Noll, Vo.
"""

import math

import numpy as np
import torch

FNV_OFFSET, FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3
INPUT_PATCH = 24  # pixels: see inputs()

# What a module's tensors are drawn from: kind -> {suffix: (lo, hi)}. Statistics are far from 0 and 1, so that BatchNorm
# matters; the last BatchNorm of a block is small, so that a hundred residual blocks neither explode nor drown the rest.
KINDS = {
    "norm": {".weight": (0.5, 1.0), ".bias": (-0.2, 0.2), ".running_mean": (-0.3, 0.3), ".running_var": (0.6, 1.6)},
    "last_norm": {".weight": (0.1, 0.3), ".bias": (-0.2, 0.2), ".running_mean": (-0.3, 0.3), ".running_var": (0.6, 1.6)},
    "bias": {"": (-0.5, 0.5)},
}


def fnv1a64(key):
    value = FNV_OFFSET
    for byte in key.encode():
        value = (value ^ byte) * FNV_PRIME & 0xFFFFFFFFFFFFFFFF
    return value


def uniform(key, shape, lo, hi):
    """float32 array of `shape`, uniform in [lo, hi)."""
    count = math.prod(shape)
    with np.errstate(over="ignore"):
        z = np.uint64(fnv1a64(key)) + np.arange(count, dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    u = (z >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-24)
    lo, hi = np.float32(lo), np.float32(hi)
    return (lo + (hi - lo) * u).reshape(shape)


def inputs(key, shape):
    """(N, C, H, W) float32 in [-2, 2): noise, and patches of 24 x 24 pixels, which do not average away in pooling."""
    rows, channels, height, width = shape
    coarse = (rows, channels, -(-height // INPUT_PATCH), -(-width // INPUT_PATCH))
    patches = uniform(key + "/patches", coarse, -1, 1).repeat(INPUT_PATCH, axis=2).repeat(INPUT_PATCH, axis=3)
    return uniform(key + "/noise", shape, -1, 1) + patches[:, :, :height, :width]


def he_bound(fan_in):
    """He et al., arXiv 1502.01852, equation 10, as a uniform distribution."""
    return round(math.sqrt(6.0 / fan_in), 6)


def describe(model):
    """What index.json says of a net: [(name, kind, shape)] in the order of the modules, and the kinds that it uses."""
    names = {name for name, _ in model.named_modules()}
    tensors, kinds = [], {}

    def add(name, kind, shape, distribution):
        tensors.append((name, kind, list(shape)))
        kinds[kind] = distribution

    for name, module in model.named_modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            last = name.endswith(".bn3") or (name.endswith(".bn2") and name[:-1] + "3" not in names)
            kind = "last_norm" if last else "norm"
            add(name, kind, module.weight.shape, KINDS[kind])
        elif isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            fan_in = math.prod(module.weight.shape[1:])
            bound = he_bound(fan_in)
            add(name + ".weight", f"he_{fan_in}", module.weight.shape, {"": (-bound, bound)})
            if module.bias is not None:
                add(name + ".bias", "bias", module.bias.shape, KINDS["bias"])
    return tensors, kinds


def fill(model, net):
    """Overwrites every weight and statistic of `model`; keys are "NET/TENSOR"."""
    tensors, kinds = describe(model)
    state = {}
    for name, kind, shape in tensors:
        for suffix, (lo, hi) in kinds[kind].items():
            state[name + suffix] = torch.from_numpy(uniform(f"{net}/{name}{suffix}", shape, lo, hi))
    missing = [name for name in model.state_dict() if name not in state and not name.endswith("num_batches_tracked")]
    if missing:
        raise ValueError(f"{net}: no rule for {missing}")
    model.load_state_dict(state, strict=False)
    return model.eval()
