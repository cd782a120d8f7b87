#include "predict_writer.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <limits>
#include <numeric>
#include <utility>

#include "terminal.h"
#include "text.h"

namespace sidenet::tools {
namespace {

constexpr std::size_t kWidestLabel = 24, kWidestExit = 48, kConfidence = 10, kMs = 7;

std::size_t widest(const std::vector<std::string>& texts) {
  std::size_t width = 0;
  for (const std::string& text : texts) width = std::max(width, display_width(printable(text)));
  return width;
}

Table make_table(const std::vector<std::string>& labels, const std::vector<std::string>& exits,
                 std::size_t& input_width) {
  const std::size_t label = std::min(widest(labels), kWidestLabel),
                    exit = std::min(widest(exits), kWidestExit);
  if (is_terminal(STDOUT_FILENO)) {
    const std::size_t others = std::max<std::size_t>(label, 5) + kConfidence +
                               std::max<std::size_t>(exit, 4) + kMs + 4 * 2;
    const std::size_t columns = terminal_columns(STDOUT_FILENO);
    input_width = std::min(input_width, columns > others + 12 ? columns - others : 12);
  } else {
    input_width = std::min<std::size_t>(input_width, 160);
  }
  return Table({{"input", false, input_width},
                {"label", false, label},
                {"confidence", true, kConfidence},
                {"exit", false, exit},
                {"ms", true, kMs}});
}

}  // namespace

std::vector<std::size_t> most_probable(const std::vector<double>& values, std::size_t answer,
                                       std::size_t k) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  const auto end = order.begin() + static_cast<std::ptrdiff_t>(std::min(k, order.size()));
  std::partial_sort(order.begin(), end, order.end(), [&](std::size_t a, std::size_t b) {
    if (a == answer || b == answer) return a == answer && b != answer;
    return values[a] != values[b] ? values[a] > values[b] : a < b;
  });
  order.erase(end, order.end());
  return order;
}

Json as_json(const std::vector<std::size_t>& classes, const std::vector<double>& probabilities,
             const std::vector<std::string>& labels) {
  Json list = Json::array();
  for (const std::size_t index : classes) {
    const double probability = shortest(static_cast<float>(probabilities.at(index)));
    list.push_back({{"label", labels.at(index)}, {"index", index}, {"probability", probability}});
  }
  return list;
}

PredictionWriter::PredictionWriter(std::vector<std::string> labels,
                                   const std::vector<std::string>& exits, const Options& options)
    : labels_(std::move(labels)),
      options_(options),
      table_(make_table(labels_, exits, options_.input_width)) {}

void PredictionWriter::write(const Prediction& prediction) {
  const auto top = most_probable(prediction.probabilities,
                                 static_cast<std::size_t>(prediction.index), options_.top_k);
  if (options_.json) {
    write_json(prediction, top);
  } else {
    write_table(prediction, top);
  }
}

void PredictionWriter::write_json(const Prediction& prediction,
                                  const std::vector<std::size_t>& top) const {
  Json row = {{"input", prediction.row.input},
              {"label", labels_.at(static_cast<std::size_t>(prediction.index))},
              {"index", prediction.index},
              {"confidence", shortest(prediction.confidence)},
              {"exit", prediction.exit}};
  if (options_.top_k > 0) row["probabilities"] = as_json(top, prediction.probabilities, labels_);
  row["ms"] = std::round(prediction.ms * 1e4) / 1e4;
  if (prediction.audit) row["audit"] = labels_.at(static_cast<std::size_t>(*prediction.audit));
  print_json(row);
}

void PredictionWriter::write_failed(const InputRow& failed, const std::string& error) {
  if (!options_.of_texts) return;
  if (!options_.json) {
    print_row(failed.input, {"-", "-", "-", "-"});
    std::cout << std::flush;
    return;
  }
  Json row = {{"input", failed.input},
              {"label", nullptr},
              {"index", nullptr},
              {"confidence", nullptr},
              {"exit", nullptr}};
  if (options_.top_k > 0) row["probabilities"] = Json::array();
  row["ms"] = nullptr;
  row["error"] = error;
  print_json(row);
}

void PredictionWriter::print_row(const std::string& input, const std::vector<std::string>& answer) {
  if (!std::exchange(titles_, true)) table_.print_titles(std::cout);
  std::string shown = printable(input);
  if (options_.of_texts && display_width(shown) > options_.input_width) {
    shown = shorten_end(shown, options_.input_width - 1) + "…";
  } else if (is_terminal(STDOUT_FILENO)) {
    shown = shorten_front(shown, options_.input_width);
  }
  std::vector<std::string> row{shown};
  row.insert(row.end(), answer.begin(), answer.end());
  table_.print_row(std::cout, row);
}

void PredictionWriter::write_table(const Prediction& prediction,
                                   const std::vector<std::size_t>& top) {
  print_row(prediction.row.input,
            {labels_.at(static_cast<std::size_t>(prediction.index)), percent(prediction.confidence),
             prediction.exit, fixed(prediction.ms, 2)});
  for (std::size_t rank = 1; rank < top.size(); ++rank) {
    table_.print_row(std::cout,
                     {"", labels_.at(top[rank]), percent(prediction.probabilities[top[rank]])});
  }
  std::cout << std::flush;
}

}  // namespace sidenet::tools
