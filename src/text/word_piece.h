#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "piece_table.h"

namespace sidenet {

/// WordPiece: a word into the longest piece that begins it, then the longest that goes on, and so
/// forth (arXiv 1609.08144, section 4.1; greedy as in BERT). Views the vocabulary.
class WordPiece {
 public:
  struct Config {
    /// The vocabulary's first; what comes behind them is never part of a word.
    std::size_t model_pieces;
    std::string continuation;
    std::size_t max_word_characters;
    std::int32_t unknown;  ///< its id
  };
  /// Throws Error: a piece twice, or pieces made to collide whatever the hash. `where(id)` names a
  /// piece's place.
  WordPiece(const std::vector<std::string>& vocabulary, const Config& config,
            const std::string& source, std::string (*where)(std::int64_t id));

  /// Of append()'s words.
  const PieceHash& hash() const { return hash_; }
  /// Appends the ids of a word of so many characters; `hash` is hash().of(word). `prefixes` is
  /// working memory.
  void append(std::string_view word, std::size_t characters, std::uint64_t hash,
              std::vector<std::uint64_t>& prefixes, std::vector<std::int32_t>& ids) const {
    if (characters > config_.max_word_characters) {
      ids.push_back(config_.unknown);
      return;
    }
    const std::int32_t id = find_first(word, hash);
    if (id >= 0) {
      ids.push_back(id);
    } else {
      append_split(word, prefixes, ids);
    }
  }
  /// The piece's id, or -1, over the whole vocabulary.
  std::int32_t id_of(std::string_view piece) const { return all_.find(piece, hash_.of(piece)); }

 private:
  std::int32_t find_first(std::string_view text, std::uint64_t hash) const {
    const std::int32_t id = all_.find(text, hash);
    return static_cast<std::size_t>(id) < config_.model_pieces ? id : -1;  // -1 is above any size
  }
  // False where pieces collide too often for this hash.
  bool fill(const std::vector<std::string>& vocabulary, const std::string& source,
            std::string (*where)(std::int64_t id));
  void append_split(std::string_view word, std::vector<std::uint64_t>& prefixes,
                    std::vector<std::int32_t>& ids) const;

  Config config_;
  PieceHash hash_;
  PieceTable all_, continuations_;
};

}  // namespace sidenet
