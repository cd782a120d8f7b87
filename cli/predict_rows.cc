#include "predict_rows.h"

#include <chrono>
#include <iostream>
#include <numeric>

#include "sidenet/dataset.h"
#include "sidenet/error.h"
#include "tensor_rows.h"
#include "text.h"

namespace sidenet::tools {
namespace {

SessionOptions marking_failed_rows(SessionOptions options) {
  options.mark_failed_rows = true;
  return options;
}

/// softmax(logits / temperature); where the exit maps its confidence, the answer's is the mapped
/// one, and the other classes share the rest in proportion.
std::vector<double> probabilities_of(std::span<const float> logits, std::size_t answer,
                                     float confidence, const ExitInfo& exit, Confidence kind) {
  std::vector<double> result = probabilities(logits, exit.temperature);
  if (exit.confidence_map.empty() || kind != Confidence::max_probability || result.size() < 2)
    return result;
  result[answer] = 0;
  const double others = std::accumulate(result.begin(), result.end(), 0.0), left = 1.0 - confidence;
  for (double& value : result)
    value = others > 0 ? value / others * left : left / static_cast<double>(result.size() - 1);
  result[answer] = confidence;
  return result;
}

}  // namespace

Predictor::Predictor(const Model& model, const ExitPolicy& policy, const SessionOptions& options,
                     std::size_t batch, const PredictionWriter::Options& writing,
                     PredictGuard* guard)
    : model_(model),
      policy_(policy),
      session_(model, marking_failed_rows(options)),
      exits_(model.exits()),
      writer_(model.labels(), session_.exit_names(), writing),
      batch_(batch),
      guard_(guard) {}

void Predictor::add_image(const std::string& name) {
  Tensor input;
  try {
    const Preprocessing& preprocessing = model_.preprocessing();
    input = preprocess_image(read_image(name, preprocessing.channels), preprocessing);
  } catch (const Error& error) {
    report(error.what());
    return;
  }
  if (!images_.empty() && images_.front().shape() != input.shape()) flush();
  names_.push_back(name);
  images_.push_back(std::move(input));
  if (images_.size() == batch_) flush();
}

void Predictor::add_text(const Text& text, const std::string& place) {
  try {
    if (text.first.find_first_not_of(" \t\r\n\f\v") == std::string::npos) throw Error("empty text");
    model_.tokenizer().encode(text, texts_);
  } catch (const Error& error) {
    report(place + ": " + error.what());
    return;
  }
  names_.push_back(text.second ? text.first + " | " + *text.second : text.first);
  if (names_.size() == batch_) flush();
}

void Predictor::flush() {
  if (names_.empty()) return;
  try {
    answer();
  } catch (const Error& error) {
    for (const std::string& name : names_) report(name + ": " + error.what());
  }
  names_.clear();
  images_.clear();
  texts_ = TokenRows();
}

void Predictor::report(const std::string& message) {
  std::cout.flush();
  std::cerr << "sidenet: " << printable(message) << std::endl;
  failed_ = true;
}

void Predictor::answer() {
  const Tensor images = model_.is_text() ? Tensor() : stack(images_);
  // Plans where the shape is new: that is not part of an answer's time. Making a kernel is, for the
  // first row that needs it.
  session_.mainnet_multiply_adds(model_.is_text() ? Shape{1} : images_.front().shape());
  const ExitPolicy policy = guard_ ? guard_->next_policy() : policy_;
  const auto start = std::chrono::steady_clock::now();
  const Answers answers =
      model_.is_text() ? session_.run(texts_, policy) : session_.run(images, policy);
  const std::chrono::duration<double, std::milli> spent = std::chrono::steady_clock::now() - start;
  const auto classes = static_cast<std::size_t>(answers.logits.dim(1));
  for (std::size_t row = 0; row < names_.size(); ++row) {
    const auto exit = static_cast<std::size_t>(answers.exit.at(row));
    if (answers.index.at(row) < 0) {
      report(names_[row] + ": " + session_.why_failed(answers, static_cast<std::int64_t>(row)));
      continue;
    }
    const std::span<const float> logits(answers.logits.data<float>() + row * classes, classes);
    const int index = answers.index.at(row);
    const float confidence = answers.confidence.at(row);
    Prediction prediction{names_[row], index, confidence,  session_.exit_names().at(exit),
                          {},          0,     std::nullopt};
    prediction.probabilities = probabilities_of(logits, static_cast<std::size_t>(index), confidence,
                                                exits_.at(exit), policy.confidence);
    prediction.ms = spent.count() / static_cast<double>(names_.size());
    if (!answers.audit.empty() && answers.audit[row] >= 0) prediction.audit = answers.audit[row];
    writer_.write(prediction);
  }
  if (guard_) guard_->observe(answers, static_cast<int>(session_.exit_names().size()) - 1);
}

}  // namespace sidenet::tools
