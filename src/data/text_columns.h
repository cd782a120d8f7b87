#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sidenet/dataset.h"
#include "text_records.h"

namespace sidenet {

/// Which columns (from 0) of a file hold what.
struct ColumnChoice {
  bool has_header = false;  ///< the first record is one
  std::vector<std::string>
      names;  ///< of the columns: a header's, or a .jsonl file's keys; empty where there are none
  std::vector<std::size_t> text;  ///< joined by a blank
  std::optional<std::size_t> pair;
  std::optional<std::size_t>
      label;         ///< none: of rows without labels, where there is no such column
  std::string note;  ///< what was guessed; empty: nothing

  /// Text, pair and label.
  std::vector<std::size_t> columns() const;
  /// "2", "'label'".
  std::string shown(std::size_t column) const;
};

/// Follows `wanted`, and guesses what it leaves open. Sets file.columns or file.keys. Throws Error:
/// no rows, a column that is not there, or no clear guess, which lists the columns. Rows without
/// labels need no label column; where one is clear it is no text.
ColumnChoice choose_columns(TextFile& file, const TextColumns& wanted, bool labelled = true);

}  // namespace sidenet
