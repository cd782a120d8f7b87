// Every form that a BERT-family checkpoint comes in gives one model; what does not fit:
// import_text_errors_test.cc.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <bit>
#include <functional>

#include "bert.h"
#include "dataset_batches.h"
#include "golden_texts.h"
#include "tapped_session.h"
#include "text_checkpoint.h"

using namespace sidenet;
using namespace sidenet::testing;
using nlohmann::json;

namespace {

using Strings = std::vector<std::string>;

const std::string kNoVocabulary = "no vocab.txt or tokenizer.json: the model takes token ids only";

Weights small_weights() { return random_bert(1, small_bert()); }

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  if (const auto at = text.find(from); at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

/// DistilBERT's names for BERT's modules.
std::string distilbert_name(std::string name) {
  for (const auto& [bert, distilbert] : {std::pair{"encoder.layer", "transformer.layer"},
                                         {"attention.self.query", "attention.q_lin"},
                                         {"attention.self.key", "attention.k_lin"},
                                         {"attention.self.value", "attention.v_lin"},
                                         {"attention.output.dense", "attention.out_lin"},
                                         {"attention.output.LayerNorm", "sa_layer_norm"},
                                         {"intermediate.dense", "ffn.lin1"},
                                         {".output.dense", ".ffn.lin2"},
                                         {".output.LayerNorm", ".output_layer_norm"},
                                         {"pooler.dense", "pre_classifier"}}) {
    name = replaced(name, bert, distilbert);
  }
  return name;
}

/// Two bytes an element: the upper halves of floats (bfloat16), or float16.
Tensor narrowed(const Tensor& tensor, DType dtype) {
  struct Values : Storage {
    std::vector<std::uint16_t> values;
  };
  const auto storage = std::make_shared<Values>();
  for (std::int64_t i = 0; i < tensor.size(); ++i) {
    const auto bits = std::bit_cast<std::uint32_t>(tensor.data<float>()[i]);
    const std::uint32_t exponent = bits >> 23 & 255, sign = bits >> 16 & 0x8000;
    if (dtype == DType::bf16) {
      storage->values.push_back(static_cast<std::uint16_t>(bits >> 16));
    } else {  // cut off; what float16 holds only as a subnormal becomes 0
      storage->values.push_back(static_cast<std::uint16_t>(
          exponent < 113 ? sign : sign | (exponent - 112) << 10 | (bits >> 13 & 1023)));
    }
  }
  return {dtype, tensor.shape(), reinterpret_cast<const std::byte*>(storage->values.data()),
          storage};
}

/// The same values as `narrow`, by a rule of the test's own.
Tensor widened(const Tensor& narrow) {
  std::vector<float> values;
  for (std::int64_t i = 0; i < narrow.size(); ++i) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, narrow.raw() + 2 * i, sizeof bits);
    if (narrow.dtype() == DType::bf16) {
      values.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16));
    } else {
      const float size =
          (bits >> 10 & 31) == 0
              ? 0
              : std::ldexp(1.0f + static_cast<float>(bits & 1023) / 1024, (bits >> 10 & 31) - 15);
      values.push_back((bits & 0x8000) != 0 ? -size : size);
    }
  }
  return Tensor::from(narrow.shape(), values);
}

Strings pieces_of(const Model& model, const TokenRows& rows) {
  Strings result;
  for (const std::int32_t id : rows.ids)
    result.push_back(model.tokenizer().vocabulary().at(static_cast<std::size_t>(id)));
  return result;
}

Strings encoded(const Model& model, const std::string& text) {
  TokenRows rows;
  model.tokenizer().encode({text, std::nullopt}, rows);
  return pieces_of(model, rows);
}

bool same_rows(const TokenRows& a, const TokenRows& b) {
  return a.ids == b.ids && a.positions == b.positions && a.types == b.types &&
         a.offsets == b.offsets;
}

}  // namespace

TEST_CASE("wrappers before the names change nothing") {
  const Weights weights = small_weights();
  const Model plain = TextCheckpoint(weights).import();
  CHECK(plain.architecture() == "bert-2x12");
  CHECK(plain.notes() == Strings{kNoVocabulary});
  const Tensor expected = some_logits(plain);
  for (const char* prefix :
       {"bert.", "0.auto_model.", "encoder.", "model.", "model.bert.", "net.encoder."}) {
    CAPTURE(prefix);
    const Model model = TextCheckpoint(with_encoder_prefix(weights, prefix)).import();
    CHECK(model.notes() == plain.notes());
    CHECK(model.architecture() == "bert-2x12");
    CHECK(same_bits(some_logits(model), expected));
  }
  for (const char* wrapper : {"model.", "module.", "_orig_mod."}) {
    for (const char* encoder : {"", "bert.", "encoder."}) {
      CAPTURE(wrapper);
      CAPTURE(encoder);
      const Weights wrapped = renamed(with_encoder_prefix(weights, encoder),
                                      [&](const auto& name) { return wrapper + name; });
      const Model model = TextCheckpoint(wrapped).import();
      CHECK(model.notes() == plain.notes());
      CHECK(same_bits(some_logits(model), expected));
    }
  }
}

TEST_CASE("an encoder that a module holds under two names is one") {
  Weights twice;
  for (const auto& [name, tensor] : with_encoder_prefix(small_weights(), "bert.")) {
    twice[name] = tensor;
    if (name.starts_with("bert.")) twice["also." + name] = tensor;  // the same bytes
  }
  CHECK(models::clean_bert_names(twice, "x"));
  CHECK(twice.size() == small_weights().size());
  for (const auto& [name, tensor] : small_weights()) CHECK(twice.contains(name));
}

TEST_CASE("the files of a checkpoint are the weights and what lies beside them") {
  const TextCheckpoint checkpoint(small_weights());
  const std::string folder = checkpoint.folder.path + "/";
  for (const char* name : {"vocab.txt", "tokenizer_config.json", "README.md"})
    checkpoint.folder.write(name, "");
  const Strings found{folder + "model.safetensors", folder + "config.json",
                      folder + "tokenizer_config.json", folder + "vocab.txt"};
  CHECK(Model::checkpoint_files(folder) == found);
  CHECK(Model::checkpoint_files(folder + "model.safetensors") == found);
  ImportOptions options;
  options.config = "c.json", options.vocabulary = "v.txt";
  CHECK(Model::checkpoint_files("alone/m.pth", options) ==
        Strings{"alone/m.pth", "c.json", "v.txt"});
}

TEST_CASE("gamma and beta are weight and bias") {
  const Weights weights = small_weights();
  const auto old_name = [](const std::string& name) {
    if (name.find("LayerNorm") == std::string::npos) return name;
    return replaced(replaced(name, ".weight", ".gamma"), ".bias", ".beta");
  };
  const Weights old = renamed(weights, old_name);
  CHECK(old.contains("embeddings.LayerNorm.gamma"));
  CHECK(same_bits(some_logits(TextCheckpoint(old).import()),
                  some_logits(TextCheckpoint(weights).import())));
}

TEST_CASE("DistilBERT's names and configuration") {
  BertSize size = small_bert();
  size.types = 0;
  const Weights weights = random_bert(2, size);
  const json config = {{"model_type", "distilbert"},
                       {"n_layers", 2},
                       {"dim", 12},
                       {"n_heads", 3},
                       {"hidden_dim", 20},
                       {"activation", "gelu"},
                       {"vocab_size", 30},
                       {"max_position_embeddings", 16}};
  // BERT's modules with DistilBERT's head: no types, and ReLU where BERT has tanh.
  const Weights bert_names = renamed(
      weights, [](const auto& name) { return replaced(name, "pooler.dense", "pre_classifier"); });
  const Model plain = TextCheckpoint(bert_names, config_of(size)).import();
  CHECK(plain.architecture() == "distilbert-2x12");
  const Tensor expected = some_logits(plain, size);
  const Weights distilbert_names = renamed(weights, distilbert_name);
  CHECK(distilbert_names.contains("transformer.layer.1.ffn.lin2.bias"));
  CHECK(distilbert_names.contains("transformer.layer.1.output_layer_norm.weight"));
  for (const char* prefix : {"", "distilbert.", "model.distilbert."}) {
    CAPTURE(prefix);
    const Model model =
        TextCheckpoint(with_encoder_prefix(distilbert_names, prefix), config).import();
    CHECK(model.notes() == Strings{kNoVocabulary});
    CHECK(same_bits(some_logits(model, size), expected));
  }
  CHECK_FALSE(
      same_bits(some_logits(TextCheckpoint(weights, config_of(size)).import(), size), expected));
}

TEST_CASE("PyTorch's two formats and safetensors give one model") {
  const golden::Json index = golden::read_json("index.json", "bert");
  const golden::TemporaryFile folder("import-text");
  golden::write_text_checkpoint(index, "checkpoint", folder.path());
  BertSize size = small_bert();
  size.layers = 1;
  const Tensor expected = some_logits(Model::import_checkpoint(folder.path()), size);
  std::filesystem::remove(folder.path() + "/model.safetensors");
  for (const char* file : {"checkpoint.bin", "checkpoint_legacy.bin"}) {
    CAPTURE(file);
    const std::string weights = folder.path() + "/pytorch_model.bin";
    std::filesystem::copy_file(golden::directory("bert") / file, weights,
                               std::filesystem::copy_options::overwrite_existing);
    const Model model = Model::import_checkpoint(folder.path());
    CHECK(same_bits(some_logits(model, size), expected));
    CHECK(model.notes() ==
          Strings{kNoVocabulary,
                  "left out, not part of a bert-1x12: 'cls.predictions.bias', "
                  "'cls.predictions.decoder.weight', 'cls.seq_relationship.weight'"});
    CHECK_FALSE(model.tensors().contains("embeddings.position_ids"));
    CHECK(same_bits(some_logits(Model::import_checkpoint(weights), size),
                    expected));  // the file, not its folder
  }
}

TEST_CASE("float16 and bfloat16 weights compute as their float32 values") {
  for (const DType dtype : {DType::f16, DType::bf16}) {
    CAPTURE(dtype_name(dtype));
    Weights narrow, wide;
    for (const auto& [name, tensor] : small_weights()) {
      narrow[name] = narrowed(tensor, dtype);
      wide[name] = widened(narrow[name]);
    }
    const Tensor expected = some_logits(TextCheckpoint(wide).import());
    CHECK_FALSE(same_bits(expected, some_logits(TextCheckpoint(small_weights()).import())));
    const Model model = TextCheckpoint(narrow).import();
    CHECK(model.tensors().at("classifier.weight").dtype() == dtype);
    CHECK(same_bits(some_logits(model), expected));
    const files::Folder folder;
    model.save(folder.path + "/model");
    CHECK(same_bits(some_logits(Model::load(folder.path + "/model")), expected));
  }
}

TEST_CASE("labels: id2label, the caller's, or numbers") {
  json config = config_of(small_bert());
  CHECK(TextCheckpoint(small_weights(), config).import().labels() == Strings{"0", "1", "2"});
  config["id2label"] = {{"0", "LABEL_0"}, {"1", "LABEL_1"}, {"2", "LABEL_2"}};
  CHECK(TextCheckpoint(small_weights(), config).import().labels() == Strings{"0", "1", "2"});
  config["id2label"] = {{"0", "LABEL_1"}, {"1", "LABEL_0"}, {"2", "LABEL_2"}};  // chosen, then
  CHECK(TextCheckpoint(small_weights(), config).import().labels() ==
        Strings{"LABEL_1", "LABEL_0", "LABEL_2"});
  config["id2label"] = {{"0", 3}, {"1", 4}, {"2", -5}};
  CHECK(TextCheckpoint(small_weights(), config).import().labels() == Strings{"3", "4", "-5"});
  config["id2label"] = nullptr;
  config["label2id"] = {{"negative", 0}, {"positive", 2}, {"neutral", 1}};
  CHECK(TextCheckpoint(small_weights(), config).import().labels() ==
        Strings{"negative", "neutral", "positive"});
  config.erase("label2id");
  config["id2label"] = {{"0", "negative"}, {"1", "LABEL_1"}, {"2", "positive"}};
  const TextCheckpoint named(small_weights(), config);
  CHECK(named.import().labels() == Strings{"negative", "LABEL_1", "positive"});
  ImportOptions options;
  options.labels = {"x", "y", "z"};
  CHECK(named.import(options).labels() == options.labels);
  config["id2label"] = {{"0", "negative"}};  // wrong, but not asked for
  CHECK(TextCheckpoint(small_weights(), config).import(options).labels() == options.labels);
}

TEST_CASE("the tokenizer's files beside the weights") {
  const TextCheckpoint checkpoint(small_weights());
  CHECK_FALSE(checkpoint.import().has_tokenizer());
  const std::string vocabulary = lines(small_vocabulary()), text = "The film was very goodly";
  const std::string vocab_txt = checkpoint.folder.write("vocab.txt", vocabulary);
  const Strings lower{"[CLS]", "the", "film", "was", "very", "good", "##ly", "[SEP]"};
  const Model plain = checkpoint.import();
  CHECK(plain.notes().empty());
  CHECK(encoded(plain, text) == lower);
  CHECK(plain.tokenizer().options().max_tokens == 16);

  checkpoint.folder.write("tokenizer_config.json",
                          R"({"do_lower_case": false, "model_max_length": 10})");
  CHECK(encoded(checkpoint.import(), text) ==
        Strings{"[CLS]", "[UNK]", "film", "was", "very", "good", "##ly", "[SEP]"});
  CHECK(checkpoint.import().tokenizer().options().max_tokens == 10);
  checkpoint.folder.write("sentence_bert_config.json",
                          R"({"max_seq_length": 6, "do_lower_case": false})");
  CHECK(encoded(checkpoint.import(), text) ==
        Strings{"[CLS]", "[UNK]", "film", "was", "very", "[SEP]"});
  checkpoint.folder.write("tokenizer_config.json",
                          R"({"model_max_length": 1000000000000000019884624838656})");
  checkpoint.folder.write("sentence_bert_config.json", R"({"max_seq_length": null})");
  CHECK(checkpoint.import().tokenizer().options().max_tokens == 16);
  ImportOptions options;
  options.max_tokens = 5;
  CHECK(encoded(checkpoint.import(options), text) ==
        Strings{"[CLS]", "the", "film", "was", "[SEP]"});
  options.max_tokens.reset();

  // A BertTokenizer has tokenizer.json's pieces alone.
  checkpoint.folder.write("tokenizer.json", tokenizer_json(small_vocabulary(), false).dump());
  CHECK(encoded(checkpoint.import(), text)[1] == "the");
  checkpoint.folder.write("tokenizer_config.json",
                          R"({"tokenizer_class": "PreTrainedTokenizerFast"})");
  CHECK(encoded(checkpoint.import(), text)[1] == "[UNK]");  // what the file says wins
  checkpoint.folder.write("tokenizer_config.json", "{}");
  options.vocabulary = vocab_txt;
  CHECK(encoded(checkpoint.import(options), text) == lower);
}

TEST_CASE("a vocabulary with capitals: texts are lowered, where no file tells, and it is said") {
  Strings pieces = small_vocabulary();
  pieces[5] = "The";
  pieces.pop_back();
  const TextCheckpoint checkpoint(small_weights());
  checkpoint.folder.write("vocab.txt", lines(pieces));
  const Model model = checkpoint.import();
  CHECK(encoded(model, "The film") == Strings{"[CLS]", "[UNK]", "film", "[SEP]"});
  const std::string sizes = "the embedding has 30 words, the vocabulary 29";
  CHECK(model.notes() ==
        Strings{"texts are lowered, as transformers does, although the vocabulary has capitals: a "
                "cased model says \"do_lower_case\": false in tokenizer_config.json",
                sizes});
  checkpoint.folder.write("tokenizer_config.json", R"({"do_lower_case": true})");
  CHECK(encoded(checkpoint.import(), "The film")[1] == "[UNK]");
  CHECK(checkpoint.import().notes() == Strings{sizes});
  checkpoint.folder.write("tokenizer_config.json", R"({"do_lower_case": false})");
  CHECK(encoded(checkpoint.import(), "The film")[1] == "The");
}

TEST_CASE("a saved model gives the same") {
  json config = config_of(small_bert());
  config["id2label"] = {{"0", "no"}, {"1", "\xC3\xA9"}, {"2", "yes"}};
  config["hidden_act"] = "gelu_new";
  config["layer_norm_eps"] = 0.03;
  const TextCheckpoint checkpoint(small_weights(), config);
  checkpoint.folder.write("vocab.txt", lines(small_vocabulary()));
  checkpoint.folder.write(
      "tokenizer_config.json",
      R"({"do_lower_case": true, "model_max_length": 9, "strip_accents": false})");
  const Model model = checkpoint.import();
  const files::Folder folder;
  model.save(folder.path + "/model");
  const Model again = Model::load(folder.path + "/model");
  CHECK(again.is_text());
  CHECK(again.architecture() == model.architecture());
  CHECK(again.labels() == Strings{"no", "\xC3\xA9", "yes"});
  CHECK(same_bits(some_logits(again), some_logits(model)));
  config["layer_norm_eps"] = 1e-12;
  CHECK_FALSE(
      same_bits(some_logits(again), some_logits(TextCheckpoint(small_weights(), config).import())));
  CHECK(again.tokenizer().vocabulary() == small_vocabulary());
  CHECK(again.tokenizer().options().max_tokens == 9);
  TokenRows rows, rows_again;
  for (const Text& text :
       {Text{"The FILM was \xC3\xA9 not [MASK] slow", "a bad plot"}, Text{"fun", std::nullopt}}) {
    model.tokenizer().encode(text, rows);
    again.tokenizer().encode(text, rows_again);
  }
  CHECK(same_rows(rows, rows_again));
  again.save(folder.path + "/twice");
  CHECK(files::read(folder.path + "/twice") == files::read(folder.path + "/model"));
}

TEST_CASE("an encoder without a head is taken, and says so when it is run") {
  BertSize size = small_bert();
  size.classes = 0;
  Weights weights = random_bert(3, size);
  const TextCheckpoint bare(weights, config_of(size));
  Weights pretrained = weights;
  RandomWeights random(5);
  pretrained["pooler.dense.weight"] = random.tensor({12, 12}, -1, 1);
  pretrained["pooler.dense.bias"] = random.tensor({12}, -1, 1);
  const TextCheckpoint with_pooler(with_encoder_prefix(pretrained, "bert."), config_of(size));
  CHECK(bare.import().notes() == Strings{kNoVocabulary});
  CHECK(with_pooler.import().notes() ==
        Strings{kNoVocabulary,
                "left out, not part of a bert-2x12: 'pooler.dense.bias', 'pooler.dense.weight'"});
  Batch batch;
  batch.tokens = random_texts(7, 9, 16, size);
  std::vector<Tensor> features;
  for (const TextCheckpoint* checkpoint : {&bare, &with_pooler}) {
    const Model model = checkpoint->import();
    CHECK_FALSE(model.has_head());
    CHECK(model.labels().empty());
    CHECK(model.exits().empty());
    const std::string message = files::error_of([&] { const Session session(model); });
    CHECK(message == checkpoint->folder.path +
                         "/model.safetensors: this bert-2x12 has no head yet: fit one first "
                         "(`sidenet train MODEL --data "
                         "DATA --head -o MODEL`)");
    features.push_back(TappedSession(model, {"encoder.layer.1"}, {}, 1).run(batch).features.at(0));
    const files::Folder folder;
    model.save(folder.path + "/model");
    CHECK_FALSE(Model::load(folder.path + "/model").has_head());
  }
  CHECK(same_bits(features[0], features[1]));
}

TEST_CASE("a head fitted to a headless encoder is saved with it") {
  BertSize size = small_bert();
  size.classes = 0;
  const TextCheckpoint checkpoint(random_bert(4, size), config_of(size));
  checkpoint.folder.write("vocab.txt", lines(small_vocabulary()));
  const Strings subjects{"the film", "a plot", "it", "the end", "acting", "the actor"},
      verbs{"is", "was", "is very", "was not"};
  std::string rows = "text\tlabel\n";
  for (const auto& [word, label] : {std::pair{"good", "positive"},
                                    {"bright", "positive"},
                                    {"fun", "positive"},
                                    {"bad", "negative"},
                                    {"dull", "negative"},
                                    {"slow", "negative"}}) {
    for (const std::string& subject : subjects) {
      for (const std::string& verb : verbs)
        rows += subject + " " + verb + " " + word + "\t" + label + "\n";
    }
  }
  const auto data = Dataset::open(checkpoint.folder.write("rows.tsv", rows));
  TrainOptions options;
  options.taps = {"encoder.layer.0"};
  options.head = true;
  options.hidden = 8;
  options.epochs = 4;
  options.execution.threads = 1;
  const TrainResult trained = train_sidenets(checkpoint.import(), {data}, options);
  const Model& model = trained.model;
  REQUIRE(trained.exits.size() == 2);
  CHECK(trained.exits[0].name == "final");
  CHECK(model.has_head());
  CHECK(model.labels() == Strings{"negative", "positive"});

  const std::string path = checkpoint.folder.path + "/model";
  model.save(path);
  const Model again = Model::load(path);
  CHECK(again.has_head());
  CHECK(again.labels() == model.labels());
  REQUIRE(again.exits().size() == 2);
  CHECK(again.exits()[1].name == "final");
  CHECK(again.exits()[1].token_pool == TokenPooling::cls_mean);
  const TokenRows tokens = encode_rows(*data, model.tokenizer(), 0, data->rows());
  CHECK(same_rows(tokens, encode_rows(*data, again.tokenizer(), 0, data->rows())));
  const AllExits all = Session(model, {.execution = {.threads = 1}}).run_all_exits(tokens),
                 all_again = Session(again, {.execution = {.threads = 2}}).run_all_exits(tokens);
  REQUIRE(all.logits.size() == 2);
  for (const std::size_t exit : {0, 1}) CHECK(same_bits(all.logits[exit], all_again.logits[exit]));
  CHECK_FALSE(same_bits(all.logits[0], all.logits[1]));
}

TEST_CASE("a tokenizer.json's own tokens are saved with the model") {
  struct Case {
    const char* what;
    std::function<json()> file;
    std::string text, unlike;
  };
  // `unlike` would give the same ids if the token were cut out of the text in the one file and not
  // in the other.
  const std::vector<Case> cases = {{"an added token that is no special one",
                                    [] {
                                      Strings pieces = small_vocabulary();
                                      pieces.back() = "[ENT]";
                                      return tokenizer_json(pieces, true);
                                    },
                                    "the [ENT] film", "the [ent] film"},
                                   {"special tokens that are not among the added ones",
                                    [] {
                                      json file = tokenizer_json(small_vocabulary(), true);
                                      file["added_tokens"] = json::array();
                                      return file;
                                    },
                                    "the [MASK] film", "the film"},
                                   {"an added token that the model's pieces lack",
                                    [] {
                                      Strings pieces = small_vocabulary();
                                      const std::string last = pieces.back();
                                      pieces.pop_back();
                                      json file = tokenizer_json(pieces, true);
                                      json token = file["added_tokens"][0];
                                      token["id"] = pieces.size();
                                      token["content"] = "zzz";
                                      file["added_tokens"].push_back(token);
                                      return file;
                                    },
                                    "the filmzzz", "the filmzz"}};
  for (const Case& one : cases) {
    INFO(one.what);
    const TextCheckpoint checkpoint(small_weights());
    checkpoint.folder.write("tokenizer.json", one.file().dump());
    const Model model = checkpoint.import();
    const std::string path = checkpoint.folder.path + "/model";
    model.save(path);
    const Model again = Model::load(path);
    const auto ids = [](const Model& of, const std::string& text) {
      TokenRows rows;
      of.tokenizer().encode({text, std::nullopt}, rows);
      return std::vector<std::int32_t>(rows.ids.begin(), rows.ids.end());
    };
    CHECK(ids(model, one.text) == ids(again, one.text));
    CHECK(ids(model, one.unlike) == ids(again, one.unlike));
    CHECK(ids(model, one.text) != ids(model, one.unlike));
    CHECK(again.tokenizer().vocabulary() == model.tokenizer().vocabulary());
  }
}
