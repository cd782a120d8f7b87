#include "predict_rows.h"

#include <algorithm>
#include <iostream>
#include <utility>

#include "sidenet/dataset.h"
#include "sidenet/error.h"
#include "text.h"

namespace sidenet::tools {
namespace {

SessionOptions marking_failed_rows(SessionOptions options) {
  options.mark_failed_rows = true;
  return options;
}

}  // namespace

std::string PredictTotals::str() const {
  constexpr std::size_t kShown = 5;
  std::string text = grouped(rows) + (rows == 1 ? " row, " : " rows, ");
  text += rows_per_second() < 10 ? fixed(rows_per_second(), 1)
                                 : grouped(static_cast<std::int64_t>(rows_per_second()));
  text += " rows/s";
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < exits.size(); ++i) {
    if (answered[i] > 0) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return answered[a] > answered[b]; });
  for (std::size_t i = 0; i < std::min(kShown, order.size()); ++i) {
    const double share =
        static_cast<double>(answered[order[i]]) / static_cast<double>(rows - failed);
    text += (i == 0 ? "; " : ", ") + exits[order[i]] + " " + percent(share, 1);
  }
  if (order.size() > kShown) text += ", … (" + std::to_string(order.size()) + " exits)";
  return text + (failed > 0 ? "; " + grouped(failed) + " failed" : "");
}

Predictor::Predictor(const Model& model, const ExitPolicy& policy, const Options& options,
                     AnswerWriter& writer, PredictGuard* guard)
    : model_(model),
      policy_(policy),
      session_(model, marking_failed_rows(options.session)),
      writer_(writer),
      options_(options),
      guard_(guard) {
  totals_.exits = session_.exit_names();
  totals_.answered.resize(totals_.exits.size());
}

void Predictor::add_image(InputRow row) {
  Tensor input;
  try {
    PictureFacts facts;
    const Tensor image = read_image(row.input, model_.preprocessing(), &facts);
    input = preprocess_image(image, model_.preprocessing());
    pictures_.add(facts);
  } catch (const Error& error) {
    add_failed(std::move(row), error.what());
    return;
  }
  if (pictures_.jpegs > 0 && !jpeg_note_.empty()) {
    std::cout.flush();
    std::cerr << printable(std::exchange(jpeg_note_, "")) << std::endl;
  }
  if (!images_.empty() && images_.front().shape() != input.shape()) flush();
  images_.push_back(std::move(input));
  add({std::move(row), "", ""});
}

void Predictor::add_text(const Text& text, InputRow row) {
  try {
    if (text.first.find_first_not_of(" \t\r\n\f\v") == std::string::npos) throw Error("empty text");
    model_.tokenizer().encode(text, batch_.tokens);
  } catch (const Error& error) {
    const std::string message = row.place + ": " + error.what();
    add_failed(std::move(row), message);
    return;
  }
  add({std::move(row), "", ""});
}

void Predictor::add_failed(InputRow row, const std::string& message) {
  add({std::move(row), message, message});
}

void Predictor::add(Waiting waiting) {
  waiting_.push_back(std::move(waiting));
  if (waiting_.size() >= options_.batch) flush();
}

void Predictor::flush() {
  Answers answers;
  double ms = 0;
  try {
    answers = run_batch(ms);
  } catch (const Error& error) {
    for (Waiting& each : waiting_) {
      if (each.error.empty()) fail(each, error.what());
    }
  }
  std::size_t row = 0;  // of the batch
  for (Waiting& each : waiting_) {
    if (each.error.empty()) {
      write(each, answers, row++, ms);
    } else {
      write_failed(each);
    }
  }
  waiting_.clear();
  images_.clear();
  batch_ = Batch();
}

void Predictor::report(const std::string& message) {
  std::cout.flush();
  std::cerr << "sidenet: " << printable(message) << std::endl;
  failed_ = true;
}

void Predictor::fail(Waiting& waiting, const std::string& why) const {
  waiting.error = why;
  waiting.told = waiting.row.place + ": " + why;
}

void Predictor::write_failed(const Waiting& waiting) {
  ++totals_.rows;
  failed_ = true;
  if (++totals_.failed <= options_.told) report(waiting.told);
  writer_.write_failed(waiting.row, waiting.error);
}

PredictTotals Predictor::totals() const {
  PredictTotals totals = totals_;
  totals.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  return totals;
}

Answers Predictor::run_batch(double& ms) {
  const auto rows = std::count_if(waiting_.begin(), waiting_.end(),
                                  [](const Waiting& each) { return each.error.empty(); });
  if (rows == 0) return {};
  if (!images_.empty()) batch_ = batch_of(model_, images_);
  // A plan is not part of an answer's time. Making a kernel is, for the first row that needs it.
  session_.prepare(batch_);
  const ExitPolicy policy = guard_ ? guard_->next_policy() : policy_;
  const auto start = std::chrono::steady_clock::now();
  Answers answers = session_.run(batch_, policy);
  const std::chrono::duration<double, std::milli> spent = std::chrono::steady_clock::now() - start;
  ms = spent.count() / static_cast<double>(rows);
  if (guard_) guard_->observe(answers);
  return answers;
}

void Predictor::write(Waiting& waiting, const Answers& answers, std::size_t row, double ms) {
  const int index = answers.index.at(row);
  if (index < 0) {
    fail(waiting, session_.why_failed(answers, static_cast<std::int64_t>(row)));
    write_failed(waiting);
    return;
  }
  const auto exit = static_cast<std::size_t>(answers.exit.at(row));
  Prediction prediction{
      waiting.row, index, answers.confidence.at(row), totals_.exits.at(exit), {}, ms, std::nullopt};
  prediction.probabilities = session_.probabilities(answers, static_cast<std::int64_t>(row));
  if (!answers.audit.empty() && answers.audit[row] >= 0) prediction.audit = answers.audit[row];
  writer_.write(prediction);
  ++totals_.rows;
  ++totals_.answered[exit];
}

}  // namespace sidenet::tools
