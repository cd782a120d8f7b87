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
    "layer_norm": {".weight": (0.5, 1.5), ".bias": (-0.1, 0.1)},
    "linear_bias": {"": (-0.1, 0.1)},
    "word": {"": (-0.06, 0.06)},
    "position": {"": (-0.04, 0.04)},
    "type": {"": (-0.04, 0.04)},
}
# Of a transformer's linear layers: the deviation of what they give for inputs of unit variance. Wide queries and keys keep
# attention far from uniform, and a narrow way out of it keeps the tokens of twelve layers apart.
GAINS = {"score": 1.5, "attended": 0.5, "head": 2.0, "linear": 1.0}
ENDINGS = {
    "score": (".query", ".key", ".q_lin", ".k_lin"),
    "attended": (".attention.output.dense", ".out_lin"),
    "head": ("classifier", ".pooler.dense"),
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


def token_ids(key, count, vocabulary):
    """int64 array of `count` ids below `vocabulary` (at most 2^23, so that rounding never reaches it)."""
    return uniform(key + "/ids", (count,), 0, vocabulary).astype(np.int64)


def inputs(key, shape):
    """(N, C, H, W) float32 in [-2, 2): noise, and patches of 24 x 24 pixels, which do not average away in pooling."""
    rows, channels, height, width = shape
    coarse = (rows, channels, -(-height // INPUT_PATCH), -(-width // INPUT_PATCH))
    patches = uniform(key + "/patches", coarse, -1, 1).repeat(INPUT_PATCH, axis=2).repeat(INPUT_PATCH, axis=3)
    return uniform(key + "/noise", shape, -1, 1) + patches[:, :, :height, :width]


def he_bound(fan_in):
    """He et al., arXiv 1502.01852, equation 10, as a uniform distribution."""
    return round(math.sqrt(6.0 / fan_in), 6)


def residual_rules(names, name, module):
    """Of a module of a residual network: [(tensor, kind, shape, the kind's distribution)]."""
    if isinstance(module, torch.nn.BatchNorm2d):
        last = name.endswith(".bn3") or (name.endswith(".bn2") and name[:-1] + "3" not in names)
        kind = "last_norm" if last else "norm"
        yield name, kind, module.weight.shape, KINDS[kind]
    elif isinstance(module, torch.nn.GroupNorm):
        yield name, "layer_norm", module.weight.shape, KINDS["layer_norm"]
    elif isinstance(module, (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Linear)):
        fan_in = math.prod(module.weight.shape[1:])
        bound = he_bound(fan_in)
        yield name + ".weight", f"he_{fan_in}", module.weight.shape, {"": (-bound, bound)}
        if module.bias is not None:
            yield name + ".bias", "bias", module.bias.shape, KINDS["bias"]


def transformer_rules(names, name, module):
    """The same of a module of a BERT. Embeddings are narrow enough that the epsilon of their layer norm can be seen."""
    if isinstance(module, torch.nn.Embedding):
        kind = name.rsplit(".", 1)[-1].removeprefix("token_").removesuffix("_embeddings")
        yield name + ".weight", kind, module.weight.shape, KINDS[kind]
    elif isinstance(module, torch.nn.LayerNorm):
        yield name, "layer_norm", module.weight.shape, KINDS["layer_norm"]
    elif isinstance(module, torch.nn.Linear):
        fan_in = module.weight.shape[1]
        kind = next((kind for kind, endings in ENDINGS.items() if name.endswith(endings)), "linear")
        bound = round(GAINS[kind] * math.sqrt(3.0 / fan_in), 6)  # a uniform distribution's deviation is bound / sqrt(3)
        yield name + ".weight", f"{kind}_{fan_in}", module.weight.shape, {"": (-bound, bound)}
        yield name + ".bias", "linear_bias", module.bias.shape, KINDS["linear_bias"]


def describe(model, rules=residual_rules):
    """What index.json says of a net: [(name, kind, shape)] in the order of the modules, and the kinds that it uses."""
    names = {name for name, _ in model.named_modules()}
    tensors, kinds = [], {}
    for name, module in model.named_modules():
        for tensor, kind, shape, distribution in rules(names, name, module):
            tensors.append((tensor, kind, list(shape)))
            kinds[kind] = distribution
    return tensors, kinds


def fill(model, net, rules=residual_rules):
    """Overwrites every weight and statistic of `model`; keys are "NET/TENSOR"."""
    tensors, kinds = describe(model, rules)
    state = {}
    for name, kind, shape in tensors:
        for suffix, (lo, hi) in kinds[kind].items():
            state[name + suffix] = torch.from_numpy(uniform(f"{net}/{name}{suffix}", shape, lo, hi))
    missing = [name for name in model.state_dict() if name not in state and not name.endswith("num_batches_tracked")]
    if missing:
        raise ValueError(f"{net}: no rule for {missing}")
    model.load_state_dict(state, strict=False)
    return model.eval()
