// What does not fit is refused with one line: the file, the field, what was expected and what was
// found.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <limits>

#include "input_checks.h"
#include "text_checkpoint.h"

using namespace sidenet;
using namespace sidenet::testing;
using nlohmann::json;

namespace {

using Edit = std::function<void(Weights& weights, json& config)>;

/// The message, less the path of the folder, of importing a checkpoint that `edit` changed.
std::string refusal_of(const TextCheckpoint& checkpoint, const ImportOptions& options = {}) {
  std::string message = files::error_of([&] { checkpoint.import(options); });
  CHECK_MESSAGE(files::is_one_line(message), message);
  CHECK(message.size() < 400);
  if (message.starts_with(checkpoint.folder.path))
    message.erase(0, checkpoint.folder.path.size() + 1);
  return message;
}

void check_refused(const Edit& edit, const std::string& expected,
                   const ImportOptions& options = {}) {
  Weights weights = random_bert(1, small_bert());
  json config = config_of(small_bert());
  edit(weights, config);
  const TextCheckpoint checkpoint(weights, config);
  CHECK(refusal_of(checkpoint, options) == expected);
}

Edit setting(const char* key, const json& value) {
  return [=](Weights&, json& config) { config[key] = value; };
}

Edit tensor(const char* name, const Shape& shape) {
  return [=](Weights& weights, json&) { weights[name] = Tensor(DType::f32, shape); };
}

/// A checkpoint without config.json.
void check_refused_alone(const Weights& weights, const std::string& expected,
                         const ImportOptions& options = {}) {
  const TextCheckpoint checkpoint(weights);
  std::filesystem::remove(checkpoint.folder.path + "/config.json");
  CHECK(refusal_of(checkpoint, options) == expected);
}

std::string error_of_rows(Session& session, const std::function<void(TokenRows&)>& edit) {
  TokenRows rows;
  rows.ids = {2, 5, 3, 2, 3};
  rows.positions = {0, 1, 2, 0, 1};
  rows.types = {0, 0, 1, 0, 0};
  rows.offsets = {0, 3, 5};
  CHECK(session.run(rows).index.size() == 2);
  edit(rows);
  const std::string message = files::error_of([&] { session.run(rows); });
  CHECK(message == files::error_of([&] { session.run_all_exits(rows); }));
  CHECK(message == files::error_of([&] { session.profile(Batch{.tokens = rows}, 1); }));
  return message;
}

}  // namespace

TEST_CASE("a configuration that disagrees with the weights") {
  check_refused(setting("num_hidden_layers", 3),
                "config.json: num_hidden_layers: expected 2, the weights' own, got 3");
  check_refused(setting("hidden_size", 16),
                "config.json: hidden_size: expected 12, the weights' own, got 16");
  check_refused(setting("intermediate_size", 48),
                "config.json: intermediate_size: expected 20, the weights' own, got 48");
  check_refused(setting("vocab_size", 31),
                "config.json: vocab_size: expected 30, the weights' own, got 31");
  check_refused(setting("max_position_embeddings", 512),
                "config.json: max_position_embeddings: expected 16, the weights' own, got 512");
  check_refused(
      setting("num_hidden_layers", "2"),
      "config.json: num_hidden_layers: expected an integer from 0 to 1073741824, got \"2\"");
  check_refused(setting("id2label", {{"0", "a"}, {"1", "b"}}),
                "config.json: id2label: expected a name for class 2, got an object");
  check_refused(
      setting("id2label", {{"0", "a"}, {"1", "b"}, {"2", "c"}, {"3", "d"}}),
      "config.json: id2label.3: expected no more than 3 classes, the weights' own, got \"d\"");
  check_refused(setting("id2label", {{"0", "a"}, {"1", true}, {"2", "c"}}),
                "config.json: id2label.1: expected a string, got true");
  check_refused(setting("id2label", {{"0", "a"}, {"1", 1.5}, {"2", "c"}}),
                "config.json: id2label.1: expected a string, got 1.5");
  check_refused(setting("id2label", {"a", "b", "c"}),
                "config.json: id2label: expected an object of ids and names, got a list of 3");
  check_refused(setting("id2label", {{"0", "a"}, {"1", "b"}, {"2", "c"}, {"7", "d"}}),
                "config.json: id2label: expected the ids 0 to 2 alone, got an object");
  check_refused(setting("type_vocab_size", 1),
                "config.json: type_vocab_size: expected 2, the weights' own, got 1");
  check_refused(setting("embedding_size", 6),
                "config.json: embedding_size: expected 12, the weights' own, got 6");
}

TEST_CASE("attention heads, activation and epsilon") {
  const auto no_heads = [](Weights&, json& config) { config.erase("num_attention_heads"); };
  check_refused(no_heads,
                "model.safetensors: the number of attention heads is not in the weights: expected "
                "a config.json beside them "
                "(or --config) with 'num_attention_heads'");
  check_refused(setting("num_attention_heads", 5),
                "model.safetensors: configuration 'num_attention_heads': expected a divisor of the "
                "hidden size 12, got 5");
  check_refused(setting("num_attention_heads", 0),
                "config.json: num_attention_heads: expected an integer from 1 to 4096, got 0");
  check_refused(setting("hidden_act", "silu"),
                "model.safetensors: configuration 'hidden_act': expected gelu, gelu_new, "
                "gelu_pytorch_tanh, gelu_fast or "
                "relu, got 'silu'");
  check_refused(setting("layer_norm_eps", -1),
                "config.json: layer_norm_eps: expected a number from 0.0 to 1.0, got -1");
  check_refused(setting("layer_norm_eps", "1e-5"),
                "config.json: layer_norm_eps: expected a number from 0.0 to 1.0, got \"1e-5\"");
}

TEST_CASE("networks of other kinds") {
  check_refused(setting("model_type", "roberta"),
                "config.json: model_type: expected bert or distilbert, got \"roberta\"");
  check_refused(setting("is_decoder", true), "config.json: is_decoder: expected false, got true");
  check_refused(setting("position_embedding_type", "relative_key"),
                "config.json: position_embedding_type: expected absolute, got \"relative_key\"");
  check_refused(
      setting("problem_type", "multi_label_classification"),
      "config.json: problem_type: expected single_label_classification (labels by sigmoid "
      "and regressions are not read), got \"multi_label_classification\"");
  check_refused(setting("architectures", {"BertForTokenClassification"}),
                "config.json: architectures[0]: expected an encoder, or one with a head for "
                "SequenceClassification, got "
                "\"BertForTokenClassification\"");
  const auto one_class = [](Weights& weights, json&) {
    weights["classifier.weight"] = Tensor(DType::f32, {1, 12});
    weights["classifier.bias"] = Tensor(DType::f32, {1});
  };
  check_refused(
      one_class,
      "model.safetensors: the head has one logit, a regression's or a sigmoid's, which no "
      "weight tells: --one-logit sigmoid answers two classes, the second with probability "
      "sigmoid(logit)");
  const auto task_types = tensor("embeddings.task_type_embeddings.weight", {3, 12});  // ERNIE's
  check_refused(
      task_types,
      "model.safetensors: unknown architecture: it looks like a bert-2x12, which has no place for "
      "'embeddings.task_type_embeddings.weight'");
  check_refused_alone(with_encoder_prefix(random_bert(1, small_bert()), "roberta."),
                      "model.safetensors: tensor 'roberta.embeddings.word_embeddings.weight': "
                      "expected a BERT or DistilBERT, "
                      "got 'roberta.'");
  BertSize roberta;
  roberta.hidden = 128, roberta.heads = 2, roberta.positions = 514, roberta.types = 1;
  check_refused_alone(random_bert(1, roberta),
                      "model.safetensors: expected a BERT or DistilBERT, got 514 positions and one "
                      "token type, as of a "
                      "RoBERTa (a config.json with model_type bert says otherwise)");
  ImportOptions resnet;
  resnet.architecture = "resnet50";
  check_refused([](Weights&, json&) {},
                "model.safetensors: the weights are a bert-2x12, expected resnet50", resnet);
}

TEST_CASE("tensors that are missing, of another shape or there twice") {
  const auto without = [](const char* name) {
    return [=](Weights& weights, json&) { weights.erase(name); };
  };
  check_refused(without("encoder.layer.1.attention.self.key.bias"),
                "model.safetensors: no tensor 'encoder.layer.1.attention.self.key.bias', expected "
                "one of shape (12)");
  check_refused(without("embeddings.position_embeddings.weight"),
                "model.safetensors: no tensor 'embeddings.position_embeddings.weight', expected "
                "one of shape (any, any)");
  check_refused(
      without("embeddings.LayerNorm.bias"),
      "model.safetensors: no tensor 'embeddings.LayerNorm.bias', expected one of shape (12)");
  check_refused(without("classifier.bias"),
                "model.safetensors: no tensor 'classifier.bias', expected one of shape (3)");
  check_refused(tensor("encoder.layer.1.output.dense.weight", {20, 12}),
                "model.safetensors: tensor 'encoder.layer.1.output.dense.weight': expected shape "
                "(12, 20), got (20, 12)");
  check_refused(tensor("embeddings.position_embeddings.weight", {16, 13}),
                "model.safetensors: tensor 'embeddings.position_embeddings.weight': expected shape "
                "(16, 12), got (16, 13)");
  check_refused(tensor("embeddings.word_embeddings.weight", {30}),
                "model.safetensors: tensor 'embeddings.word_embeddings.weight': expected shape "
                "(any, any), got (30)");
  check_refused(
      tensor("classifier.weight", {3, 13}),
      "model.safetensors: tensor 'classifier.weight': expected shape (3, 12), got (3, 13)");
  check_refused(
      tensor("embeddings.LayerNorm.gamma", {12}),
      "model.safetensors: tensor 'embeddings.LayerNorm.weight' and another both stand for "
      "'embeddings.LayerNorm.weight'");
  const auto a_gap = [](Weights& weights, json& config) {
    weights = renamed(weights, [](std::string name) {
      if (name.starts_with("encoder.layer.1.")) name[14] = '2';
      return name;
    });
    config["num_hidden_layers"] = 1;
  };
  check_refused(
      a_gap,
      "model.safetensors: unknown architecture: it looks like a bert-1x12, which has no place for "
      "'encoder.layer.2.attention.output.LayerNorm.bias', "
      "'encoder.layer.2.attention.output.LayerNorm.weight', "
      "'encoder.layer.2.attention.output.dense.bias' and 13 more");
}

TEST_CASE("folders without one file of weights, and files that are no JSON") {
  TextCheckpoint sharded;
  const std::string shard = sharded.folder.write("model-00001-of-00002.safetensors", "x");
  CHECK(
      files::error_of([&] { sharded.import(); }) ==
      sharded.folder.path +
          ": the weights are split into several files (model-00001-of-00002.safetensors), expected "
          "their index too: model.safetensors.index.json or pytorch_model.bin.index.json");
  std::filesystem::remove(shard);
  for (const char* index : {"pytorch_model.bin.index.json", "model.safetensors.index.json"}) {
    sharded.folder.write(index, "{}");
    CHECK(files::error_of([&] { sharded.import(); }) ==
          sharded.folder.path + "/" + index + ": weight_map: expected a value, got none");
    std::filesystem::remove(sharded.folder.path + "/" + index);
  }
  const TextCheckpoint empty;
  CHECK(files::error_of([&] { empty.import(); }) ==
        empty.folder.path +
            ": expected model.safetensors or pytorch_model.bin in the folder, found neither");
  CHECK(files::is_one_line(
      files::error_of([&] { Model::import_checkpoint(empty.folder.path + "/none"); })));

  const TextCheckpoint checkpoint(random_bert(1, small_bert()));
  checkpoint.folder.write("config.json", "{\"model_type\": ");
  CHECK(refusal_of(checkpoint) == "config.json: malformed JSON at byte 16");
  checkpoint.folder.write("config.json", "[]");
  CHECK(refusal_of(checkpoint) == "config.json: expected an object, got a list of 0");
  ImportOptions options;
  options.config = checkpoint.folder.path + "/none.json";
  CHECK(refusal_of(checkpoint, options).starts_with("none.json"));
}

TEST_CASE("the tokenizer's files") {
  const TextCheckpoint checkpoint(random_bert(1, small_bert()));
  std::vector<std::string> pieces = small_vocabulary();
  pieces.emplace_back("extra");
  checkpoint.folder.write("vocab.txt", lines(pieces));
  CHECK(refusal_of(checkpoint) ==
        "model.safetensors: the vocabulary does not fit the embedding: expected at most 30 pieces, "
        "got 31");
  checkpoint.folder.write("vocab.txt", lines(small_vocabulary()));
  for (const int max_tokens : {-1, 0, 3, 17, std::numeric_limits<int>::max()}) {
    ImportOptions options;
    options.max_tokens = max_tokens;
    CHECK(refusal_of(checkpoint, options) ==
          "max_tokens: expected 4 to 16 (the position embedding of " + checkpoint.folder.path +
              "/model.safetensors), got " + std::to_string(max_tokens));
  }
  checkpoint.folder.write("tokenizer_config.json", R"({"model_max_length": 0})");
  CHECK(refusal_of(checkpoint)
            .starts_with("tokenizer_config.json: model_max_length: expected a number from 1"));
  checkpoint.folder.write("tokenizer_config.json", R"({"model_max_length": "512"})");
  CHECK(
      refusal_of(checkpoint) ==
      "tokenizer_config.json: model_max_length: expected a number from 1.0 to 1e+300, got \"512\"");
  checkpoint.folder.write("tokenizer_config.json", R"({"do_lower_case": 1})");
  CHECK(refusal_of(checkpoint) ==
        "tokenizer_config.json: do_lower_case: expected true or false, got 1");
  checkpoint.folder.write("tokenizer_config.json", "{}");
  checkpoint.folder.write("vocab.txt", "[PAD]\n[UNK]\nthe\n");
  CHECK(refusal_of(checkpoint).starts_with("vocab.txt: expected the special token"));
  ImportOptions options;
  options.max_tokens = 8;
  const TextCheckpoint no_vocabulary(random_bert(1, small_bert()));
  CHECK(refusal_of(no_vocabulary, options) ==
        "model.safetensors: max_tokens: expected a vocab.txt or tokenizer.json beside the weights "
        "(or --vocab), found "
        "neither");
}

TEST_CASE("options of the other kind of model, and labels that do not fit") {
  const Edit nothing = [](Weights&, json&) {};
  const auto with = [](const auto& set) {
    ImportOptions options;
    set(options);
    return options;
  };
  const std::vector<ImportOptions> image_options = {
      with([](auto& o) { o.preprocess = PreprocessingPreset::none; }),
      with([](auto& o) { o.mean = std::vector<float>{0.5f}; }),
      with([](auto& o) { o.std = std::vector<float>{0.5f}; }),
      with([](auto& o) { o.size = 32; }),
      with([](auto& o) { o.crop = 32; }),
      with([](auto& o) { o.interpolation = Interpolation::bicubic; }),
      with([](auto& o) { o.crop_mode = CropMode::squash; }),
      with([](auto& o) { o.exif_orientation = true; })};
  for (const ImportOptions& options : image_options) {
    check_refused(nothing,
                  "model.safetensors: preprocess, mean, std, size, crop, channel_order, "
                  "interpolation, crop_mode and exif_orientation belong to image models, and this "
                  "is a bert-2x12",
                  options);
  }
  const TextCheckpoint images(random_cifar_resnet(1, 1, 8, 3, 4, false), json::object());
  CHECK_FALSE(images.import().is_text());
  const std::vector<ImportOptions> text_options = {
      with([](auto& o) { o.config = "config.json"; }),
      with([](auto& o) { o.vocabulary = "vocab.txt"; }), with([](auto& o) { o.max_tokens = 8; })};
  for (const ImportOptions& options : text_options) {
    CHECK(refusal_of(images, options) ==
          "model.safetensors: config, vocabulary and max_tokens belong to text models, and this is "
          "a cifar_resnet8");
  }
  const ImportOptions two_labels = with([](auto& o) { o.labels = {"a", "b"}; });
  const TextCheckpoint checkpoint(random_bert(1, small_bert()));
  CHECK(refusal_of(checkpoint, two_labels) ==
        "labels: expected 3 (the head of " + checkpoint.folder.path + "/model.safetensors), got 2");
}

TEST_CASE("rows that do not fit the model") {
  const TextCheckpoint checkpoint(random_bert(1, small_bert()));
  Session session(checkpoint.import(), {.execution = {.threads = 1}});
  const auto error = [&](const std::function<void(TokenRows&)>& edit) {
    return error_of_rows(session, edit);
  };
  CHECK(error([](TokenRows& rows) { rows.ids[4] = 30; }) ==
        "input: row 1, token 1: expected a word id from 0 to 29, got 30");
  CHECK(error([](TokenRows& rows) { rows.ids[0] = -1; }) ==
        "input: row 0, token 0: expected a word id from 0 to 29, got -1");
  CHECK(error([](TokenRows& rows) { rows.types[2] = 2; }) ==
        "input: row 0, token 2: expected a token type from 0 to 1, got 2");
  CHECK(error([](TokenRows& rows) { rows.positions[3] = 16; }) ==
        "input: row 1, token 0: expected a position from 0 to 15, got 16");
  CHECK(error([](TokenRows& rows) {
          rows.positions[1] = std::numeric_limits<std::int32_t>::min();
        }) == "input: row 0, token 1: expected a position from 0 to 15, got -2147483648");

  CHECK(error([](TokenRows& rows) {
          rows.offsets = {0, 3, 3, 5};
        }) == "input: row 1: expected 1 to 16 tokens, got 0");
  CHECK(error([](TokenRows& rows) {
          rows.offsets = {0, 4, 3, 5};
        }) == "input: row 1: expected 1 to 16 tokens, got offsets that fall");
  constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min(),
                         most = std::numeric_limits<std::int64_t>::max();
  CHECK(error([](TokenRows& rows) {
          rows.offsets = {0, 3, least, 5};
        }) == "input: row 1: expected 1 to 16 tokens, got offsets that fall");
  CHECK(error([](TokenRows& rows) {
          rows.offsets = {0, most, 5};
        }) == "input: row 0: expected 1 to 16 tokens, got 9223372036854775807");
  const auto seventeen = [](TokenRows& rows) {
    for (auto* values : {&rows.ids, &rows.positions, &rows.types}) values->assign(17, 0);
    rows.offsets = {0, 17};
  };
  CHECK(error(seventeen) == "input: row 0: expected 1 to 16 tokens, got 17");

  const std::string offsets = "input: expected offsets from 0 to 5, the number of tokens, got ";
  CHECK(error([](TokenRows& rows) { rows.offsets = {0, 3}; }) == offsets + "0 to 3");
  CHECK(error([](TokenRows& rows) { rows.offsets = {1, 3, 5}; }) == offsets + "1 to 5");
  CHECK(error([](TokenRows& rows) { rows.offsets = {0, 3, 6}; }) == offsets + "0 to 6");
  CHECK(error([](TokenRows& rows) { rows.offsets.clear(); }) == offsets + "none");
  CHECK(error([](TokenRows& rows) { rows.types.pop_back(); }) ==
        "input: expected a position and a type for each of 5 word ids, got 5 and 4");
  CHECK(error([](TokenRows& rows) { rows.positions.push_back(0); }) ==
        "input: expected a position and a type for each of 5 word ids, got 6 and 5");

  CHECK(files::error_of([&] {
          session.run(Tensor(DType::f32, {1, 3, 8, 8}));
        }) == checkpoint.folder.path + "/model.safetensors: takes texts, got images (1, 3, 8, 8)");
  const TextCheckpoint images(random_cifar_resnet(1, 1, 8, 3, 4, false), json::object());
  CHECK(files::error_of([&] {
          Session(images.import(), {.execution = {.threads = 1}}).run(TokenRows{});
        }) == images.folder.path + "/model.safetensors: takes images, got 0 texts");
  CHECK(session.run(TokenRows{}).index.empty());
}
