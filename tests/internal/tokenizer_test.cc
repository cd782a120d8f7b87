#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "sidenet/tokenizer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "added_tokens.h"
#include "bert_normalizer.h"
#include "image_files.h"
#include "tokenizer_file.h"
#include "utf8_text.h"
#include "word_piece.h"

using namespace sidenet;
using files::error_of;
using nlohmann::json;

namespace {

std::string golden(const std::string& name) {
  const char* data = std::getenv("SIDENET_TEST_DATA");
  if (data == nullptr)
    throw Error("SIDENET_TEST_DATA is not set: expected the path of tests/golden");
  return std::string(data) + "/tokenizer/" + name;
}

TokenizerOptions options_of(const json& fields) {
  TokenizerOptions options;
  options.lower_case = fields.value("lower_case", true);
  options.clean_text = fields.value("clean_text", true);
  options.chinese_characters = fields.value("chinese_characters", true);
  options.max_tokens = fields.value("max_tokens", 512);
  if (fields.contains("strip_accents") && !fields["strip_accents"].is_null())
    options.strip_accents = fields["strip_accents"];
  if (fields.value("truncation", "longest_first") == "only_first")
    options.truncation = Truncation::only_first;
  return options;
}

/// As the goldens write it: ids, " | " where the type changes.
std::string row_of(const Tokenizer& tokenizer, const Text& text) {
  TokenRows rows;
  if (!error_of([&] { tokenizer.encode(text, rows); }).empty()) return "error";
  std::string row;
  for (std::size_t i = 0; i < rows.ids.size(); ++i) {
    if (i > 0) row += rows.types[i] == rows.types[i - 1] ? " " : " | ";
    row += std::to_string(rows.ids[i]);
  }
  return row;
}

const std::vector<std::string> kPieces = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a",
                                          "b",     "##b",   "é",     "##é",   "."};

Tokenizer small(int max_tokens = 512, Truncation truncation = Truncation::longest_first) {
  TokenizerOptions options;
  options.strip_accents = false;
  options.max_tokens = max_tokens;
  options.truncation = truncation;
  return Tokenizer(kPieces, options, "small");
}

std::vector<std::int32_t> ids_of(const Tokenizer& tokenizer, const Text& text) {
  TokenRows rows;
  tokenizer.encode(text, rows);
  return rows.ids;
}

std::uint32_t crc_of(const std::string& bytes) {
  return static_cast<std::uint32_t>(
      ::crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

std::string utf8(std::u32string_view code_points) {
  std::string text;
  for (const char32_t c : code_points) {
    char bytes[4];
    text.append(bytes, put_utf8(c, bytes));
  }
  return text;
}

/// Calls `add(c, bytes)` for the 4,096 code points of each block; the CRC-32 of all its bytes.
template <typename Add>
std::vector<std::uint32_t> block_crcs(Add add) {
  std::vector<std::uint32_t> crcs;
  for (char32_t first = 0; first < 0x110000; first += 0x1000) {
    std::string bytes;
    for (char32_t c = first; c < first + 0x1000; ++c) {
      if (c < 0xD800 || c >= 0xE000) add(c, bytes);
    }
    crcs.push_back(crc_of(bytes));
  }
  return crcs;
}

using Ids = std::vector<std::int32_t>;

/// WordPiece as its paper says it, piece by piece.
Ids plain_word_piece(const std::vector<std::string>& vocabulary, const std::string& continuation,
                     const std::string& word) {
  Ids ids;
  for (std::size_t start = 0; start < word.size();) {
    std::size_t end = word.size();
    for (; end > start; --end) {
      const std::string piece = (start > 0 ? continuation : "") + word.substr(start, end - start);
      const auto found = std::find(vocabulary.begin(), vocabulary.end(), piece);
      if (found == vocabulary.end()) continue;
      ids.push_back(static_cast<std::int32_t>(found - vocabulary.begin()));
      break;
    }
    if (end == start) return {0};
    start = end;
  }
  return ids;
}

}  // namespace

TEST_CASE("ids and types of the goldens") {
  const json goldens = json::parse(files::read(golden("goldens.json")));
  std::size_t checked = 0;
  for (const json& run : goldens["runs"]) {
    const Tokenizer tokenizer = Tokenizer::load(golden(run["file"]), options_of(run["options"]));
    const json& texts = goldens[run["pairs"].get<bool>() ? "pairs" : "texts"];
    REQUIRE(texts.size() == run["rows"].size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      Text text;
      if (texts[i].is_string()) {
        text.first = texts[i];
      } else {
        text = {texts[i][0], texts[i][1].get<std::string>()};
      }
      INFO(run["options"].dump(), " text ", i, " ", texts[i].dump());
      CHECK(row_of(tokenizer, text) == run["rows"][i].get<std::string>());
      ++checked;
    }
  }
  CHECK(checked > 3000);
}

TEST_CASE("every code point is normalised and cut as in the goldens") {
  const json goldens = json::parse(files::read(golden("code_points.json")));
  REQUIRE(goldens["normalised"].size() == 4);
  for (const json& run : goldens["normalised"]) {
    const json& steps = run["steps"];
    const BertNormalizer normalizer({steps[0] != 0, steps[1] != 0, steps[2] != 0, steps[3] != 0});
    std::u32string out;
    const auto crcs = block_crcs([&](char32_t c, std::string& bytes) {
      normalizer.normalise(utf8(std::u32string{U'x', c, U'y', 0x1E000, c, 0x11446}), out);
      bytes += utf8(out) + "\n";
    });
    INFO(steps.dump());
    CHECK(crcs == run["crcs"].get<std::vector<std::uint32_t>>());
  }
  const CharacterClasses& classes = CharacterClasses::get();
  const auto crcs = block_crcs([&](char32_t c, std::string& bytes) {
    const unsigned bits = classes.of(c);
    bytes += (bits & CharacterClasses::white_space) != 0   ? 'w'
             : (bits & CharacterClasses::punctuation) != 0 ? 'p'
                                                           : 'c';
  });
  CHECK(crcs == goldens["words"].get<std::vector<std::uint32_t>>());
}

TEST_CASE("rows are packed one behind the other") {
  const Tokenizer tokenizer = small();
  TokenRows rows;
  tokenizer.encode({"a b", {}}, rows);
  tokenizer.encode({"", "abb"}, rows);
  CHECK(rows.ids == Ids{2, 5, 6, 3, 2, 3, 5, 7, 7, 3});
  CHECK(rows.positions == Ids{0, 1, 2, 3, 0, 1, 2, 3, 4, 5});
  CHECK(rows.types == Ids{0, 0, 0, 0, 0, 0, 1, 1, 1, 1});
  CHECK(rows.offsets == std::vector<std::int64_t>{0, 4, 10});
  CHECK(tokenizer.tokenize("Abé q.[MASK]") ==
        std::vector<std::string>{"a", "##b", "##é", "[UNK]", ".", "[MASK]"});
}

TEST_CASE("a text that is not UTF-8 leaves the rows alone") {
  const std::vector<std::pair<std::string, int>> bad = {
      {"\x80", 0},
      {"a\xff", 1},
      {"ab\xc0\xaf", 2},
      {"\xc1\xbf", 0},
      {"\xe0\x9f\xbf", 0},
      {"\xed\xa0\x80", 0},
      {"\xf0\x8f\xbf\xbf", 0},
      {"\xf4\x90\x80\x80", 0},
      {"\xf5\x80\x80\x80", 0},
      {"abcdefghi\xc3", 9},
      {"\xe4\xb8", 0},
      {"é\xf0\x9f\x98", 2},
      {"\xc3(", 0},
      {"\xe4(\xad", 0},
      {"\xed\xbf\xbf", 0},
  };
  const Tokenizer tokenizer = small(4);
  TokenRows rows;
  tokenizer.encode({"a", {}}, rows);
  for (const auto& [text, at] : bad) {
    CAPTURE(at);
    const std::string where = ": invalid UTF-8 at byte " + std::to_string(at);
    CHECK(error_of([&, &text = text] { tokenizer.encode({text, {}}, rows); }) == "text" + where);
    CHECK(error_of([&, &text = text] {
            tokenizer.encode({"a", text}, rows);
          }) == "second text" + where);
    CHECK(error_of([&, &text = text] { tokenizer.tokenize(text); }) == "text" + where);
    // Also where the row has been full for long.
    CHECK(error_of([&, &text = text] {
            tokenizer.encode({"a a a a a a a a " + text, {}}, rows);
          }).find("invalid") != std::string::npos);
  }
  CHECK(rows.ids == Ids{2, 5, 3});
  CHECK(rows.rows() == 1);
}

TEST_CASE("every code point survives writing and reading, and nothing else is valid") {
  for (char32_t c = 0; c < 0x110000; ++c) {
    char bytes[4];
    const std::string_view text(bytes, static_cast<std::size_t>(put_utf8(c, bytes) - bytes));
    const bool surrogate = c >= 0xD800 && c < 0xE000;
    const char* at = bytes;
    if (next_code_point(at) != c || at != bytes + text.size() ||
        valid_utf8_prefix(text) != (surrogate ? 0 : text.size())) {
      FAIL("U+", std::to_string(static_cast<unsigned>(c)));
    }
  }
}

TEST_CASE("truncation where pairs cannot be cut") {
  CHECK(ids_of(small(6, Truncation::only_first), {"a a a", "b b"}) == Ids{2, 5, 3, 6, 6, 3});
  CHECK(error_of([] {
          ids_of(small(6, Truncation::only_first), {"a", "b b b"});
        }) == "second text: expected less than 3 pieces where only the first text is cut, got 3");
  CHECK(ids_of(small(3), {"a a a a", {}}) == Ids{2, 5, 3});
}

TEST_CASE("a long text is cut to what its beginning gives") {
  std::string text;
  for (int i = 0; i < 20000; ++i) text += i % 7 == 0 ? "abé, [SEP] " : "bb a\u00e9中";
  const Tokenizer tokenizer = Tokenizer::load(golden("vocab.txt"));
  const std::vector<std::string> pieces = tokenizer.tokenize(text);
  const Ids ids = ids_of(tokenizer, {text, {}});
  REQUIRE(ids.size() == 512);
  REQUIRE(pieces.size() >= 100000);
  for (std::size_t i = 1; i < 511; ++i)
    CHECK(tokenizer.vocabulary()[static_cast<std::size_t>(ids[i])] == pieces[i - 1]);
}

TEST_CASE("WordPiece against its plain form") {
  std::mt19937 random(3);
  const auto pick = [&](std::size_t below) { return random() % below; };
  for (int trial = 0; trial < 300; ++trial) {
    const std::string continuation = std::vector<std::string>{"##", "", "a", "xy"}[pick(4)];
    const auto word = [&] {
      std::string letters;
      for (std::size_t i = pick(6) + 1; i > 0; --i) letters += "abcxy"[pick(trial % 5 + 1)];
      return letters;
    };
    std::vector<std::string> vocabulary = {"[UNK]"};
    for (int i = 0; i < 12; ++i) {
      const std::string piece = (pick(2) == 0 ? continuation : "") + word();
      if (std::find(vocabulary.begin(), vocabulary.end(), piece) == vocabulary.end())
        vocabulary.push_back(piece);
    }
    const WordPiece words(vocabulary, {vocabulary.size(), continuation, 100, 0}, "x",
                          [](std::int64_t id) { return std::to_string(id); });
    for (int i = 0; i < 30; ++i) {
      const std::string text = word() + word();
      std::vector<std::uint64_t> prefixes;
      Ids ids;
      words.append(text, text.size(), words.hash().of(text), prefixes, ids);
      CAPTURE(text);
      CHECK(ids == plain_word_piece(vocabulary, continuation, text));
    }
  }
}

TEST_CASE("added tokens against their plain form: the leftmost, of those the longest") {
  std::mt19937 random(5);
  const auto pick = [&](std::size_t below) { return random() % below; };
  for (int trial = 0; trial < 500; ++trial) {
    const std::size_t letters = trial % 3 + 1;
    const auto word = [&](std::size_t longest) {
      std::string bytes;
      for (std::size_t i = pick(longest) + 1; i > 0; --i) bytes += "a\xC3["[pick(letters)];
      return bytes;
    };
    std::vector<AddedToken> tokens;
    for (std::size_t i = pick(12); i > 0; --i) {
      const std::string content = word(trial % 8 + 1);
      const auto same = [&](const AddedToken& token) { return token.content == content; };
      if (std::none_of(tokens.begin(), tokens.end(), same))
        tokens.push_back({content, static_cast<std::int32_t>(i)});
    }
    const AddedTokens added(tokens, "x");
    for (int i = 0; i < 20; ++i) {
      const std::string text = word(20);
      std::size_t begin = text.size();
      const AddedToken* best = nullptr;
      for (const AddedToken& token : tokens) {
        const std::size_t found = text.find(token.content);
        const bool longer =
            best != nullptr && found == begin && token.content.size() > best->content.size();
        if (found != std::string::npos && (best == nullptr || found < begin || longer))
          begin = found, best = &token;
      }
      const AddedTokens::Match match = added.find(text.data(), text.data() + text.size());
      CAPTURE(text);
      CHECK(match.begin - text.data() == static_cast<std::ptrdiff_t>(begin));
      CHECK(match.bytes == (best == nullptr ? 0 : best->content.size()));
      CHECK(match.id == (best == nullptr ? -1 : best->id));
    }
  }
}

TEST_CASE("vocab.txt: line ends and white space behind a piece") {
  const TokenizerOptions options;
  const auto pieces = [&](const std::string& bytes) {
    return read_tokenizer(bytes, options, "v").vocabulary;
  };
  const std::vector<std::string> expected = {"[PAD]",  "[UNK]", "[CLS]", "[SEP]",
                                             "[MASK]", "",      " a",    "b\rc"};
  CHECK(pieces("[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\n[MASK]\r\n\r\n a\r\nb\rc\r\n") == expected);
  CHECK(pieces("[PAD]\n[UNK] \n[CLS]\t\n[SEP]\u3000\u00a0\n[MASK]\n\n a\u0085\nb\rc") == expected);
}

TEST_CASE("tokenizer.json: what the file says wins") {
  json file = json::parse(files::read(golden("tokenizer.json")));
  TokenizerOptions asked;
  asked.max_tokens = 77;
  asked.clean_text = asked.lower_case = false;
  asked.cls = "[nothing]";
  const auto read = [&] { return read_tokenizer(file.dump(), asked, "t").options; };
  TokenizerOptions got = read();
  CHECK(got.max_tokens == 77);
  CHECK(got.clean_text);
  CHECK(got.lower_case);
  CHECK(got.strip_accents == true);
  CHECK(got.cls == "[CLS]");
  file["normalizer"] = {{"type", "Lowercase"}};
  got = read();
  CHECK(!got.clean_text);
  CHECK(!got.chinese_characters);
  CHECK(got.strip_accents == false);
  CHECK(got.lower_case);
  json bert = {{"type", "BertNormalizer"},
               {"clean_text", false},
               {"handle_chinese_chars", true},
               {"strip_accents", true},
               {"lowercase", false}};
  file["normalizer"] = {{"type", "Sequence"}, {"normalizers", {bert, {{"type", "Lowercase"}}}}};
  got = read();
  CHECK(!got.clean_text);
  CHECK(got.chinese_characters);
  CHECK(got.strip_accents == true);
  CHECK(got.lower_case);
  file["normalizer"] = nullptr;
  CHECK(!read().lower_case);
  file["pre_tokenizer"] = {{"type", "Sequence"},
                           {"pretokenizers", {{{"type", "BertPreTokenizer"}}}}};
  file["truncation"] = {
      {"max_length", 5}, {"strategy", "OnlyFirst"}, {"stride", 0}, {"direction", "Right"}};
  file["padding"] = {{"pad_token", "[MASK]"}};
  file["post_processor"] = json::parse(R"({"type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "[SEP]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
               {"SpecialToken": {"id": "[CLS]", "type_id": 0}}],
    "pair": [{"SpecialToken": {"id": "[SEP]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
             {"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}},
             {"SpecialToken": {"id": "[CLS]", "type_id": 1}}],
    "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
                       "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]}}})");
  got = read();
  CHECK(got.truncation == Truncation::only_first);
  CHECK(got.pad == "[MASK]");
  CHECK(got.cls == "[SEP]");
  CHECK(got.sep == "[CLS]");
}

TEST_CASE("one tokenizer in many threads") {
  const Tokenizer tokenizer = Tokenizer::load(golden("vocab.txt"));
  const Text text{"Accents are dropped: café, ÉCOLE; unbelievable!", "İstanbul 東京"};
  const Ids expected = ids_of(tokenizer, text);
  std::vector<int> same(4);
  std::vector<std::thread> threads;
  for (int& count : same) {
    threads.emplace_back([&, copy = tokenizer] {
      for (int i = 0; i < 500; ++i) count += ids_of(copy, text) == expected ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(same == std::vector<int>(4, 500));
}
