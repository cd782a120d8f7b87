#include "word_piece.h"

#include <algorithm>

#include "sidenet/error.h"
#include "utf8_text.h"

namespace sidenet {

WordPiece::WordPiece(const std::vector<std::string>& vocabulary, const Config& config,
                     const std::string& source, std::string (*where)(std::int64_t id))
    : config_(config), all_(vocabulary), continuations_(vocabulary, config.continuation.size()) {
  // The first, then others for pieces that were made to collide with it.
  constexpr std::uint64_t kFactors[] = {PieceHash().factor, 0xD1342543DE82EF95u,
                                        0xAEF17502108EF2D9u, 0xF1357AEA2E62A9C5u};
  for (const std::uint64_t factor : kFactors) {
    hash_ = {factor};
    if (fill(vocabulary, source, where)) return;
  }
  throw Error(
      source +
      ": expected pieces that spread over a hash table, got ones that were made to collide");
}

bool WordPiece::fill(const std::vector<std::string>& vocabulary, const std::string& source,
                     std::string (*where)(std::int64_t id)) {
  const auto continues = [&](std::size_t id) {
    return id < config_.model_pieces && vocabulary[id].size() > config_.continuation.size() &&
           vocabulary[id].starts_with(config_.continuation);
  };
  std::size_t continuations = 0;
  for (std::size_t id = 0; id < config_.model_pieces; ++id) continuations += continues(id) ? 1 : 0;
  all_.reset(vocabulary.size(), hash_);
  continuations_.reset(continuations, hash_);
  for (std::size_t id = 0; id < vocabulary.size(); ++id) {
    if (vocabulary[id].empty()) continue;
    const auto index = static_cast<std::int32_t>(id);
    const auto [added, other] = all_.add(index);
    if (added == PieceTable::Added::is_there) {
      throw Error(source + ": " + where(index) + ": expected each piece once, got " +
                  quoted_text(vocabulary[id]) + " again, which is also " + where(other));
    }
    if (added == PieceTable::Added::too_many_collisions) return false;
    if (continues(id) && continuations_.add(index).first == PieceTable::Added::too_many_collisions)
      return false;
  }
  return true;
}

void WordPiece::append_split(std::string_view word, std::vector<std::uint64_t>& prefixes,
                             std::vector<std::int32_t>& ids) const {
  const std::size_t size_before = ids.size();
  if (prefixes.size() <= word.size()) prefixes.resize(word.size() + 1);
  for (std::string_view rest = word; !rest.empty();) {
    const bool first = rest.size() == word.size();
    const std::size_t longest =
        std::min(rest.size(), first ? all_.longest() : continuations_.longest());
    std::uint64_t hash = PieceHash::kSeed;
    for (std::size_t i = 0; i < longest; ++i) prefixes[i + 1] = hash = hash_.add(hash, rest[i]);
    std::int32_t id = -1;
    std::size_t bytes = longest;
    for (; bytes > 0; --bytes) {
      const std::string_view piece = rest.substr(0, bytes);
      id = first ? find_first(piece, prefixes[bytes]) : continuations_.find(piece, prefixes[bytes]);
      if (id >= 0) break;
    }
    if (id < 0) {
      ids.resize(size_before);
      ids.push_back(config_.unknown);
      return;
    }
    ids.push_back(id);
    rest.remove_prefix(bytes);
  }
}

}  // namespace sidenet
