#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "format_fixtures.h"
#include "safetensors.h"
#include "sidenet/checkpoint.h"
#include "sidenet/error.h"

using namespace sidenet;
using namespace sidenet::testing;

namespace {

std::map<std::string, Tensor> some_tensors() {
  std::map<std::string, Tensor> tensors = read_safetensors(fixture("python.safetensors")).tensors;
  tensors["a \"quoted\"\n name \xc3\xa9"] = Tensor::from({2, 2}, {1, 2, 3, 4});
  return tensors;
}

bool same_bytes(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() &&
         (a.empty() || std::memcmp(a.raw(), b.raw(), a.bytes()) == 0);
}

}  // namespace

TEST_CASE("what is written is read again, byte for byte, every element type") {
  const TemporaryFolder folder;
  const auto tensors = some_tensors();
  const std::map<std::string, std::string> metadata{
      {"labels", "cat\ndog"}, {"", "empty key"}, {"caf\xc3\xa9", "\\\""}};
  write_safetensors(folder.file("a.safetensors"), tensors, metadata);
  const Safetensors again = read_safetensors(folder.file("a.safetensors"));
  CHECK(again.metadata == metadata);
  REQUIRE(again.tensors.size() == tensors.size());
  for (const auto& [name, tensor] : tensors) {
    CAPTURE(name);
    CHECK(same_bytes(again.tensors.at(name), tensor));
  }
  CHECK(read_checkpoint(folder.file("a.safetensors")).format == "safetensors");
}

TEST_CASE(
    "the header ends at a multiple of eight bytes, and the same content gives the same file") {
  const TemporaryFolder folder;
  for (std::size_t length = 1; length < 10; ++length) {
    const std::map<std::string, Tensor> tensors{{std::string(length, 'x'), Tensor::from({1}, {1})}};
    write_safetensors(folder.file("a"), tensors, {});
    write_safetensors(folder.file("b"), tensors, {});
    const std::string bytes = read_file(folder.file("a"));
    CHECK(static_cast<unsigned char>(bytes[0]) % 8 == 0);
    CHECK(bytes == read_file(folder.file("b")));
  }
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 2);
}

TEST_CASE("wide element types lie first, so that all are aligned in the file") {
  const TemporaryFolder folder;
  const auto tensors = some_tensors();
  write_safetensors(folder.file("a"), tensors, {});
  const std::string bytes = read_file(folder.file("a"));
  CHECK(bytes.find("BOOL") > bytes.find("F16"));
  CHECK(bytes.find("F16") > bytes.find("\"F32"));
  CHECK(bytes.find("\"F32") > bytes.find("F64"));
}

TEST_CASE("an empty file of no tensors is one") {
  const TemporaryFolder folder;
  write_safetensors(folder.file("a"), {}, {});
  CHECK(read_safetensors(folder.file("a")).tensors.empty());
}

TEST_CASE("the writer refuses what no reader could open") {
  const TemporaryFolder folder;
  const Tensor tensor = Tensor::from({1}, {1});
  CHECK_THROWS_AS(write_safetensors(folder.file("a"), {{"__metadata__", tensor}}, {}), Error);
  CHECK_THROWS_AS(write_safetensors(folder.file("a"), {{"\xff", tensor}}, {}), Error);
  CHECK_THROWS_AS(write_safetensors(folder.file("a"), {{"x", tensor}}, {{"key", "\xc3"}}), Error);
  CHECK_THROWS_AS(write_safetensors(folder.file("none/a"), {{"x", tensor}}, {}), Error);
  CHECK(std::filesystem::is_empty(folder.path));
}

TEST_CASE("prefixes are stripped only where every name carries them") {
  const TemporaryFolder folder;
  const Tensor tensor = Tensor::from({1}, {1});
  write_safetensors(folder.file("a"), {{"module.x", tensor}, {"module.y", tensor}}, {});
  CHECK(read_checkpoint(folder.file("a")).tensors.count("x") == 1);
  write_safetensors(folder.file("a"), {{"module.x", tensor}, {"y", tensor}}, {});
  CHECK(read_checkpoint(folder.file("a")).tensors.count("module.x") == 1);
  CHECK(read_safetensors(folder.file("a")).tensors.count("module.x") == 1);
}
