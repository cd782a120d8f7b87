#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "json_lines.h"
#include "sidenet/text_table.h"
#include "table.h"

namespace sidenet::tools {

/// A row on its way: what is shown of it, and what is kept of it for a file of answers.
struct InputRow {
  std::string input;  ///< a file's name, or a text
  std::string place;  ///< where it came from ("standard input:3"), for messages
  std::vector<TableCell> cells = {};
};

struct Prediction {
  const InputRow& row;
  int index = 0;
  float confidence = 0;
  std::string exit;
  std::vector<double> probabilities;  ///< one a class, of that exit
  double ms = 0;
  std::optional<int> audit;  ///< MainNet's class, of an audited row
};

/// Where answers go, in the order of the rows.
class AnswerWriter {
 public:
  virtual ~AnswerWriter() = default;
  virtual void write(const Prediction& prediction) = 0;
  /// A row without an answer.
  virtual void write_failed(const InputRow& row, const std::string& error) = 0;
  /// There are no more rows.
  virtual void finish() {}
};

/// Indices of `answer` and the k - 1 largest others, largest first, the smaller index first among
/// equals. A confidence map can leave the answer less than another class.
std::vector<std::size_t> most_probable(const std::vector<double>& values, std::size_t answer,
                                       std::size_t k);
/// [{"label", "index", "probability"}, …] of these classes.
Json as_json(const std::vector<std::size_t>& classes, const std::vector<double>& probabilities,
             const std::vector<std::string>& labels);

/// Writes answers to stdout as they come: lines of a table, or JSON objects.
class PredictionWriter : public AnswerWriter {
 public:
  struct Options {
    bool json = false;
    std::size_t top_k = 0;  ///< the K most probable classes with each answer; 0: the answer alone
    std::size_t input_width = 0;  ///< columns of the longest input name, for the table
    bool of_texts = false;        ///< inputs are texts: their beginning is shown
  };
  PredictionWriter(std::vector<std::string> labels, const std::vector<std::string>& exits,
                   const Options& options);
  void write(const Prediction& prediction) override;
  /// Of texts: a line without an answer. Of JSON it has the same fields, null, and "error".
  void write_failed(const InputRow& row, const std::string& error) override;

 private:
  void write_json(const Prediction& prediction, const std::vector<std::size_t>& top) const;
  void write_table(const Prediction& prediction, const std::vector<std::size_t>& top);
  /// Titles in front of the first row.
  void print_row(const std::string& input, const std::vector<std::string>& answer);

  std::vector<std::string> labels_;
  Options options_;
  Table table_;
  bool titles_ = false;
};

}  // namespace sidenet::tools
