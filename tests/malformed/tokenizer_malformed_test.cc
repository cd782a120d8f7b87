#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "../internal/image_files.h"
#include "bert_tokenizer.h"
#include "piece_table.h"
#include "sidenet/tokenizer.h"
#include "tried_files.h"

using namespace sidenet;
using files::error_of;
using nlohmann::json;

namespace {

const std::string kSpecials = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";

std::string error_reading(const std::string& bytes, const TokenizerOptions& options = {}) {
  return error_of([&] {
    ++sidenet::testing::tried_files;
    BertTokenizer(read_tokenizer(bytes, options, "x.file"), "x.file");
  });
}

/// One line that begins with the file's name and holds `part`.
void check_refused(const std::string& bytes, const std::string& part,
                   const TokenizerOptions& options = {}) {
  const std::string message = error_reading(bytes, options);
  CAPTURE(message);
  CAPTURE(part);
  CHECK(files::is_one_line(message));
  CHECK(message.find("x.file: ") == 0);
  CHECK(message.find(part) != std::string::npos);
}

/// A tokenizer.json that is fine.
json good() {
  const json flags = {{"single_word", false},
                      {"lstrip", false},
                      {"rstrip", false},
                      {"normalized", false},
                      {"special", true}};
  json file =
      json::parse(R"({"version": "1.0", "truncation": null, "padding": null, "decoder": null,
    "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null,
                   "lowercase": true},
    "pre_tokenizer": {"type": "BertPreTokenizer"},
    "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
    "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
              "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4, "a": 5, "##b": 6}}})");
  json token = flags;
  token["content"] = "[SEP]";
  token["id"] = 3;
  file["added_tokens"] = {token};
  return file;
}

/// The file with the value at `pointer` replaced, or with `value` null removed.
void check_field(const std::string& pointer, const json& value, const std::string& part) {
  json file = good();
  file[json::json_pointer(pointer)] = value;
  CAPTURE(pointer);
  check_refused(file.dump(), part);
}

void check_removed(const std::string& pointer, const std::string& part) {
  json file = good();
  const json::json_pointer place(pointer);
  file[place.parent_pointer()].erase(place.back());
  CAPTURE(pointer);
  check_refused(file.dump(), part);
}

json with_template(const std::string& pointer, const json& value) {
  json file = good();
  json& processor = file["post_processor"];
  processor = json::parse(R"({"type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
               {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
    "pair": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
             {"SpecialToken": {"id": "[SEP]", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}},
             {"SpecialToken": {"id": "[SEP]", "type_id": 1}}],
    "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
                       "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]}}})");
  if (!pointer.empty()) processor[json::json_pointer(pointer)] = value;
  return file;
}

}  // namespace

TEST_CASE("what the bad files are made from is good") {
  CHECK(error_reading(kSpecials) == "");
  CHECK(error_reading(good().dump()) == "");
  CHECK(error_reading(with_template("", {}).dump()) == "");
}

TEST_CASE("vocab.txt: nothing in it") { check_refused("", "expected a vocabulary, got no pieces"); }
TEST_CASE("vocab.txt: a special token is missing") {
  check_refused("a\nb\n",
                "expected the special token \"[UNK]\" in the vocabulary, got 2 pieces without it");
  for (const std::string piece : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}) {
    std::string text = kSpecials;
    check_refused(text.replace(text.find(piece), 1, "("), "special token \"" + piece + "\"");
  }
  TokenizerOptions options;
  options.cls = "<s>\n";
  check_refused(kSpecials, "special token \"<s>?\"", options);
}
TEST_CASE("a piece twice: the last line of a vocab.txt, an error elsewhere") {
  ++sidenet::testing::tried_files;
  const TokenizerContents read = read_tokenizer(kSpecials + "a\nb\na \n\n\n", {}, "x.file");
  CHECK(read.vocabulary ==
        std::vector<std::string>{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "", "b", "a"});
  CHECK(BertTokenizer(read, "x.file").piece_ids("a b") == std::vector<std::int32_t>{7, 6});
  CHECK(error_of([] {
          Tokenizer({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "a"}, {}, "here");
        }) == "here: id 7: expected each piece once, got \"a\" again, which is also id 5");
}
TEST_CASE("vocab.txt: not UTF-8") {
  check_refused(kSpecials + "a\nb\xff\n", "line 7: expected UTF-8, got another byte at byte 34");
  check_refused(std::string(100, '\x80'), "line 1: expected UTF-8");
}
TEST_CASE("vocab.txt: too many lines") {
  check_refused(std::string(800'002, '\n'), "expected at most 800000 pieces");
}
TEST_CASE("vocab.txt: too many bytes") {
  check_refused(std::string((64 << 20) + 1, 'a'), "expected at most 67108864 bytes, got 67108865");
}
TEST_CASE("vocab.txt: a single huge piece is no harm") {
  CHECK(error_reading(kSpecials + std::string(32 << 20, 'a')) == "");
}

// With the table's first hash they share a twentieth of its slots; it takes another.
TEST_CASE("vocab.txt: pieces made to collide cost neither time nor an answer") {
  std::string text = kSpecials;
  std::vector<std::string> pieces;
  for (int i = 0; pieces.size() < 1100; ++i) {
    const std::string piece = std::to_string(i);
    if (PieceHash().of(piece) >> 52 != 0) continue;
    text += piece + "\n";
    pieces.push_back(piece);
  }
  ++sidenet::testing::tried_files;
  const BertTokenizer tokenizer(read_tokenizer(text, {}, "x.file"), "x.file");
  for (std::size_t i = 0; i < pieces.size(); ++i)
    CHECK(tokenizer.piece_ids(pieces[i]) ==
          std::vector<std::int32_t>{static_cast<std::int32_t>(i) + 5});
}
TEST_CASE("a table of pieces tells where too many of them collide") {
  std::vector<std::string> pieces;
  for (int i = 0; pieces.size() < 1100; ++i) {
    if (PieceHash().of(std::to_string(i)) >> 52 == 0) pieces.push_back(std::to_string(i));
  }
  const auto added = [&](const PieceHash& hash) {
    PieceTable table(pieces);
    table.reset(pieces.size(), hash);
    std::int32_t index = 0;
    while (index < 1100 && table.add(index).first == PieceTable::Added::yes) ++index;
    return index;
  };
  CHECK(added({}) < 200);
  CHECK(added({0xD1342543DE82EF95u}) == 1100);
}

TEST_CASE("a vocabulary that is not UTF-8") {
  CHECK(error_of([] {
          Tokenizer({"[PAD]", "\xc3"}, {}, "here");
        }) == "here: id 1: expected UTF-8, got \"?\"");
}
TEST_CASE("options out of range") {
  TokenizerOptions options;
  options.max_tokens = 2;
  check_refused(kSpecials, "max_tokens: expected at least 3, got 2", options);
  options = {};
  options.max_word_characters = 0;
  check_refused(kSpecials, "max_word_characters: expected 1 to 1000, got 0", options);
  options.max_word_characters = 1001;
  check_refused(kSpecials, "max_word_characters: expected 1 to 1000, got 1001", options);
}
TEST_CASE("no file, or a folder") {
  CHECK(error_of([] {
          Tokenizer::load("no/such/vocab.txt");
        }).find("no/such/vocab.txt: cannot be opened") == 0);
  CHECK(error_of([] { Tokenizer::load("/"); }).find("/: ") == 0);
}

TEST_CASE("tokenizer.json: cut short anywhere") {
  const std::string text = good().dump();
  for (std::size_t size = 1; size < text.size(); ++size)
    check_refused(text.substr(0, size), "malformed JSON at byte");
}
TEST_CASE("tokenizer.json: malformed JSON") {
  check_refused("{\"a\": \"\xff\"}", "malformed JSON at byte 8");
  check_refused(" \n{}x", "malformed JSON at byte 5");
  check_refused("{\"a\": 1e999}", "malformed JSON at byte");
}
TEST_CASE("tokenizer.json: any byte replaced is refused or read") {
  const std::string text = good().dump();
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const char byte : {'"', '0', '{', '\x01'}) {
      std::string bad = text;
      bad[at] = byte;
      const std::string message = error_reading(bad);
      CHECK(message.find('\n') == std::string::npos);
    }
  }
}
TEST_CASE("tokenizer.json: too deep, too many values") {
  check_refused("{\"a\":" + std::string(100'000, '['), "expected JSON of at most 32 levels");
  std::string zeros = "{\"a\":[0";
  for (int i = 0; i < 100'000; ++i) zeros += ",0";
  check_refused(zeros, "expected JSON of at most 65536 values");
}
TEST_CASE("tokenizer.json: a key twice") {
  check_refused("{\"version\": \"1.0\", \"version\": \"1.0\"}",
                "expected each key once, got \"version\" again");
  check_refused("{\"model\": {\"vocab\": {}, \"vocab\": {}}}",
                "expected each key once, got \"vocab\" again");
}
TEST_CASE("tokenizer.json: top level") {
  check_field("/version", "2.0", "version: expected \"1.0\", got \"2.0\"");
  check_field("/extra", 1, "got \"extra\"");
  for (const std::string field : {"model", "pre_tokenizer", "post_processor"}) {
    check_removed("/" + field, field + ": expected a value, got none");
    check_field("/" + field, nullptr, field + ": expected an object, got null");
  }
}
TEST_CASE("tokenizer.json: model") {
  check_field("/model/type", "BPE",
              "model.type: expected \"WordPiece\", the tokenizer of BERT, got \"BPE\"");
  check_field("/model/unk_token", 7, "model.unk_token: expected a string, got 7");
  check_field("/model/unk_token", "<unk>", "expected the special token \"<unk>\"");
  check_field("/model/max_input_chars_per_word", -1,
              "model.max_input_chars_per_word: expected an integer from 1 to 1000, got -1");
  check_field("/model/max_input_chars_per_word", 18446744073709551615u,
              "an integer from 1 to 1000, got 18446744073709551615");
  check_field("/model/merges", json::array(), "model: expected the fields type, ");
  check_removed("/model/continuing_subword_prefix",
                "model.continuing_subword_prefix: expected a value, got none");
}
TEST_CASE("tokenizer.json: vocabulary") {
  check_field("/model/vocab", json::object(), "model.vocab: expected pieces, got none");
  check_field("/model/vocab", json::array(), "model.vocab: expected {}, got []");
  check_field("/model/vocab/a", 800'000, "expected an id below 800000, got 800000");
  check_field("/model/vocab/a", 4, "expected an id that no other piece has, got 4");
  check_field("/model/vocab/a", -5, "model.vocab.a: expected an id, got a negative number");
  check_field("/model/vocab/a", 5.0,
              "model.vocab.a: expected an id, got a number that is no integer");
  check_field("/model/vocab/a", "5", "model.vocab.a: expected an id, got a string");
  check_field("/model/vocab/a", json::object(), "model.vocab.a: expected an id, got an object");
  std::string twice = good().dump();
  check_refused(twice.replace(twice.find("\"##b\""), 5, "\"a\""),
                "expected each piece once, got \"a\" again");
}
TEST_CASE("tokenizer.json: normalizer") {
  check_field("/normalizer/type", "NFKC",
              "normalizer.type: expected BertNormalizer or Lowercase, got \"NFKC\"");
  check_field("/normalizer/lowercase", "yes",
              "normalizer.lowercase: expected true or false, got \"yes\"");
  check_removed("/normalizer/clean_text", "normalizer.clean_text: expected a value, got none");
  const json lower = {{"type", "Lowercase"}};
  for (const char* type : {"NFD", "StripAccents", "BertNormalizer"}) {
    check_field("/normalizer", {{"type", "Sequence"}, {"normalizers", {lower, {{"type", type}}}}},
                std::string("normalizer.normalizers[1].type: expected Lowercase, got \"") + type);
  }
}
TEST_CASE("tokenizer.json: pre_tokenizer") {
  check_field("/pre_tokenizer/type", "Whitespace",
              "pre_tokenizer.type: expected \"BertPreTokenizer\", got \"Whitespace\"");
  check_field(
      "/pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", json::array()}},
      "pre_tokenizer.pretokenizers: expected a list with BertPreTokenizer alone, got a list of 0");
}
TEST_CASE("tokenizer.json: post_processor") {
  check_field("/post_processor/type", "RobertaProcessing",
              "post_processor.type: expected BertProcessing or TemplateProcessing");
  check_field("/post_processor/cls", json::array({"[CLS]", 3}),
              "post_processor.cls[1]: expected the id of \"[CLS]\"");
  check_field("/post_processor/sep", json::array({"[SEP]", 99}),
              "post_processor.sep[1]: expected an integer from 0 to 6, got 99");
  check_field("/post_processor/sep", json::array(),
              "post_processor.sep: expected a piece and its id");
  const auto refused = [](const char* pointer, const json& value, const char* part) {
    check_refused(with_template(pointer, value).dump(), part);
  };
  refused("/single", json::array(),
          "post_processor.single: expected [CLS] A [SEP], got a list of 0");
  refused("/single/1/Sequence/type_id", 1, "post_processor.single: expected [{");
  refused("/single/0", 1, "post_processor.single[0]: expected an object, got 1");
  refused("/pair/4/SpecialToken/type_id", 0, "post_processor.pair: expected [{");
  refused("/special_tokens/[CLS]/ids", {2, 3},
          "post_processor.special_tokens.[CLS].ids: expected one id");
  refused("/special_tokens/[SEP]/ids/0", 4,
          "ids[0]: expected the id of \"[SEP]\" in the vocabulary, got 4");
  refused("/special_tokens", json::object(),
          "post_processor.special_tokens.[CLS]: expected a value, got none");
}
TEST_CASE("tokenizer.json: added_tokens") {
  check_field("/added_tokens/0/single_word", true,
              "added_tokens[0].single_word: expected false, got true");
  for (const char* flag : {"single_word", "lstrip", "rstrip", "normalized"}) {
    check_field(std::string("/added_tokens/0/") + flag, 1,
                std::string("added_tokens[0].") + flag + ": expected true or false, got 1");
    check_removed(std::string("/added_tokens/0/") + flag,
                  std::string("added_tokens[0].") + flag + ": expected a value, got none");
  }
  check_field("/added_tokens/0/id", 2,
              "added_tokens[0].id: expected the id of \"[SEP]\" in the vocabulary, got 2");
  check_field("/added_tokens/0/id", 8,
              "added_tokens[0].id: expected an integer from 0 to 7, got 8");
  check_field("/added_tokens/0/id", 7,
              "id 7: expected each piece once, got \"[SEP]\" again, which is also id 3");
  check_field("/added_tokens", "x", "added_tokens: expected a list, got \"x\"");
  json file = good();
  file["added_tokens"].push_back(file["added_tokens"][0]);
  check_refused(file.dump(), "added_tokens: expected each content once, got \"[SEP]\" again");
  file = good();
  file["model"]["vocab"].erase("a");  // the next id is 6 then, which "##b" has
  file["added_tokens"][0]["content"] = "new";
  file["added_tokens"][0]["id"] = 7;
  check_refused(file.dump(), "added_tokens[0].id: expected a vocabulary without gaps");
  file = good();
  for (const char* content : {"New", "new"}) {
    json token = file["added_tokens"][0];
    token["content"] = content;
    token["id"] = content[0] == 'N' ? 7 : 8;
    token["normalized"] = true;
    file["added_tokens"].push_back(token);
  }
  check_refused(file.dump(), "added_tokens: expected each content once, got \"new\" again");
  file = good();
  file["added_tokens"][0]["id"] = 7;
  file["added_tokens"][0]["content"] = "";
  check_refused(file.dump(), "added_tokens: expected a content of 1 to 256 bytes, got 0");
  file["added_tokens"][0]["content"] = std::string(257, 'x');
  check_refused(file.dump(), "added_tokens: expected a content of 1 to 256 bytes, got 257");
  file = good();
  for (int i = 0; i < 1024; ++i) {
    json token = file["added_tokens"][0];
    token["id"] = 7 + i;
    token["content"] = "new" + std::to_string(i);
    file["added_tokens"].push_back(token);
  }
  check_refused(file.dump(), "added_tokens: expected at most 1024, got 1025");
}
TEST_CASE("tokenizer.json: truncation and padding") {
  check_field("/truncation", {{"strategy", "OnlySecond"}},
              "truncation.strategy: expected LongestFirst or OnlyFirst");
  check_field("/truncation", {{"strategy", "OnlyFirst"}, {"direction", "Middle"}},
              "truncation.direction: expected Right or Left, got \"Middle\"");
  check_field("/padding", {{"pad_token", "<pad>"}}, "expected the special token \"<pad>\"");
}
