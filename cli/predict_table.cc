#include "predict_table.h"

#include <set>
#include <utility>

#include "json_lines.h"

namespace sidenet::tools {
namespace {

TableCell number(const Json& value) {
  std::string text = value.dump();
  return {text, text, false};
}

/// `name`, or "predicted_NAME", or that with a number: the first that is free.
std::string free_name(const std::string& name, const std::set<std::string>& taken) {
  std::string free = name;
  for (int i = 1; taken.contains(free); ++i)
    free = "predicted_" + name + (i > 1 ? "_" + std::to_string(i) : "");
  return free;
}

}  // namespace

PredictionTable::PredictionTable(const std::string& path, std::vector<std::string> columns,
                                 std::vector<std::string> labels, const Options& options)
    : labels_(std::move(labels)),
      options_(options),
      columns_((add_answers(columns, path), std::move(columns))),
      writer_(path, columns_) {}

void PredictionTable::add_answers(std::vector<std::string>& columns, const std::string& path) {
  std::vector<std::string> answers{"label", "index", "confidence", "exit"};
  if (options_.top_k > 0) answers.push_back("probabilities");
  if (options_.audited) answers.push_back("audit");
  answers.push_back("error");
  std::set<std::string> taken(columns.begin(), columns.end());
  for (const std::string& answer : answers) {
    const std::string name = free_name(answer, taken);
    if (name != answer) note_ += (note_.empty() ? "" : ", ") + name;
    taken.insert(name);
    columns.push_back(name);
  }
  if (!note_.empty()) note_ = "note: " + path + ": columns beside those of the input: " + note_;
}

void PredictionTable::write(const Prediction& prediction) {
  std::vector<TableCell> cells = prediction.row.cells;
  const auto index = static_cast<std::size_t>(prediction.index);
  cells.push_back({labels_.at(index)});
  cells.push_back(number(prediction.index));
  cells.push_back(number(shortest(prediction.confidence)));
  cells.push_back({prediction.exit});
  if (options_.top_k > 0) {
    const auto top = most_probable(prediction.probabilities, index, options_.top_k);
    cells.push_back({"", json_text(as_json(top, prediction.probabilities, labels_))});
  }
  if (options_.audited) {
    cells.push_back(
        {prediction.audit ? labels_.at(static_cast<std::size_t>(*prediction.audit)) : ""});
  }
  cells.push_back({});
  writer_.write(cells);
}

void PredictionTable::write_failed(const InputRow& row, const std::string& error) {
  std::vector<TableCell> cells = row.cells;
  cells.resize(columns_.size() - 1);
  cells.push_back({error});
  writer_.write(cells);
}

}  // namespace sidenet::tools
