"""Small files for the tests of the command line on texts: a random two-layer BERT as a Hugging Face folder, and labelled texts."""
import json
import os
import random

from cli_fixtures import write_safetensors

HIDDEN, LAYERS, INNER, POSITIONS = 16, 2, 24, 20
CLASSES = ["fruit", "tool"]
WORDS = {"fruit": ["apple", "pear", "plum", "cherry", "fig"], "tool": ["hammer", "saw", "drill", "file", "pliers"]}
FILLERS = ["a", "the", "one", "old", "new", "small", "large", "is", "here", "##s", ".", ","]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + WORDS["fruit"] + WORDS["tool"] + FILLERS


def bert_tensors(classes=len(CLASSES), seed=1):
    """A state dict by Hugging Face's names; without classes an encoder alone."""
    rng = random.Random(seed)
    tensors = {}

    def table(name, shape, scale=1.0):
        count = 1
        for extent in shape:
            count *= extent
        tensors[name] = (shape, [rng.gauss(0, scale) for _ in range(count)])

    def linear(name, in_features, out_features):
        table(name + ".weight", (out_features, in_features), in_features ** -0.5)
        table(name + ".bias", (out_features,), 0.1)

    def norm(name):
        tensors[name + ".weight"] = ((HIDDEN,), [1.0] * HIDDEN)
        tensors[name + ".bias"] = ((HIDDEN,), [0.0] * HIDDEN)

    table("embeddings.word_embeddings.weight", (len(VOCABULARY), HIDDEN))
    table("embeddings.position_embeddings.weight", (POSITIONS, HIDDEN), 0.1)
    table("embeddings.token_type_embeddings.weight", (2, HIDDEN), 0.1)
    norm("embeddings.LayerNorm")
    for index in range(LAYERS):
        layer = f"encoder.layer.{index}."
        for name in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            linear(layer + name, HIDDEN, HIDDEN)
        norm(layer + "attention.output.LayerNorm")
        linear(layer + "intermediate.dense", HIDDEN, INNER)
        linear(layer + "output.dense", INNER, HIDDEN)
        norm(layer + "output.LayerNorm")
    linear("pooler.dense", HIDDEN, HIDDEN)
    if classes:
        tensors = {"bert." + name: value for name, value in tensors.items()}
        linear("classifier", HIDDEN, classes)
    return tensors


def write_bert_folder(folder, classes=CLASSES):
    os.makedirs(folder)
    write_safetensors(os.path.join(folder, "model.safetensors"), bert_tensors(len(classes)))
    config = {"model_type": "bert", "architectures": ["BertForSequenceClassification" if classes else "BertModel"],
              "layer_norm_eps": 1e-12, "hidden_act": "gelu", "num_attention_heads": 2, "num_hidden_layers": LAYERS, "hidden_size": HIDDEN,
              "intermediate_size": INNER, "vocab_size": len(VOCABULARY), "max_position_embeddings": POSITIONS}
    if classes:
        config["id2label"] = {str(i): name for i, name in enumerate(classes)}
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file)
    with open(os.path.join(folder, "vocab.txt"), "w", encoding="utf-8") as file:
        file.write("\n".join(VOCABULARY) + "\n")


def labelled_texts(rows, seed=1):
    """[(text, class name)]: each text has a word or more that tells."""
    rng = random.Random(seed)
    result = []
    for row in range(rows):
        name = CLASSES[row % 2]
        words = rng.choices(FILLERS[:9], k=rng.randrange(1, 4))
        for _ in range(rng.randrange(1, 4)):
            words.insert(rng.randrange(len(words) + 1), rng.choice(WORDS[name]))
        result.append((" ".join(words), name))
    return result


def write_tsv(path, rows):
    with open(path, "w", encoding="utf-8") as file:
        file.write("text\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in rows))
