#include "tokenizer_json.h"

#include <algorithm>

#include "json_field.h"
#include "json_tree.h"
#include "sidenet/error.h"
#include "utf8_text.h"

namespace sidenet {
namespace {

using nlohmann::json;

// The vocabulary, by far the largest part, is not kept as JSON values: the document has an empty
// object at model.vocab.
class TokenizerHandler : public JsonTreeBuilder {
 public:
  static constexpr std::size_t kMaxDepth = 32, kMaxValues = 65'536;
  explicit TokenizerHandler(const JsonName& name) : JsonTreeBuilder(name, kMaxValues) {}

  /// The piece of each id; empty where an id has none.
  TokenizerContents take_vocabulary() {
    TokenizerContents contents;
    contents.vocabulary = std::move(vocabulary_);
    contents.model_pieces = contents.vocabulary.size();
    contents.different = pieces_;
    return contents;
  }

  void key(const std::string& text) override {
    if (depth() == 1) is_model_ = text == "model";
    if (depth() == 2) is_vocabulary_ = is_model_ && text == "vocab";
    if (!in_vocabulary_) {
      JsonTreeBuilder::key(text);
    } else {
      piece_ = text;
    }
  }
  // Tokenizer refuses a piece that comes twice.
  Keys begin_object() override {
    if (in_vocabulary_) unexpected("an object");
    in_vocabulary_ = depth() == 2 && is_vocabulary_;
    return JsonTreeBuilder::begin_object();
  }
  void end_object() override {
    in_vocabulary_ = false;
    JsonTreeBuilder::end_object();
  }
  void natural(std::uint64_t number) override {
    if (!in_vocabulary_) return JsonTreeBuilder::natural(number);
    if (number >= kMaxPieces)
      refuse("expected an id below " + std::to_string(kMaxPieces) + ", got " +
             std::to_string(number));
    const auto id = static_cast<std::size_t>(number);
    if (id >= vocabulary_.size()) {
      vocabulary_.resize(id + 1);
      taken_.resize(id + 1);
    }
    if (taken_[id]) refuse("expected an id that no other piece has, got " + std::to_string(id));
    taken_[id] = true;
    vocabulary_[id] = piece_;
    ++pieces_;
  }
  void begin_list() override {
    return in_vocabulary_ ? unexpected("a list") : JsonTreeBuilder::begin_list();
  }
  void string(const std::string& text) override {
    return in_vocabulary_ ? unexpected("a string") : JsonTreeBuilder::string(text);
  }
  void negative(std::int64_t number) override {
    return in_vocabulary_ ? unexpected("a negative number") : JsonTreeBuilder::negative(number);
  }
  void real(double number, const std::string& written) override {
    return in_vocabulary_ ? unexpected("a number that is no integer")
                          : JsonTreeBuilder::real(number, written);
  }
  void boolean(bool value) override {
    return in_vocabulary_ ? unexpected("a bool") : JsonTreeBuilder::boolean(value);
  }
  void null() override { return in_vocabulary_ ? unexpected("null") : JsonTreeBuilder::null(); }

 private:
  std::string expected() const override { return "an id"; }

  bool is_model_ = false, is_vocabulary_ = false;  // the value that comes is "model", its "vocab"
  bool in_vocabulary_ = false;
  std::string piece_;
  std::vector<std::string> vocabulary_;
  std::vector<bool> taken_;
  std::size_t pieces_ = 0;
};

class Reader {
 public:
  Reader(json document, TokenizerContents contents, const TokenizerOptions& options,
         const std::string& source)
      : root_(std::move(document), {source, ""}), source_(source), contents_(std::move(contents)) {
    contents_.options = options;
    root_.expect_keys({"version", "truncation", "padding", "added_tokens", "normalizer",
                       "pre_tokenizer", "post_processor", "decoder", "model"});
    if (root_.has("version")) root_.at("version").expect("1.0");
    read_model(root_.at("model"));
  }

  TokenizerContents read() {
    if (root_.has("added_tokens")) read_added_tokens(root_.at("added_tokens"));
    read_normalizer();
    read_pre_tokenizer(root_.at("pre_tokenizer"));
    read_post_processor(root_.at("post_processor"));
    if (root_.has("truncation")) read_truncation(root_.at("truncation"));
    const auto& pieces = contents_.vocabulary;
    for (std::string* name : {&contents_.options.pad, &contents_.options.mask}) {
      if (std::find(pieces.begin(), pieces.end(), *name) == pieces.end()) name->clear();
    }
    // Rows are not padded, so only the token's name is of use.
    if (root_.has("padding")) contents_.options.pad = root_.at("padding").at("pad_token").string();
    return std::move(contents_);
  }

  TokenizerContents read_pieces() {
    if (root_.has("added_tokens")) {
      for (const JsonField& token : root_.at("added_tokens").items()) {
        contents_.added.push_back(read_added_token(token, false));
        contents_.added.back().id = token.at("id").integer(0, static_cast<int>(kMaxPieces));
      }
    }
    if (root_.has("truncation")) read_direction(root_.at("truncation"));
    if (!root_.has("normalizer")) return std::move(contents_);
    const JsonField normalizer = root_.at("normalizer");
    if (normalizer.has("type") && normalizer.at("type").string() == "BertNormalizer")
      read_normalizer();
    return std::move(contents_);
  }

 private:
  // Old files leave the type out.
  void read_model(const JsonField& model) {
    if (model.has("type") && model.at("type").string() != "WordPiece")
      model.at("type").refuse("\"WordPiece\", the tokenizer of BERT");
    model.expect_keys(
        {"type", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word", "vocab"});
    TokenizerOptions& options = contents_.options;
    options.unknown = model.at("unk_token").string();
    options.continuation = model.at("continuing_subword_prefix").string();
    options.max_word_characters = model.at("max_input_chars_per_word").integer(1, 1000);
    model.at("vocab").expect(json::object());  // emptied by the parser; a list stays one
    if (contents_.vocabulary.empty())
      throw Error(source_ + ": model.vocab: expected pieces, got none");
  }

  void read_added_tokens(const JsonField& list) {
    for (std::size_t i = 0; i < list.list_size(); ++i) {
      const JsonField token = list.item(i);
      for (const char* flag : {"single_word", "lstrip", "rstrip", "normalized"}) token.at(flag);
      AddedToken added = read_added_token(token, false);
      auto& pieces = contents_.vocabulary;
      // A token that the model does not have takes the next id, as Hugging Face gives it.
      const auto id = static_cast<std::size_t>(
          token.at("id").integer(0, static_cast<int>(std::min(pieces.size(), kMaxPieces))));
      if (id == pieces.size()) {
        if (pieces.size() == contents_.model_pieces && id != contents_.different)
          token.at("id").refuse("a vocabulary without gaps where tokens are new");
        pieces.push_back(added.content);
      } else {
        expect_id(token.at("id"), added.content, id);
      }
      added.id = static_cast<std::int32_t>(id);
      contents_.added.push_back(std::move(added));
    }
  }

  int last_id() const { return static_cast<int>(contents_.vocabulary.size()) - 1; }

  void expect_id(const JsonField& field, const std::string& piece, std::size_t id) const {
    const auto& pieces = contents_.vocabulary;
    if (id >= pieces.size() || pieces[id] != piece)
      field.refuse("the id of " + quoted_text(piece) + " in the vocabulary");
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
    for (std::size_t i = 0; i < steps.list_size(); ++i) read_normalizer_step(steps.item(i), i == 0);
  }

  // Lowercase is the last step of BertNormalizer, so it may follow it, and nothing may follow
  // Lowercase but itself. NFD and StripAccents are not the same: the latter drops every mark (Mc,
  // Me too), by the tables of another Unicode version.
  void read_normalizer_step(const JsonField& step, bool first) {
    TokenizerOptions& options = contents_.options;
    const std::string& type = step.at("type").string();
    if (type == "Lowercase") {
      step.expect_keys({"type"});
      options.lower_case = true;
    } else if (type == "BertNormalizer" && first) {
      step.expect_keys(
          {"type", "clean_text", "handle_chinese_chars", "strip_accents", "lowercase"});
      options.clean_text = step.at("clean_text").boolean();
      options.chinese_characters = step.at("handle_chinese_chars").boolean();
      options.lower_case = step.at("lowercase").boolean();
      options.strip_accents =
          step.has("strip_accents") ? step.at("strip_accents").boolean() : options.lower_case;
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
    steps.item(0).at("type").expect("BertPreTokenizer");
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
    const std::string& piece = field.item(0).string();
    const auto id = field.item(1).integer(0, last_id());
    expect_id(field.item(1), piece, static_cast<std::size_t>(id));
    return piece;
  }

  void read_template(const JsonField& field) {
    TokenizerOptions& options = contents_.options;
    const JsonField single = field.at("single");
    if (single.list_size() != 3) single.refuse("[CLS] A [SEP]");
    options.cls = single.item(0).at("SpecialToken").at("id").string();
    options.sep = single.item(2).at("SpecialToken").at("id").string();
    const auto special = [](const std::string& piece, int type) -> json {
      return {{"SpecialToken", {{"id", piece}, {"type_id", type}}}};
    };
    const auto sequence = [](const char* name, int type) -> json {
      return {{"Sequence", {{"id", name}, {"type_id", type}}}};
    };
    json expected =
        json::array({special(options.cls, 0), sequence("A", 0), special(options.sep, 0)});
    single.expect(expected);
    expected.push_back(sequence("B", 1));
    expected.push_back(special(options.sep, 1));
    field.at("pair").expect(expected);
    for (const std::string* piece : {&options.cls, &options.sep}) {
      const JsonField ids = field.at("special_tokens").at(piece->c_str()).at("ids");
      if (ids.list_size() != 1) ids.refuse("one id");
      const auto id = ids.item(0).integer(0, last_id());
      expect_id(ids.item(0), *piece, static_cast<std::size_t>(id));
    }
  }

  void read_direction(const JsonField& field) {
    if (!field.has("direction")) return;
    const std::string& side = field.at("direction").string();
    if (side != "Right" && side != "Left") field.at("direction").refuse("Right or Left");
    contents_.options.truncation_side =
        side == "Left" ? TruncationSide::left : TruncationSide::right;
  }

  void read_truncation(const JsonField& field) {
    read_direction(field);
    const std::string& strategy = field.at("strategy").string();
    if (strategy != "LongestFirst" && strategy != "OnlyFirst")
      field.at("strategy").refuse("LongestFirst or OnlyFirst");
    contents_.options.truncation =
        strategy == "OnlyFirst" ? Truncation::only_first : Truncation::longest_first;
  }

  JsonField root_;
  const std::string& source_;
  TokenizerContents contents_;
};

Reader reader_of(std::string_view bytes, const TokenizerOptions& options,
                 const std::string& source) {
  constexpr std::size_t kMaxStringBytes = std::size_t{1} << 20;
  const JsonName name{source, ""};
  TokenizerHandler handler(name);
  read_json(bytes,
            {kMaxTokenizerBytes, TokenizerHandler::kMaxDepth,
             kMaxPieces + TokenizerHandler::kMaxValues, kMaxStringBytes},
            handler);
  TokenizerContents contents = handler.take_vocabulary();
  return {handler.take(), std::move(contents), options, source};
}

}  // namespace

AddedToken read_added_token(const JsonField& field, bool special) {
  field.expect_keys(
      {"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special", "__type"});
  if (field.has("single_word") && field.at("single_word").boolean())
    field.at("single_word").refuse("false");
  // White space beside a token is dropped in any case.
  for (const char* flag : {"lstrip", "rstrip"}) {
    if (field.has(flag)) field.at(flag).boolean();
  }
  if (field.has("special")) special = field.at("special").boolean();
  const bool normalized = field.has("normalized") ? field.at("normalized").boolean() : !special;
  return {field.at("content").string(), -1, normalized};
}

TokenizerContents read_tokenizer_json(std::string_view bytes, const TokenizerOptions& options,
                                      const std::string& source) {
  return reader_of(bytes, options, source).read();
}

TokenizerContents read_json_pieces(std::string_view bytes, const std::string& source) {
  return reader_of(bytes, {}, source).read_pieces();
}

}  // namespace sidenet
