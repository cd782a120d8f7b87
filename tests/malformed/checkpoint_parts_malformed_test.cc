// Checkpoints in several files, and tensors that are computed of others: each kind of bad one gives
// one clear line.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "image_files.h"
#include "random_model.h"
#include "safetensors.h"
#include "sidenet/checkpoint.h"
#include "sidenet/model.h"
#include "tried_files.h"

using namespace sidenet;
using namespace sidenet::testing;

namespace {

Tensor ones(const Shape& shape) {
  return Tensor::from(shape, std::vector<float>(static_cast<std::size_t>(element_count(shape)), 1));
}

void check_message(const std::string& message, const std::string& words) {
  CHECK(files::is_one_line(message));
  CHECK(message.size() < 400);
  CHECK_MESSAGE(message.find(words) != std::string::npos,
                "expected \"" << words << "\", got \"" << message << "\"");
}

struct Shards {
  Shards() {
    write_safetensors(folder.path + "/1.safetensors", {{"a", ones({2})}, {"b", ones({3})}}, {});
    write_safetensors(folder.path + "/2.safetensors", {{"c", ones({4})}}, {});
  }
  std::string read(const std::string& index) const {
    ++tried_files;
    const std::string path = folder.write("model.safetensors.index.json", index);
    return files::error_of([&] { read_checkpoint(path); });
  }
  files::Folder folder;
};

std::string map_of(const std::string& a, const std::string& b, const std::string& c) {
  return R"({"metadata": {"total_size": 36}, "weight_map": {"a": ")" + a + R"(", "b": ")" + b +
         R"(", "c": ")" + c + "\"}}";
}

std::string import_error(const Weights& changed) {
  ++tried_files;
  Weights weights = random_cifar_resnet(3, 1, 4, 3, 5, true);
  for (const auto& [name, tensor] : changed) weights[name] = tensor;
  weights.erase("linear.weight");
  const files::Folder folder;
  write_safetensors(folder.path + "/net.safetensors", weights, {});
  return files::error_of([&] { Model::import_checkpoint(folder.path + "/net.safetensors"); });
}

}  // namespace

TEST_CASE("an index and its files") {
  const Shards shards;
  const std::string first = "1.safetensors", second = "2.safetensors";
  CHECK(shards.read(map_of(first, first, second)) == "");
  check_message(shards.read("{}"), "weight_map: expected a value, got none");
  check_message(shards.read("[]"), "expected an object");
  check_message(shards.read(R"({"weight_map": {}})"), "weight_map: expected tensors and their");
  check_message(shards.read(R"({"weight_map": {"a": 3}})"), "weight_map.a: expected");
  check_message(shards.read(R"({"weight_map": {"a": "1.safetensors")"), "index.json");
  for (const std::string name : {"../1.safetensors", "/etc/passwd", "..", ".", "", "x\\\\y"})
    check_message(shards.read(map_of(name, first, second)),
                  "weight_map.a: expected the name of a file beside the index");
  check_message(shards.read(map_of(first, first, "3.safetensors")),
                "expected the file \"3.safetensors\" beside it, found none");
  check_message(shards.read(map_of(first, second, second)),
                "tensor \"b\": expected it in \"2.safetensors\", got it in \"1.safetensors\"");
  check_message(shards.read(R"({"weight_map": {"a": "1.safetensors", "c": "2.safetensors"}})"),
                "tensor \"b\": expected none of that name, got it in \"1.safetensors\"");
  check_message(
      shards.read(
          R"({"weight_map": {"a": "1.safetensors", "b": "1.safetensors", "c": "2.safetensors", "d": "2.safetensors"}})"),
      "tensor \"d\": expected it in \"2.safetensors\", which has none of that name");
  write_safetensors(shards.folder.path + "/2.safetensors", {{"a", ones({2})}, {"c", ones({4})}},
                    {});
  check_message(shards.read(map_of(first, first, second)),
                "tensor \"a\": expected it in \"1.safetensors\", got it in \"2.safetensors\"");
  shards.folder.write("2.safetensors", "no such thing");
  check_message(shards.read(map_of(first, first, second)), "2.safetensors: expected a PyTorch");
  std::filesystem::remove(shards.folder.path + "/2.safetensors");
  std::filesystem::create_directory(shards.folder.path + "/2.safetensors");
  check_message(shards.read(map_of(first, first, second)), "found none");
}

TEST_CASE("masks, lengths and vectors that do not fit") {
  const Tensor weight = ones({5, 16});
  CHECK(import_error({{"linear.weight_orig", weight}, {"linear.weight_mask", weight}}) == "");
  check_message(
      import_error({{"linear.weight_orig", weight}, {"linear.weight_mask", ones({16, 5})}}),
      "tensor 'linear.weight': expected a mask (5, 16), got (16, 5)");
  CHECK(import_error({{"linear.weight_v", weight}, {"linear.weight_g", ones({5, 1})}}) == "");
  CHECK(import_error({{"linear.weight_v", weight}, {"linear.weight_g", ones({1, 16})}}) == "");
  CHECK(import_error({{"linear.weight_v", weight}, {"linear.weight_g", ones({})}}) == "");
  for (const Shape& shape : {Shape{4, 1}, Shape{5}, Shape{5, 16}, Shape{1, 5}, Shape{0}}) {
    check_message(import_error({{"linear.weight_v", weight}, {"linear.weight_g", ones(shape)}}),
                  "tensor 'linear.weight': expected lengths along one axis of (5, 16), got ");
  }
  const auto spectral = [&](std::int64_t rows, std::int64_t columns) {
    return import_error({{"linear.weight_orig", weight},
                         {"linear.weight_u", ones({rows})},
                         {"linear.weight_v", ones({columns})}});
  };
  CHECK(spectral(5, 16) == "");
  check_message(spectral(16, 5), "expected vectors of 5 and 16 values, got 16 and 5");
  check_message(spectral(5, 15), "got 5 and 15");
  check_message(import_error({{"linear.parametrizations.weight.original", weight},
                              {"linear.parametrizations.weight.0.base", weight}}),
                "expected a weight_norm or spectral_norm, got another parametrisation");
}
