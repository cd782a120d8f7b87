#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "sidenet/tensor.h"

namespace sidenet::testing {

/// A file of tests/golden/checkpoints, where SIDENET_TEST_DATA tells tests/golden.
inline std::string fixture(const std::string& name) {
  const char* folder = std::getenv("SIDENET_TEST_DATA");
  REQUIRE_MESSAGE(folder != nullptr, "SIDENET_TEST_DATA must name tests/golden");
  return std::string(folder) + "/checkpoints/" + name;
}

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE_MESSAGE(file.good(), path);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

inline std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// A tensor as make_checkpoint_fixtures.py wrote it down.
struct ExpectedTensor {
  std::string dtype;
  Shape shape;
  std::vector<double> values;
};
using ExpectedTensors = std::map<std::string, ExpectedTensor>;

template <typename T, typename Parse>
std::vector<T> parse_list(const std::string& text, Parse parse) {
  std::vector<T> result;
  if (text == "-") return result;
  std::istringstream items(text);
  for (std::string item; std::getline(items, item, ',');) result.push_back(parse(item));
  return result;
}

/// expected.tsv: fixture, then tensor name.
inline std::map<std::string, ExpectedTensors> expected_fixtures() {
  std::map<std::string, ExpectedTensors> result;
  std::istringstream lines(read_file(fixture("expected.tsv")));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string file, name, dtype, shape, values;
    for (std::string* field : {&file, &name, &dtype, &shape, &values})
      std::getline(fields, *field, '\t');
    result[file][name] = {
        dtype, parse_list<std::int64_t>(shape, [](const std::string& s) { return std::stoll(s); }),
        parse_list<double>(values, [](const std::string& s) { return std::stod(s); })};
  }
  return result;
}

/// All fixture values fit float32 exactly but those of f64, which are rounded on both sides.
inline void check_tensor(const Tensor& tensor, const ExpectedTensor& expected) {
  CHECK(std::string(dtype_name(tensor.dtype())) == expected.dtype);
  REQUIRE(tensor.shape() == expected.shape);
  const Tensor values = tensor.to_f32();
  REQUIRE(values.size() == static_cast<std::int64_t>(expected.values.size()));
  for (std::size_t i = 0; i < expected.values.size(); ++i)
    CHECK(values.data<float>()[i] == static_cast<float>(expected.values[i]));
}

/// A folder that is removed at the end.
struct TemporaryFolder {
  TemporaryFolder()
      : path((std::filesystem::temp_directory_path() / "sidenet-formats-XXXXXX").string()) {
    REQUIRE(::mkdtemp(path.data()) != nullptr);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
  std::string file(const std::string& name) const { return path + "/" + name; }
  std::string path;
};

}  // namespace sidenet::testing
