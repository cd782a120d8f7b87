#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

#include "sidenet/sidenet.h"

namespace sidenet::bench {

/// All rows, cut to batches before the clock starts.
class Rows {
 public:
  Rows(const sidenet::Tensor& values, bool texts, std::int64_t batch) {
    const std::int64_t rows = values.dim(0);
    for (std::int64_t first = 0; first < rows; first += batch) {
      const std::int64_t count = std::min(batch, rows - first);
      if (texts) {
        texts_.push_back(pack(values, first, count));
      } else {
        sidenet::Shape shape = values.shape();
        const std::int64_t each = values.size() / rows;
        shape[0] = count;
        sidenet::Tensor part(sidenet::DType::f32, shape);
        std::copy_n(values.data<float>() + first * each, count * each, part.mutable_data<float>());
        images_.push_back(part);
      }
    }
  }

  std::size_t batches() const { return std::max(images_.size(), texts_.size()); }

  /// Batch i, and its milliseconds.
  double run(std::size_t i, sidenet::Session& session, const sidenet::ExitPolicy& policy) {
    answers_.resize(batches());
    const auto start = std::chrono::steady_clock::now();
    answers_[i] = texts_.empty() ? session.run(images_[i], policy) : session.run(texts_[i], policy);
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
        .count();
  }

  /// All batches, and their milliseconds.
  double run(sidenet::Session& session, const sidenet::ExitPolicy& policy) {
    double milliseconds = 0;
    for (std::size_t i = 0; i < batches(); ++i) milliseconds += run(i, session, policy);
    return milliseconds;
  }

  sidenet::Tensor logits() const {
    std::vector<float> all;
    for (const sidenet::Answers& part : answers_) {
      all.insert(all.end(), part.logits.data<float>(),
                 part.logits.data<float>() + part.logits.size());
    }
    const std::int64_t classes = answers_.at(0).logits.dim(1);
    return sidenet::Tensor::from({static_cast<std::int64_t>(all.size()) / classes, classes}, all);
  }

  sidenet::Tensor answers() const {
    std::vector<float> all;
    for (const sidenet::Answers& part : answers_) {
      for (std::size_t row = 0; row < part.index.size(); ++row) {
        all.push_back(static_cast<float>(part.index[row]));
        all.push_back(static_cast<float>(part.exit[row]));
        all.push_back(part.confidence[row]);
      }
    }
    return sidenet::Tensor::from({static_cast<std::int64_t>(all.size()) / 3, 3}, all);
  }

  /// What MainNet alone takes for all rows.
  double mainnet_multiply_adds() const {
    double sum = 0;
    for (const sidenet::Answers& part : answers_)
      sum += static_cast<double>(part.mainnet_multiply_adds);
    return sum;
  }
  double compute() const {
    double executed = 0;
    for (const sidenet::Answers& part : answers_)
      executed += static_cast<double>(part.multiply_adds);
    return executed / mainnet_multiply_adds();
  }

 private:
  static sidenet::TokenRows pack(const sidenet::Tensor& ids, std::int64_t first,
                                 std::int64_t count) {
    sidenet::TokenRows texts;
    for (std::int64_t row = first; row < first + count; ++row) {
      const auto* from = ids.data<std::int64_t>() + row * ids.dim(1);
      for (std::int32_t i = 0; i < ids.dim(1) && from[i] >= 0; ++i) {
        texts.ids.push_back(static_cast<std::int32_t>(from[i]));
        texts.positions.push_back(i);
        texts.types.push_back(0);
      }
      texts.offsets.push_back(texts.tokens());
    }
    return texts;
  }

  std::vector<sidenet::Tensor> images_;
  std::vector<sidenet::TokenRows> texts_;
  std::vector<sidenet::Answers> answers_;
};

/// EXITS of bench_session.
inline sidenet::ExitPolicy parse_exits(const std::string& text) {
  if (text == sidenet::kFinalExit) return sidenet::ExitPolicy::final_only();
  if (text == "model") return {};
  if (text.find('=') == std::string::npos) return sidenet::ExitPolicy::uniform(std::stod(text));
  auto policy = sidenet::ExitPolicy::uniform(2);
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    const std::size_t equals = part.find('=');
    policy.thresholds[part.substr(0, equals)] = std::stod(part.substr(equals + 1));
  }
  return policy;
}

}  // namespace sidenet::bench
