// Every kind of damaged or hostile file: one sidenet::Error of one line, no crash, no large
// allocation. Here what every format shares, and the tensors that pickles describe.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <limits>
#include <utility>
#include <vector>

#include "formats_refused.h"

using namespace sidenet;
using namespace sidenet::testing;
using namespace sidenet::testing::opcodes;

TEST_CASE("the files that the cases below damage are good") {
  for (const auto& file : {good_zip, good_legacy, good_safetensors}) CHECK(error_of(file) == "");
  CHECK(error_of(good_npy, Reader::array) == "");
}

TEST_CASE("truncated at every byte") {
  for (const auto& file : {good_zip, good_legacy, good_safetensors}) {
    for (std::size_t size = 0; size < file.size(); ++size) {
      CAPTURE(size);
      CHECK(error_of(file.substr(0, size)) != "");
    }
  }
  for (std::size_t size = 0; size < good_npy.size(); ++size)
    CHECK(error_of(good_npy.substr(0, size), Reader::array) != "");
}

TEST_CASE("every byte changed: read or refused, never more") {
  for (const auto& file : {good_zip, good_legacy, good_safetensors}) {
    for (std::size_t at = 0; at < file.size(); ++at) {
      for (const char flip : {'\x01', '\x10', '\x80', '\xff'}) {
        std::string changed = file;
        changed[at] = static_cast<char>(changed[at] ^ flip);
        error_of(changed);
      }
    }
  }
  for (std::size_t at = 0; at < good_npy.size(); ++at) {
    std::string changed = good_npy;
    changed[at] = '\xff';
    error_of(changed, Reader::array);
  }
}

TEST_CASE("other files are told apart") {
  check_refused("", "an empty file");
  check_refused("version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer");
  check_refused("\x1f\x8b\x08 and so on", "gzip");
  check_refused("GGUF\x03", "GGUF");
  check_refused("<!doctype html>", "a web page");
  check_refused(std::string("\x1c\0\0\0TFL3", 8), "TensorFlow Lite");
  check_refused("\x08\x07\x12\x07pytorch\x1a\x05", "an ONNX export");
  check_refused(std::string(257, '\0') + "ustar", "tar archive");
  check_refused("hello\nworld", "begins with \"hello\\x0awo\"");
}

namespace {

constexpr std::int64_t huge = std::numeric_limits<std::int64_t>::max();
const std::string floats = storage("FloatStorage", "0", 8);

void refused(const std::string& tensor, const std::string& words) {
  check_refused(pytorch_zip(dict({{"conv1.weight", tensor}}), eight_floats),
                "tensor \"conv1.weight\": " + words);
}

}  // namespace

TEST_CASE("tensors: offsets past the end of a storage") {
  refused(tensor(floats, 1, {2, 4}, {4, 1}),
          "shape (2, 4), strides (4, 1), offset 1 reach byte 36 of a storage of 32");
  refused(tensor(floats, 0, {9}, {1}), "shape (9)");
  refused(tensor(floats, 0, {2}, {8}), "shape (2), strides (8)");
}

TEST_CASE("tensors: shapes and strides that overflow, or are huge") {
  refused(tensor(floats, huge, {1}, {1}), "");
  refused(tensor(floats, 0, {huge, huge}, {1, 1}),
          "expected a shape of fewer than 2^63 elements, got (9223372036854775807, "
          "9223372036854775807)");
  refused(tensor(floats, 0, {huge}, {1}), "");
  refused(tensor(floats, 0, {3}, {huge}), "strides");
  refused(
      tensor(floats, 0, {1 << 30}, {0}),
      "shape (1073741824) with strides (0), copied to be row-major and aligned, takes 4294967296");
}

TEST_CASE("tensors: negative shapes, strides and offsets") {
  refused(tensor(floats, 0, {-2}, {1}), "shape: expected 0 or more, got -2");
  refused(tensor(floats, -1, {2}, {1}), "offset: expected 0 or more, got -1");
  refused(tensor(floats, 0, {2}, {-1}), "strides: expected 0 or more, got -1");
}

TEST_CASE("tensors: storages of the wrong size") {
  refused(tensor(storage("FloatStorage", "0", 9), 0, {1}, {1}),
          "storage \"0\": expected 9 elements of 4 bytes, got 32 bytes");
  refused(tensor(storage("FloatStorage", "0", huge), 0, {1}, {1}), "storage \"0\"");
  refused(tensor(storage("FloatStorage", "0", -1), 0, {1}, {1}),
          "storage size: expected 0 or more");
}

TEST_CASE("tensors: storages that are missing") {
  refused(tensor(storage("FloatStorage", "1", 8), 0, {1}, {1}), "zip entry \"a/data/1\": missing");
  refused(tensor(storage("FloatStorage", "../data.pkl", 8), 0, {1}, {1}),
          "zip entry \"a/data/../data.pkl\": missing");
}

TEST_CASE("tensors: storages of the wrong type") {
  refused(tensor(storage("ComplexFloatStorage", "0", 8), 0, {1}, {1}),
          "element type \"torch.ComplexFloatStorage\" is not read");
  refused(tensor(storage("UntypedStorage", "0", 8), 0, {1}, {1}),
          "expected a storage with an element type, got an untyped storage");
  refused(tensor("N", 0, {1}, {1}), "expected a storage reference");
  refused(tensor(tuple({text("storage")}) + "Q", 0, {1}, {1}), "expected a storage reference");
}

TEST_CASE("tensors: layouts that make no sense") {
  refused(tensor(floats, 0, {2, 4}, {1}),
          "expected as many strides as axes, got shape (2, 4) with strides (1)");
  refused(tensor(floats, 0, std::vector<std::int64_t>(65, 1), std::vector<std::int64_t>(65, 1)),
          "shape: expected at most 64 axes");
}

TEST_CASE("tensors: calls that make no dense tensor") {
  refused(call("torch._utils", "_rebuild_tensor_v2", {floats}), "expected 4 arguments or more of");
  refused(call("torch._utils", "_rebuild_tensor_v2", {}),
          "expected a tensor, got \"torch._utils._rebuild_tensor_v2\" without arguments");
  refused(call("torch._utils", "_rebuild_tensor_v2", {floats, "N", "N", "N"}),
          "offset: expected an int, got None");
  refused(call("torch._utils", "_rebuild_tensor_v2", {floats, "K\x01", "N", "N"}),
          "shape: expected a tuple, got None");
  refused(call("torch._utils", "_rebuild_parameter", {"N"}), "expected a tensor, got None");
  refused(call("torch._utils", "_rebuild_qtensor", {floats}),
          "a tensor made by \"torch._utils._rebuild_qtensor\" is not read");
  std::string wrapped = good_tensor;
  for (int i = 0; i < 20; ++i) wrapped = call("torch._utils", "_rebuild_parameter", {wrapped});
  refused(wrapped, "expected a tensor, got more than 8 wrappers");
}

TEST_CASE("tensors: one storage under several element types") {
  const auto both = [](const std::string& second) {
    return pytorch_zip(dict({{"a", good_tensor}, {"b", tensor(second, 0, {4}, {1})}}),
                       eight_floats);
  };
  // In a zip archive bytes are bytes, as in PyTorch; beyond them is refused.
  CHECK(error_of(both(storage("DoubleStorage", "0", 4))) == "");
  CHECK(error_of(both(storage("ByteStorage", "0", 32))) == "");
  check_refused(both(storage("DoubleStorage", "0", 8)),
                "storage \"0\": expected 8 elements of 8 bytes, got 32 bytes");
}

TEST_CASE("tensors: one storage seen by many tensors takes its memory once") {
  std::vector<std::pair<std::string, std::string>> views;
  for (int i = 0; i < 2000; ++i)
    views.emplace_back(std::to_string(i),
                       tensor(storage("FloatStorage", "0", 1 << 18), 0, {1 << 18}, {1}));
  std::string file = pytorch_zip(dict(views), std::string(1 << 20, '\0'));
  // 2 GB if each were copied: all are views where the file lies aligned, else the budget ends it.
  const std::string message = error_of(file);
  CHECK_MESSAGE((message.empty() || message.find("bytes of memory") != std::string::npos), message);
}

TEST_CASE("tensors: NaN and infinite weights are read as they are") {
  std::string values;
  for (const std::uint32_t bits : {0x7fc00000u, 0x7f800000u, 0xff800000u, 0x7fa00001u})
    values += little_endian(bits);
  CHECK(error_of(pytorch_zip(good_pickle, values + values)) == "");
}

TEST_CASE("tensors: an axis of one element may have any stride, and no element any offset") {
  CHECK(error_of(pytorch_zip(dict({{"x", tensor(floats, 0, {2, 1, 2}, {1, huge, 2})}}),
                             eight_floats)) == "");
  CHECK(error_of(pytorch_zip(dict({{"x", tensor(floats, huge, {0, 3}, {huge, huge})}}),
                             eight_floats)) == "");
}

TEST_CASE("an untyped storage with the element type in the tensor (_rebuild_tensor_v3)") {
  const auto v3 = [](const std::string& dtype) {
    return pytorch_zip(dict({{"x", call("torch._utils", "_rebuild_tensor_v3",
                                        {storage("UntypedStorage", "0", 32), integer(0),
                                         integers({2}), integers({1}), "\x89", "}", dtype, "N"})}}),
                       eight_floats);
  };
  CHECK(error_of(v3(global("torch", "float64"))) == "");
  check_refused(v3(global("torch", "complex64")), "element type \"torch.complex64\"");
  check_refused(v3(global("numpy", "float64")), "expected an element type");
  check_refused(v3("N"), "element type: expected a name, got None");
}
