#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "table.h"

namespace sidenet::tools {

struct Prediction {
  std::string input;
  int index = 0;
  float confidence = 0;
  std::string exit;
  std::vector<double> probabilities;  ///< one a class, of that exit
  double ms = 0;
  std::optional<int> audit;  ///< MainNet's class, of an audited row
};

/// Writes answers to stdout as they come: lines of a table, or JSON objects.
class PredictionWriter {
 public:
  struct Options {
    bool json = false;
    std::size_t top_k = 0;  ///< the K most probable classes with each answer; 0: the answer alone
    std::size_t input_width = 0;  ///< columns of the longest input name, for the table
    bool of_texts = false;        ///< inputs are texts: their beginning is shown
  };
  PredictionWriter(std::vector<std::string> labels, const std::vector<std::string>& exits,
                   const Options& options);
  void write(const Prediction& prediction);
  /// The line of a row without an answer: of JSON the same fields, null, and "error".
  void write_failed(const std::string& input, const std::string& error);

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
