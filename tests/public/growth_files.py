"""Files whose size grows with a number, each in another of its parts: for cli_growth_test.py. Standard library alone."""
import io
import json
import os
import struct
import zipfile

from cli_fixtures import write_safetensors

RESNET = {"sidenet.version": "1", "sidenet.architecture": '{"family":"resnet","name":"cifar_resnet8"}', "sidenet.labels": '["0","1"]',
          "sidenet.preprocessing": '{"mean":[],"std":[],"resize":32,"crop":0,"channels":3}'}


def fill(*shape, value=0.1):
    count = 1
    for extent in shape:
        count *= extent
    return shape, [value] * count


def conv_bn(tensors, conv, norm, outputs, inputs):
    tensors[conv + ".weight"] = fill(outputs, inputs, 3, 3)
    for part, value in (("weight", 1), ("bias", 0), ("running_mean", 0), ("running_var", 1)):
        tensors[f"{norm}.{part}"] = fill(outputs, value=value)


def resnet(blocks=1, classes=2):
    """One channel, three stages, `blocks` of them in the first."""
    tensors = {}
    conv_bn(tensors, "conv1", "bn1", 1, 3)
    for stage, count in ((1, blocks), (2, 1), (3, 1)):
        for block in range(count):
            for part in "12":
                conv_bn(tensors, f"layer{stage}.{block}.conv{part}", f"layer{stage}.{block}.bn{part}", 1, 1)
    tensors["linear.weight"], tensors["linear.bias"] = fill(classes, 1), fill(classes)
    return tensors


def prefix(path, n):
    write_safetensors(path, {"module." * n + "w": fill(1)})


def names(path, n):
    """Names with one long beginning."""
    write_safetensors(path, {f"layer1.{'x' * 2000}.{i}": fill(1) for i in range(n)})


def table(path, n):
    """A long name beside short ones."""
    write_safetensors(path, {"m" * (50 * n): fill(1), **{f"n{i}": fill(1) for i in range(n)}})


def metadata(path, n):
    write_safetensors(path, {"a": fill(1)}, {f"k{i}": "v" * 50 for i in range(n)})


def blocks(path, n):
    write_safetensors(path, resnet(n))


def modules(path, n):
    """Wrapped modules by names that are not torchvision's, of a network and a long head."""
    tensors = {"model.module." + name: tensor for name, tensor in resnet().items() if not name.startswith("linear")}
    tensors.update({f"model.module.stages.0.0.left.{3 * i}.weight": fill(1, 1, 1, 1) for i in range(n)})
    write_safetensors(path, {**tensors, **{f"head.fc.{i}.weight": fill(1, 1) for i in range(n)}})


def computed(path, n):
    """Weights of which each is computed of two."""
    tensors = resnet()
    for i in range(n):
        tensors[f"criterion.{i}.weight_orig"] = tensors[f"criterion.{i}.weight_mask"] = fill(1)
        tensors[f"loss.parametrizations.weight{i}.original0"] = tensors[f"loss.parametrizations.weight{i}.original1"] = fill(1)
    write_safetensors(path, tensors)


def shards(path, n):
    """A folder with weights in two files, and their index."""
    os.makedirs(path, exist_ok=True)
    parts = resnet(), {f"criterion.{i}": fill(1) for i in range(n)}
    for i, part in enumerate(parts):
        write_safetensors(os.path.join(path, f"{i}.safetensors"), part)
    with open(os.path.join(path, "model.safetensors.index.json"), "w", encoding="utf-8") as file:
        json.dump({"weight_map": {name: f"{i}.safetensors" for i, part in enumerate(parts) for name in part}}, file)


def classes(path, n):
    write_safetensors(path, resnet(1, n))


def with_exits(path, n, blocks_of_stage_1, tap):
    tensors, exits = resnet(blocks_of_stage_1), []
    for i in range(n):
        for part, tensor in (("mean", fill(1, value=0)), ("std", fill(1, value=1)), ("fc1.weight", fill(1, 1)),
                             ("fc1.bias", fill(1)), ("fc2.weight", fill(2, 1)), ("fc2.bias", fill(2))):
            tensors[f"exits.e{i}.{part}"] = tensor
        exits.append({"name": f"e{i}", "tap": tap(i), "pool": 1, "hidden": 1, "temperature": 1, "threshold": 2})
    name = f"cifar_resnet{2 * (blocks_of_stage_1 + 2) + 2}"
    write_safetensors(path, tensors, {**RESNET, "sidenet.architecture": json.dumps({"family": "resnet", "name": name}),
                                      "sidenet.exits": json.dumps(exits)})


def exits_at_one_tap(path, n):
    with_exits(path, n, 1, lambda i: "layer1.0")


def exits_at_many_taps(path, n):
    with_exits(path, n, n, lambda i: f"layer1.{i}")


def bert(path, layers, words=8):
    """A folder as Hugging Face has them."""
    tensors = {"embeddings.word_embeddings.weight": fill(words, 2), "embeddings.position_embeddings.weight": fill(512, 2),
               "embeddings.token_type_embeddings.weight": fill(2, 2), "pooler.dense.weight": fill(2, 2),
               "pooler.dense.bias": fill(2), "classifier.weight": fill(2, 2), "classifier.bias": fill(2)}

    def norm(name):
        tensors[name + ".weight"], tensors[name + ".bias"] = fill(2, value=1), fill(2)

    norm("embeddings.LayerNorm")
    for layer in range(layers):
        for part in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
                     "intermediate.dense", "output.dense"):
            tensors[f"encoder.layer.{layer}.{part}.weight"], tensors[f"encoder.layer.{layer}.{part}.bias"] = fill(2, 2), fill(2)
        for part in ("attention.output.LayerNorm", "output.LayerNorm"):
            norm(f"encoder.layer.{layer}.{part}")
    os.makedirs(path)
    write_safetensors(os.path.join(path, "model.safetensors"), tensors)
    with open(os.path.join(path, "config.json"), "w", encoding="utf-8") as file:
        json.dump({"model_type": "bert", "num_attention_heads": 1}, file)


def added_tokens(path, n):
    """A BERT whose tokenizer has n added tokens of one long beginning."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = special + ["a"]
    added = [{"id": i, "content": piece, "special": True} for i, piece in enumerate(special)]
    added += [{"id": len(pieces) + i, "content": "a" * 60 + f"{i:05}", "special": False} for i in range(n)]
    for token in added:
        token.update(single_word=False, lstrip=False, rstrip=False, normalized=False)
    bert(path, 1, len(pieces) + n)
    model = {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
             "vocab": {piece: i for i, piece in enumerate(pieces)}}
    tokenizer = {"added_tokens": added, "model": model,
                 "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                                "strip_accents": None, "lowercase": True},
                 "pre_tokenizer": {"type": "BertPreTokenizer"},
                 "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]}}
    with open(os.path.join(path, "tokenizer.json"), "w", encoding="utf-8") as file:
        json.dump(tokenizer, file)


def pickle_text(text):
    return b"X" + struct.pack("<I", len(text)) + text


def pickled_tensor():
    """The instructions that leave a tensor of one float on the stack."""
    storage = b"(" + pickle_text(b"storage") + b"ctorch\nFloatStorage\n" + pickle_text(b"0") + pickle_text(b"cpu") + b"K\x01tQ"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\x00(K\x01t(K\x01t\x89ccollections\nOrderedDict\n)RtR"


def pytorch(path, pickle, others=0):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("archive/data.pkl", b"\x80\x02}(" + pickle + b"u.")
        file.writestr("archive/data/0", bytes(4))
        for i in range(others):
            file.writestr(f"archive/other/{i}", b"")
    with open(path, "wb") as file:
        file.write(archive.getvalue())


def pickled_key(path, n):
    """A long key, and n items under it."""
    pytorch(path, pickle_text(b"w") + pickled_tensor() + pickle_text(b"k" * 20 * n) + b"r\7\0\0\0N" + b"j\7\0\0\0N" * n)


def entries(path, n):
    """An archive of n entries, and as many names of one tensor."""
    tensor = pickle_text(b"w") + pickled_tensor() + b"r\7\0\0\0"
    pytorch(path, tensor + b"".join(pickle_text(b"w%d" % i) + b"j\7\0\0\0" for i in range(n)), n)
