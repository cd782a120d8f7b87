#pragma once

#include <unistd.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "sidenet/error.h"
#include "sidenet/tensor.h"

// The nets of tests/golden/resnet and bert: weights and inputs from the hash of
// tests/golden/generated_weights.py, and what PyTorch gave for them. The readers and the writer
// here are the test's own, so that they share no mistake with the library's.
namespace golden {

static_assert(std::endian::native == std::endian::little, "the files are little-endian");
using Json = nlohmann::json;
constexpr std::int64_t kInputPatch = 24;  // INPUT_PATCH of generated_weights.py

inline std::uint64_t fnv1a64(std::string_view key) {
  std::uint64_t value = 0xCBF29CE484222325;
  for (const char c : key) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  return value;
}

inline std::uint64_t splitmix64(std::uint64_t z) {
  z += 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

/// lo + (hi - lo) * u, u in [0, 1). To the bit as in Python only without fused multiply-adds
/// (-ffp-contract=off).
inline std::vector<float> uniform(const std::string& key, std::int64_t count, float lo, float hi) {
  const std::uint64_t first = fnv1a64(key);
  const float range = hi - lo;
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float u = static_cast<float>(splitmix64(first + i) >> 40) * 0x1p-24f;
    values[i] = lo + range * u;
  }
  return values;
}

/// (N, C, H, W) in [-2, 2): noise, and patches that do not average away in pooling.
inline sidenet::Tensor inputs(const std::string& key, const sidenet::Shape& shape) {
  const std::int64_t planes = shape.at(0) * shape.at(1), height = shape.at(2), width = shape.at(3);
  const std::int64_t coarse_h = (height + kInputPatch - 1) / kInputPatch,
                     coarse_w = (width + kInputPatch - 1) / kInputPatch;
  const std::vector<float> patches = uniform(key + "/patches", planes * coarse_h * coarse_w, -1, 1);
  std::vector<float> values = uniform(key + "/noise", planes * height * width, -1, 1);
  std::size_t i = 0;
  for (std::int64_t plane = 0; plane < planes; ++plane) {
    for (std::int64_t y = 0; y < height; ++y) {
      for (std::int64_t x = 0; x < width; ++x) {
        values[i++] += patches[static_cast<std::size_t>(
            (plane * coarse_h + y / kInputPatch) * coarse_w + x / kInputPatch)];
      }
    }
  }
  return sidenet::Tensor::from(shape, values);
}

/// tests/golden/`family`, where the build runs the tests; the test stops where it is not told.
inline std::filesystem::path directory(const std::string& family) {
  const char* data = std::getenv("SIDENET_TEST_DATA");
  if (data == nullptr)
    throw sidenet::Error("SIDENET_TEST_DATA is not set: expected the path of tests/golden");
  return std::filesystem::path(data) / family;
}

inline Json read_json(const std::string& file, const std::string& family = "resnet") {
  std::ifstream stream(directory(family) / file);
  if (!stream) throw sidenet::Error((directory(family) / file).string() + ": cannot be read");
  return Json::parse(stream);
}

/// A float32, row-major .npy file of format 1.0, as numpy writes it.
inline sidenet::Tensor read_npy(const std::string& file, const std::string& family = "resnet") {
  std::ifstream stream(directory(family) / file, std::ios::binary);
  std::array<char, 10> start{};
  stream.read(start.data(), start.size());
  if (!stream || std::memcmp(start.data(), "\x93NUMPY\x01\x00", 8) != 0)
    throw sidenet::Error(file + ": not an npy 1.0 file");
  std::string header(
      static_cast<unsigned char>(start[8]) + 256u * static_cast<unsigned char>(start[9]), ' ');
  stream.read(header.data(), static_cast<std::streamsize>(header.size()));
  if (header.find("'<f4'") == std::string::npos ||
      header.find("'fortran_order': False") == std::string::npos) {
    throw sidenet::Error(file + ": expected row-major float32, got " + header);
  }
  sidenet::Shape shape;
  const std::size_t open = header.find('('), close = header.find(')');
  for (std::size_t at = open + 1; at < close;) {
    if (std::isdigit(static_cast<unsigned char>(header[at])) == 0) {
      ++at;
      continue;
    }
    std::size_t digits = 0;
    shape.push_back(std::stoll(header.substr(at, close - at), &digits));
    at += digits;
  }
  std::vector<float> values(static_cast<std::size_t>(sidenet::element_count(shape)));
  stream.read(reinterpret_cast<char*>(values.data()),
              static_cast<std::streamsize>(values.size() * sizeof(float)));
  if (!stream) throw sidenet::Error(file + ": truncated");
  return sidenet::Tensor::from(shape, values);
}

/// A path of this process, and what lies there (a folder with all in it) removed at the end of the
/// scope.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& name)
      : path_(std::filesystem::temp_directory_path() /
              ("sidenet-" + std::to_string(::getpid()) + "-" + name)) {}
  ~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

/// Calls visit(name, shape, range) for each tensor of index["nets"][net]; range is [lo, hi].
template <typename Visit>
void for_each_tensor(const Json& index, const std::string& net, const Visit& visit) {
  for (const Json& tensor : index.at("nets").at(net).at("tensors")) {
    const std::string pattern = tensor.at(0);
    const std::size_t star = pattern.find('*');
    for (int i = 0; i < (star == std::string::npos ? 1 : tensor.at(3).get<int>()); ++i) {
      std::string name = pattern;
      if (star != std::string::npos) name.replace(star, 1, std::to_string(i));
      for (const auto& [suffix, range] :
           index.at("kinds").at(tensor.at(1).get<std::string>()).items())
        visit(name + suffix, tensor.at(2).get<sidenet::Shape>(), range);
    }
  }
}

/// The values of that net's tensor.
inline std::vector<float> weights_of(const std::string& net, const std::string& name,
                                     const sidenet::Shape& shape, const Json& range) {
  return uniform(net + "/" + name, sidenet::element_count(shape), range.at(0).get<float>(),
                 range.at(1).get<float>());
}

/// Writes the state dict of index["nets"][net] as a safetensors file.
inline void write_checkpoint(const Json& index, const std::string& net, const std::string& path) {
  Json header = Json::object();
  std::uint64_t offset = 0;
  const auto declare = [&](const std::string& name, const char* dtype, const Json& shape,
                           std::uint64_t bytes) {
    header[name] = {{"dtype", dtype}, {"shape", shape}, {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  };
  const bool counts_batches = index.at("nets").at(net).value("num_batches_tracked", false);
  const std::string statistic = ".running_var";
  for_each_tensor(
      index, net, [&](const std::string& name, const sidenet::Shape& shape, const Json&) {
        declare(name, "F32", shape,
                sizeof(float) * static_cast<std::uint64_t>(sidenet::element_count(shape)));
        if (counts_batches && name.ends_with(statistic)) {
          declare(name.substr(0, name.size() - statistic.size()) + ".num_batches_tracked", "I64",
                  Json::array(), sizeof(std::int64_t));
        }
      });
  std::ofstream stream(path, std::ios::binary);
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t length = text.size();
  stream.write(reinterpret_cast<const char*>(&length), sizeof length);
  stream.write(text.data(), static_cast<std::streamsize>(text.size()));
  for_each_tensor(index, net,
                  [&](const std::string& name, const sidenet::Shape& shape, const Json& range) {
                    const std::vector<float> values = weights_of(net, name, shape, range);
                    stream.write(reinterpret_cast<const char*>(values.data()),
                                 static_cast<std::streamsize>(values.size() * sizeof(float)));
                    const std::int64_t batches = 1;
                    if (counts_batches && name.ends_with(statistic))
                      stream.write(reinterpret_cast<const char*>(&batches), sizeof batches);
                  });
  if (!stream.flush()) throw sidenet::Error(path + ": cannot be written");
}

/// How far two tensors of one shape are apart. NaN anywhere makes max_difference NaN, which no
/// bound admits.
struct Comparison {
  float max_difference = 0;
  float max_magnitude = 0;  ///< of the expected
  float relative() const { return max_difference / max_magnitude; }
};

inline Comparison compare(const sidenet::Tensor& got, const sidenet::Tensor& expected) {
  if (got.shape() != expected.shape()) {
    throw sidenet::Error("shape: expected " + sidenet::to_string(expected.shape()) + ", got " +
                         sidenet::to_string(got.shape()));
  }
  Comparison result;
  for (std::int64_t i = 0; i < got.size(); ++i) {
    const float difference = std::fabs(got.data<float>()[i] - expected.data<float>()[i]);
    if (!(difference <= result.max_difference)) result.max_difference = difference;
    result.max_magnitude = std::max(result.max_magnitude, std::fabs(expected.data<float>()[i]));
    if (std::isnan(result.max_difference)) break;
  }
  return result;
}

inline bool same_bits(const sidenet::Tensor& a, const sidenet::Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

/// Row `row` of a tensor, as a batch of one.
inline sidenet::Tensor row_of(const sidenet::Tensor& batch, std::int64_t row) {
  sidenet::Shape shape = batch.shape();
  const std::int64_t size = batch.size() / shape.at(0);
  shape[0] = 1;
  const float* begin = batch.data<float>() + row * size;
  return sidenet::Tensor::from(shape, std::vector<float>(begin, begin + size));
}

}  // namespace golden
