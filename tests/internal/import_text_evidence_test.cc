// What a checkpoint of texts is, where its files say that it is no plain BERT: an adapter,
// quantised weights, another framework's, several encoders, another class. Each is refused by what
// it is.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "text_checkpoint.h"

using namespace sidenet;
using namespace sidenet::testing;
using nlohmann::json;

namespace {

Weights small_weights() { return random_bert(1, small_bert()); }

std::string refusal_of(const TextCheckpoint& checkpoint, const std::string& path = "") {
  const std::string folder = checkpoint.folder.path;
  std::string message =
      files::error_of([&] { Model::import_checkpoint(path.empty() ? folder : folder + path); });
  CHECK_MESSAGE((message.empty() || files::is_one_line(message)), message);
  if (message.starts_with(folder)) message.erase(0, folder.size());
  CHECK_MESSAGE(message.size() < 200, message);
  return message;
}

std::string refusal_of(const Weights& weights) {
  return refusal_of(TextCheckpoint(weights, config_of(small_bert())));
}

std::string refusal_of_setting(const char* key, const json& value) {
  json config = config_of(small_bert());
  config[key] = value;
  return refusal_of(TextCheckpoint(small_weights(), config));
}

Weights with(const std::string& name, DType type = DType::f32) {
  Weights weights = small_weights();
  weights[name] = Tensor(type, {2});
  return weights;
}

}  // namespace

TEST_CASE("folders without PyTorch's weights say what they have") {
  const auto refusal = [](const std::vector<std::string>& files) {
    const TextCheckpoint checkpoint;
    for (const std::string& file : files) checkpoint.folder.write(file, "x");
    return refusal_of(checkpoint);
  };
  const std::string wanted = ": expected model.safetensors or pytorch_model.bin in the folder, ";
  const std::string save = ", which is not read: save the model from PyTorch";
  CHECK(refusal({}) == wanted + "found neither");
  CHECK(refusal({"config.json", "vocab.txt"}) == wanted + "found neither");
  CHECK(refusal({"tf_model.h5"}) == wanted + "found TensorFlow's weights (\"tf_model.h5\")" + save);
  CHECK(refusal({"bert_model.ckpt.index", "bert_model.ckpt.meta"}) ==
        wanted + "found a checkpoint of TensorFlow 1 (\"bert_model.ckpt.index\")" + save);
  CHECK(refusal({"flax_model.msgpack"}) ==
        wanted + "found Flax's weights (\"flax_model.msgpack\")" + save);
  CHECK(refusal({"model.onnx"}) == wanted + "found an ONNX export (\"model.onnx\")" + save);
  CHECK(refusal({"onnx/model.onnx"}) ==
        wanted + "found an ONNX export (\"onnx/model.onnx\")" + save);
  CHECK(refusal({"zero_to_fp32.py", "global_step9/mp_rank_00_model_states.pt"}).find("DeepSpeed") !=
        std::string::npos);
  CHECK(refusal({"model-q8.gguf"}) == wanted + "found a GGUF file (\"model-q8.gguf\")" + save);
  CHECK(refusal({"best.pt", "last.ckpt", "training_args.bin", "optimizer.pt"}) ==
        wanted + "found \"best.pt\", \"last.ckpt\": give the file that you mean");
  CHECK(refusal({"checkpoint-500/model.safetensors", "checkpoint-900/pytorch_model.bin",
                 "runs/events"}) ==
        wanted +
            "found them in \"checkpoint-500\", \"checkpoint-900\": give the folder that you mean");
  CHECK(refusal({"refs/main", "snapshots/0123abcd/model.safetensors"}) ==
        ": is a folder of the Hugging Face cache: give the model's own, \"snapshots/0123abcd\" in "
        "it");
}

TEST_CASE("files that a clone has not fetched") {
  const TextCheckpoint checkpoint(small_weights());
  for (const char* file : {"vocab.txt", "tokenizer.json", "config.json"}) {
    checkpoint.folder.write(file, "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
    CHECK(refusal_of(checkpoint) ==
          "/" + std::string(file) + ": is a Git LFS pointer: fetch the file itself (git lfs pull)");
  }
}

TEST_CASE("adapters are to be merged first") {
  const TextCheckpoint alone;
  alone.folder.write("adapter_config.json", "{}");
  alone.folder.write("adapter_model.safetensors", "x");
  const std::string merge =
      "merge it into its base first (peft: merge_and_unload(), save_pretrained())";
  CHECK(refusal_of(alone) == ": holds an adapter without its base (adapter_config.json): " + merge);
  const TextCheckpoint beside(small_weights());
  beside.folder.write("adapter_model.bin", "x");
  for (const char* path : {"", "/model.safetensors"}) {
    CHECK(refusal_of(beside, path) ==
          "/adapter_model.bin: is an adapter beside a network: " + merge + ", or take it away");
  }
  for (const char* part :
       {".lora_A.default.weight", ".lora_magnitude_vector", ".base_layer.weight", ".ia3_l"}) {
    CAPTURE(part);
    const std::string name = std::string("encoder.layer.0.attention.self.query") + part;
    CHECK(refusal_of(with(name)) ==
          "/model.safetensors: tensor '" +
              (name.size() > 60 ? "…" + name.substr(name.size() - 60) : name) +
              "': is of an adapter (LoRA, …): merge it into its base first (peft: "
              "merge_and_unload())");
  }
  Weights lora;
  lora["base_model.model.bert.encoder.layer.0.attention.self.query.lora_A.weight"] =
      Tensor(DType::f32, {4, 12});
  CHECK(refusal_of(lora).find("adapter: merge it into its base model first") != std::string::npos);
}

TEST_CASE("what SetFit and sentence-transformers compute behind the encoder is named") {
  BertSize size = small_bert();
  size.classes = 0;
  const TextCheckpoint checkpoint(random_bert(1, size), config_of(size));
  checkpoint.folder.write("vocab.txt", lines(small_vocabulary()));
  checkpoint.folder.write("model_head.pkl", "x");
  checkpoint.folder.write("modules.json", R"([{"type": "sentence_transformers.models.Transformer"},
    {"type": "sentence_transformers.models.Pooling"}, {"type": "sentence_transformers.models.Dense"}])");
  CHECK(checkpoint.import().notes() ==
        std::vector<std::string>{
            "model_head.pkl, SetFit's head, is left out: `train --head` fits one",
            "modules.json: a Dense behind the encoder is left out: `train --head` fits a head"});
}

TEST_CASE("quantised weights are refused, by config.json and by the tensors") {
  const json gptq = {{"quant_method", "gptq"}, {"bits", 4}};
  CHECK(refusal_of_setting("quantization_config", gptq) ==
        "/config.json: quantization_config.quant_method: expected none: quantised weights are not "
        "read, import the model as it was before, got \"gptq\"");
  CHECK(refusal_of_setting("quantization_config", {{"load_in_8bit", true}})
            .starts_with("/config.json: quantization_config: expected none: quantised weights"));
  for (const char* name :
       {"encoder.layer.0.output.dense.SCB", "encoder.layer.0.output.dense.qweight",
        "encoder.layer.0.output.dense.weight_fake_quant.scale"}) {
    CHECK(refusal_of(with(name)) == std::string("/model.safetensors: tensor '") + name +
                                        "': is of quantised weights, which are not read: import "
                                        "the model as it was before");
  }
  CHECK(refusal_of(with("encoder.layer.0.output.dense.bias", DType::i8)) ==
        "/model.safetensors: tensor 'encoder.layer.0.output.dense.bias': expected floats, got i8 "
        "(quantised weights are not read)");
}

TEST_CASE("tensors of other networks and frameworks are named") {
  const auto alone = [](const std::string& name) {
    Weights weights;
    weights[name] = Tensor(DType::f32, {2, 2});
    return refusal_of(weights);
  };
  CHECK(alone("model.embeddings.tok_embeddings.weight").find("ModernBERT") != std::string::npos);
  CHECK(alone("tf_bert/bert/encoder/layer_._0/attention/self/query/kernel:0").find("TensorFlow") !=
        std::string::npos);
  CHECK(alone("bert.encoder.layer.0.attention.self.query.kernel").find("Flax") !=
        std::string::npos);
  CHECK(alone("bert.encoder.layer.0.attention.self.query.base_layer.weight")
            .find("an adapter: merge it into its base model first") != std::string::npos);
  CHECK(alone("transformer.h.0.attn.c_attn.weight").find("a GPT") != std::string::npos);
  for (const char* module : {"electra.", "albert.", "mpnet.", "model.deberta."}) {
    const Weights weights = with_encoder_prefix(small_weights(), module);
    const std::string name = std::string(module).substr(std::string(module).rfind('.', 8) + 1);
    CHECK(refusal_of(weights).starts_with("/model.safetensors: tensor '" + std::string(module) +
                                          "embeddings.word_embeddings.weight': expected a BERT or "
                                          "DistilBERT, got '"));
  }
  CHECK(refusal_of(with("encoder.highway.0.classifier.weight"))
            .ends_with("': is of another method's exits: import the plain model and train "
                       "SideNets for it"));
  CHECK(refusal_of(with("encoder.layer.0.attention.self.distance_embedding.weight"))
            .ends_with("': is of relative positions: expected absolute ones"));
}

TEST_CASE("several encoders in one file are listed") {
  Weights weights = with_encoder_prefix(small_weights(), "bert.");
  const Weights other = with_encoder_prefix(random_bert(2, small_bert()), "aux_bert.");
  weights.insert(other.begin(), other.end());
  CHECK(refusal_of(weights) ==
        "/model.safetensors: holds several networks: 'bert.', 'aux_bert.': expected one; choose "
        "it with --prefix, or leave the others out with --drop");
}

TEST_CASE("heads that are not BERT's own are refused, not left out") {
  Weights weights = small_weights();
  weights["out.weight"] = weights["classifier.weight"];
  weights.erase("classifier.weight");
  weights.erase("classifier.bias");
  CHECK(
      refusal_of(weights) ==
      "/model.safetensors: head 'out': no weight tells what it reads: --head-input pooler, cls or "
      "mean says it, --drop leaves it out");
  CHECK(refusal_of(with("pre_classifier.weight"))
            .starts_with("/model.safetensors: tensors 'pooler.dense.weight' and "
                         "'pre_classifier.weight': expected one of them"));
}

TEST_CASE("what a class of one's own reads is asked for") {
  CHECK(refusal_of_setting("architectures", {"MyBert"})
            .find("of a class of one's own --head-input says what it reads") != std::string::npos);
}

TEST_CASE("classes and settings of config.json that mean other answers") {
  const std::string head = ": expected an encoder, or one with a head for SequenceClassification";
  for (const char* name : {"BertForTokenClassification", "BertForSentiment", "MPNetModel"}) {
    CHECK(refusal_of_setting("architectures", {name}) ==
          "/config.json: architectures[0]" + head + ", got \"" + name + "\"");
  }
  CHECK(refusal_of_setting("architectures", {"BertForMultiLabelSequenceClassification"}) ==
        "/config.json: architectures[0]: expected one label a text (several are not read), got "
        "\"BertForMultiLabelSequenceClassification\"");
  CHECK(refusal_of_setting("auto_map", {{"AutoModel", "modeling.MyBert"}}) ==
        "/config.json: auto_map.AutoModel: expected a network without Python code of its own, got "
        "\"modeling.MyBert\"");
  CHECK(refusal_of_setting("pruned_heads", {{"0", {1}}}) ==
        "/config.json: pruned_heads: expected no pruned heads, got an object");
  CHECK(refusal_of_setting("pruned_heads", json::object()).empty());
  CHECK(refusal_of_setting("add_cross_attention", true) ==
        "/config.json: add_cross_attention: expected false, got true");
  CHECK(refusal_of_setting("num_labels", 2) ==
        "/config.json: num_labels: expected 3, the weights' own, got 2");
  CHECK(refusal_of_setting("id2label", {{"0", "O"}, {"1", "B-PER"}, {"2", "I-PER"}}) ==
        "/config.json: id2label: expected names of texts' classes, not of tokens' (O, B-PER, …), "
        "got an object");
  CHECK(refusal_of_setting("label2id", {{"a", 0}, {"b", 2}})
            .starts_with("/config.json: label2id: expected a name for class 1"));
  json config = config_of(small_bert());
  config["id2label"] = {{"0", "a"}, {"1", "b"}, {"2", "c"}};
  config["label2id"] = {{"a", 2}, {"b", 1}, {"c", 0}};
  CHECK(refusal_of(TextCheckpoint(small_weights(), config)) ==
        "/config.json: label2id.a: expected 0, as id2label says, got 2");
}

TEST_CASE("activations of one formula, and DistilBERT's own settings") {
  const auto logits = [](const json& changes) {
    json config = config_of(small_bert());
    config.update(changes);
    return some_logits(TextCheckpoint(small_weights(), config).import());
  };
  const Tensor exact = logits(json::object()), by_tanh = logits({{"hidden_act", "gelu_new"}});
  CHECK_FALSE(same_bits(exact, by_tanh));
  CHECK(same_bits(logits({{"hidden_act", "gelu_python"}}), exact));
  for (const char* name : {"gelu_accurate", "gelu_python_tanh"})
    CHECK(same_bits(logits({{"hidden_act", name}}), by_tanh));
  // transformers' DistilBERT looks at neither.
  const json distilbert = {
      {"model_type", "distilbert"}, {"hidden_act", "relu"}, {"layer_norm_eps", 0.1}};
  CHECK(same_bits(logits(distilbert), exact));
}

TEST_CASE("what the import took for granted of the network") {
  const auto assumed = [](const json& changes) {
    json config = config_of(small_bert());
    config.update(changes);
    std::string text;
    const Model model = TextCheckpoint(small_weights(), config).import();
    for (const Assumption& each : model.assumptions())
      text += each.what + "=" + each.value + " " + name_of(each.source) + "; ";
    return text;
  };
  CHECK(assumed({{"architectures", json::array({"BertForSequenceClassification"})},
                 {"layer_norm_eps", 1e-6}}) ==
        "attention heads=3 config; epsilon=1e-06 config; activation=gelu config; head=first token, "
        "pooler.dense, tanh, classifier config; labels=0 … 2 default; ");
  BertSize size = small_bert();
  size.hidden = 128, size.heads = 2;
  const TextCheckpoint alone(random_bert(1, size));
  std::filesystem::remove(alone.folder.path + "/config.json");
  const Model model = alone.import();
  REQUIRE(model.assumptions().size() == 5);
  for (const Assumption& each : model.assumptions())
    CHECK(each.source == AssumptionSource::default_value);
}
