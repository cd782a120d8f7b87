// A tokenizer's folder gives the ids that AutoTokenizer of transformers 5 gives
// (tests/golden/make_folder_goldens.py), also from a saved model, or is refused by the field.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "golden_texts.h"
#include "text_checkpoint.h"

using namespace sidenet;
using namespace sidenet::testing;
using nlohmann::json;

namespace {

using Strings = std::vector<std::string>;

BertSize folder_size() {
  BertSize size = small_bert();
  size.words = 40, size.positions = 32;
  return size;
}

/// A checkpoint with a folder's files; each is a text as it is, or JSON.
struct TokenizerCheckpoint {
  TextCheckpoint checkpoint{random_bert(1, folder_size()), config_of(folder_size())};

  explicit TokenizerCheckpoint(const json& files = json::object()) {
    for (const auto& [name, contents] : files.items()) write(name, contents);
  }
  void write(const std::string& name, const json& contents) const {
    json all = contents;
    if (name == "config.json") {  // the golden's names the tokenizer alone
      all = config_of(folder_size());
      if (contents.contains("tokenizer_class"))
        all["tokenizer_class"] = contents["tokenizer_class"];
    }
    checkpoint.folder.write(name, all.is_string() ? all.get<std::string>() : all.dump());
  }
  std::string refusal() const {
    std::string message = files::error_of([&] { checkpoint.import(); });
    CHECK_MESSAGE((message.empty() || files::is_one_line(message)), message);
    if (message.starts_with(checkpoint.folder.path))
      message.erase(0, checkpoint.folder.path.size() + 1);
    return message;
  }
};

/// As the goldens write it: ids, " | " where the type changes.
std::string row_of(const Tokenizer& tokenizer, const Text& text) {
  TokenRows rows;
  tokenizer.encode(text, rows);
  std::string row;
  for (std::size_t i = 0; i < rows.ids.size(); ++i) {
    if (i > 0) row += rows.types[i] == rows.types[i - 1] ? " " : " | ";
    row += std::to_string(rows.ids[i]);
  }
  return row;
}

Strings rows_of(const Model& model, const golden::Json& goldens) {
  Strings rows;
  for (const std::string text : goldens["texts"])
    rows.push_back(row_of(model.tokenizer(), {text, std::nullopt}));
  for (const auto& pair : goldens["pairs"])
    rows.push_back(row_of(model.tokenizer(), {pair[0], std::string(pair[1])}));
  return rows;
}

json plain_vocabulary() { return lines(small_vocabulary()); }

std::string refusal_of(const json& tokenizer_config, const json& more = json::object()) {
  TokenizerCheckpoint checkpoint(more);
  checkpoint.write("vocab.txt", plain_vocabulary());
  checkpoint.write("tokenizer_config.json", tokenizer_config);
  return checkpoint.refusal();
}

json token(const std::string& content, bool special) {
  return {{"content", content}, {"lstrip", false},      {"rstrip", false},
          {"special", special}, {"single_word", false}, {"normalized", !special}};
}

}  // namespace

TEST_CASE("folders as transformers reads them, before and after saving") {
  const golden::Json goldens = golden::read_json("folders.json", "tokenizer");
  CHECK(goldens["folders"].size() > 25);
  for (const auto& folder : goldens["folders"]) {
    CAPTURE(folder["name"].get<std::string>());
    const TokenizerCheckpoint checkpoint(folder["files"]);
    const Model model = checkpoint.checkpoint.import();
    const auto expected = folder["rows"].get<Strings>();
    CHECK(rows_of(model, goldens) == expected);
    const std::string saved = checkpoint.checkpoint.folder.path + "/model";
    model.save(saved);
    CHECK(rows_of(Model::load(saved), goldens) == expected);
  }
}

TEST_CASE("tokenizers of other classes and kinds are refused and named") {
  for (const char* name : {"BertJapaneseTokenizer", "XLMRobertaTokenizerFast", "MyTokenizer"}) {
    const std::string got = std::string(", got \"") + name + "\"";
    const std::string expected =
        "tokenizer_class: expected BertTokenizer, DistilBertTokenizer or "
        "PreTrainedTokenizerFast, which are read" +
        got;
    CHECK(refusal_of({{"tokenizer_class", name}}) == "tokenizer_config.json: " + expected);
    const TokenizerCheckpoint by_config(json{{"config.json", {{"tokenizer_class", name}}}});
    CHECK(by_config.refusal() == "config.json: " + expected);  // without any vocabulary, too
  }
  CHECK(refusal_of({{"tokenizer_class", "PreTrainedTokenizerFast"}}) ==
        "tokenizer_config.json: tokenizer_class: expected BertTokenizer beside a vocab.txt; this "
        "class has a tokenizer.json, not found, got \"PreTrainedTokenizerFast\"");
  for (const char* name : {"sentencepiece.bpe.model", "spiece.model", "tokenizer.model"}) {
    const TokenizerCheckpoint checkpoint(json{{name, "x"}});
    CHECK(checkpoint.refusal() ==
          std::string(name) +
              ": is a SentencePiece tokenizer, which is not read: expected BERT's "
              "vocab.txt or tokenizer.json beside it");
  }
  CHECK(TokenizerCheckpoint(json{{"merges.txt", "x"}})
            .refusal()
            .starts_with("merges.txt: is a byte"));
}

TEST_CASE("what is not read of a tokenizer's folder is refused by the field") {
  CHECK(refusal_of({{"split_special_tokens", true}}) ==
        "tokenizer_config.json: split_special_tokens: expected false, got true");
  CHECK(refusal_of({{"truncation_side", "middle"}}) ==
        "tokenizer_config.json: truncation_side: expected right or left, got \"middle\"");
  CHECK(refusal_of({{"fast_tokenizer_files", {"tokenizer.json", "tokenizer.4.0.0.json"}}}) ==
        "tokenizer_config.json: fast_tokenizer_files[1]: expected tokenizer.json alone, got "
        "\"tokenizer.4.0.0.json\"");
  CHECK(refusal_of({{"cls_token", nullptr}})
            .ends_with("tokenizer_config.json: cls_token: expected a token, got null"));
  CHECK(refusal_of({{"cls_token", "<s>"}}) ==
        "vocab.txt: expected the special token \"<s>\" in the vocabulary, got 30 pieces without "
        "it");
  CHECK(refusal_of({{"unk_token", "<unk>"}}) ==
        "vocab.txt: expected the special token \"<unk>\" in the vocabulary, got 30 pieces without "
        "it");
  json single = token("[ENT]", true);
  single["single_word"] = true;
  CHECK(refusal_of({{"added_tokens_decoder", {{"30", single}}}}) ==
        "tokenizer_config.json: added_tokens_decoder.30.single_word: expected false, got true");
  CHECK(refusal_of({{"added_tokens_decoder", {{"x", token("[ENT]", true)}}}}) ==
        "tokenizer_config.json: added_tokens_decoder.x: expected an id as its key, got an object");
  CHECK(refusal_of({{"added_tokens_decoder", {{"33", token("[ENT]", true)}}}})
            .ends_with("tokenizer_config.json: added token \"[ENT]\": expected id 30, the "
                       "vocabulary's or the next free one, got 33"));
  const json sentence = {{"sentence_bert_config.json", {{"do_lower_case", true}}}};
  CHECK(refusal_of({{"do_lower_case", false}}, sentence)
            .starts_with("sentence_bert_config.json: do_lower_case: expected false, as the "
                         "tokenizer keeps case"));
  CHECK(refusal_of({{"do_lower_case", true}}, sentence).empty());
}

TEST_CASE("added tokens behind the embedding: their texts alone are refused") {
  TokenizerCheckpoint checkpoint;
  Strings pieces = small_vocabulary();
  pieces.erase(pieces.begin() + 4);  // [MASK], which then comes behind the last piece
  while (pieces.size() < 40) pieces.push_back("w" + std::to_string(pieces.size()));
  checkpoint.write("vocab.txt", lines(pieces));
  const Model model = checkpoint.checkpoint.import();
  CHECK(model.notes() == Strings{"the embedding has 40 words, the vocabulary and its added tokens "
                                 "41: texts with the last ones are refused"});
  Session session(model, {.execution = {.threads = 1}});
  const auto run = [&](const std::string& text) {
    TokenRows rows;
    model.tokenizer().encode({text, std::nullopt}, rows);
    session.run(rows);
  };
  run("the film was good");
  CHECK(files::error_of([&] { run("the [MASK]"); }) ==
        "input: row 0, token 2: expected a word id from 0 to 39, got 40");
}

TEST_CASE("what the import took for granted of the tokenizer") {
  const auto assumed = [](const Model& model) {
    Strings found;
    for (const Assumption& each : model.assumptions()) {
      for (const char* what : {"lower case", "strip accents", "most tokens"}) {
        if (each.what == what) found.push_back(each.value + ", " + name_of(each.source));
      }
    }
    return found;
  };
  const TokenizerCheckpoint checkpoint(json{{"vocab.txt", plain_vocabulary()}});
  CHECK(assumed(checkpoint.checkpoint.import()) ==
        Strings{"yes, default", "yes, default", "32, default"});
  checkpoint.write("tokenizer_config.json", {{"do_lower_case", false},
                                             {"strip_accents", true},
                                             {"truncation_side", "left"},
                                             {"model_max_length", 9}});
  CHECK(assumed(checkpoint.checkpoint.import()) ==
        Strings{"no, config", "yes, config", "9, cut from the left, config"});
  ImportOptions options;
  options.max_tokens = 8;
  CHECK(assumed(checkpoint.checkpoint.import(options)).back() == "8, cut from the left, option");
}
