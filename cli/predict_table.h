#pragma once

#include <string>
#include <vector>

#include "predict_writer.h"

namespace sidenet::tools {

/// Writes the rows that came in, with their answers behind them, to a file: a row for each, in
/// their order. It has its name when all are there.
class PredictionTable : public AnswerWriter {
 public:
  struct Options {
    std::size_t top_k = 0;  ///< JSON lines alone: the K most probable classes
    bool audited = false;   ///< with a column `audit`
  };
  /// columns: what is kept of the rows. Throws Error where the file cannot be written.
  PredictionTable(const std::string& path, std::vector<std::string> columns,
                  std::vector<std::string> labels, const Options& options);
  void write(const Prediction& prediction) override;
  void write_failed(const InputRow& row, const std::string& error) override;
  void finish() override { writer_.commit(); }

  /// Columns of answers that are called otherwise, as those that were kept have their names; a
  /// line, or "".
  const std::string& note() const { return note_; }
  const std::string& error_column() const { return columns_.back(); }

 private:
  void add_answers(std::vector<std::string>& columns, const std::string& path);

  std::vector<std::string> labels_;
  Options options_;
  std::string note_;
  std::vector<std::string> columns_;
  TableWriter writer_;
};

}  // namespace sidenet::tools
