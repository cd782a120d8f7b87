#include "tensor_rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <utility>

namespace sidenet::tools {
namespace {

struct Owner : Storage {
  explicit Owner(Tensor tensor) : whole(std::move(tensor)) {}
  Tensor whole;
};

}  // namespace

Tensor rows_of(const Tensor& whole, std::int64_t first, std::int64_t count) {
  Shape shape = whole.shape();
  const std::size_t row_bytes =
      shape.at(0) > 0 ? whole.bytes() / static_cast<std::size_t>(shape[0]) : 0;
  shape[0] = count;
  return Tensor(whole.dtype(), shape, whole.raw() + static_cast<std::size_t>(first) * row_bytes,
                std::make_shared<Owner>(whole));
}

Tensor stack(std::span<const Tensor> rows) {
  Shape shape = rows.front().shape();
  shape.insert(shape.begin(), static_cast<std::int64_t>(rows.size()));
  Tensor whole(DType::f32, shape);
  float* to = whole.mutable_data<float>();
  for (const Tensor& row : rows) {
    std::memcpy(to, row.data<float>(), row.bytes());
    to += row.size();
  }
  return whole;
}

std::vector<double> probabilities(std::span<const float> logits, double temperature) {
  const float largest = *std::max_element(logits.begin(), logits.end());
  std::vector<double> result;
  double sum = 0;
  for (const float logit : logits)
    sum += result.emplace_back(std::exp((static_cast<double>(logit) - largest) / temperature));
  for (double& value : result) value /= sum;
  return result;
}

}  // namespace sidenet::tools
