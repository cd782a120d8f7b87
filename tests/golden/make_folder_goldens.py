"""Writes tokenizer/folders.json: small tokenizer folders, and what AutoTokenizer of transformers 5 makes of texts with each.
Needs `transformers`, `tokenizers`.

    python3 make_folder_goldens.py

{"texts", "pairs", "folders"}. A folder has "name", "files" (contents by name: a string as it is, else as JSON), and "rows": ids
of the texts, then of the pairs, with " | " in front of the second text's where its type is 1. Texts are cut to model_max_length.
"""

import copy
import json
import os
import pathlib
import tempfile

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import nets

nets.torchvision_models()  # transformers imports it
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import AutoTokenizer

TARGET = pathlib.Path(__file__).parent / "tokenizer" / "folders.json"
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PIECES = SPECIALS + ["the", "The", "film", "Film", "was", "good", "Good", "bad", "e", "é", "##e", "##é", "co", "##vid", "a", "b", ".",
                     "[", "]", "mask", "ent", "<", ">", "user", "中", "文", "中文", "<s>", "</s>"]
TEXTS = ["The film was Good.", "É é", "[MASK] good[SEP]bad [mask]", "covid19 COVID19 acovid19b", "[ENT] a [ent]", "<user> bad", "中文",
         "a b . a b . a b . bad", "<s> a"]
PAIRS = [("the film", "a b a b"), ("a b a b a b a b", "bad"), ("a", "b . b . b . b . b .")]
CONFIG = {"model_type": "bert", "vocab_size": 40}


def vocabulary(pieces=None):
    return "".join(piece + "\n" for piece in pieces or PIECES)


def tokenizer_json(pieces=None, lower_case=True, change=lambda tokenizer: None):
    pieces = pieces or PIECES
    tokenizer = Tokenizer(models.WordPiece({p: i for i, p in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lower_case)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0", pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[(p, pieces.index(p)) for p in ("[CLS]", "[SEP]")])
    tokenizer.add_special_tokens([p for p in SPECIALS if p in pieces])
    change(tokenizer)
    return json.loads(tokenizer.to_str())


def edited(document, *path, value=None):
    result = copy.deepcopy(document)
    place = result
    for key in path[:-1]:
        place = place[key]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return result


def flags(content, special, **more):
    return {"content": content, "lstrip": False, "rstrip": False, "normalized": not special, "single_word": False, "special": special, **more}


def folders():
    txt, lower, cased = {"vocab.txt": vocabulary()}, {"tokenizer.json": tokenizer_json()}, {"tokenizer.json": tokenizer_json(lower_case=False)}

    def said(**values):
        return {"tokenizer_config.json": values}

    file_class = {"tokenizer_class": "PreTrainedTokenizerFast"}
    entity = {"[ENT]": len(PIECES), "<user>": len(PIECES) + 1}
    decoder = {str(len(PIECES)): flags("[ENT]", True), str(len(PIECES) + 1): flags("covid19", False)}
    without_mask = [p for p in PIECES if p != "[MASK]"]
    holes = edited(edited(tokenizer_json(), "model", "vocab", "co"), "model", "vocab", "user")
    first = {"tokenizer.json": tokenizer_json(change=lambda t: t.enable_truncation(5, strategy="only_first"))}
    left = {"tokenizer.json": tokenizer_json(change=lambda t: t.enable_truncation(5, direction="left"))}
    own = {"tokenizer.json": tokenizer_json(change=lambda t: (t.add_special_tokens(["[ENT]"]), t.add_tokens(["COVID19"])))}
    yield "vocab.txt alone", txt
    yield "tokenizer.json alone", lower
    yield "a cased tokenizer.json alone is lowered", cased
    yield "do_lower_case false over a lowering tokenizer.json", lower | said(do_lower_case=False, tokenizer_class="BertTokenizer")
    yield "do_lower_case true over a cased tokenizer.json", cased | said(do_lower_case=True)
    yield "PreTrainedTokenizerFast: tokenizer.json as it is", cased | said(do_lower_case=True, **file_class)
    yield "PreTrainedTokenizerFast with token types", lower | said(model_input_names=["input_ids", "token_type_ids"], **file_class)
    yield "the class stands in config.json", cased | {"config.json": CONFIG | file_class}
    yield "DistilBertTokenizer gives no token types", txt | said(tokenizer_class="DistilBertTokenizerFast", do_lower_case=False)
    yield "accents and Chinese characters", txt | said(strip_accents=False, tokenize_chinese_chars=False)
    yield "tokenizer.json without a type of model", {"tokenizer.json": edited(tokenizer_json(), "model", "type")}
    yield "ids without a piece", {"tokenizer.json": holes}
    yield "a stale vocab.txt", lower | {"vocab.txt": vocabulary(PIECES[::-1])}
    yield "left truncation", txt | said(truncation_side="left", model_max_length=8)
    yield "left truncation of tokenizer.json", left | said(model_max_length=8)
    yield "tokenizer_config.json's side wins", left | said(truncation_side="right", model_max_length=7)
    yield "max_len", txt | said(max_len=6)
    yield "OnlyFirst is not what truncation=True does", first | said(model_max_length=9)
    yield "added_tokens.json", txt | {"added_tokens.json": entity, "special_tokens_map.json": {"additional_special_tokens": ["[ENT]"]}}
    yield "special tokens of added_tokens.json", txt | {"added_tokens.json": entity} | said(additional_special_tokens=["[ENT]"])
    yield "added_tokens_decoder", txt | said(added_tokens_decoder=decoder, tokenizer_class="BertTokenizer")
    yield "added_tokens_decoder hides tokenizer.json's", own | said(added_tokens_decoder={}, tokenizer_class="BertTokenizer")
    yield "added tokens of tokenizer.json", own
    yield "added tokens of PreTrainedTokenizerFast", own | said(**file_class)
    yield "extra special tokens that are new", txt | said(extra_special_tokens=["[ENT]", "<user>"])
    yield "no extra tokens in tokenizer_config.json", txt | {"special_tokens_map.json": {"additional_special_tokens": ["[ENT]"]}} | said(
        additional_special_tokens=[])
    yield "extra tokens with names of their own are no list", txt | {"special_tokens_map.json": {"additional_special_tokens": ["[ENT]"]}} | said(
        extra_special_tokens={"user_token": "<user>"})
    yield "a mask with white space on its left", {"tokenizer.json": edited(tokenizer_json(), "added_tokens", 4, "lstrip", value=True)}
    yield "special_tokens_map.json names others", txt | {"special_tokens_map.json": {"cls_token": "<s>", "sep_token": flags("</s>", True)}}
    yield "tokenizer_config.json names others", txt | said(cls_token="<s>", sep_token={"__type": "AddedToken", **flags("</s>", True)})
    yield "no mask in the vocabulary", {"vocab.txt": vocabulary(without_mask)}
    yield "no mask at all", txt | said(mask_token=None)
    yield "blank lines and a piece twice", {"vocab.txt": vocabulary(PIECES[:20] + ["", "", "good"] + PIECES[20:]) + "\n\n"}


def rows(tokenizer):
    lines = []
    for text in [(text,) for text in TEXTS] + PAIRS:
        row = tokenizer(*text, truncation=True, max_length=min(tokenizer.model_max_length, 32))
        types = row.get("token_type_ids", [0] * len(row["input_ids"]))
        parts = ["" if i == 0 else " | " if types[i] != types[i - 1] else " " for i in range(len(types))]
        lines.append("".join(part + str(each) for part, each in zip(parts, row["input_ids"])))
    return lines


def main():
    found = []
    for name, files in folders():
        with tempfile.TemporaryDirectory() as folder:
            for file, contents in ({"config.json": CONFIG} | files).items():
                text = contents if isinstance(contents, str) else json.dumps(contents)
                pathlib.Path(folder, file).write_text(text, encoding="utf-8")
            tokenizer = AutoTokenizer.from_pretrained(folder)
            if tokenizer.model_max_length > 32:
                tokenizer.model_max_length = 32
            found.append({"name": name, "files": files, "rows": rows(tokenizer)})
    document = {"texts": TEXTS, "pairs": PAIRS, "folders": found}
    TARGET.write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
