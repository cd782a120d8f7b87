#include "bert_tokenizer.h"

#include <algorithm>
#include <limits>

#include "sidenet/error.h"
#include "utf8_text.h"

namespace sidenet {
namespace {

constexpr std::int32_t kNone = -1, kBlank = -2;
constexpr int kMaxWordCharacters =
    1000;                      // bounds the work on one word, which grows with its square
constexpr int kMinTokens = 3;  // [CLS] [SEP] [SEP]

std::string line_name(std::int64_t id) { return "line " + std::to_string(id + 1); }
std::string id_name(std::int64_t id) { return "id " + std::to_string(id); }

const TokenizerContents& checked(const TokenizerContents& contents, const std::string& source) {
  const TokenizerOptions& options = contents.options;
  const auto refuse = [&](const char* field, const std::string& expected, std::int64_t got) {
    throw Error(source + ": " + field + ": expected " + expected + ", got " + std::to_string(got));
  };
  if (options.max_word_characters < 1 || options.max_word_characters > kMaxWordCharacters) {
    refuse("max_word_characters", "1 to " + std::to_string(kMaxWordCharacters),
           options.max_word_characters);
  }
  if (options.max_tokens < kMinTokens)
    refuse("max_tokens", "at least " + std::to_string(kMinTokens), options.max_tokens);
  if (options.second_type != 0 && options.second_type != 1)
    refuse("second_type", "0 or 1", options.second_type);
  return contents;
}

// The tokens that are looked for in the raw text, or those for the normalised one, as they are
// there.
std::vector<AddedToken> tokens_for(const TokenizerContents& contents, bool normalized,
                                   const BertNormalizer& normalizer) {
  std::vector<AddedToken> tokens;
  for (const AddedToken& token : contents.added) {
    if (token.normalized != normalized) continue;
    tokens.push_back(token);
    if (!normalized) continue;
    std::u32string code_points;
    normalizer.normalise(token.content, code_points);
    tokens.back().content = utf8_of(code_points);
  }
  return tokens;
}

void check_utf8(std::string_view text, const char* what) {
  const std::size_t valid = valid_utf8_prefix(text);
  if (valid != text.size())
    throw Error(std::string(what) + ": invalid UTF-8 at byte " + std::to_string(valid));
}

// How many pieces of two texts stay where `room` is all there is: as Hugging Face's longest_first,
// which is not quite "drop from the longer one" where both are too long and the room is odd.
void longest_first(std::size_t room, std::size_t& first, std::size_t& second) {
  std::size_t shorter = std::min(first, second);
  std::size_t longer = shorter > room ? shorter : std::max(shorter, room - shorter);
  if (shorter + longer > room) {
    shorter = room / 2;
    longer = room - shorter;
  }
  const bool first_is_longer = first > second;
  first = first_is_longer ? longer : shorter;
  second = first_is_longer ? shorter : longer;
}

}  // namespace

BertTokenizer::BertTokenizer(TokenizerContents contents, const std::string& source)
    : contents_(std::move(contents)),
      normalizer_({checked(contents_, source).options.clean_text,
                   contents_.options.chinese_characters,
                   contents_.options.strip_accents.value_or(contents_.options.lower_case),
                   contents_.options.lower_case}),
      added_(tokens_for(contents_, false, normalizer_), source),
      added_normalised_(tokens_for(contents_, true, normalizer_), source),
      words_(contents_.vocabulary,
             {contents_.model_pieces, contents_.options.continuation,
              static_cast<std::size_t>(contents_.options.max_word_characters),
              special_token_id(contents_.vocabulary, contents_.options.unknown, source)},
             source, contents_.lines ? line_name : id_name),
      classes_(CharacterClasses::get()),
      max_word_characters_(static_cast<std::size_t>(contents_.options.max_word_characters)),
      cls_(special_token_id(contents_.vocabulary, contents_.options.cls, source)),
      sep_(special_token_id(contents_.vocabulary, contents_.options.sep, source)),
      unknown_(words_.id_of(contents_.options.unknown)) {
  for (const std::string* name : {&contents_.options.pad, &contents_.options.mask}) {
    if (!name->empty()) special_token_id(contents_.vocabulary, *name, source);
  }
  separators_.fill(kNone);
  std::vector<std::uint64_t> prefixes;
  std::vector<std::int32_t> ids;
  for (char32_t c = 0; c < 128; ++c) {
    const auto byte = static_cast<char>(c);
    const unsigned bits = classes_.of(c);
    const bool removed = contents_.options.clean_text && (bits & CharacterClasses::removed) != 0;
    if (removed) continue;
    if ((bits & CharacterClasses::white_space) != 0) {
      separators_[c] = kBlank;
    } else if ((bits & CharacterClasses::punctuation) != 0) {
      ids.clear();
      words_.append({&byte, 1}, 1, words_.hash().of({&byte, 1}), prefixes, ids);
      separators_[c] = ids[0];
    } else {
      folded_[c] = contents_.options.lower_case && byte >= 'A' && byte <= 'Z'
                       ? static_cast<char>(byte + 32)
                       : byte;
    }
  }
}

void BertTokenizer::encode(const Text& text, TokenRows& rows) const {
  check_utf8(text.first, "text");
  if (text.second) check_utf8(*text.second, "second text");
  const std::size_t begin = rows.ids.size();
  try {
    std::size_t first_length = 0;
    append_row(text, rows.ids, first_length);
    const std::size_t length = rows.ids.size() - begin;
    for (std::size_t i = 0; i < length; ++i) {
      rows.positions.push_back(static_cast<std::int32_t>(i));
      rows.types.push_back(i < first_length ? 0 : contents_.options.second_type);
    }
    rows.offsets.push_back(static_cast<std::int64_t>(rows.ids.size()));
  } catch (...) {
    rows.ids.resize(begin);
    rows.positions.resize(begin);
    rows.types.resize(begin);
    throw;
  }
}

std::vector<std::int32_t> BertTokenizer::piece_ids(std::string_view text) const {
  check_utf8(text, "text");
  std::vector<std::int32_t> ids;
  append_text(text, std::numeric_limits<std::size_t>::max(), ids);
  return ids;
}

// Keeps so many of the ids that begin at `begin`: the first, or the last where texts are cut from
// the left.
void BertTokenizer::cut(std::vector<std::int32_t>& ids, std::size_t begin, std::size_t keep) const {
  if (contents_.options.truncation_side == TruncationSide::left) {
    const auto first = ids.begin() + static_cast<std::ptrdiff_t>(begin);
    ids.erase(first, ids.end() - static_cast<std::ptrdiff_t>(keep));
  } else {
    ids.resize(begin + keep);
  }
}

// first_length: tokens of type 0.
void BertTokenizer::append_row(const Text& text, std::vector<std::int32_t>& ids,
                               std::size_t& first_length) const {
  const auto max_tokens = static_cast<std::size_t>(contents_.options.max_tokens);
  const std::size_t begin = ids.size();
  constexpr auto kAll = std::numeric_limits<std::size_t>::max();
  ids.push_back(cls_);
  if (!text.second) {
    const std::size_t room = max_tokens - 2;
    const bool left = contents_.options.truncation_side == TruncationSide::left;
    append_text(text.first, left ? kAll : room, ids);
    cut(ids, begin + 1, std::min(room, ids.size() - begin - 1));
    ids.push_back(sep_);
    first_length = ids.size() - begin;
    return;
  }
  const std::size_t room = max_tokens - 3;
  append_text(text.first, kAll, ids);
  std::size_t first = ids.size() - begin - 1;
  std::vector<std::int32_t> pair;
  append_text(*text.second, kAll, pair);
  std::size_t second = pair.size();
  if (first + second > room) {
    if (contents_.options.truncation == Truncation::longest_first) {
      longest_first(room, first, second);
    } else if (room == 0) {
      first = second = 0;  // what Hugging Face does without any room
    } else if (second < room) {
      first = room - second;
    } else {
      throw Error("second text: expected less than " + std::to_string(room) +
                  " pieces where only the first text is cut, got " + std::to_string(second));
    }
  }
  cut(ids, begin + 1, first);
  ids.push_back(sep_);
  first_length = first + 2;
  cut(pair, 0, second);
  ids.insert(ids.end(), pair.begin(), pair.end());
  ids.push_back(sep_);
}

// Appends at most so many ids, and does not look at the text behind them.
void BertTokenizer::append_text(std::string_view text, std::size_t at_most,
                                std::vector<std::int32_t>& ids) const {
  const std::size_t begin = ids.size();
  const std::size_t enough = at_most < ids.max_size() - begin ? begin + at_most : ids.max_size();
  Pass pass{ids, enough, std::vector<char>((max_word_characters_ + 1) * 4), {}, {}};
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end && !pass.done()) {
    const AddedTokens::Match match = added_.find(at, end);
    if (added_normalised_.empty()) {
      append_stretch(at, match.begin, pass);
    } else {
      append_normalised({at, static_cast<std::size_t>(match.begin - at)}, pass);
    }
    if (match.bytes > 0) ids.push_back(match.id);
    at = match.begin + match.bytes;
  }
  if (ids.size() > enough) ids.resize(enough);
}

// ASCII white space and punctuation marks stay what they are and let no mark pass, whatever stands
// beside them, so that what is between two of them can be taken by itself: by the loop below where
// it is ASCII, else by all the rules.
void BertTokenizer::append_stretch(const char* at, const char* end, Pass& pass) const {
  const PieceHash hashing = words_.hash();
  const auto separator = [&](char c) {
    return (c & 0x80) != 0 ? kNone : separators_[static_cast<unsigned char>(c)];
  };
  while (at != end && !pass.done()) {
    if (const std::int32_t id = separator(*at); id != kNone) {
      if (id != kBlank) pass.ids.push_back(id);
      ++at;
      continue;
    }
    const char* const begin = at;
    std::uint64_t hash = PieceHash::kSeed;
    char* out = pass.word.data();
    const char* const stop =
        at + std::min(max_word_characters_ + 1, static_cast<std::size_t>(end - at));
    for (char c; at != stop && (c = folded_[static_cast<unsigned char>(*at)]) != 0; ++at) {
      hash = hashing.add(hash, c);
      *out++ = c;
    }
    while (at != end && folded_[static_cast<unsigned char>(*at)] != 0) ++at;
    if (at == end || separator(*at) != kNone) {
      const auto characters = static_cast<std::size_t>(out - pass.word.data());
      words_.append({pass.word.data(), characters}, characters, hash, pass.prefixes, pass.ids);
      continue;
    }
    while (at != end && separator(*at) == kNone) ++at;
    append_unicode({begin, static_cast<std::size_t>(at - begin)}, pass);
  }
}

// Between added tokens of the raw text, where others are looked for in the normalised one.
void BertTokenizer::append_normalised(std::string_view text, Pass& pass) const {
  normalizer_.normalise(text, pass.code_points);
  const std::string normalised = utf8_of(pass.code_points);
  const char* at = normalised.data();
  const char* const end = at + normalised.size();
  while (at != end && !pass.done()) {
    const AddedTokens::Match match = added_normalised_.find(at, end);
    pass.code_points.clear();
    while (at != match.begin) pass.code_points += next_code_point(at);
    append_words(pass.code_points, pass);
    if (match.bytes > 0) pass.ids.push_back(match.id);
    at = match.begin + match.bytes;
  }
}

void BertTokenizer::append_unicode(std::string_view text, Pass& pass) const {
  normalizer_.normalise(text, pass.code_points);
  append_words(pass.code_points, pass);
}

void BertTokenizer::append_words(std::u32string_view normalised, Pass& pass) const {
  char* const word = pass.word.data();
  char* out = word;
  std::size_t characters = 0;
  const auto end_word = [&] {
    if (characters == 0) return;
    const std::string_view bytes(word, static_cast<std::size_t>(out - word));
    words_.append(bytes, characters, words_.hash().of(bytes), pass.prefixes, pass.ids);
    out = word;
    characters = 0;
  };
  for (char32_t c : normalised) {
    const unsigned bits = classes_.of(c);
    const bool white_space = (bits & CharacterClasses::white_space) != 0;
    const bool punctuation = (bits & CharacterClasses::punctuation) != 0;
    if (white_space || punctuation) end_word();
    if (pass.done()) return;
    if (white_space) continue;
    // A word that is too long becomes [UNK] whatever it holds: its end need not be kept.
    if (++characters <= max_word_characters_) out = put_utf8(c, out);
    if (punctuation) end_word();
  }
  end_word();
}

}  // namespace sidenet
