#pragma once

#include <string>
#include <vector>

#include "lines.h"
#include "predict_rows.h"
#include "sidenet/dataset.h"

namespace sidenet::tools {

/// What texts predict is given.
struct TextInputs {
  std::vector<std::string> inputs, texts, pairs;
  bool tab_pairs = false;
  TextColumns columns;
};

/// Goes through them in their order: tables, folders of .txt files, and lines of other files or of
/// standard input.
class TextSources {
 public:
  /// keep_cells: rows keep what the inputs have, for a file of answers. Then all must have the same
  /// columns, or this throws Error; else what cannot be read is told by predict().
  TextSources(const TextInputs& given, bool keep_cells);

  /// What was guessed of a table, a line each. Without keep_cells that comes with predict().
  const std::vector<std::string>& notes() const { return notes_; }
  /// Of the cells that rows keep.
  const std::vector<std::string>& columns() const { return columns_; }
  bool has_table() const;
  /// quiet: without notes on stderr.
  void predict(const Lines::Waiting& waiting, Predictor& predictor, bool quiet);

 private:
  void settle_columns();
  bool is_table(const std::string& input) const;
  void predict_table(TextTable& table, const std::string& name, Predictor& predictor) const;
  void predict_folder(const std::string& folder, Predictor& predictor, bool quiet) const;
  void predict_lines(Lines lines, Predictor& predictor) const;
  void predict_given(Predictor& predictor) const;
  void predict_input(const std::string& input, const Lines::Waiting& waiting, Predictor& predictor,
                     bool quiet);
  std::vector<TableCell> cells_of(const Text& text) const;

  const TextInputs& given_;
  bool keep_cells_;
  std::unique_ptr<TextTable> table_;  // where cells are kept: the only input
  std::vector<std::string> notes_, columns_;
};

}  // namespace sidenet::tools
