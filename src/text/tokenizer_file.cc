#include "tokenizer_file.h"

#include <algorithm>

#include "character_class.h"
#include "sidenet/error.h"
#include "tokenizer_json.h"
#include "utf8_text.h"

namespace sidenet {
namespace {

bool is_white_space(char32_t c) {
  return (CharacterClasses::get().of(c) & CharacterClasses::white_space) != 0;
}

// Without the white space at its end, as Hugging Face's reader trims lines.
std::string_view trimmed(std::string_view line) {
  while (!line.empty()) {
    std::size_t start = line.size() - 1;
    while ((static_cast<unsigned char>(line[start]) & 0xC0) == 0x80) --start;
    const char* last = line.data() + start;
    if (!is_white_space(next_code_point(last))) break;
    line = line.substr(0, start);
  }
  return line;
}

std::vector<std::string> read_vocabulary_lines(std::string_view bytes, const std::string& source) {
  const auto count = static_cast<std::size_t>(std::count(bytes.begin(), bytes.end(), '\n')) + 1;
  if (count > kMaxPieces + 1) {
    throw Error(source + ": expected at most " + std::to_string(kMaxPieces) + " pieces, got " +
                std::to_string(count) + " lines");
  }
  std::vector<std::string> pieces;
  pieces.reserve(count);
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t end = std::min(bytes.find('\n', at), bytes.size());
    const std::string_view line = bytes.substr(at, end - at);
    const std::size_t valid = valid_utf8_prefix(line);
    if (valid != line.size()) {
      throw Error(source + ": line " + std::to_string(pieces.size() + 1) +
                  ": expected UTF-8, got another byte at byte " + std::to_string(at + valid));
    }
    pieces.emplace_back(trimmed(line));
    at = end + 1;
  }
  return pieces;
}

}  // namespace

std::int32_t special_token_id(const std::vector<std::string>& vocabulary, const std::string& piece,
                              const std::string& source) {
  const auto found = std::find(vocabulary.begin(), vocabulary.end(), piece);
  if (found == vocabulary.end()) {
    throw Error(source + ": expected the special token " + quoted_text(piece) +
                " in the vocabulary, got " + std::to_string(vocabulary.size()) +
                " pieces without it");
  }
  return static_cast<std::int32_t>(found - vocabulary.begin());
}

void check_vocabulary(const std::vector<std::string>& vocabulary, const std::string& source) {
  if (vocabulary.empty()) throw Error(source + ": expected a vocabulary, got no pieces");
  if (vocabulary.size() > kMaxPieces) {
    throw Error(source + ": expected at most " + std::to_string(kMaxPieces) + " pieces, got " +
                std::to_string(vocabulary.size()));
  }
  for (std::size_t id = 0; id < vocabulary.size(); ++id) {
    if (valid_utf8_prefix(vocabulary[id]) != vocabulary[id].size()) {
      throw Error(source + ": id " + std::to_string(id) + ": expected UTF-8, got " +
                  quoted_text(vocabulary[id]));
    }
  }
}

std::vector<AddedToken> special_tokens(const std::vector<std::string>& vocabulary,
                                       const TokenizerOptions& options, const std::string& source) {
  std::vector<AddedToken> tokens;
  for (const std::string* name :
       {&options.unknown, &options.sep, &options.cls, &options.pad, &options.mask}) {
    const auto known = [&](const AddedToken& token) { return token.content == *name; };
    const std::int32_t id = special_token_id(vocabulary, *name, source);
    if (std::none_of(tokens.begin(), tokens.end(), known)) tokens.push_back({*name, id});
  }
  return tokens;
}

TokenizerContents contents_of_vocabulary(std::vector<std::string> vocabulary,
                                         TokenizerOptions options, const std::string& source) {
  check_vocabulary(vocabulary, source);
  std::vector<AddedToken> added = special_tokens(vocabulary, options, source);
  const std::size_t pieces = vocabulary.size();
  return {std::move(vocabulary), pieces, std::move(added), std::move(options), false};
}

TokenizerContents read_tokenizer(std::string_view bytes, const TokenizerOptions& options,
                                 const std::string& source) {
  if (bytes.size() > kMaxTokenizerBytes) {
    throw Error(source + ": expected at most " + std::to_string(kMaxTokenizerBytes) +
                " bytes, got " + std::to_string(bytes.size()));
  }
  const std::size_t start = bytes.find_first_not_of(" \t\r\n");
  if (start != std::string_view::npos && bytes[start] == '{')
    return read_tokenizer_json(bytes, options, source);
  TokenizerContents contents =
      contents_of_vocabulary(read_vocabulary_lines(bytes, source), options, source);
  contents.lines = true;
  return contents;
}

}  // namespace sidenet
