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


def add_neck(tensors):
    for name in ("weight", "bias", "running_mean", "running_var"):
        tensors["bottleneck." + name] = ones(64)


def transformers_name(name):
    parts = name.split(".")
    if parts[0] == "linear":
        return "classifier.1." + parts[1]
    kind = "convolution" if "conv" in name or "shortcut.0" in name else "normalization"
    if len(parts) == 2:
        return f"resnet.embedder.embedder.{kind}.{parts[1]}"
    place = "shortcut" if parts[2] == "shortcut" else f"layer.{int(parts[2][-1]) - 1}"
    return f"resnet.encoder.stages.{int(parts[0][-1]) - 1}.layers.{parts[1]}.{place}.{kind}.{parts[-1]}"


def rename_head(folder, name):
    path = os.path.join(folder, "model.safetensors")
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header, data = json.loads(file.read(size)), file.read()
    text = json.dumps({key.replace("classifier.", name): value for key, value in header.items()}).encode()
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + data)


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


@image_case(WHOLE, "a second layer behind the head (`fc2`)", "'fc2.weight'", "no place for", "--head", "--drop")
def _(tensors):
    tensors["fc2.weight"] = ones(4, 10)


@image_case(WHOLE, "the same with `--head linear,fc2`", read=True, options=("--head", "linear,fc2"))
def _(tensors):
    tensors["fc2.weight"] = ones(4, 10)


@image_case(WHOLE, "a batch norm in front of the head (BNNeck)", "'bottleneck.bias'", "--head")
def _(tensors):
    add_neck(tensors)


@image_case(WHOLE, "the same with `--head bottleneck,linear`", read=True, options=("--head", "bottleneck,linear"))
def _(tensors):
    add_neck(tensors)


@image_case(WHOLE, "a head of one logit", "--one-logit sigmoid")
def _(tensors):
    tensors["linear.weight"], tensors["linear.bias"] = ones(1, 64), ones(1)


@image_case(WHOLE, "the same with `--one-logit sigmoid`", read=True, options=("--one-logit", "sigmoid"))
def _(tensors):
    tensors["linear.weight"], tensors["linear.bias"] = ones(1, 64), ones(1)


@text_case(WHOLE, "a text's head in a class of one's own (`fc`)", "--head-input pooler, cls or mean")
def _(folder):
    rename_head(folder, "fc.")


@text_case(WHOLE, "the same with `--head-input cls`", read=True, options=("--head-input", "cls"))
def _(folder):
    rename_head(folder, "fc.")


@image_case(WHOLE, "attention, a neck or pooling with weights", "'ca.fc1.weight', 'pool.p'", "no place for", "--drop")
def _(tensors):
    tensors["ca.fc1.weight"], tensors["pool.p"] = ones(4, 16, 1, 1), ones(1)


@image_case(WHOLE, "the same with `--drop ca,pool`", read=True, options=("--drop", "ca,pool"))
def _(tensors):
    tensors["ca.fc1.weight"], tensors["pool.p"] = ones(4, 16, 1, 1), ones(1)


@image_case(WHOLE, "a layer in a block that it has no place for", "no place for 'layer1.0.gate.weight'")
def _(tensors):
    tensors["layer1.0.gate.weight"] = ones(4, 16)


@image_case(WHOLE, "normalisation inside the network", "--mean, --std")
def _(tensors):
    renamed(tensors, lambda name: "model." + name)
    tensors["normalizer.new_mean"] = tensors["normalizer.new_std"] = ones(3, 1, 1)


# ---------------------------------------------------------------- names of tensors

FORMS = "names of tensors, and what stands in their place"


@image_case(FORMS, "heads `fc`, `linear`, `classifier`, `last_linear`, `head`, `logits`, `output`, …", read=True)
def _(tensors):
    renamed(tensors, lambda name: name.replace("linear.", "last_linear."))


@image_case(FORMS, "a head in an `nn.Sequential` (`fc.1` behind a dropout)", read=True)
def _(tensors):
    renamed(tensors, lambda name: name.replace("linear.", "fc.1."))


@image_case(FORMS, "a head of another name", "'my_layer.weight' (10, 64)", "--head")
def _(tensors):
    renamed(tensors, lambda name: name.replace("linear.", "my_layer."))


@image_case(FORMS, "`backbone.conv1` and `head.fc` beside it", read=True)
def _(tensors):
    renamed(tensors, lambda name: name.replace("linear.", "head.fc.") if name.startswith("linear.") else "backbone." + name)


@image_case(FORMS, "`_orig_mod.` or `module.` inside names", read=True)
def _(tensors):
    renamed(tensors, lambda name: name.replace("layer2.", "layer2._orig_mod.").replace("layer3.", "layer3.module."))


@image_case(FORMS, "an `nn.Sequential` of a network's children, fastai's too", read=True)
def _(tensors):
    numbers = {"conv1": "0", "bn1": "1", "layer1": "3", "layer2": "4", "layer3": "5"}
    renamed(tensors, lambda name: "1.4." + name[7:] if name.startswith("linear.") else
            "0." + numbers[name.split(".")[0]] + "." + name.split(".", 1)[1])


@image_case(FORMS, "weights pruned by masks (`weight_orig`, `weight_mask`)", read=True)
def _(tensors):
    for name in [name for name in tensors if "conv" in name]:
        tensors[name + "_orig"] = tensors.pop(name)
        tensors[name + "_mask"] = ones(*tensors[name + "_orig"][0])


@image_case(FORMS, "`weight_norm` and `spectral_norm`", read=True)
def _(tensors):
    tensors["linear.weight_v"] = tensors.pop("linear.weight")
    tensors["linear.weight_g"] = ones(10, 1)


@case(FORMS, "transformers' `ResNetForImageClassification`, with its config.json", read=True)
def _(folder):
    tensors = resnet8(10)
    tensors["conv1.weight"] = ones(16, 3, 7, 7)
    for stage, (inputs, outputs) in enumerate(((16, 32), (32, 64)), 2):
        tensors[f"layer{stage}.0.shortcut.0.weight"] = ones(outputs, inputs, 1, 1)
        for name in ("weight", "bias", "running_mean", "running_var"):
            tensors[f"layer{stage}.0.shortcut.1.{name}"] = ones(outputs)
    renamed(tensors, transformers_name)
    os.mkdir(os.path.join(folder, "resnet"))
    write_safetensors(os.path.join(folder, "resnet", "model.safetensors"), tensors)
    with open(os.path.join(folder, "resnet", "config.json"), "w", encoding="utf-8") as file:
        json.dump({"model_type": "resnet", "layer_type": "basic", "architectures": ["ResNetForImageClassification"]}, file)
    return "resnet"


# ---------------------------------------------------------------- wirings

WIRINGS = "how a residual network is wired"


def norm(tensors, name, channels):
    for part in ("weight", "bias", "running_mean", "running_var"):
        tensors[f"{name}.{part}"] = ones(channels)


@image_case(WIRINGS, "a stem of three convolutions (ResNet-C, timm's `resnet50c`, `s`)", read=True)
def deep_stem(tensors):
    del tensors["conv1.weight"]
    for number, (out, channels) in {0: (8, 3), 3: (8, 8), 6: (16, 8)}.items():
        tensors[f"conv1.{number}.weight"] = ones(out, channels, 3, 3)
        if number < 6:
            norm(tensors, f"conv1.{number + 1}", out)
    return {"arch": "resnet8s"}


@image_case(WIRINGS, "and shortcuts that average (ResNet-D, timm's `resnet50d`, `t`)", read=True)
def _(tensors):
    deep_stem(tensors)
    for stage, channels in ((2, 16), (3, 32)):
        tensors[f"layer{stage}.0.downsample.1.weight"] = ones(2 * channels, channels, 1, 1)
        norm(tensors, f"layer{stage}.0.downsample.2", 2 * channels)
    return {"arch": "resnet8t"}


@image_case(WIRINGS, "squeeze-and-excitation (`seresnet18`; `se.fc1`, `se.fc.0`, …)", read=True)
def _(tensors):
    for stage, channels in enumerate((16, 32, 64), 1):
        tensors[f"layer{stage}.0.se.fc1.weight"] = ones(8, channels, 1, 1)
        tensors[f"layer{stage}.0.se.fc2.weight"] = ones(channels, 8, 1, 1)
    return {"arch": "seresnet8"}


@image_case(WIRINGS, "efficient channel attention (`ecaresnet`)", read=True)
def _(tensors):
    for stage in (1, 2, 3):
        tensors[f"layer{stage}.0.eca.conv.weight"] = ones(1, 1, 3)


@image_case(WIRINGS, "other attention in blocks (CBAM, `sa.conv`)", "no place for 'layer1.0.sa.conv.weight'")
def _(tensors):
    tensors["layer1.0.sa.conv.weight"] = ones(1, 2, 7, 7)


def in_front(tensors, last, shortcut):
    for name in [name for name in tensors if name.startswith("bn1.")]:
        del tensors[name]
    if last:
        norm(tensors, last, 64)
    norm(tensors, "layer2.0.bn1", 16)
    norm(tensors, "layer3.0.bn1", 32)
    for stage, channels in ((2, 16), (3, 32)):
        tensors[f"layer{stage}.0.{shortcut}.weight"] = ones(2 * channels, channels, 1, 1)


@image_case(WIRINGS, "norms in front of convolutions (kuangliu's PreActResNet; bearpaw's)", read=True)
def _(tensors):
    in_front(tensors, "", "shortcut.0")


@image_case(WIRINGS, "the same of wide ones (WRN-28-10 with `convShortcut`)", read=True)
def _(tensors):
    in_front(tensors, "bn1", "convShortcut")
    renamed(tensors, lambda name: name.replace("layer", "block").replace(".0.", ".layer.0.", 1) if "layer" in name else name)


@image_case(WIRINGS, "the same with `shortcut.0` and a norm behind the blocks", "--shortcut-input", "no weight tells")
def _(tensors):
    in_front(tensors, "bn1", "shortcut.0")


@image_case(WIRINGS, "the same with `--shortcut-input raw --basic-stride second` (WRN of meliketoy)", read=True,
            options=("--shortcut-input", "raw", "--basic-stride", "second"))
def _(tensors):
    in_front(tensors, "bn1", "shortcut.0")


@image_case(WIRINGS, "option A of the torch7 port, `--shortcut-pool average --shortcut-zeros behind`", read=True,
            options=("--shortcut-pool", "average", "--shortcut-zeros", "behind"))
def _(_):
    pass


@image_case(WIRINGS, "norms that were fused into convolutions, which have biases", read=True)
def _(tensors):
    for name in list(tensors):
        if "bn" in name:
            del tensors[name]
        elif "conv" in name:
            tensors[name.replace("weight", "bias")] = ones(tensors[name][0][0])


@image_case(WIRINGS, "blurred strides where the file says so (`arch`: `resnetblur18`)", read=True)
def _(_):
    return {"arch": "resnetblur8"}


@image_case(WIRINGS, "dilation where the file says so (timm's `output_stride`), or `--output-stride 8`", read=True)
def _(_):
    return {"args.output_stride": "8"}


@image_case(WIRINGS, "four input channels", "expected 1 or 3 input channels")
def _(tensors):
    tensors["conv1.weight"] = ones(16, 4, 3, 3)


# ---------------------------------------------------------------- names

NAMES = "names that the file carries"


@image_case(NAMES, "`arch` names a plain network", read=True)
def _(_):
    return {"arch": "resnet20"}


@image_case(NAMES, "`arch` names another (`resnet50d`, `seresnet18`, `resnest50` …)", "'arch' says 'resnet50d'", "--arch")
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


shown("another parametrisation (`orthogonal`)", "fc.parametrizations.weight.original", "remove_parametrizations")
shown("a stem of other convolutions than ResNet-C's three", "conv1.0.weight", "a stem of several convolutions")
shown("a vision transformer", "patch_embed.proj.weight", "a vision transformer")
shown("GPTQ weights", "model.layers.0.q.qweight", "GPTQ")


@image_case(OTHERS, "GroupNorm in place of batch norm", "--norm-groups")
def group_norms(tensors):
    for name in [name for name in tensors if "running" in name]:
        del tensors[name]


@image_case(OTHERS, "the same with `--norm-groups 8`", read=True, options=("--norm-groups", "8"))
def _(tensors):
    group_norms(tensors)


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


def shard(folder, file="model-00001-of-00001.safetensors"):
    path = os.path.join(folder, "model.safetensors")
    with open(path, "rb") as weights:
        header = json.loads(weights.read(int.from_bytes(weights.read(8), "little")))
    os.rename(path, os.path.join(folder, "model-00001-of-00001.safetensors"))
    with open(os.path.join(folder, "model.safetensors.index.json"), "w", encoding="utf-8") as index:
        json.dump({"weight_map": {name: file for name in header if name != "__metadata__"}}, index)


@text_case(FOLDERS, "weights in several files, with their index", read=True)
def _(folder):
    shard(folder)


@text_case(FOLDERS, "a file of several is missing", "model-00001-of-00002.safetensors", "found none")
def _(folder):
    shard(folder, "model-00001-of-00002.safetensors")


@text_case(FOLDERS, "weights in several files without their index", "several files", "index")
def _(folder):
    os.rename(os.path.join(folder, "model.safetensors"), os.path.join(folder, "model-00001-of-00002.safetensors"))
