#include "sidenet_mlp.h"

#include <algorithm>
#include <cmath>

#include "gemm.h"
#include "metrics.h"
#include "random.h"

namespace sidenet {
namespace {

using kernels::cpu::gemm;

/// Zeroes each value with probability p and scales the others. `stream` names the row and the
/// layer.
void drop(float* values, int count, double p, std::uint64_t seed, std::uint64_t stream) {
  const auto limit = static_cast<std::uint64_t>(p * 65536);  // 16 random bits a value
  const float scale = 1 / (1 - static_cast<float>(limit) / 65536);
  Random random(seed, stream);
  for (std::int64_t i = 0; i < count; i += 4) {
    std::uint64_t bits = random.next();
    for (std::int64_t j = i; j < std::min<std::int64_t>(i + 4, count); ++j, bits >>= 16)
      values[j] = (bits & 65535) < limit ? 0.0f : values[j] * scale;
  }
}

/// sums[c] = sum over rows of x[r][c], rows in order.
void column_sums(const float* x, int rows, int columns, float* sums) {
  std::fill(sums, sums + columns, 0.0f);
  for (int r = 0; r < rows; ++r, x += columns) {
    for (int c = 0; c < columns; ++c) sums[c] += x[c];
  }
}

/// Elements below which another thread costs more than it saves.
constexpr std::size_t parallel_elements = 128 * 1024;

std::size_t area(int rows, int columns) {
  return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
}

void fill_uniform(std::span<float> values, double bound, Random random) {
  for (float& value : values) value = static_cast<float>((2 * random.uniform() - 1) * bound);
}

}  // namespace

SideNetMlp::SideNetMlp(int features, int hidden, int classes, int max_rows, int threads)
    : features_(features), hidden_(hidden), classes_(classes), threads_(threads) {
  const std::size_t parameters = fc2_bias().offset + fc2_bias().size;
  parameters_.assign(parameters, 0.0f);
  gradient_.assign(parameters, 0.0f);
  activation_.resize(area(max_rows, hidden));
  hidden_gradient_.resize(area(max_rows, hidden));
  logits_.resize(area(max_rows, classes));
  logits_gradient_.resize(area(max_rows, classes));
  row_loss_.resize(static_cast<std::size_t>(max_rows));
}

void SideNetMlp::initialise(std::uint64_t seed) {
  std::fill(parameters_.begin(), parameters_.end(), 0.0f);
  const std::span<float> all(parameters_);
  // A uniform distribution on (-b, b) has variance b^2 / 3.
  fill_uniform(all.subspan(fc1_weight().offset, fc1_weight().size), std::sqrt(6.0 / features_),
               Random(seed, 1));
  fill_uniform(all.subspan(fc2_weight().offset, fc2_weight().size), std::sqrt(3.0 / hidden_),
               Random(seed, 2));
}

void SideNetMlp::activate_hidden(int rows, const Dropout* dropout) {
  const float* bias = parameters_.data() + fc1_bias().offset;
#pragma omp parallel for num_threads(threads_) \
    schedule(static) if (area(rows, hidden_) > parallel_elements)
  for (int r = 0; r < rows; ++r) {
    float* row = activation_.data() + area(r, hidden_);
    for (int h = 0; h < hidden_; ++h) row[h] = std::max(row[h] + bias[h], 0.0f);
    if (dropout != nullptr && dropout->hidden > 0) {
      drop(row, hidden_, dropout->hidden, dropout->seed,
           (dropout->step << 32) + 2 * static_cast<std::uint64_t>(r));
    }
  }
}

const float* SideNetMlp::forward(float* x, int rows, const Dropout* dropout) {
  if (dropout != nullptr && dropout->input > 0) {
#pragma omp parallel for num_threads(threads_) schedule(static)
    for (int r = 0; r < rows; ++r) {
      drop(x + area(r, features_), features_, dropout->input, dropout->seed,
           (dropout->step << 32) + 2 * static_cast<std::uint64_t>(r) + 1);
    }
  }
  const float* w1 = parameters_.data();
  const float* w2 = parameters_.data() + fc2_weight().offset;
  const float* b2 = parameters_.data() + fc2_bias().offset;
  gemm(false, true, rows, hidden_, features_, x, features_, w1, features_, false,
       activation_.data(), hidden_, threads_);
  activate_hidden(rows, dropout);
  for (int r = 0; r < rows; ++r) std::copy(b2, b2 + classes_, logits_.data() + area(r, classes_));
  gemm(false, true, rows, classes_, hidden_, activation_.data(), hidden_, w2, hidden_, true,
       logits_.data(), classes_, threads_);
  return logits_.data();
}

double SideNetMlp::backward(const float* x, const float* targets, int rows,
                            const Dropout* dropout) {
  const float inverse_rows = 1.0f / static_cast<float>(rows);
#pragma omp parallel for num_threads(threads_) \
    schedule(static) if (area(rows, classes_) > parallel_elements)
  for (int r = 0; r < rows; ++r) {
    // d loss / d logits = (p - target) / rows, for targets that sum to 1.
    const float* z = logits_.data() + area(r, classes_);
    const float* t = targets + area(r, classes_);
    float* d = logits_gradient_.data() + area(r, classes_);
    double loss = softmax(z, classes_, 1, d);
    for (int c = 0; c < classes_; ++c) {
      loss -= static_cast<double>(t[c] * z[c]);
      d[c] = (d[c] - t[c]) * inverse_rows;
    }
    row_loss_[static_cast<std::size_t>(r)] = loss;
  }
  double loss = 0;
  for (int r = 0; r < rows; ++r) loss += row_loss_[static_cast<std::size_t>(r)];

  float* g = gradient_.data();
  const float* w2 = parameters_.data() + fc2_weight().offset;
  gemm(true, false, classes_, hidden_, rows, logits_gradient_.data(), classes_, activation_.data(),
       hidden_, false, g + fc2_weight().offset, hidden_, threads_);
  column_sums(logits_gradient_.data(), rows, classes_, g + fc2_bias().offset);
  gemm(false, false, rows, hidden_, classes_, logits_gradient_.data(), classes_, w2, hidden_, false,
       hidden_gradient_.data(), hidden_, threads_);
  // An activation is above 0 exactly where ReLU let it through and dropout kept it.
  const double p = dropout != nullptr ? dropout->hidden : 0;
  const float scale = 1 / (1 - static_cast<float>(static_cast<std::uint64_t>(p * 65536)) / 65536);
  const std::size_t count = area(rows, hidden_);
  for (std::size_t i = 0; i < count; ++i)
    hidden_gradient_[i] = activation_[i] > 0 ? hidden_gradient_[i] * scale : 0.0f;
  gemm(true, false, hidden_, features_, rows, hidden_gradient_.data(), hidden_, x, features_, false,
       g, features_, threads_);
  column_sums(hidden_gradient_.data(), rows, hidden_, g + fc1_bias().offset);
  return loss * static_cast<double>(inverse_rows);
}

void SideNetMlp::losses(const float* targets, int rows, double* loss) const {
  std::vector<float> p(static_cast<std::size_t>(classes_));
  for (int r = 0; r < rows; ++r) {
    const float* z = logits_.data() + area(r, classes_);
    loss[r] = softmax(z, classes_, 1, p.data());
    for (int c = 0; c < classes_; ++c)
      loss[r] -=
          static_cast<double>(targets[area(r, classes_) + static_cast<std::size_t>(c)] * z[c]);
  }
}

}  // namespace sidenet
