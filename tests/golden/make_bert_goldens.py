#!/usr/bin/env python3
"""Writes bert/: what transformers' BERTs give for generated weights and tokens, and index.json, which says how each was made.

    python3 tests/golden/make_bert_goldens.py

Needs torch and transformers. index.json:
  kinds  kind -> {suffix: [lo, hi]}: a tensor NAME of that kind stands for tensors NAME+suffix of the same shape
  nets   name -> {"architecture", "config": for config.json, "tensors": [[name, kind, shape, count?]]}; with a count the
         name's "*" is 0 … count - 1
  cases  [{"net", "key" of the tokens, "rows": [[tokens, of these in the first text]]
           "logits"?: file (rows, classes)
           "taps"?: {tap: file (rows, 2 hidden), that of [CLS] before the mean over the row's tokens}}]

A case's rows go through PyTorch as one batch, padded and masked. checkpoint.bin and checkpoint_legacy.bin hold the net
"checkpoint" as pre-training leaves it, in both of PyTorch's formats.
"""

import json
import math
import pathlib
import sys

import numpy as np
import torch

sys.modules["torchvision"] = None  # not needed, and a broken one would stop transformers
import transformers  # noqa: E402
from transformers import BertConfig, BertForSequenceClassification, BertModel  # noqa: E402
from transformers import DistilBertConfig, DistilBertForSequenceClassification  # noqa: E402

import generated_weights  # noqa: E402
from make_resnet_goldens import dump  # noqa: E402

OUTPUT = pathlib.Path(__file__).resolve().parent / "bert"


def bert(layers, hidden, heads, intermediate, classes, **others):
    return BertConfig(num_hidden_layers=layers, hidden_size=hidden, num_attention_heads=heads, num_labels=classes,
                      intermediate_size=intermediate, **others)


# Name: the architecture that the engine should recognise, and the configuration; no classes: headless.
NETS = {
    "bert_base": ("bert-base", bert(12, 768, 12, 3072, 4)),
    "minilm": ("bert-6x384", bert(6, 384, 12, 1536, 2)),
    "distilbert": ("distilbert-6x768", DistilBertConfig(num_labels=3)),
    "bert_tiny": ("bert-tiny", bert(2, 128, 2, 512, 7)),
    "gelu_new": ("bert-3x96", bert(3, 96, 3, 384, 5, vocab_size=500, hidden_act="gelu_new")),
    "relu": ("bert-3x96", bert(3, 96, 6, 384, 5, vocab_size=500, hidden_act="relu", layer_norm_eps=1e-5)),
    "odd": ("bert-4x60", bert(4, 60, 5, 100, 11, vocab_size=333, max_position_embeddings=515, type_vocab_size=3)),
    "headless": ("bert-3x192", bert(3, 192, 6, 768, 0, vocab_size=1000)),
    "checkpoint": ("bert-1x12", bert(1, 12, 3, 20, 3, vocab_size=30, max_position_embeddings=16)),
}

# Tokens of each row, and how many of them are the first text's.
MIXED = [(1, 1), (7, 4), (512, 512), (64, 20), (2, 2), (511, 200), (128, 127)]
SHORT = [(2, 2), (7, 3), (64, 33)]
CASES = {
    "bert_base": [SHORT, [(128, 128), (1, 1)]],
    "minilm": [SHORT, MIXED],
    "distilbert": [SHORT, [(1, 1), (511, 511), (128, 128)]],
    "bert_tiny": [SHORT, MIXED],
    "gelu_new": [SHORT, MIXED],
    "relu": [SHORT, MIXED],
    "odd": [SHORT, MIXED + [(515, 1)]],
    "headless": [SHORT, [(1, 1), (511, 511), (7, 5)]],
    "checkpoint": [[(16, 7), (1, 1), (5, 5)]],
}

CONFIG_KEYS = {
    "model_type", "num_hidden_layers", "hidden_size", "num_attention_heads", "intermediate_size", "hidden_act", "vocab_size",
    "max_position_embeddings", "type_vocab_size", "layer_norm_eps", "n_layers", "dim", "n_heads", "hidden_dim", "activation",
}


def make(config):
    config._attn_implementation = "eager"  # gives the attention's probabilities too
    if isinstance(config, DistilBertConfig):
        return DistilBertForSequenceClassification(config)
    if config.num_labels == 0:
        return BertModel(config, add_pooling_layer=False)
    return BertForSequenceClassification(config)


def padded(key, rows, config):
    """What transformers takes; what is padded has the id 0 and the mask 0."""
    longest = max(length for length, _ in rows)
    ids, types, mask = (torch.zeros(len(rows), longest, dtype=torch.int64) for _ in range(3))
    tokens = torch.from_numpy(generated_weights.token_ids(key, sum(length for length, _ in rows), config.vocab_size))
    first = 0
    for row, (length, first_text) in enumerate(rows):
        ids[row, :length] = tokens[first : first + length]
        types[row, first_text:length] = 1
        mask[row, :length] = 1
        first += length
    arguments = {"input_ids": ids, "attention_mask": mask}
    return arguments if isinstance(config, DistilBertConfig) else {**arguments, "token_type_ids": types}


class ActivationInputs:
    """Hooks that see what every activation function gets."""

    def __init__(self, model):
        self.values, self.hooks = [], []
        for name, module in model.named_modules():
            if name.endswith(("intermediate.dense", "ffn.lin1")):
                self.hooks.append(module.register_forward_hook(lambda _, __, y: self.values.append(y)))

    def describe(self, mask):
        for hook in self.hooks:
            hook.remove()
        real = torch.cat([y[mask.bool()].flatten() for y in self.values])
        return f"activation inputs std {real.std():.2f}, above 0 {(real > 0).float().mean():.2f}"


def describe_attention(attentions, rows):
    """Of the longest row, over heads and queries of each layer: entropy over that of uniform attention, and mean maximum."""
    row, length = max(enumerate(length for length, _ in rows), key=lambda item: item[1])
    parts = []
    for layer in attentions:
        p = layer[row, :, :length, :length].double()
        entropy = -(p * p.clamp_min(1e-300).log()).sum(-1) / math.log(length)
        parts.append(f"{entropy.mean():.2f}/{p.max(-1).values.mean():.2f}")
    return f"attention over {length} tokens, entropy/max " + " ".join(parts)


def tap_features(hidden_states, mask, tap):
    """[CLS], then the mean over a row's own tokens."""
    y = hidden_states[int(tap.rsplit(".", 1)[-1]) + 1]
    weights = mask.unsqueeze(-1).float()
    return torch.cat([y[:, 0], (y * weights).sum(1) / weights.sum(1)], dim=1).numpy()


def fold_layers(tensors, layers):
    """The layers' tensors once, as describe() gives them for the first."""
    folded = []
    for name, kind, shape in tensors:
        head, layer, rest = name.partition(".layer.")
        if not layer:
            folded.append((name, kind, shape))
        elif rest.startswith("0."):
            folded.append((f"{head}.layer.*{rest[1:]}", kind, shape, layers))
    return folded


def run_case(model, net, number, rows):
    config = model.config
    stem = f"{net}_{number}"
    arguments = padded(stem, rows, config)
    activations = ActivationInputs(model)
    with torch.inference_mode():
        output = model(**arguments, output_hidden_states=True, output_attentions=True)
        statistics = activations.describe(arguments["attention_mask"])
        double = model.double()(**arguments)
        model.float()
    case = {"net": net, "key": stem, "rows": [list(row) for row in rows]}
    print(f"{stem}: {statistics}; {describe_attention(output.attentions, rows)}")
    if config.num_labels > 0:
        logits = output.logits.numpy()
        case["logits"] = f"{stem}.npy"
        np.save(OUTPUT / case["logits"], logits)
        rounding = (output.logits - double.logits).abs().max() / output.logits.abs().max()
        print(f"  logits {logits.min():.2f} … {logits.max():.2f}, std {logits.std():.2f}, between rows "
              f"{logits.std(axis=0).mean():.3f}; float32 is off by {rounding:.1e} of the largest")
    if (number == 0 or config.num_labels == 0) and net != "bert_base":
        taps = [f"encoder.layer.{config.num_hidden_layers - 1}"]
        if number == 0 and config.hidden_size < 768:
            taps.insert(0, "encoder.layer.0")
        case["taps"] = {tap: f"{stem}.{tap}.npy" for tap in taps}
        for tap, file in case["taps"].items():
            features = tap_features(output.hidden_states, arguments["attention_mask"], tap)
            np.save(OUTPUT / file, features)
            print(f"  {tap}: std {features.std():.2f}, between rows {features.std(axis=0).mean():.2f}", flush=True)
    return case


def save_checkpoint(model):
    """The net as a checkpoint of pre-training: with position ids, and a masked-language head whose decoder is tied."""
    state = dict(model.state_dict())
    words = state["bert.embeddings.word_embeddings.weight"]
    state["bert.embeddings.position_ids"] = torch.arange(model.config.max_position_embeddings).unsqueeze(0)
    state["cls.predictions.decoder.weight"] = words
    state["cls.predictions.bias"] = torch.zeros(words.shape[0])
    state["cls.seq_relationship.weight"] = torch.zeros(2, words.shape[1])
    torch.save(state, OUTPUT / "checkpoint.bin")
    torch.save(state, OUTPUT / "checkpoint_legacy.bin", _use_new_zipfile_serialization=False)


def main():
    transformers.logging.set_verbosity_error()
    torch.manual_seed(0)
    OUTPUT.mkdir(exist_ok=True)
    index = {"kinds": {}, "nets": {}, "cases": []}
    rules = generated_weights.transformer_rules
    for net, (architecture, config) in NETS.items():
        model = generated_weights.fill(make(config), net, rules)
        tensors, kinds = generated_weights.describe(model, rules)
        index["kinds"].update(kinds)
        kept = {key: value for key, value in config.to_dict().items() if key in CONFIG_KEYS}
        index["nets"][net] = {"architecture": architecture, "config": kept,
                                "tensors": fold_layers(tensors, config.num_hidden_layers)}
        for number, rows in enumerate(CASES[net]):
            index["cases"].append(run_case(model, net, number, rows))
        if net == "checkpoint":
            save_checkpoint(model)
    text = dump(index)
    assert json.loads(text)["nets"].keys() == NETS.keys()  # dump() writes its own brackets
    (OUTPUT / "index.json").write_text(text)


if __name__ == "__main__":
    main()
