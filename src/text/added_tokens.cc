#include "added_tokens.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "sidenet/error.h"
#include "utf8_text.h"

namespace sidenet {
namespace {

/// Places of the tokens, sorted by content.
std::vector<std::size_t> sorted_by_content(const std::vector<AddedToken>& tokens) {
  std::vector<std::size_t> order(tokens.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return tokens[a].content < tokens[b].content;
  });
  return order;
}

}  // namespace

AddedTokens::AddedTokens(const std::vector<AddedToken>& tokens, const std::string& source) {
  if (tokens.size() > kMaxAddedTokens) {
    throw Error(source + ": added_tokens: expected at most " + std::to_string(kMaxAddedTokens) +
                ", got " + std::to_string(tokens.size()));
  }
  for (const auto& [content, id, normalized] : tokens) {
    if (content.empty() || content.size() > kMaxAddedTokenBytes) {
      throw Error(source + ": added_tokens: expected a content of 1 to " +
                  std::to_string(kMaxAddedTokenBytes) + " bytes, got " +
                  std::to_string(content.size()));
    }
    const auto start = static_cast<unsigned char>(content[0]);
    single_start_ = tokens_.empty() || single_start_ == start ? start : -1;
    starts_[start] = true;
    tokens_.push_back({static_cast<std::uint32_t>(content.size()), id});
  }
  add_states(tokens, source);
  link_states();
}

// A state stands for a range of the sorted tokens: those that begin so.
void AddedTokens::add_states(const std::vector<AddedToken>& tokens, const std::string& source) {
  const std::vector<std::size_t> order = sorted_by_content(tokens);
  std::vector<std::pair<std::size_t, std::size_t>> ranges{{0, order.size()}};
  states_.resize(1);
  for (std::size_t state = 0; state < states_.size(); ++state) {
    auto [at, end] = ranges[state];
    const std::size_t length = states_[state].bytes;
    const auto content = [&](std::size_t i) -> const std::string& {
      return tokens[order[i]].content;
    };
    if (at < end && content(at).size() == length) {
      states_[state].token = static_cast<std::int32_t>(order[at++]);
      if (at < end && content(at).size() == length) {
        throw Error(source + ": added_tokens: expected each content once, got " +
                    quoted_text(content(at)) + " again");
      }
    }
    states_[state].children = static_cast<std::int32_t>(states_.size());
    while (at < end) {
      State child;
      child.last = static_cast<unsigned char>(content(at)[length]);
      child.bytes = static_cast<std::uint16_t>(length + 1);
      const std::size_t first = at;
      while (at < end && static_cast<unsigned char>(content(at)[length]) == child.last) ++at;
      states_.push_back(child);
      ranges.emplace_back(first, at);
    }
  }
  State behind;
  behind.children = static_cast<std::int32_t>(states_.size());
  states_.push_back(behind);
}

// Shorter states first: theirs are known where a longer one's are looked for.
void AddedTokens::link_states() {
  for (std::size_t state = 0; state + 1 < states_.size(); ++state) {
    for (std::int32_t i = states_[state].children; i < states_[state + 1].children; ++i) {
      State& longer = states_[static_cast<std::size_t>(i)];
      longer.shorter = state == 0 ? 0 : next(states_[state].shorter, longer.last);
      if (longer.token < 0) longer.token = states_[static_cast<std::size_t>(longer.shorter)].token;
    }
  }
}

/// -1 where there is none.
std::int32_t AddedTokens::child(std::int32_t state, unsigned char byte) const {
  const State* at = states_.data() + state;
  const State *first = states_.data() + at->children, *last = states_.data() + (at + 1)->children;
  const State* found = std::lower_bound(first, last, byte,
                                        [](const State& s, unsigned char b) { return s.last < b; });
  return found != last && found->last == byte ? static_cast<std::int32_t>(found - states_.data())
                                              : -1;
}

/// The longest beginning of a token that the text read so far ends with, one byte further.
std::int32_t AddedTokens::next(std::int32_t state, unsigned char byte) const {
  for (;; state = states_[static_cast<std::size_t>(state)].shorter) {
    if (const std::int32_t longer = child(state, byte); longer >= 0) return longer;
    if (state == 0) return 0;
  }
}

AddedTokens::Match AddedTokens::find(const char* begin, const char* end) const {
  Match best{end, 0, -1};
  std::int32_t state = 0;
  for (const char* at = begin; at != end;) {
    if (state == 0) {
      if (single_start_ >= 0) {
        at = static_cast<const char*>(
            std::memchr(at, single_start_, static_cast<std::size_t>(end - at)));
        if (at == nullptr) break;
      }
      if (!starts_[static_cast<unsigned char>(*at)]) {
        ++at;
        continue;
      }
    }
    state = next(state, static_cast<unsigned char>(*at++));
    const State& now = states_[static_cast<std::size_t>(state)];
    if (best.bytes > 0 && at - now.bytes > best.begin)
      break;  // what may still end begins behind it
    if (now.token < 0) continue;
    const Token& token = tokens_[static_cast<std::size_t>(now.token)];
    if (at - token.bytes <= best.begin) best = {at - token.bytes, token.bytes, token.id};
  }
  return best;
}

}  // namespace sidenet
