#include "added_tokens.h"

#include <algorithm>
#include <cstring>

#include "sidenet/error.h"
#include "utf8_text.h"

namespace sidenet {
namespace {

std::vector<std::string> contents_of(const std::vector<AddedToken>& tokens) {
  std::vector<std::string> contents;
  for (const AddedToken& token : tokens) contents.push_back(token.content);
  return contents;
}

}  // namespace

AddedTokens::AddedTokens(const std::vector<AddedToken>& tokens, const std::string& source)
    : contents_(contents_of(tokens)), table_(contents_) {
  if (tokens.size() > kMaxAddedTokens) {
    throw Error(source + ": added_tokens: expected at most " + std::to_string(kMaxAddedTokens) + ", got " +
                std::to_string(tokens.size()));
  }
  table_.reserve(tokens.size());
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::string& content = contents_[i];
    if (content.empty() || content.size() > kMaxAddedTokenBytes) {
      throw Error(source + ": added_tokens: expected a content of 1 to " + std::to_string(kMaxAddedTokenBytes) +
                  " bytes, got " + std::to_string(content.size()));
    }
    if (table_.add(static_cast<std::int32_t>(i)).first != PieceTable::Added::yes) {
      throw Error(source + ": added_tokens: expected each content once, got " + quoted_text(content) + " again");
    }
    const auto start = static_cast<unsigned char>(content[0]);
    starts_[start] = true;
    single_start_ = i == 0 || single_start_ == start ? start : -1;
    ids_.push_back(tokens[i].id);
  }
}

AddedTokens::Match AddedTokens::find(const char* begin, const char* end) const {
  for (const char* at = begin; at != end; ++at) {
    if (single_start_ >= 0) {
      at = static_cast<const char*>(std::memchr(at, single_start_, static_cast<std::size_t>(end - at)));
      if (at == nullptr) break;
    } else if (!starts_[static_cast<unsigned char>(*at)]) {
      continue;
    }
    const std::size_t longest = std::min(table_.longest(), static_cast<std::size_t>(end - at));
    std::uint64_t hash = kHashSeed;
    Match match{end, 0, -1};
    for (std::size_t bytes = 1; bytes <= longest; ++bytes) {
      hash = hash_byte(hash, at[bytes - 1]);
      const std::int32_t index = table_.find({at, bytes}, hash);
      if (index >= 0) match = {at, bytes, ids_[static_cast<std::size_t>(index)]};
    }
    if (match.bytes > 0) return match;
  }
  return {end, 0, -1};
}

}  // namespace sidenet
