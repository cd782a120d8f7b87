#include "tokenizer_metadata.h"

#include <algorithm>

#include "tokenizer_file.h"

namespace sidenet {
namespace {

using nlohmann::json;

bool is_plain(const TokenizerContents& contents) {
  const auto plain = special_tokens(contents.vocabulary, contents.options, "");
  const auto same = [](const AddedToken& a, const AddedToken& b) {
    return a.id == b.id && a.normalized == b.normalized;
  };
  return contents.model_pieces == contents.vocabulary.size() &&
         std::is_permutation(contents.added.begin(), contents.added.end(), plain.begin(),
                             plain.end(), same);
}

}  // namespace

Tokenizer tokenizer_of_fields(const JsonField& field, std::vector<std::string> vocabulary,
                              const std::string& path) {
  TokenizerContents contents;
  contents.vocabulary = std::move(vocabulary);
  TokenizerOptions& options = contents.options;
  options.clean_text = field.at("clean_text").boolean();
  options.chinese_characters = field.at("chinese_characters").boolean();
  if (field.has("strip_accents")) options.strip_accents = field.at("strip_accents").boolean();
  options.lower_case = field.at("lower_case").boolean();
  options.max_word_characters = field.at("max_word_characters").integer(1, 1 << 20);
  options.continuation = field.at("continuation").string();
  options.unknown = field.at("unknown").string();
  options.cls = field.at("cls").string();
  options.sep = field.at("sep").string();
  options.pad = field.at("pad").string();
  options.mask = field.at("mask").string();
  options.max_tokens = field.at("max_tokens").integer(4, 1 << 20);
  options.truncation = read_named<Truncation>(field.at("truncation"));
  if (field.has("truncation_side"))
    options.truncation_side = read_named<TruncationSide>(field.at("truncation_side"));
  if (field.has("second_type")) options.second_type = field.at("second_type").integer(0, 1);
  if (!field.has("added_tokens")) {
    return {std::move(contents.vocabulary), options, path};
  }
  const int last = static_cast<int>(std::min(contents.vocabulary.size(), kMaxPieces)) - 1;
  for (const JsonField& item : field.at("added_tokens").items()) {
    const int id = item.integer(0, last);
    contents.added.push_back({contents.vocabulary[static_cast<std::size_t>(id)], id});
  }
  if (field.has("normalized_tokens")) {
    for (const JsonField& item : field.at("normalized_tokens").items()) {
      const int place = item.integer(0, static_cast<int>(contents.added.size()) - 1);
      contents.added[static_cast<std::size_t>(place)].normalized = true;
    }
  }
  contents.model_pieces = static_cast<std::size_t>(field.at("model_pieces").integer(1, last + 1));
  return make_tokenizer(std::move(contents), path);
}

json tokenizer_fields(const Tokenizer& tokenizer) {
  const TokenizerContents& contents = contents_of(tokenizer);
  const TokenizerOptions& options = contents.options;
  json fields = {{"clean_text", options.clean_text},
                 {"chinese_characters", options.chinese_characters},
                 {"strip_accents", options.strip_accents ? json(*options.strip_accents) : json()},
                 {"lower_case", options.lower_case},
                 {"max_word_characters", options.max_word_characters},
                 {"continuation", options.continuation},
                 {"unknown", options.unknown},
                 {"cls", options.cls},
                 {"sep", options.sep},
                 {"pad", options.pad},
                 {"mask", options.mask},
                 {"max_tokens", options.max_tokens},
                 {"truncation", name_of(options.truncation)}};
  if (options.truncation_side != TruncationSide::right)
    fields["truncation_side"] = name_of(options.truncation_side);
  if (options.second_type != 1) fields["second_type"] = options.second_type;
  if (!is_plain(contents)) {
    fields["model_pieces"] = contents.model_pieces;
    fields["added_tokens"] = json::array();
    for (std::size_t i = 0; i < contents.added.size(); ++i) {
      fields["added_tokens"].push_back(contents.added[i].id);
      if (contents.added[i].normalized) fields["normalized_tokens"].push_back(i);
    }
  }
  return fields;
}

}  // namespace sidenet
