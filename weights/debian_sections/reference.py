#!/usr/bin/env python3
"""PyTorch's logits of the bundled MainNet for a few rows of token ids, as `sidenet import --check` takes them.

    python3 weights/debian_sections/reference.py MODEL FOLDER      # prints the argument of --check

MODEL is the model file: its tensors have transformers' names, but for the prefix "bert.".
"""
import json
import pathlib
import sys

import safetensors
import torch

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tools"))
from reference_logits import import_transformers, save_reference  # noqa: E402

LENGTHS = (3, 9, 24, 40)


def read_model(path):
    """Metadata and MainNet's tensors of a model file."""
    with safetensors.safe_open(path, "pt") as file:
        names = [name for name in file.keys() if name.startswith(("embeddings.", "encoder.", "pooler.", "classifier."))]
        return file.metadata(), {name: file.get_tensor(name).float() for name in names}


def mainnet(path):
    transformers = import_transformers()
    metadata, tensors = read_model(path)
    settings = json.loads(metadata["sidenet.architecture"])["settings"]
    words, types = tensors["embeddings.word_embeddings.weight"], tensors["embeddings.token_type_embeddings.weight"]
    layers = {name.split(".")[2] for name in tensors if name.startswith("encoder.layer.")}
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=words.shape[1], num_hidden_layers=len(layers), type_vocab_size=len(types),
        num_attention_heads=int(settings["num_attention_heads"]), hidden_act=settings["hidden_act"],
        layer_norm_eps=float(settings["layer_norm_eps"]), num_labels=len(tensors["classifier.weight"]),
        intermediate_size=len(tensors["encoder.layer.0.intermediate.dense.weight"]),
        max_position_embeddings=len(tensors["embeddings.position_embeddings.weight"]))
    net = transformers.BertForSequenceClassification(config)
    net.load_state_dict({name if name.startswith("classifier.") else "bert." + name: tensor for name, tensor in tensors.items()})
    return net


def main():
    torch.manual_seed(1)
    net = mainnet(sys.argv[1])
    ids = torch.zeros(len(LENGTHS), max(LENGTHS), dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for row, length in enumerate(LENGTHS):
        ids[row, :length] = torch.randint(5, net.config.vocab_size, (length,))
        mask[row, :length] = 1
    print(save_reference(net, {"input_ids": ids, "attention_mask": mask}, sys.argv[2]))


if __name__ == "__main__":
    main()
