#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "text_encoding.h"
#include "text_records.h"

namespace sidenet {

/// Usual names of columns, in lower case. Those of labels stand in order of preference.
inline constexpr std::array kLabelNames{"label",     "class", "class index", "class_index",
                                        "category",  "topic", "section",     "target",
                                        "sentiment", "intent"};
inline constexpr std::array kTextNames{"sentence", "text",  "question", "review",   "description",
                                       "content",  "body",  "comment",  "document", "message",
                                       "tweet",    "query", "utterance"};
/// Joined in front of a text.
inline constexpr std::array kTitleNames{"title", "headline"};
/// One half of a pair.
inline constexpr std::array kHalfNames{"sentence1", "sentence2", "question1",
                                       "question2", "premise",   "hypothesis",
                                       "answer",    "context",   "passage"};

template <std::size_t kSize>
bool is_one_of(const std::array<const char*, kSize>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), lower_ascii(name)) != names.end();
}

/// Each cell is a short name: no number, no punctuation, three words at most; or one that pandas
/// gives its index: "Unnamed: 0", and of the first of three or more cells an empty one.
bool is_header_shaped(const Record& record);
/// No cell is a number, a sentence or long. Whether it is a header, the other lines tell.
bool is_loosely_header_shaped(const Record& record);
/// Also, one of them is a usual name.
bool looks_like_header(const Record& record);
/// The columns with usual names.
std::vector<std::size_t> usual_columns(const Record& record);
/// 0, 1, … as pandas calls the columns of unnamed data, behind an empty cell (its index) or not.
bool is_counted_header(const Record& record);

}  // namespace sidenet
