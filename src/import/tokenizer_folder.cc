#include "tokenizer_folder.h"

#include <algorithm>
#include <filesystem>

#include "folder_tokens.h"
#include "mapped_file.h"
#include "sidenet/error.h"
#include "tokenizer_json.h"

namespace sidenet {
namespace {

namespace fs = std::filesystem;

/// Who says how texts are cut: the class, or tokenizer.json by itself.
enum class TokenizerKind { bert, file };

// "BertTokenizerFast" is "BertTokenizer".
std::string without_fast(std::string name) {
  if (name.ends_with("Fast")) name.resize(name.size() - 4);
  return name;
}

// The tokenizer's class, where a file names one.
std::optional<JsonField> class_field(const JsonField& tokenizer_config,
                                     const std::optional<JsonField>& config) {
  if (tokenizer_config.has("tokenizer_class")) return tokenizer_config.at("tokenizer_class");
  if (config && config->has("tokenizer_class")) return config->at("tokenizer_class");
  return std::nullopt;
}

JsonField read_or_empty(const std::string& file) {
  return file.empty() ? JsonField::parse("{}", {file, ""}) : read_object(file);
}

TokenizerKind kind_of(const std::optional<JsonField>& field) {
  if (!field) return TokenizerKind::bert;
  const std::string name = without_fast(field->string());
  // The others are transformers' names for its BertTokenizer.
  for (const char* bert :
       {"BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "MobileBertTokenizer",
        "ConvBertTokenizer", "LxmertTokenizer", "SqueezeBertTokenizer", "LayoutLMTokenizer"}) {
    if (name == bert) return TokenizerKind::bert;
  }
  if (name == "PreTrainedTokenizer" || name == "TokenizersBackend") return TokenizerKind::file;
  field->refuse("BertTokenizer, DistilBertTokenizer or PreTrainedTokenizerFast, which are read");
}

bool flag(const JsonField& config, const char* key, bool otherwise) {
  return config.has(key) ? config.at(key).boolean() : otherwise;
}

class FolderReader {
 public:
  FolderReader(const CheckpointFiles& files, const ImportOptions& options,
               const std::optional<JsonField>& config)
      : files_(files),
        options_(options),
        config_(read_or_empty(files.tokenizer_config)),
        class_(class_field(config_, config)),
        kind_(kind_of(class_)) {}

  FolderTokenizer read(int positions) {
    refuse_what_is_not_read();
    const auto file = MappedFile::open(files_.vocabulary);
    const std::string_view bytes(reinterpret_cast<const char*>(file->bytes().data()),
                                 file->bytes().size());
    const bool is_json = is_tokenizer_json(bytes, files_.vocabulary);
    if (kind_ == TokenizerKind::bert || (!is_json && !options_.vocabulary.empty())) {
      read_as_bert(bytes, is_json);
    } else if (is_json) {
      contents() = read_tokenizer_json(bytes, {}, files_.vocabulary);
      found_.case_is_told = found_.accents_are_told = true;
      add_folder_tokens(files_, config_, contents().added, {}, contents());
    } else {
      class_->refuse(
          "BertTokenizer beside a vocab.txt; this class has a tokenizer.json, not found");
    }
    read_common(positions);
    return std::move(found_);
  }

 private:
  TokenizerContents& contents() { return found_.contents; }

  void refuse_what_is_not_read() const {
    if (flag(config_, "split_special_tokens", false))
      config_.at("split_special_tokens").refuse("false");
    if (!config_.has("fast_tokenizer_files")) return;
    for (const JsonField& file : config_.at("fast_tokenizer_files").items()) {
      if (file.string() != "tokenizer.json") file.refuse("tokenizer.json alone");
    }
  }

  void read_as_bert(std::string_view bytes, bool is_json) {
    TokenizerContents pieces = is_json ? read_json_pieces(bytes, files_.vocabulary)
                                       : read_vocabulary_lines(bytes, files_.vocabulary);
    const std::vector<AddedToken> added = std::move(pieces.added);
    TokenizerOptions& options = pieces.options;
    const bool has_own_case = is_json && options.strip_accents.has_value();
    const bool own_case = options.lower_case;
    const TruncationSide side = options.truncation_side;
    options = {};
    options.truncation_side = side;
    options.lower_case = flag(config_, "do_lower_case", true);
    options.chinese_characters = flag(config_, "tokenize_chinese_chars", true);
    if (config_.has("strip_accents")) options.strip_accents = config_.at("strip_accents").boolean();
    found_.case_is_told = config_.has("do_lower_case");
    found_.accents_are_told = config_.has("strip_accents");
    contents() = std::move(pieces);
    contents().added.clear();
    note_case(has_own_case && own_case != contents().options.lower_case);
    add_folder_tokens(files_, config_, added,
                      {{"unk_token", "[UNK]"},
                       {"sep_token", "[SEP]"},
                       {"pad_token", "[PAD]"},
                       {"cls_token", "[CLS]"},
                       {"mask_token", "[MASK]"}},
                      contents());
    check_unknown();
  }

  // Where files do not agree, or say nothing of a vocabulary that is likely a cased one.
  void note_case(bool json_differs) {
    const bool lower = contents().options.lower_case;
    if (json_differs) {
      found_.notes.push_back(std::string("texts ") + (lower ? "are lowered" : "keep their case") +
                             ", as transformers reads " +
                             (found_.case_is_told ? "tokenizer_config.json" : "this folder") +
                             ", although the normalizer of tokenizer.json says otherwise");
    } else if (lower && !found_.case_is_told && has_capitals(contents().vocabulary)) {
      found_.notes.push_back(
          "texts are lowered, as transformers does, although the vocabulary has capitals: a cased "
          "model says \"do_lower_case\": false in tokenizer_config.json");
    }
  }

  static bool has_capitals(const std::vector<std::string>& vocabulary) {
    return std::any_of(vocabulary.begin(), vocabulary.end(), [](const std::string& piece) {
      return !piece.starts_with("[") &&
             std::any_of(piece.begin(), piece.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    });
  }

  // WordPiece itself gives it, so an added one would not do.
  void check_unknown() {
    const auto& pieces = contents().vocabulary;
    const auto end = pieces.begin() + static_cast<std::ptrdiff_t>(contents().model_pieces);
    if (std::find(pieces.begin(), end, contents().options.unknown) == end)
      special_token_id({pieces.begin(), end}, contents().options.unknown, files_.vocabulary);
  }

  void read_common(int positions) {
    TokenizerOptions& options = contents().options;
    options.truncation = Truncation::longest_first;  // truncation=True
    if (config_.has("truncation_side")) {
      const JsonField side = config_.at("truncation_side");
      if (side.string() != "right" && side.string() != "left") side.refuse("right or left");
      options.truncation_side =
          side.string() == "left" ? TruncationSide::left : TruncationSide::right;
    }
    options.second_type = gives_token_types() ? 1 : 0;
    options.max_tokens = options_.max_tokens.value_or(most_tokens(positions));
    if (options.max_tokens < 4 || options.max_tokens > positions) {
      throw Error("max_tokens: expected 4 to " + std::to_string(positions) +
                  " (the position embedding of " + files_.weights + "), got " +
                  std::to_string(options.max_tokens));
    }
  }

  bool gives_token_types() const {
    if (!config_.has("model_input_names"))
      return kind_ == TokenizerKind::bert &&
             !(class_ && class_->string().starts_with("DistilBertTokenizer"));
    const auto names = config_.at("model_input_names").items();
    return std::any_of(names.begin(), names.end(),
                       [](const JsonField& name) { return name.string() == "token_type_ids"; });
  }

  // Their writers put 10^30 for "no limit".
  int most_tokens(int positions) {
    double limit = positions;
    const auto take = [&](const JsonField& config, const char* key) {
      if (!config.has(key)) return;
      const double told = config.at(key).number(1, 1e300);
      found_.length_is_told = found_.length_is_told || told <= limit;
      limit = std::min(limit, told);
    };
    take(config_, config_.has("model_max_length") ? "model_max_length" : "max_len");
    if (!files_.sentence_config.empty()) {
      const JsonField sentence = read_object(files_.sentence_config);
      take(sentence, "max_seq_length");
      if (flag(sentence, "do_lower_case", false) && !contents().options.lower_case)
        sentence.at("do_lower_case")
            .refuse(
                "false, as the tokenizer keeps case: say do_lower_case in "
                "tokenizer_config.json");
    }
    return static_cast<int>(limit);
  }

  const CheckpointFiles& files_;
  const ImportOptions& options_;
  JsonField config_;
  std::optional<JsonField> class_;
  TokenizerKind kind_;
  FolderTokenizer found_;
};

}  // namespace

FolderTokenizer read_tokenizer_folder(const CheckpointFiles& files, const ImportOptions& options,
                                      const std::optional<JsonField>& config, int positions) {
  return FolderReader(files, options, config).read(positions);
}

void refuse_other_tokenizers(const CheckpointFiles& files, const std::optional<JsonField>& config) {
  kind_of(class_field(read_or_empty(files.tokenizer_config), config));
  if (!files.vocabulary.empty()) return;
  const fs::path folder = fs::path(files.weights).parent_path();
  const struct {
    const char *file, *tokenizer;
  } others[] = {{"sentencepiece.bpe.model", "a SentencePiece tokenizer"},
                {"spiece.model", "a SentencePiece tokenizer"},
                {"spm.model", "a SentencePiece tokenizer"},
                {"tokenizer.model", "a SentencePiece tokenizer"},
                {"merges.txt", "a byte-pair tokenizer"},
                {"vocab.json", "a tokenizer that is no WordPiece"}};
  for (const auto& [file, tokenizer] : others) {
    std::error_code ignored;
    if (fs::is_regular_file(folder / file, ignored))
      throw Error((folder / file).string() + ": is " + tokenizer +
                  ", which is not read: expected BERT's vocab.txt or tokenizer.json beside it");
  }
}

}  // namespace sidenet
