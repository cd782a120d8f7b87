#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace sidenet {

/// A piece that is taken from a text wherever it stands, before it is cut into words: [SEP],
/// [MASK], …
struct AddedToken {
  std::string content;
  std::int32_t id;
  bool normalized = false;  ///< looked for, normalised, in the normalised text; else in the raw one
};

constexpr std::size_t kMaxAddedTokens = 1024, kMaxAddedTokenBytes = 256;

/// Finds added tokens in a text: the leftmost, of those the longest. By the automaton of Aho and
/// Corasick (doi 10.1145/360825.360855): whatever the tokens are, it reads each byte once, and at
/// most kMaxAddedTokenBytes behind a match.
class AddedTokens {
 public:
  AddedTokens() : AddedTokens({}, "") {}
  /// Throws Error: too many, an empty or overlong one, one twice.
  AddedTokens(const std::vector<AddedToken>& tokens, const std::string& source);

  struct Match {
    const char* begin;  ///< the text's end where there is none
    std::size_t bytes;
    std::int32_t id;
  };
  Match find(const char* begin, const char* end) const;
  bool empty() const { return tokens_.empty(); }

 private:
  struct Token {
    std::uint32_t bytes;
    std::int32_t id;
  };
  /// The tokens' beginnings, by length and then by bytes, so that those that go on from one stand
  /// side by side.
  struct State {
    std::int32_t children = 0;  ///< the first of them; they end where the next state's begin
    std::int32_t shorter = 0;   ///< the longest beginning that this one ends with
    std::int32_t token = -1;    ///< the longest token that it ends with
    std::uint16_t bytes = 0;
    unsigned char last = 0;  ///< its last byte
  };
  std::int32_t child(std::int32_t state, unsigned char byte) const;
  std::int32_t next(std::int32_t state, unsigned char byte) const;
  void add_states(const std::vector<AddedToken>& tokens, const std::string& source);
  void link_states();

  std::vector<Token> tokens_;
  std::vector<State> states_;  // the empty one first, and one behind the last
  std::array<bool, 256> starts_{};
  int single_start_ = -1;  // the one byte that all begin with
};

}  // namespace sidenet
