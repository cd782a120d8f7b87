#pragma once

#include <map>
#include <random>
#include <string>
#include <vector>

#include "model_data.h"
#include "sidenet/sidenet.h"

// Small residual networks with random weights, for tests that need a network and no file.
namespace sidenet::testing {

using Weights = std::map<std::string, Tensor>;

class RandomWeights {
 public:
  explicit RandomWeights(unsigned seed) : engine_(seed) {}
  float uniform(float low, float high) {
    return low + (high - low) * static_cast<float>(engine_() % 65536) / 65536.0f;
  }
  Tensor tensor(const Shape& shape, float low, float high) {
    Tensor result(DType::f32, shape);
    for (std::int64_t i = 0; i < result.size(); ++i)
      result.mutable_data<float>()[i] = uniform(low, high);
    return result;
  }
  unsigned integer(unsigned below) { return static_cast<unsigned>(engine_() % below); }

 private:
  std::mt19937 engine_;
};

inline void add_conv_bn(RandomWeights& random, Weights& w, const std::string& conv,
                        const std::string& bn, const Shape& shape) {
  const float bound = 1.7f / std::sqrt(static_cast<float>(shape[1] * shape[2] * shape[3]));
  w[conv + ".weight"] = random.tensor(shape, -bound, bound);
  w[bn + ".weight"] = random.tensor({shape[0]}, 0.5f, 1.5f);
  w[bn + ".bias"] = random.tensor({shape[0]}, -0.3f, 0.3f);
  w[bn + ".running_mean"] = random.tensor({shape[0]}, -0.3f, 0.3f);
  w[bn + ".running_var"] = random.tensor({shape[0]}, 0.5f, 1.5f);
}

/// A CIFAR-family network (three stages) of `blocks` blocks a stage; option A where `projection` is
/// false.
inline Weights random_cifar_resnet(unsigned seed, int blocks, int width, int channels, int classes,
                                   bool projection) {
  RandomWeights random(seed);
  Weights w;
  add_conv_bn(random, w, "conv1", "bn1", {width, channels, 3, 3});
  std::int64_t in = width;
  for (int s = 0; s < 3; ++s) {
    const std::int64_t out = static_cast<std::int64_t>(width) << s;
    for (int b = 0; b < blocks; ++b) {
      const std::string block = "layer" + std::to_string(s + 1) + "." + std::to_string(b) + ".";
      add_conv_bn(random, w, block + "conv1", block + "bn1", {out, in, 3, 3});
      add_conv_bn(random, w, block + "conv2", block + "bn2", {out, out, 3, 3});
      if (projection && in != out)
        add_conv_bn(random, w, block + "shortcut.0", block + "shortcut.1", {out, in, 1, 1});
      in = out;
    }
  }
  w["linear.weight"] = random.tensor({classes, in}, -0.5f, 0.5f);
  w["linear.bias"] = random.tensor({classes}, -0.5f, 0.5f);
  return w;
}

/// An exit of random weights at `tap`, whose pooled features number `features`.
inline void add_random_exit(RandomWeights& random, ModelData& data, const std::string& tap,
                            int pool, int features, int hidden) {
  const std::string prefix = "exits." + tap + ".";
  data.weights[prefix + "mean"] = random.tensor({features}, -0.5f, 0.5f);
  data.weights[prefix + "std"] = random.tensor({features}, 0.5f, 2.0f);
  data.weights[prefix + "fc1.weight"] = random.tensor({hidden, features}, -0.2f, 0.2f);
  data.weights[prefix + "fc1.bias"] = random.tensor({hidden}, -0.2f, 0.2f);
  data.weights[prefix + "fc2.weight"] = random.tensor({data.classes(), hidden}, -0.6f, 0.6f);
  data.weights[prefix + "fc2.bias"] = random.tensor({data.classes()}, -0.5f, 0.5f);
  data.exits.push_back({tap, tap, {.grid = pool}, hidden, 1.0 + random.uniform(0, 1), 0.5});
}

/// ModelData of a state dict, without exits.
inline ModelData describe(Weights weights) {
  ModelData data;
  data.source = "test";
  data.weights = std::move(weights);
  data.architecture = models::recognise(models::Weights(data.weights, "test"), "");
  for (int i = 0; i < data.architecture.classes; ++i) data.labels.push_back(std::to_string(i));
  data.preprocessing = data.architecture.preprocessing;
  return data;
}

/// Rows [first, first + count) of a batch.
inline Tensor slice_rows(const Tensor& batch, std::int64_t first, std::int64_t count) {
  Shape shape = batch.shape();
  const std::int64_t each = batch.size() / shape[0];
  shape[0] = count;
  Tensor result(DType::f32, shape);
  std::copy_n(batch.data<float>() + first * each, count * each, result.mutable_data<float>());
  return result;
}

}  // namespace sidenet::testing
