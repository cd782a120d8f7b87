#include "sidenet/reference_check.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <sstream>
#include <string>
#include <vector>

#include "model_data.h"
#include "sidenet/error.h"
#include "sidenet/session.h"

namespace sidenet {
namespace {

// In batches: PyTorch's rows may be many.
Tensor mainnet_logits(const Model& model, const Batch& inputs) {
  constexpr std::int64_t kBatch = 32;
  const std::int64_t rows = inputs.rows();
  const auto classes = static_cast<std::int64_t>(model.labels().size());
  Session session(model, {.execution = {.batch = kBatch}, .mark_failed_rows = true});
  Tensor logits(DType::f32, {rows, classes});
  for (std::int64_t first = 0; first < rows; first += kBatch) {
    const Batch some = rows_of(inputs, first, std::min(kBatch, rows - first));
    const Answers answers = session.run(some, ExitPolicy::final_only());
    std::memcpy(logits.mutable_data<float>() + first * classes, answers.logits.data<float>(),
                answers.logits.bytes());
  }
  return logits;
}

struct Worst {
  double difference = 0, largest = 0;
  std::int64_t at = 0;
};

// A difference that is no number is the worst.
Worst compare(const Tensor& ours, const Tensor& theirs) {
  Worst worst;
  for (std::int64_t i = 0; i < ours.size(); ++i) {
    const double expected = theirs.data<float>()[i];
    const double difference = std::abs(ours.data<float>()[i] - expected);
    worst.largest = std::max(worst.largest, std::abs(expected));
    if (difference <= worst.difference || std::isnan(worst.difference)) continue;
    worst.difference = difference;
    worst.at = i;
  }
  return worst;
}

bool holds_nan(const Tensor& logits) {
  const float* values = logits.data<float>();
  return std::any_of(values, values + logits.size(), [](float x) { return std::isnan(x); });
}

// Whether f of each row's values adds up to 1, all values within low … high.
bool are_probabilities(const Tensor& logits, double low, double high, double (*f)(double)) {
  const std::int64_t classes = logits.dim(1);
  for (std::int64_t row = 0; row < logits.dim(0); ++row) {
    double sum = 0;
    for (std::int64_t i = 0; i < classes; ++i) {
      const double value = logits.data<float>()[row * classes + i];
      if (!(value >= low && value <= high)) return false;
      sum += f(value);
    }
    if (std::abs(sum - 1) > 1e-3) return false;
  }
  return true;
}

bool are_reordered(const Tensor& ours, const Tensor& theirs, double tolerance) {
  const std::int64_t classes = ours.dim(1);
  const auto sorted = [&](const Tensor& logits, std::int64_t row) {
    const float* begin = logits.data<float>() + row * classes;
    std::vector<float> values(begin, begin + classes);
    std::sort(values.begin(), values.end());
    return values;
  };
  for (std::int64_t row = 0; row < ours.dim(0); ++row) {
    const std::vector<float> a = sorted(ours, row), b = sorted(theirs, row);
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (!(std::abs(a[i] - b[i]) <= tolerance)) return false;
    }
  }
  return true;
}

// What is wrong with the numbers themselves, whatever the wiring; empty: nothing that shows.
std::string fault_of(const Tensor& ours, const Tensor& theirs, double largest) {
  if (holds_nan(theirs)) return "PyTorch's hold NaN";
  if (holds_nan(ours)) return "MainNet's own hold NaN";
  if (are_probabilities(theirs, 0, 1.001, [](double x) { return x; }))
    return "PyTorch's are probabilities: expected logits, from in front of the softmax";
  if (are_probabilities(theirs, -1e30, 0.001, [](double x) { return std::exp(x); }))
    return "PyTorch's are logarithms of probabilities: expected logits";
  if (are_reordered(ours, theirs, kCheckTolerance * largest))
    return "they are the same logits in another order of the classes";
  return "";
}

[[noreturn]] void refuse(const Model& model, const Tensor& ours, const Tensor& theirs,
                         const Worst& worst) {
  constexpr double kRounding = 5e-3;
  const std::int64_t classes = ours.dim(1);
  std::ostringstream message;
  message << data_of(model).source << ": check: row " << worst.at / classes << ", class "
          << worst.at % classes << ": expected PyTorch's logit " << theirs.data<float>()[worst.at]
          << ", got " << ours.data<float>()[worst.at] << ": ";
  if (const std::string fault = fault_of(ours, theirs, worst.largest); !fault.empty())
    throw Error(message.str() + fault);
  message << "a setting that no weight tells was taken wrongly";
  if (worst.difference <= kRounding * worst.largest)
    message << " (an epsilon?), or PyTorch computed in half precision";
  throw OtherWiring(message.str());
}

void check_shapes(const Model& model, const Batch& inputs, const Tensor& logits) {
  const ModelData& data = data_of(model);
  if (data.architecture.classes == 0)
    throw Error(data.source + ": check: expected a network with a head, got an encoder alone");
  if (inputs.rows() < 1) throw Error(data.source + ": check: expected rows, got none");
  const Shape expected{inputs.rows(), data.architecture.classes};
  if (logits.dtype() == DType::f32 && logits.shape() == expected) return;
  throw Error(data.source + ": check: expected logits " + to_string(expected) + " float32, got " +
              to_string(logits.shape()) + " " + dtype_name(logits.dtype()));
}

// One logit z is answered as (0, z).
Tensor as_answered(const Model& model, const Batch& inputs, const Tensor& logits) {
  const bool is_one = data_of(model).architecture.settings.contains("one_logit");
  if (!is_one || logits.dtype() != DType::f32 || logits.shape() != Shape{inputs.rows(), 1})
    return logits;
  Tensor result(DType::f32, {inputs.rows(), 2});
  for (std::int64_t row = 0; row < inputs.rows(); ++row)
    result.mutable_data<float>()[2 * row + 1] = logits.data<float>()[row];
  return result;
}

double share(const Worst& worst) {
  return worst.difference == 0 ? 0 : worst.difference / worst.largest;
}

}  // namespace

OtherWiring::~OtherWiring() = default;

double reference_difference(const Model& model, const Batch& inputs, const Tensor& given) {
  const Tensor logits = as_answered(model, inputs, given);
  check_shapes(model, inputs, logits);
  return share(compare(mainnet_logits(model, inputs), logits));
}

Model checked_against(const Model& model, const Batch& inputs, const Tensor& given) {
  const Tensor logits = as_answered(model, inputs, given);
  check_shapes(model, inputs, logits);
  const Tensor ours = mainnet_logits(model, inputs);
  const Worst worst = compare(ours, logits);
  if (!(share(worst) <= kCheckTolerance)) refuse(model, ours, logits, worst);
  ModelData checked = data_of(model);
  checked.checked = {inputs.rows(), share(worst)};
  return ModelAccess::make(std::make_shared<const ModelData>(std::move(checked)));
}

}  // namespace sidenet
