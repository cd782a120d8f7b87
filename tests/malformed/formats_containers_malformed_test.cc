// As formats_malformed_test.cc: damaged legacy files, safetensors and arrays.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "formats_refused.h"

using namespace sidenet;
using namespace sidenet::testing;
using namespace sidenet::testing::opcodes;

TEST_CASE("damaged legacy files") {
  const std::string keys = "]" + text("0") + "a";
  const std::string bytes = little_endian<std::int64_t>(8) + eight_floats;
  check_refused(pytorch_legacy(good_pickle, "N", bytes),
                "expected the list of storage keys, got None");
  check_refused(pytorch_legacy(good_pickle, "]", ""), "storage \"0\" is missing");
  check_refused(pytorch_legacy(good_pickle, "]" + text("9") + "a", bytes),
                "got \"9\", which belongs to no tensor");
  check_refused(pytorch_legacy(good_pickle, "](" + text("0") + text("0") + "e", bytes + bytes),
                "storage \"0\" occurs twice");
  check_refused(pytorch_legacy(good_pickle, keys, little_endian<std::int64_t>(-1) + eight_floats),
                "expected 8 elements");
  check_refused(pytorch_legacy(good_pickle, keys, little_endian<std::int64_t>(7) + eight_floats),
                "expected 8 elements, got 7");
  const auto sized = [&](std::int64_t elements) {
    return pytorch_legacy(
        dict({{"x", tensor(storage("FloatStorage", "0", elements), 0, {1}, {1})}}), keys,
        little_endian(elements) + eight_floats);
  };
  check_refused(
      sized(std::numeric_limits<std::int64_t>::max()),
      "truncated: storage \"0\": expected 9223372036854775807 elements of 4 bytes, got 32 bytes");
  check_refused(sized(1 << 30), "truncated: storage \"0\": expected 1073741824 elements");
  const auto twice = [&](const std::string& second) {
    return dict({{"x", good_tensor}, {"y", tensor(second, 0, {1}, {1})}});
  };
  check_refused(pytorch_legacy(twice(storage("DoubleStorage", "0", 8)), keys, bytes),
                "described with two sizes");
  check_refused(pytorch_legacy(twice("N"), keys, bytes),
                "tensor \"y\": expected a storage reference");
  const auto viewed = [&](std::int64_t offset, std::int64_t size) {
    const std::string view =
        tuple({text("storage"), global("torch", "FloatStorage"), text("0"), text("cuda:0"),
               integer(8), tuple({text("v"), integer(offset), integer(size)})}) +
        "Q";
    return pytorch_legacy(dict({{"x", tensor(view, 0, {2}, {1})}}), keys, bytes);
  };
  CHECK(error_of(viewed(6, 2)) == "");
  check_refused(viewed(7, 2), "storage view: elements 7 + 2 of a storage of 8");
  check_refused(viewed(std::numeric_limits<std::int64_t>::max(), 2), "storage view");
  check_refused(viewed(6, 1), "reach byte 8 of a storage of 4");
  std::string other_version = good_legacy;
  other_version[18] = '\x02';  // M 1001
  check_refused(other_version, "PyTorch protocol version: expected 1001");
}

TEST_CASE("damaged safetensors") {
  const auto refused = [](const std::string& header, const std::string& words) {
    CAPTURE(header);
    check_refused(safetensors(header, std::string(8, '\0')), words);
  };
  const auto one = [](const std::string& dtype, const std::string& shape,
                      const std::string& offsets) {
    return R"({"a":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" +
           offsets + "}}";
  };
  CHECK(error_of(safetensors(one("F32", "[2]", "[0,8]"), std::string(8, '\0'))) == "");
  check_refused(little_endian<std::uint64_t>(~std::uint64_t{0}) + "{}",
                "header size: expected at most 100000000 bytes");
  check_refused(little_endian<std::uint64_t>(100'000'001) + "{}",
                "header size: expected at most 100000000 bytes");
  check_refused(little_endian<std::uint64_t>(100) + "{}",
                "truncated: expected 100 more bytes, got 2");
  refused("{", "malformed JSON");
  refused("{}x", "malformed JSON");
  refused("{\"a\":\"\xff\"}", "malformed JSON");
  refused("{}", "expected 0 bytes of tensors, got 8");
  refused(R"({"a":[]})", "header.a: expected an object, got a list");
  refused(R"({"a":null})", "header.a: expected an object, got null");
  refused(R"({"a":{"b":{}}})", "expected dtype, shape and data_offsets, got \"b\"");
  refused(R"({"a":{"dtype":"F32","shape":[2]}})",
          "tensor \"a\": expected dtype, shape and data_offsets");
  refused(R"({"__metadata__":{"a":1}})", "header.__metadata__.a: expected a string, got a number");
  refused(R"({"__metadata__":[]})", "header.__metadata__: expected an object, got a list");
  refused(R"({"__metadata__":{"a":"1","a":"2"}})", "__metadata__ has \"a\" twice");
  refused(R"({"__metadata__":{},"__metadata__":{}})", "__metadata__ twice");
  const std::string a = R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  refused("{" + a + "," + a + "}", "tensor \"a\" twice");
  refused(R"({"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
          "dtype occurs twice");
  refused("{" + a + R"(,"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}})",
          "\"b\" overlaps the one before it: expected offset 4, got 2");
  refused("{" + a + R"(,"b":{"dtype":"U8","shape":[2],"data_offsets":[6,8]}})",
          "\"b\" leaves a hole before it");
  refused("{" + a + "}", "expected 4 bytes of tensors, got 8");
  refused(one("F32", "[2]", "[0,16]"),
          "data_offsets: expected [begin, end] within 8 bytes, got [0, 16]");
  refused(one("F32", "[2]", "[8,0]"),
          "data_offsets: expected [begin, end] within 8 bytes, got [8, 0]");
  refused(one("F32", "[2]", "[18446744073709551612,4]"), "data_offsets");
  refused(one("F32", "[2]", "[8]"), "expected [begin, end], got 1 numbers");
  refused(one("F32", "[2]", "[0,8,8]"), "got 3 numbers");
  refused(one("F32", "[3]", "[0,8]"), "F32 (3) takes 12 bytes, but data_offsets give 8");
  refused(one("F32", "[4611686018427387905]", "[0,8]"),
          "expected a size below 2^64, got 4611686018427387905 x 4");
  refused(one("F32", "[4294967296,4294967296]", "[0,8]"), "fewer than 2^63 elements");
  refused(one("F32", "[18446744073709551615]", "[0,8]"),
          "expected extents below 2^63, got 18446744073709551615");
  refused(one("F32", "[99999999999999999999]", "[0,8]"),
          "header.a.shape[0]: expected a number from 0 to 2^64 - 1, got");
  refused(one("F32", "[-2]", "[0,8]"),
          "header.a.shape[0]: expected a number from 0 to 2^64 - 1, got a negative number");
  refused(one("F32", "[2.0]", "[0,8]"), "got a number that is no integer");
  refused(one("F32", "[[2]]", "[0,8]"), "got a list");
  refused(one("F32", "2", "[0,8]"), "header.a.shape: expected a list of numbers, got a number");
  refused(one("F8_E4M3", "[8]", "[0,8]"), "tensor \"a\": dtype: expected F32");
  std::string axes = "[1";
  for (int i = 0; i < 64; ++i) axes += ",1";
  refused(one("U8", axes + "]", "[0,1]"), "shape: expected at most 64 numbers, got more");
  refused("{\"a\":" + std::string(1 << 20, '['),
          "header: expected JSON of at most 8 levels, got more at byte 21");
}

TEST_CASE("damaged arrays") {
  const auto refused = [](const std::string& header, const std::string& words) {
    CAPTURE(header);
    check_refused(npy(header, eight_floats), words, Reader::array);
  };
  const auto shaped = [](const std::string& shape) {
    return "{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + "}";
  };
  CHECK(error_of(npy(shaped("(8,)"), eight_floats), Reader::array) == "");
  check_refused("PK\x03\x04..", "expected a NumPy array file", Reader::array);
  check_refused(std::string("\x93NUMPY\x09\x00", 8), "npy version", Reader::array);
  check_refused(std::string("\x93NUMPY\x02\x00\xff\xff\xff\xff", 12),
                "npy header: expected at most 65536 bytes", Reader::array);
  refused(shaped("(9,)"), "expected 36 bytes, which f32 (9) takes, got 32");
  refused(shaped("(7,)"), "expected 28 bytes, which f32 (7) takes, got 32");
  refused(shaped("(-8,)"), "shape: expected a size");
  refused(shaped("(99999999999999999999,)"), "shape: expected a size");
  refused(shaped("(4294967296, 4294967296)"),
          "fewer than 2^63 elements, got (4294967296, 4294967296)");
  refused(shaped("(8"), "expected )");
  refused(shaped("8"), "expected (");
  refused(shaped("(8,)") + "x", "expected its end");
  refused("", "expected {");
  refused("{}", "expected descr, fortran_order and shape");
  refused("{'descr': '<f4', 'descr': '<f4'}", "each once, got \"descr\"");
  refused("{'descr': '<f4', 'evil': 1}", "each once, got \"evil\"");
  refused("{'descr': [('a', '<f4')]}", "expected a string");
  refused("{'descr': '<c8'}", "got \"<c8\"");
  refused("{'descr", "a string that does not end");
  refused("{'fortran_order': 1}", "expected True or False");
}
