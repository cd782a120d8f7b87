#include "tokenizer_file.h"

#include <algorithm>
#include <unordered_map>

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

}  // namespace

std::int32_t special_token_id(const std::vector<std::string>& vocabulary, const std::string& piece,
                              const std::string& source) {
  const auto found = std::find(vocabulary.begin(), vocabulary.end(), piece);
  if (piece.empty() || found == vocabulary.end()) {
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
    if (name->empty() && (name == &options.pad || name == &options.mask)) continue;
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
  return {std::move(vocabulary), pieces, std::move(added), std::move(options), false, pieces};
}

bool is_tokenizer_json(std::string_view bytes, const std::string& source) {
  if (bytes.size() > kMaxTokenizerBytes) {
    throw Error(source + ": expected at most " + std::to_string(kMaxTokenizerBytes) +
                " bytes, got " + std::to_string(bytes.size()));
  }
  const std::size_t start = bytes.find_first_not_of(" \t\r\n");
  return start != std::string_view::npos && bytes[start] == '{';
}

TokenizerContents read_vocabulary_lines(std::string_view bytes, const std::string& source) {
  const auto count = static_cast<std::size_t>(std::count(bytes.begin(), bytes.end(), '\n')) + 1;
  if (count > kMaxPieces + 1) {
    throw Error(source + ": expected at most " + std::to_string(kMaxPieces) + " pieces, got " +
                std::to_string(count) + " lines");
  }
  TokenizerContents contents;
  contents.lines = true;
  std::vector<std::string>& pieces = contents.vocabulary;
  pieces.reserve(count);
  std::unordered_map<std::string_view, std::size_t> last;  // of each piece, its last line
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t end = std::min(bytes.find('\n', at), bytes.size());
    const std::string_view line = bytes.substr(at, end - at);
    const std::size_t valid = valid_utf8_prefix(line);
    if (valid != line.size()) {
      throw Error(source + ": line " + std::to_string(pieces.size() + 1) +
                  ": expected UTF-8, got another byte at byte " + std::to_string(at + valid));
    }
    const std::string_view piece = trimmed(line);
    const auto [found, is_new] = last.try_emplace(piece, pieces.size());
    if (!is_new) {
      pieces[found->second].clear();
      found->second = pieces.size();
    }
    pieces.emplace_back(piece);
    at = end + 1;
  }
  while (!pieces.empty() && pieces.back().empty()) pieces.pop_back();
  contents.different = last.size();
  contents.model_pieces = pieces.size();
  return contents;
}

void add_tokens(TokenizerContents& contents, const std::vector<AddedToken>& tokens,
                const std::string& source) {
  std::vector<std::string>& pieces = contents.vocabulary;
  std::unordered_map<std::string_view, std::int32_t> ids;
  for (const AddedToken& token : tokens) ids.emplace(token.content, -1);
  for (std::size_t id = 0; id < pieces.size(); ++id) {
    const auto found = ids.find(pieces[id]);
    if (found != ids.end()) found->second = static_cast<std::int32_t>(id);
  }
  std::unordered_map<std::string_view, bool> there;  // each added token, and whether normalized
  std::int32_t highest = -1;
  const std::vector<AddedToken> before = contents.added;
  for (const AddedToken& token : before) {
    there.emplace(token.content, token.normalized);
    highest = std::max(highest, token.id);
  }
  for (const AddedToken& token : tokens) {
    const auto refuse = [&](const std::string& expected, const std::string& got) {
      throw Error(source + ": added token " + quoted_text(token.content) + ": expected " +
                  expected + ", got " + got);
    };
    const auto [known, is_new] = there.emplace(token.content, token.normalized);
    if (!is_new && known->second != token.normalized)
      refuse("one value of 'normalized' in all files", "true and false");
    std::int32_t& id = ids[token.content];
    if (id < 0) {
      const auto next = std::max(static_cast<std::size_t>(highest + 1), contents.different);
      if (next < pieces.size() || next >= kMaxPieces)
        refuse("a free id behind the vocabulary's", "id " + std::to_string(next));
      pieces.resize(next);
      pieces.push_back(token.content);
      id = static_cast<std::int32_t>(next);
    }
    if (token.id >= 0 && token.id != id)
      refuse("id " + std::to_string(id) + ", the vocabulary's or the next free one",
             std::to_string(token.id));
    if (!is_new) continue;
    contents.added.push_back({token.content, id, token.normalized});
    highest = std::max(highest, id);
  }
}

TokenizerContents read_tokenizer(std::string_view bytes, const TokenizerOptions& options,
                                 const std::string& source) {
  if (is_tokenizer_json(bytes, source)) return read_tokenizer_json(bytes, options, source);
  TokenizerContents lines = read_vocabulary_lines(bytes, source);
  TokenizerContents contents = contents_of_vocabulary(std::move(lines.vocabulary), options, source);
  contents.lines = true;
  return contents;
}

}  // namespace sidenet
