#include "architecture.h"

#include <atomic>

#include "families.h"
#include "sidenet/error.h"

namespace sidenet::models {
namespace {

std::atomic<std::int64_t> built{0};

}  // namespace

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
  built.fetch_add(1, std::memory_order_relaxed);
  return architecture.family->build(architecture, weights, input_shape);
}

std::int64_t graphs_built() { return built.load(std::memory_order_relaxed); }

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
