#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sidenet {

/// Rows that are left out of a data set, for a note: how many, why the first, and where five are.
class LeftOut {
 public:
  /// why: with the place.
  void add(const std::string& place, const std::string& why);
  std::int64_t rows() const { return rows_; }
  const std::string& first() const { return first_; }
  /// "3 rows WHAT left out, the first: WHY; also x.csv:7, x.csv:9".
  std::string note(const std::string& what) const;

 private:
  std::int64_t rows_ = 0;
  std::string first_;
  std::vector<std::string> others_;
};

}  // namespace sidenet
