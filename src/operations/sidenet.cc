#include "sidenet.h"

#include <algorithm>

#include "sidenet/error.h"

namespace sidenet::ops {
namespace {

const struct {
  const char* name;
  Tensor SideNet::*tensor;
} kTensors[] = {{"mean", &SideNet::mean},
                {"std", &SideNet::std},
                {"fc1.weight", &SideNet::fc1_weight},
                {"fc1.bias", &SideNet::fc1_bias},
                {"fc2.weight", &SideNet::fc2_weight},
                {"fc2.bias", &SideNet::fc2_bias}};

void require(const char* name, const Tensor& tensor, const Shape& expected) {
  if (tensor.shape() != expected) {
    throw Error(std::string("SideNet tensor ") + name + ": expected " + to_string(expected) +
                ", got " + to_string(tensor.shape()));
  }
}

Tensor filled(const Shape& shape, float value) {
  Tensor tensor(DType::f32, shape);
  std::fill_n(tensor.mutable_data<float>(), tensor.size(), value);
  return tensor;
}

}  // namespace

SideNet SideNet::from(const std::map<std::string, Tensor>& weights, const std::string& exit,
                      const ExitPooling& pooling) {
  SideNet sidenet;
  sidenet.pooling = pooling;
  for (const auto& [name, tensor] : kTensors) {
    const auto found = weights.find(scope(exit) + name);
    if (found == weights.end())
      throw Error("no tensor '" + scope(exit) + name + "' for exit '" + exit + "'");
    sidenet.*tensor = found->second;
  }
  return sidenet;
}

SideNet SideNet::zeros(std::int64_t features, std::int64_t hidden, std::int64_t classes,
                       const ExitPooling& pooling) {
  return {filled({features}, 0),
          filled({features}, 1),
          filled({hidden, features}, 0),
          filled({hidden}, 0),
          filled({classes, hidden}, 0),
          filled({classes}, 0),
          pooling};
}

void SideNet::put(std::map<std::string, Tensor>& weights, const std::string& exit) const {
  for (const auto& [name, tensor] : kTensors)
    weights.insert_or_assign(scope(exit) + name, this->*tensor);
}

void SideNet::check() const {
  if (fc1_weight.rank() != 2 || fc2_weight.rank() != 2)
    throw Error("SideNet: expected two-dimensional fc1.weight and fc2.weight");
  require("mean", mean, {features()});
  require("std", std, {features()});
  require("fc1.bias", fc1_bias, {hidden()});
  require("fc2.weight", fc2_weight, {classes(), hidden()});
  require("fc2.bias", fc2_bias, {classes()});
  if (hidden() < 1 || classes() < 1)
    throw Error("SideNet: expected at least one hidden unit and one class, got " +
                std::to_string(hidden()) + " and " + std::to_string(classes()));
  const Tensor deviations = std.to_f32();
  const float* values = deviations.data<float>();
  const auto bad =
      std::find_if(values, values + features(), [](float value) { return !(value > 0); });
  if (bad != values + features())
    throw Error("SideNet tensor std: expected values above 0, got " + std::to_string(*bad) +
                " at " + std::to_string(bad - values));
}

std::int64_t SideNet::parameters() const {
  return multiply_adds() + fc1_bias.size() + fc2_bias.size() + 2 * mean.size();
}

}  // namespace sidenet::ops
