#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <vector>

namespace sidenet::tools {

/// Text in aligned columns. Rows can be collected, so that columns fit them (up to 160 wide), or
/// written one by one as they come.
class Table {
 public:
  struct Column {
    std::string title;
    bool right = false;     ///< aligned to the right, for numbers
    std::size_t width = 0;  ///< at least
  };
  explicit Table(std::vector<Column> columns);

  void add(std::vector<std::string> cells);
  /// The title line, then all rows added so far.
  void print(std::ostream& out);
  /// One line now, in the columns' widths of this moment.
  void print_titles(std::ostream& out) const;
  void print_row(std::ostream& out, const std::vector<std::string>& cells) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace sidenet::tools
