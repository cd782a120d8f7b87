#include "architecture.h"

#include "families.h"
#include "sidenet/error.h"

namespace sidenet::models {

Architecture recognise(const Weights& weights, const std::string& expected,
                       const Settings& settings) {
  for (const Family* family : families()) {
    auto found = family->recognise(weights, settings);
    if (!found) continue;
    if (!expected.empty() && !family->is_called(expected, found->name)) {
      throw Error(weights.file() + ": the weights are a " + found->name + ", expected " + expected);
    }
    found->family = family;
    return *std::move(found);
  }
  refuse_unknown(weights);
}

Graph build_graph(const Architecture& architecture, const Weights& weights,
                  const Shape& input_shape) {
  return architecture.family->build(architecture, weights, input_shape);
}

std::vector<std::string> unused_weights(const Architecture& architecture, const Weights& weights) {
  const Weights fresh(weights.tensors(), weights.file());
  build_graph(architecture, fresh, architecture.input_shape);
  std::vector<std::string> unused;
  for (const auto& [name, tensor] : weights.tensors()) {
    if (!fresh.used().count(name)) unused.push_back(name);
  }
  return unused;
}

Preprocessing imagenet_preprocessing(int channels) {
  Preprocessing result;
  result.channels = channels;
  result.resize = 256;
  result.crop = 224;
  if (channels == 3) {
    result.mean = {0.485f, 0.456f, 0.406f};
    result.std = {0.229f, 0.224f, 0.225f};
  } else {
    result.mean = {0.449f};
    result.std = {0.226f};
  }
  return result;
}

}  // namespace sidenet::models
