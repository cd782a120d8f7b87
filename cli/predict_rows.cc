#include "predict_rows.h"

#include <chrono>
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

Predictor::Predictor(const Model& model, const ExitPolicy& policy, const SessionOptions& options,
                     std::size_t batch, const PredictionWriter::Options& writing,
                     PredictGuard* guard)
    : model_(model),
      policy_(policy),
      session_(model, marking_failed_rows(options)),
      writer_(model.labels(), session_.exit_names(), writing),
      batch_rows_(batch),
      guard_(guard) {}

void Predictor::add_image(const std::string& name) {
  Tensor input;
  try {
    PictureFacts facts;
    const Tensor image = read_image(name, model_.preprocessing(), &facts);
    input = preprocess_image(image, model_.preprocessing());
    pictures_.add(facts);
  } catch (const Error& error) {
    report(error.what());
    return;
  }
  if (pictures_.jpegs > 0 && !jpeg_note_.empty()) {
    std::cout.flush();
    std::cerr << printable(std::exchange(jpeg_note_, "")) << std::endl;
  }
  if (!images_.empty() && images_.front().shape() != input.shape()) flush();
  names_.push_back(name);
  images_.push_back(std::move(input));
  if (images_.size() == batch_rows_) flush();
}

void Predictor::add_text(const Text& text, const std::string& place) {
  const std::string name = text.second ? text.first + " | " + *text.second : text.first;
  try {
    if (text.first.find_first_not_of(" \t\r\n\f\v") == std::string::npos) throw Error("empty text");
    model_.tokenizer().encode(text, batch_.tokens);
  } catch (const Error& error) {
    fail_text(name, place + ": " + error.what());
    return;
  }
  names_.push_back(name);
  if (names_.size() == batch_rows_) flush();
}

void Predictor::flush() {
  if (names_.empty()) return;
  try {
    answer();
  } catch (const Error& error) {
    for (const std::string& name : names_) fail_row(name, error.what());
  }
  names_.clear();
  images_.clear();
  batch_ = Batch();
}

void Predictor::report(const std::string& message) {
  std::cout.flush();
  std::cerr << "sidenet: " << printable(message) << std::endl;
  failed_ = true;
}

void Predictor::fail_text(const std::string& text, const std::string& message) {
  flush();
  report(message);
  writer_.write_failed(text, message);
}

void Predictor::fail_row(const std::string& name, const std::string& why) {
  report(name + ": " + why);
  if (model_.is_text()) writer_.write_failed(name, why);
}

void Predictor::answer() {
  if (!images_.empty()) batch_ = batch_of(model_, images_);
  // A plan is not part of an answer's time. Making a kernel is, for the first row that needs it.
  session_.prepare(batch_);
  const ExitPolicy policy = guard_ ? guard_->next_policy() : policy_;
  const auto start = std::chrono::steady_clock::now();
  const Answers answers = session_.run(batch_, policy);
  const std::chrono::duration<double, std::milli> spent = std::chrono::steady_clock::now() - start;
  for (std::size_t row = 0; row < names_.size(); ++row) {
    const auto exit = static_cast<std::size_t>(answers.exit.at(row));
    if (answers.index.at(row) < 0) {
      fail_row(names_[row], session_.why_failed(answers, static_cast<std::int64_t>(row)));
      continue;
    }
    const int index = answers.index.at(row);
    const float confidence = answers.confidence.at(row);
    Prediction prediction{names_[row], index, confidence,  session_.exit_names().at(exit),
                          {},          0,     std::nullopt};
    prediction.probabilities = session_.probabilities(answers, static_cast<std::int64_t>(row));
    prediction.ms = spent.count() / static_cast<double>(names_.size());
    if (!answers.audit.empty() && answers.audit[row] >= 0) prediction.audit = answers.audit[row];
    writer_.write(prediction);
  }
  if (guard_) guard_->observe(answers);
}

}  // namespace sidenet::tools
