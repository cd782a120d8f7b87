// Model files of some hundred kB that ask for more than kernels count, a graph holds, or the
// machine has.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "image_files.h"
#include "random_model.h"
#include "safetensors.h"
#include "tried_files.h"

using namespace sidenet;
using namespace sidenet::testing;

namespace {

using Metadata = std::map<std::string, std::string>;

void put(Weights& weights, const std::string& name, const Shape& shape, float value = 1) {
  Tensor tensor(DType::f32, shape);
  std::fill_n(tensor.mutable_data<float>(), tensor.size(), value);
  weights[name] = tensor;
}

void put_conv(Weights& weights, const std::string& conv, const std::string& norm,
              const Shape& shape) {
  put(weights, conv + ".weight", shape);
  for (const char* part : {"weight", "bias", "running_mean", "running_var"})
    put(weights, norm + "." + part, {shape[0]});
}

/// Two stages of one block; the first widens one channel to `channels`.
Weights wide(std::int64_t channels) {
  Weights weights;
  put_conv(weights, "conv1", "bn1", {1, 1, 3, 3});
  const auto block = [&](const std::string& name, std::int64_t in, std::int64_t out) {
    put_conv(weights, name + ".conv1", name + ".bn1", {1, in, 1, 1});
    put_conv(weights, name + ".conv2", name + ".bn2", {1, 1, 3, 3});
    put_conv(weights, name + ".conv3", name + ".bn3", {out, 1, 1, 1});
    put_conv(weights, name + ".shortcut.0", name + ".shortcut.1", {out, in, 1, 1});
  };
  block("layer1.0", 1, channels);
  block("layer2.0", channels, 1);
  put(weights, "linear.weight", {2, 1});
  put(weights, "linear.bias", {2});
  return weights;
}

void put_exit(Weights& weights, std::int64_t features) {
  for (const auto& [name, shape] : std::map<std::string, Shape>{{"mean", {features}},
                                                                {"std", {features}},
                                                                {"fc1.weight", {1, features}},
                                                                {"fc1.bias", {1}},
                                                                {"fc2.weight", {2, 1}},
                                                                {"fc2.bias", {2}}})
    put(weights, "exits.e." + name, shape);
}

Metadata metadata_of(int resize, int pool) {
  return {
      {"sidenet.version", "1"},
      {"sidenet.architecture", R"({"family": "resnet", "name": "resnet8"})"},
      {"sidenet.labels", R"(["a", "b"])"},
      {"sidenet.preprocessing", R"({"mean": [], "std": [], "crop": 0, "channels": 1, "resize": )" +
                                    std::to_string(resize) + "}"},
      {"sidenet.exits",
       R"([{"name": "e", "tap": "layer1.0", "hidden": 1, "temperature": 1, "threshold": 0, "pool": )" +
           std::to_string(pool) + "}]"}};
}

std::string refusal(const Weights& weights, const Metadata& metadata) {
  const files::Folder folder;
  const std::string path = folder.path + "/model.safetensors";
  write_safetensors(path, weights, metadata);
  ++tried_files;
  std::string message = files::error_of([&] { Model::load(path); });
  CHECK_MESSAGE((message.empty() || files::is_one_line(message)), message);
  CHECK_MESSAGE((message.empty() || message.starts_with(path)), message);
  return message.substr(std::min(message.size(), path.size()));
}

}  // namespace

TEST_CASE("the models that the cases below spoil are good") {
  Weights weights = wide(8);
  put_exit(weights, 8 * 16);
  CHECK(refusal(weights, metadata_of(32, 4)) == "");
}

TEST_CASE("values of 2^31 numbers, and features whose product wraps to what the file has") {
  const std::string expected =
      ": expected a value of fewer than 2^31 numbers, and of at most 2^24 pixels a side, got ";
  Weights weights = wide(4096);
  put_exit(weights, 1);  // 4096 * 1024 * 1024 is 2^32
  CHECK(refusal(weights, metadata_of(1024, 1024)) ==
        ": node layer1.0.conv3" + expected + "(4096, 1024, 1024)");
  weights = wide(128);
  put_exit(weights, 1);
  CHECK(refusal(weights, metadata_of(4096, 1024)) ==
        ": node layer1.0.conv3" + expected + "(128, 4096, 4096)");
  weights = wide(127);
  put_exit(weights,
           127 * 1024);  // 127 * 1024 * 1024 has no overflow; a pool of it has other features
  CHECK(refusal(weights, metadata_of(1024, 1024))
            .find("takes 130048 features, a tap (127, 1024, 1024) pooled to 1024 x "
                  "1024 gives 133169152") != std::string::npos);
}

TEST_CASE("more nodes than any network has") {
  Weights weights = random_cifar_resnet(1, 1, 1, 1, 2, false);
  Metadata metadata = metadata_of(8, 1);
  metadata["sidenet.exits"] = "[]";
  const Tensor kernel(DType::f32, {1, 1, 3, 3}), ones = Tensor::from({1}, std::vector<float>{1});
  for (int block = 0; block < 5000; ++block) {
    const std::string name = "layer1." + std::to_string(block);
    for (const char* part : {"1", "2"}) {
      weights[name + ".conv" + part + ".weight"] = kernel;
      for (const char* of : {".weight", ".bias", ".running_mean", ".running_var"})
        weights[name + ".bn" + part + of] = ones;
    }
  }
  metadata["sidenet.architecture"] = R"({"family": "resnet", "name": "cifar_resnet10006"})";
  CHECK(refusal(weights, metadata).find("expected a network of at most 32768 nodes, got more") !=
        std::string::npos);
}
