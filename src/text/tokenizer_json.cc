#include "tokenizer_json.h"

#include "json_field.h"
#include "limited_json.h"
#include "sidenet/error.h"
#include "utf8_text.h"

namespace sidenet {
namespace {

using nlohmann::json;

class Reader {
 public:
  Reader(TokenizerJson file, const TokenizerOptions& options, const std::string& source)
      : file_(std::move(file)), root_(file_.document, "", source), source_(source) {
    contents_.options = options;
  }

  TokenizerContents read() {
    root_.expect_keys({"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor",
                       "decoder", "model"});
    if (root_.has("version")) root_.at("version").expect("1.0");
    read_model(root_.at("model"));
    if (root_.has("added_tokens")) read_added_tokens(root_.at("added_tokens"));
    read_normalizer();
    read_pre_tokenizer(root_.at("pre_tokenizer"));
    read_post_processor(root_.at("post_processor"));
    if (root_.has("truncation")) read_truncation(root_.at("truncation"));
    // Rows are not padded, so only the token's name is of use.
    if (root_.has("padding")) contents_.options.pad = root_.at("padding").at("pad_token").string();
    return std::move(contents_);
  }

 private:
  void read_model(const JsonField& model) {
    model.at("type").expect("WordPiece");
    model.expect_keys({"type", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word", "vocab"});
    TokenizerOptions& options = contents_.options;
    options.unknown = model.at("unk_token").string();
    options.continuation = model.at("continuing_subword_prefix").string();
    options.max_word_characters = static_cast<int>(model.at("max_input_chars_per_word").integer(1, 1000));
    model.at("vocab").expect(json::object());  // emptied by the parser; a list stays one
    place_pieces();
  }

  // The ids are 0 to n - 1, each once.
  void place_pieces() {
    const std::size_t count = file_.vocabulary.size();
    if (count == 0) throw Error(source_ + ": model.vocab: expected pieces, got none");
    contents_.vocabulary.resize(count);
    std::vector<bool> taken(count);
    for (auto& [piece, id] : file_.vocabulary) {
      const auto refuse = [&](const std::string& expected) {
        throw Error(source_ + ": model.vocab: " + quoted_text(piece) + ": expected " + expected + ", got " +
                    std::to_string(id));
      };
      if (id >= count) refuse("an id below " + std::to_string(count) + ", the number of pieces");
      if (taken[id]) refuse("an id that no other piece has");
      taken[id] = true;
      contents_.vocabulary[id] = std::move(piece);
    }
    contents_.model_pieces = count;
    file_.vocabulary.clear();
  }

  void read_added_tokens(const JsonField& list) {
    for (std::size_t i = 0; i < list.list_size(); ++i) {
      const JsonField token = list.at(i);
      token.expect_keys({"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"});
      for (const char* flag : {"single_word", "lstrip", "rstrip", "normalized"}) token.at(flag).expect(false);
      const std::string& content = token.at("content").string();
      auto& pieces = contents_.vocabulary;
      // A token that the model does not have takes the next id, as Hugging Face gives it.
      const auto id = static_cast<std::size_t>(
          token.at("id").integer(0, static_cast<std::int64_t>(std::min(pieces.size(), kMaxPieces))));
      if (id == pieces.size()) {
        pieces.push_back(content);
      } else {
        expect_id(token.at("id"), content, id);
      }
      contents_.added.push_back({content, static_cast<std::int32_t>(id)});
    }
  }

  void expect_id(const JsonField& field, const std::string& piece, std::size_t id) const {
    const auto& pieces = contents_.vocabulary;
    if (id >= pieces.size() || pieces[id] != piece) field.refuse("the id of " + quoted_text(piece) + " in the vocabulary");
  }

  void read_normalizer() {
    TokenizerOptions& options = contents_.options;
    options.clean_text = options.chinese_characters = options.lower_case = false;
    options.strip_accents = false;
    if (!root_.has("normalizer")) return;
    const JsonField normalizer = root_.at("normalizer");
    if (normalizer.at("type").string() != "Sequence") {
      read_normalizer_step(normalizer, true);
      return;
    }
    const JsonField steps = normalizer.at("normalizers");
    for (std::size_t i = 0; i < steps.list_size(); ++i) read_normalizer_step(steps.at(i), i == 0);
  }

  // Lowercase is the last step of BertNormalizer, so it may follow it, and nothing may follow Lowercase but itself. NFD and
  // StripAccents are not the same: the latter drops every mark (Mc, Me too), by the tables of another Unicode version.
  void read_normalizer_step(const JsonField& step, bool first) {
    TokenizerOptions& options = contents_.options;
    const std::string& type = step.at("type").string();
    if (type == "Lowercase") {
      step.expect_keys({"type"});
      options.lower_case = true;
    } else if (type == "BertNormalizer" && first) {
      step.expect_keys({"type", "clean_text", "handle_chinese_chars", "strip_accents", "lowercase"});
      options.clean_text = step.at("clean_text").boolean();
      options.chinese_characters = step.at("handle_chinese_chars").boolean();
      options.lower_case = step.at("lowercase").boolean();
      options.strip_accents = step.has("strip_accents") ? step.at("strip_accents").boolean() : options.lower_case;
    } else {
      step.at("type").refuse(first ? "BertNormalizer or Lowercase" : "Lowercase");
    }
  }

  void read_pre_tokenizer(const JsonField& field) const {
    if (field.at("type").string() != "Sequence") {
      field.at("type").expect("BertPreTokenizer");
      return;
    }
    const JsonField steps = field.at("pretokenizers");
    if (steps.list_size() != 1) steps.refuse("a list with BertPreTokenizer alone");
    steps.at(std::size_t{0}).at("type").expect("BertPreTokenizer");
  }

  void read_post_processor(const JsonField& field) {
    const std::string& type = field.at("type").string();
    TokenizerOptions& options = contents_.options;
    if (type == "BertProcessing") {
      options.cls = read_named_id(field.at("cls"));
      options.sep = read_named_id(field.at("sep"));
    } else if (type == "TemplateProcessing") {
      read_template(field);
    } else {
      field.at("type").refuse("BertProcessing or TemplateProcessing");
    }
  }

  std::string read_named_id(const JsonField& field) const {
    if (field.list_size() != 2) field.refuse("a piece and its id");
    const std::string& piece = field.at(std::size_t{0}).string();
    const auto id = field.at(std::size_t{1}).integer(0, static_cast<std::int64_t>(contents_.vocabulary.size()) - 1);
    expect_id(field.at(std::size_t{1}), piece, static_cast<std::size_t>(id));
    return piece;
  }

  void read_template(const JsonField& field) {
    TokenizerOptions& options = contents_.options;
    const JsonField single = field.at("single");
    if (single.list_size() != 3) single.refuse("[CLS] A [SEP]");
    options.cls = single.at(std::size_t{0}).at("SpecialToken").at("id").string();
    options.sep = single.at(std::size_t{2}).at("SpecialToken").at("id").string();
    const auto special = [](const std::string& piece, int type) -> json {
      return {{"SpecialToken", {{"id", piece}, {"type_id", type}}}};
    };
    const auto sequence = [](const char* name, int type) -> json {
      return {{"Sequence", {{"id", name}, {"type_id", type}}}};
    };
    json expected = json::array({special(options.cls, 0), sequence("A", 0), special(options.sep, 0)});
    single.expect(expected);
    expected.push_back(sequence("B", 1));
    expected.push_back(special(options.sep, 1));
    field.at("pair").expect(expected);
    for (const std::string* piece : {&options.cls, &options.sep}) {
      const JsonField ids = field.at("special_tokens").at(piece->c_str()).at("ids");
      if (ids.list_size() != 1) ids.refuse("one id");
      const auto id = ids.at(std::size_t{0}).integer(0, static_cast<std::int64_t>(contents_.vocabulary.size()) - 1);
      expect_id(ids.at(std::size_t{0}), *piece, static_cast<std::size_t>(id));
    }
  }

  void read_truncation(const JsonField& field) {
    if (field.has("direction")) field.at("direction").expect("Right");
    const std::string& strategy = field.at("strategy").string();
    if (strategy != "LongestFirst" && strategy != "OnlyFirst") field.at("strategy").refuse("LongestFirst or OnlyFirst");
    contents_.options.truncation = strategy == "OnlyFirst" ? Truncation::only_first : Truncation::longest_first;
  }

  TokenizerJson file_;
  JsonField root_;
  const std::string& source_;
  TokenizerContents contents_;
};

}  // namespace

TokenizerContents read_tokenizer_json(std::string_view bytes, const TokenizerOptions& options, const std::string& source) {
  return Reader(parse_tokenizer_json(bytes, source), options, source).read();
}

}  // namespace sidenet
