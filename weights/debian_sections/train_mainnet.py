#!/usr/bin/env python3
"""Trains the bundled text MainNet from scratch: a BERT of 8 layers of width 128 over Debian's package descriptions.

    weights/debian_sections/make_data.py -o DATA
    pip install torch==2.13.0 transformers tokenizers
    weights/debian_sections/train_mainnet.py DATA -o FOLDER

Reads DATA/train.tsv alone: the vocabulary (WordPiece), masked-language-model pre-training (arXiv 1810.04805, section 3.1),
then the classifier; one row in twenty is held out of it to print progress. FOLDER becomes a Hugging Face folder. The
accuracy on DATA/calibration.tsv is printed at the end; DATA/test.tsv is never read here.
"""
import argparse
import json
import math
import os
import random
import sys
import time

sys.modules["torchvision"] = None  # not needed; transformers would load it, broken or not
import torch
from tokenizers import BertWordPieceTokenizer
from transformers import BertConfig, BertForMaskedLM, BertForSequenceClassification

MAX_TOKENS = 64
PAD, CLS, SEP, MASK, SPECIAL = 0, 2, 3, 4, 5  # ids: [PAD] [UNK] [CLS] [SEP] [MASK]


def read(path):
    with open(path, encoding="utf-8") as lines:
        next(lines)
        return [tuple(line.rstrip("\n").split("\t")) for line in lines]


def groups_of(rows, size, shuffle):
    """Batches of rows of like length, in random order."""
    order = list(range(len(rows)))
    shuffle.shuffle(order)
    groups = []
    for start in range(0, len(order), size * 50):
        part = sorted(order[start:start + size * 50], key=lambda i: len(rows[i]))
        groups += [part[i:i + size] for i in range(0, len(part), size)]
    shuffle.shuffle(groups)
    return groups


def pad(rows):
    width = max(map(len, rows))
    return torch.tensor([row + [PAD] * (width - len(row)) for row in rows])


def mask_tokens(ids, vocabulary):
    """BERT's masking: 15 % of the tokens; of these 80 % [MASK], 10 % any token, 10 % left."""
    labels = ids.clone()
    chosen = (torch.rand(ids.shape) < 0.15) & (ids >= SPECIAL)
    labels[~chosen] = -100
    ids = ids.clone()
    kind = torch.rand(ids.shape)
    ids[chosen & (kind < 0.8)] = MASK
    change = chosen & (kind >= 0.9)
    ids[change] = torch.randint(SPECIAL, vocabulary, (int(change.sum()),))
    return ids, labels


def optimiser(model, rate, steps):
    decay = [p for p in model.parameters() if p.dim() > 1]
    rest = [p for p in model.parameters() if p.dim() <= 1]
    adamw = torch.optim.AdamW([{"params": decay, "weight_decay": 0.01}, {"params": rest, "weight_decay": 0.0}], lr=rate,
                              betas=(0.9, 0.98))
    return adamw, torch.optim.lr_scheduler.LambdaLR(
        adamw, lambda step: min((step + 1) / (0.08 * steps), max(0.0, (steps - step) / (0.92 * steps))))


def step(model, adamw, schedule, loss):
    adamw.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    adamw.step()
    schedule.step()


def accuracy(model, rows, labels):
    model.eval()
    right = 0
    with torch.inference_mode():
        for start in range(0, len(rows), 256):
            ids = pad(rows[start:start + 256])
            answers = model(ids, attention_mask=(ids != PAD).long()).logits.argmax(1)
            right += (answers == torch.tensor(labels[start:start + 256])).sum().item()
    model.train()
    return right / len(rows)


def pretrain(model, rows, vocabulary, epochs, shuffle, log):
    adamw, schedule = optimiser(model, 1e-3, epochs * math.ceil(len(rows) / 128))
    for epoch in range(epochs):
        total, count = 0.0, 0
        for group in groups_of(rows, 128, shuffle):
            ids = pad([rows[i] for i in group])
            attention = (ids != PAD).long()
            masked, labels = mask_tokens(ids, vocabulary)
            where = labels != -100
            if not where.any():
                continue
            # The vocabulary's product for the masked places alone.
            states = model.bert(masked, attention_mask=attention).last_hidden_state[where]
            loss = torch.nn.functional.cross_entropy(model.cls(states), labels[where])
            step(model, adamw, schedule, loss)
            total, count = total + loss.item(), count + 1
        log(f"masked words: epoch {epoch + 1}/{epochs} loss {total / count:.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--pretrain-epochs", type=int, default=24)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    shuffle = random.Random(arguments.seed)
    start = time.time()
    def log(text):
        print(f"{time.time() - start:6.0f} s  {text}", file=sys.stderr, flush=True)

    train = read(os.path.join(arguments.data, "train.tsv"))
    sections = sorted({section for _, section in train})
    os.makedirs(arguments.output, exist_ok=True)
    tokenizer = BertWordPieceTokenizer(lowercase=True)
    tokenizer.train_from_iterator([text for text, _ in train], vocab_size=8000, min_frequency=2, show_progress=False,
                                  special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    tokenizer.save_model(arguments.output)
    # Read again from its file: only then does it put [CLS] and [SEP] around a text.
    tokenizer = BertWordPieceTokenizer(os.path.join(arguments.output, "vocab.txt"), lowercase=True)
    tokenizer.enable_truncation(MAX_TOKENS)
    rows = [encoding.ids for encoding in tokenizer.encode_batch([text for text, _ in train])]
    labels = [sections.index(section) for _, section in train]
    assert all(row[0] == CLS and row[-1] == SEP for row in rows)
    log(f"{len(rows)} texts, {sum(map(len, rows))} tokens, {tokenizer.get_vocab_size()} pieces")

    config = BertConfig(vocab_size=tokenizer.get_vocab_size(), hidden_size=128, num_hidden_layers=8, num_attention_heads=4,
                        intermediate_size=512, max_position_embeddings=MAX_TOKENS, num_labels=len(sections),
                        id2label=dict(enumerate(sections)), label2id={s: i for i, s in enumerate(sections)})
    language = BertForMaskedLM(config)
    pretrain(language, rows, config.vocab_size, arguments.pretrain_epochs, shuffle, log)

    model = BertForSequenceClassification(config)
    model.bert.load_state_dict(language.bert.state_dict(), strict=False)  # the language model has no pooler
    order = list(range(len(rows)))
    shuffle.shuffle(order)
    held, used = order[:len(rows) // 20], order[len(rows) // 20:]
    held_rows, held_labels = [rows[i] for i in held], [labels[i] for i in held]
    fit_rows, fit_labels = [rows[i] for i in used], [labels[i] for i in used]
    adamw, schedule = optimiser(model, 5e-4, arguments.epochs * math.ceil(len(fit_rows) / 64))
    model.train()
    for epoch in range(arguments.epochs):
        total, count = 0.0, 0
        for group in groups_of(fit_rows, 64, shuffle):
            ids = pad([fit_rows[i] for i in group])
            logits = model(ids, attention_mask=(ids != PAD).long()).logits
            loss = torch.nn.functional.cross_entropy(logits, torch.tensor([fit_labels[i] for i in group]),
                                                     label_smoothing=0.05)
            step(model, adamw, schedule, loss)
            total, count = total + loss.item(), count + 1
        log(f"sections: epoch {epoch + 1}/{arguments.epochs} loss {total / count:.3f}, "
            f"held out {100 * accuracy(model, held_rows, held_labels):.2f} %")
    model.eval()
    model.save_pretrained(arguments.output)
    check = read(os.path.join(arguments.data, "calibration.tsv"))
    ids = [encoding.ids for encoding in tokenizer.encode_batch([text for text, _ in check])]
    print(json.dumps({"calibration_rows": len(check),
                      "accuracy": accuracy(model, ids, [sections.index(s) for _, s in check])}))


if __name__ == "__main__":
    main()
