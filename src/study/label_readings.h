#pragma once

#include <string>
#include <vector>

namespace sidenet {

constexpr int kUnknownClass = -1;

/// One way to take the data's classes for the model's.
struct LabelReading {
  const char* option;        ///< of --labels-from; null: it has none
  const char* words;         ///< "counted from 0"
  std::vector<int> classes;  ///< the model's class of each of the data's
};

/// "0", "1", …: classes that nobody named.
bool are_plain_numbers(const std::vector<std::string>& labels);

/// The model's class of each of the data's, by name or by the number that both are; kUnknownClass
/// where there is none. Throws Error where a name stands for several classes.
std::vector<int> match_names(const std::vector<std::string>& classes,
                             const std::vector<std::string>& labels);

/// The readings of whole numbers that fit `count` classes, each once. `sorted`: also by their place
/// when sorted as text, beside those that are not here. None where some class is no whole number.
std::vector<LabelReading> number_readings(const std::vector<std::string>& classes,
                                          std::size_t count, bool sorted);

/// Counted from `first`, whether it fits or not: those out of range are kUnknownClass.
LabelReading counted_reading(const std::vector<std::string>& classes, int first, std::size_t count);
/// By their place when sorted as text.
LabelReading sorted_reading(const std::vector<std::string>& classes);

}  // namespace sidenet
