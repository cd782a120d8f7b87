"""What people bring to `sidenet import`: each case makes it, and says whether it is read or refused, and with which words.

The tests run each; docs/make_import_table.py writes what the command says of each into docs/import.md.
"""
import json
import os

from cli_fixtures import resnet8, write_safetensors
from text_fixtures import write_bert_folder

CASES = []


def case(group, what, *words, read=False, options=()):
    """The function below it makes the input in a folder and returns its path, within the folder."""
    def register(make):
        CASES.append({"group": group, "what": what, "words": words, "read": read, "options": options, "make": make})
        return make
    return register


def image_case(group, what, *words, **more):
    """The function below it changes a small ResNet's tensors, and may return metadata."""
    def register(change):
        def make(folder):
            tensors = resnet8(10)
            metadata = change(tensors)
            write_safetensors(os.path.join(folder, "net.safetensors"), tensors, metadata)
            return "net.safetensors"
        case(group, what, *words, **more)(make)
        return change
    return register


def text_case(group, what, *words, **more):
    """The function below it changes a small BERT's folder."""
    def register(change):
        def make(folder):
            path = os.path.join(folder, "bert")
            write_bert_folder(path)
            change(path)
            return "bert"
        case(group, what, *words, **more)(make)
        return change
    return register


def ones(*shape):
    count = 1
    for extent in shape:
        count *= extent
    return shape, [1.0] * count


def renamed(tensors, change):
    pairs = [(change(name), tensor) for name, tensor in tensors.items()]
    tensors.clear()
    tensors.update(pairs)


def edit_json(path, **values):
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    document.update(values)
    with open(path, "w", encoding="utf-8") as file:
        json.dump({key: value for key, value in document.items() if value is not None}, file)


# ---------------------------------------------------------------- several networks, leftovers

WHOLE = "which network, and all of it"


@image_case(WHOLE, "a wrapper's prefix (`model.`)", read=True)
def _(tensors):
    renamed(tensors, lambda name: "model." + name)


@image_case(WHOLE, "student and teacher in one file", "holds several networks", "--prefix")
def _(tensors):
    both = {prefix + name: tensor for prefix in ("student.", "teacher.") for name, tensor in tensors.items()}
    both["teacher.linear.bias"] = ones(10)
    tensors.clear()
    tensors.update(both)


@image_case(WHOLE, "the same with `--prefix student`", read=True, options=("--prefix", "student"))
def _(tensors):
    both = {prefix + name: tensor for prefix in ("student.", "teacher.") for name, tensor in tensors.items()}
    tensors.clear()
    tensors.update(both)


@image_case(WHOLE, "a loss's weights beside the network (`criterion.weight`)", read=True)
def _(tensors):
    tensors["criterion.weight"] = ones(10)


@image_case(WHOLE, "a second head with a name (`fc_age`)", read=True)
def _(tensors):
    tensors["fc_age.weight"] = ones(4, 64)


@image_case(WHOLE, "a second layer behind the head (`fc2`)", "'fc2.weight'", "no place for", "--drop")
def _(tensors):
    tensors["fc2.weight"] = ones(4, 10)


@image_case(WHOLE, "attention, a neck or pooling with weights", "'ca.fc1.weight', 'pool.p'", "no place for", "--drop")
def _(tensors):
    tensors["ca.fc1.weight"], tensors["pool.p"] = ones(4, 16, 1, 1), ones(1)


@image_case(WHOLE, "the same with `--drop ca,pool`", read=True, options=("--drop", "ca,pool"))
def _(tensors):
    tensors["ca.fc1.weight"], tensors["pool.p"] = ones(4, 16, 1, 1), ones(1)


@image_case(WHOLE, "a layer in a block that it has no place for", "no place for 'layer1.0.se.fc.weight'")
def _(tensors):
    tensors["layer1.0.se.fc.weight"] = ones(4, 16)


@image_case(WHOLE, "normalisation inside the network", "--mean, --std")
def _(tensors):
    renamed(tensors, lambda name: "model." + name)
    tensors["normalizer.new_mean"] = tensors["normalizer.new_std"] = ones(3, 1, 1)


# ---------------------------------------------------------------- names

NAMES = "names that the file carries"


@image_case(NAMES, "`arch` names a plain network", read=True)
def _(_):
    return {"arch": "resnet20"}


@image_case(NAMES, "`arch` names another (`resnet50d`, `resnetaa50`, `seresnet18` …)", "'arch' says 'resnet50d'", "--arch")
def _(_):
    return {"arch": "resnet50d"}


@image_case(NAMES, "the same with `--arch cifar_resnet8`", read=True, options=("--arch", "cifar_resnet8"))
def _(_):
    return {"arch": "resnet50d"}


@text_case(NAMES, "`model_type` of another network", "roberta")
def _(folder):
    edit_json(os.path.join(folder, "config.json"), model_type="roberta")


@text_case(NAMES, "a classifier of tokens (`BertForTokenClassification`)", "BertForTokenClassification")
def _(folder):
    edit_json(os.path.join(folder, "config.json"), architectures=["BertForTokenClassification"])


@text_case(NAMES, "a multi-label model (`problem_type`)", "multi_label_classification")
def _(folder):
    edit_json(os.path.join(folder, "config.json"), problem_type="multi_label_classification")


# ---------------------------------------------------------------- other things

OTHERS = "what it is, where it is not read"


def shown(what, name, *words):
    @image_case(OTHERS, what, *words)
    def _(tensors):
        tensors.clear()
        tensors[name] = ones(2, 2)


shown("weights pruned by masks", "conv1.weight_mask", "pruned by masks", "prune.remove")
shown("parametrised weights (`weight_norm`)", "fc.parametrizations.weight.original0", "remove_parametrizations")
shown("transformers' ResNet", "resnet.embedder.embedder.convolution.weight", "transformers' names of a ResNet")
shown("a stem of several convolutions (ResNet-C, -D)", "conv1.0.weight", "a stem of several convolutions")
shown("an `nn.Sequential` of a network's children", "0.weight", "modules without names")
shown("a vision transformer", "patch_embed.proj.weight", "a vision transformer")
shown("GPTQ weights", "model.layers.0.q.qweight", "GPTQ")


@image_case(OTHERS, "a head of another name (`last_linear`)", "'last_linear.weight' (10, 64)", "'fc.weight'")
def _(tensors):
    renamed(tensors, lambda name: name.replace("linear.", "last_linear."))


@image_case(OTHERS, "GroupNorm in place of batch norm", "GroupNorm")
def _(tensors):
    for name in [name for name in tensors if "running" in name]:
        del tensors[name]


@text_case(OTHERS, "a quantised model (`quantization_config`)", "quant")
def _(folder):
    edit_json(os.path.join(folder, "config.json"), quantization_config={"quant_method": "bitsandbytes", "load_in_8bit": True})


@text_case(OTHERS, "a LoRA adapter beside its base model", "adapter", "merge")
def _(folder):
    write_safetensors(os.path.join(folder, "adapter_model.safetensors"), {"base_model.model.x.lora_A.weight": ones(2, 2)})
    with open(os.path.join(folder, "adapter_config.json"), "w", encoding="utf-8") as file:
        json.dump({"peft_type": "LORA"}, file)


@case(OTHERS, "an ONNX file", "ONNX")
def _(folder):
    with open(os.path.join(folder, "model.onnx"), "wb") as file:
        file.write(b"\x08\x07\x12\x07pytorch\x1a\x052.1.0")
    return "model.onnx"


# ---------------------------------------------------------------- labels

LABELS = "labels"


@text_case(LABELS, "`id2label` with a name for each class", read=True)
def _(_):
    pass


@text_case(LABELS, "`id2label` that counts from 1", "id2label")
def _(folder):
    edit_json(os.path.join(folder, "config.json"), id2label={"1": "fruit", "2": "tool"})


@text_case(LABELS, "`id2label` with more names than classes", "id2label")
def _(folder):
    edit_json(os.path.join(folder, "config.json"), id2label={"0": "a", "1": "b", "2": "c"})


# ---------------------------------------------------------------- tokenizers

TOKENIZERS = "tokenizers"


@text_case(TOKENIZERS, "`vocab.txt` alone", read=True)
def _(_):
    pass


@text_case(TOKENIZERS, "the class `BertJapaneseTokenizer`", "BertJapaneseTokenizer")
def _(folder):
    with open(os.path.join(folder, "tokenizer_config.json"), "w", encoding="utf-8") as file:
        json.dump({"tokenizer_class": "BertJapaneseTokenizer"}, file)


@text_case(TOKENIZERS, "SentencePiece alone", "SentencePiece")
def _(folder):
    os.remove(os.path.join(folder, "vocab.txt"))
    with open(os.path.join(folder, "sentencepiece.bpe.model"), "wb") as file:
        file.write(b"\x0a\x0e\x0a\x05<unk>")


def write_tokenizer_config(folder, **values):
    with open(os.path.join(folder, "tokenizer_config.json"), "w", encoding="utf-8") as file:
        json.dump(values, file)


@text_case(TOKENIZERS, "texts cut from the left (`truncation_side`)", read=True)
def _(folder):
    write_tokenizer_config(folder, truncation_side="left", model_max_length=8)


@text_case(TOKENIZERS, "a special token that the vocabulary lacks", "<s>")
def _(folder):
    write_tokenizer_config(folder, cls_token="<s>")


@text_case(TOKENIZERS, "special tokens that the tokenizer is to split (`split_special_tokens`)", "split_special_tokens")
def _(folder):
    write_tokenizer_config(folder, split_special_tokens=True)


@text_case(TOKENIZERS, "an added token that is a word of its own (`single_word`)", "single_word")
def _(folder):
    write_tokenizer_config(folder, added_tokens_decoder={"1": {"content": "[UNK]", "single_word": True}})


# ---------------------------------------------------------------- folders

FOLDERS = "folders"


@text_case(FOLDERS, "an adapter without its base", "adapter", "merge")
def _(folder):
    os.rename(os.path.join(folder, "model.safetensors"), os.path.join(folder, "adapter_model.safetensors"))


@text_case(FOLDERS, "a folder of the Hugging Face cache", "snapshots/0123abcd")
def _(folder):
    os.makedirs(os.path.join(folder, "snapshots", "0123abcd"))
    os.rename(os.path.join(folder, "model.safetensors"), os.path.join(folder, "snapshots", "0123abcd", "model.safetensors"))


@text_case(FOLDERS, "a Trainer's folder of checkpoints", "checkpoint-500")
def _(folder):
    os.makedirs(os.path.join(folder, "checkpoint-500"))
    os.rename(os.path.join(folder, "model.safetensors"), os.path.join(folder, "checkpoint-500", "model.safetensors"))


@text_case(FOLDERS, "TensorFlow's weights alone", "TensorFlow")
def _(folder):
    os.rename(os.path.join(folder, "model.safetensors"), os.path.join(folder, "tf_model.h5"))


@text_case(FOLDERS, "weights in several files", "several files", "max_shard_size")
def _(folder):
    os.rename(os.path.join(folder, "model.safetensors"), os.path.join(folder, "model-00001-of-00002.safetensors"))
