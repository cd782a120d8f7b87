// Every kind of damaged or hostile file: one sidenet::Error of one line, no crash, no large allocation. Here what every
// format shares, pickles, and the tensors that they describe.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <sys/resource.h>

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
  for (std::size_t size = 0; size < good_npy.size(); ++size) CHECK(error_of(good_npy.substr(0, size), Reader::array) != "");
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
  check_refused(std::string(257, '\0') + "ustar", "tar archive");
  check_refused("hello\nworld", "begins with \"hello\\x0awo\"");
}

TEST_CASE("calls that reach the system are refused by name") {
  const std::string command = tuple({text("true")});
  const std::string refusal = "refused: the pickle calls \"posix.system\"";
  check_refused(pytorch_zip(global("posix", "system") + command + "R", ""), refusal);
  check_refused(pytorch_zip(text("posix") + text("system") + "\x93" + command + "R", ""), refusal);
  check_refused(pytorch_zip("(" + text("true") + "iposix\nsystem\n", ""), refusal);
  check_refused(pytorch_zip("(" + global("posix", "system") + text("true") + "o", ""), refusal);
  check_refused(pytorch_zip(global("posix", "system") + command + "\x81", ""), refusal);
  check_refused(pytorch_zip(global("posix", "system") + command + "}\x92", ""), refusal);
  check_refused(pytorch_zip(call("copyreg", "_reconstructor", {global("posix", "system"), "N", "N"}), ""), refusal);
  check_refused(pytorch_legacy(call("posix", "system", {text("true")}), "]", ""), refusal);
  check_refused(pytorch_zip(call("builtins", "eval", {text("1")}), ""), "\"builtins.eval\"");
  check_refused(pytorch_zip(call("__builtin__", "getattr", {text("a"), text("b")}), ""), "\"__builtin__.getattr\"");
  check_refused(pytorch_zip(call("my.module", "run", {}), ""), "\"my.module.run\"");
  check_refused(pytorch_zip(call("evil\r\x1b[2J", "x", {}), ""), "\\x0d\\x1b");
  // Beside good weights too; but a name alone, and an object of an unknown class, do no harm.
  check_refused(pytorch_zip(dict({{"state_dict", good_pickle}, {"x", call("os", "system", {text("true")})}}), eight_floats),
                "os.system");
  CHECK(error_of(pytorch_zip(dict({{"state_dict", good_pickle}, {"x", global("my.module", "Thing") + ")\x81}b"}}),
                             eight_floats)) == "");
  CHECK(error_of(pytorch_zip(dict({{"state_dict", good_pickle}, {"x", global("my.module", "Thing")}}), eight_floats)) ==
        "");
}

TEST_CASE("malformed pickles") {
  const auto refused = [](const std::string& pickle, const std::string& words) {
    CAPTURE(pickle);
    check_refused(pytorch_zip(pickle, ""), words);
  };
  refused("", "the stack is empty");
  refused("0", "the stack is empty");
  refused("N(0a", "the stack is empty");
  refused("N(a", "the stack is empty");  // what lies below the mark is out of reach
  refused("t", "no mark is set");
  refused("NN", "more than one object");
  refused("h\x07", "memo slot 7 is empty");
  refused("gx\n", "number of a memo slot");
  refused("\xff", "got 255");
  refused(std::string("\x82\x01", 2), "got 130");
  refused("P1\n", "got 80");
  refused("\x80\x09N", "protocol 0 to 5, got 9");
  refused(
      "X\xff\xff\xff\xff"
      "abc",
      "expected 4294967295 more bytes");
  refused(
      "\x8d\xff\xff\xff\xff\xff\xff\xff\xff"
      "abc",
      "expected 18446744073709551615 more bytes");
  refused("\x95\xff\xff\xff\xff\xff\xff\xff\xffN", "a frame of");
  refused("Fabc\n", "expected a number");
  refused("Iabc\n", "expected an integer");
  refused("S'abc\n", "escaped string");
  refused("S'\\q'\n", "escaped string");
  refused("V\\u12\n", "escaped string");
  refused("V\\Uffffffff\n", "escaped string");
  refused("NNa", "expected a list");
  refused("N(Ne", "expected a list");
  refused("N(N\x90", "expected a set");
  refused("NNNs", "expected a dict");
  refused("}(Nu", "pairs");
  refused("(Nd", "pairs");
  refused("N)R", "expected a class or function");
  refused("(o", "expected a class");
  refused("NNb", "an object to give a state to");
  refused("NN\x93", "names of a module");
  refused(call("collections", "OrderedDict", {"]Na"}), "pairs");
  refused(call("copyreg", "_reconstructor", {}), "expected a class");
}

TEST_CASE("memo bombs and nested containers stay small and quick") {
  rusage before{};
  getrusage(RUSAGE_SELF, &before);
  // Lists of lists of lists, each twice in the next: 2^64 elements if anyone walked them.
  std::string doubling =
      "]q\x01"
      "0";
  for (int i = 0; i < 64; ++i)
    doubling +=
        "](h\x01h\x01"
        "eq\x01"
        "0";
  check_refused(pytorch_zip(doubling + "h\x01", ""), "expected a dict of tensors");
  check_refused(pytorch_zip(std::string(1 << 20, '('), ""), "the stack is empty");
  std::string nested(1 << 20, ']');
  check_refused(pytorch_zip(nested + std::string(nested.size() - 1, 'a'), ""), "expected a dict of tensors");
  // A long list copied into many dicts.
  std::string pairs = "](";
  for (int i = 0; i < 20000; ++i) pairs += "NN\x86";
  pairs +=
      "eq\x01"
      "0](";
  for (int i = 0; i < 100000; ++i) pairs += "h\x02h\x01\x85R";
  check_refused(pytorch_zip(global("collections", "OrderedDict") +
                                "q\x02"
                                "0" +
                                pairs + "e",
                            ""),
                "more objects than a file of its size");
  check_refused(pytorch_zip("r\xff\xff\xff\xff", ""), "the stack is empty");
  // Dicts that lead to themselves under every key that is searched.
  check_refused(pytorch_zip("}q\x01(" + text("state_dict") + "h\x01" + text("model") + "h\x01u", ""),
                "expected a dict of tensors");
  rusage after{};
  getrusage(RUSAGE_SELF, &after);
  CHECK(after.ru_maxrss - before.ru_maxrss < 512 * 1024);  // KiB
}

TEST_CASE("tensors that do not fit their storage") {
  const auto refused = [](const std::string& tensor, const std::string& words) {
    check_refused(pytorch_zip(dict({{"conv1.weight", tensor}}), eight_floats), "tensor \"conv1.weight\": " + words);
  };
  const std::string floats = storage("FloatStorage", "0", 8);
  constexpr std::int64_t huge = std::numeric_limits<std::int64_t>::max();
  refused(tensor(floats, 1, {2, 4}, {4, 1}), "shape (2, 4), strides (4, 1), offset 1 reach byte 36 of a storage of 32");
  refused(tensor(floats, 0, {9}, {1}), "shape (9)");
  refused(tensor(floats, 0, {2}, {8}), "shape (2), strides (8)");
  refused(tensor(floats, huge, {1}, {1}), "");
  refused(tensor(floats, 0, {huge, huge}, {1, 1}), "shape (9223372036854775807, 9223372036854775807) overflows");
  refused(tensor(floats, 0, {huge}, {1}), "");
  refused(tensor(floats, 0, {3}, {huge}), "strides");
  refused(tensor(floats, 0, {-2}, {1}), "shape: expected 0 or more, got -2");
  refused(tensor(floats, -1, {2}, {1}), "offset: expected 0 or more, got -1");
  refused(tensor(floats, 0, {2}, {-1}), "strides: expected 0 or more, got -1");
  refused(tensor(floats, 0, {2, 4}, {1}), "shape (2, 4) with strides (1)");
  refused(tensor(floats, 0, std::vector<std::int64_t>(65, 1), std::vector<std::int64_t>(65, 1)),
          "shape: expected at most 64 axes");
  refused(tensor(floats, 0, {1 << 30}, {0}), "shape (1073741824) with strides (0) unfolds to more");
  refused(tensor(storage("FloatStorage", "0", 9), 0, {1}, {1}),
          "storage \"0\": expected 9 elements of 4 bytes, got 32 bytes");
  refused(tensor(storage("FloatStorage", "0", huge), 0, {1}, {1}), "storage \"0\"");
  refused(tensor(storage("FloatStorage", "0", -1), 0, {1}, {1}), "storage size: expected 0 or more");
  refused(tensor(storage("FloatStorage", "1", 8), 0, {1}, {1}), "zip entry \"a/data/1\": missing");
  refused(tensor(storage("FloatStorage", "../data.pkl", 8), 0, {1}, {1}), "zip entry \"a/data/../data.pkl\": missing");
  refused(tensor(storage("ComplexFloatStorage", "0", 8), 0, {1}, {1}),
          "element type \"torch.ComplexFloatStorage\" is not read");
  refused(tensor(storage("UntypedStorage", "0", 8), 0, {1}, {1}), "an untyped storage, but no element type");
  refused(tensor("N", 0, {1}, {1}), "expected a storage reference");
  refused(tensor(tuple({text("storage")}) + "Q", 0, {1}, {1}), "expected a storage reference");
  refused(call("torch._utils", "_rebuild_tensor_v2", {floats}), "too few arguments");
  refused(call("torch._utils", "_rebuild_tensor_v2", {}), "\"torch._utils._rebuild_tensor_v2\" without arguments");
  refused(call("torch._utils", "_rebuild_tensor_v2", {floats, "N", "N", "N"}), "offset: expected an int, got None");
  refused(call("torch._utils", "_rebuild_tensor_v2", {floats, "K\x01", "N", "N"}), "shape: expected a tuple, got None");
  refused(call("torch._utils", "_rebuild_parameter", {"N"}), "expected a tensor, got None");
  refused(call("torch._utils", "_rebuild_qtensor", {floats}),
          "a tensor made by \"torch._utils._rebuild_qtensor\" is not read");
  std::string wrapped = good_tensor;
  for (int i = 0; i < 20; ++i) wrapped = call("torch._utils", "_rebuild_parameter", {wrapped});
  refused(wrapped, "more than 8 wrappers");
}

TEST_CASE("an axis of one element may have any stride, and no element any offset") {
  const std::string floats = storage("FloatStorage", "0", 8);
  constexpr std::int64_t huge = std::numeric_limits<std::int64_t>::max();
  CHECK(error_of(pytorch_zip(dict({{"x", tensor(floats, 0, {2, 1, 2}, {1, huge, 2})}}), eight_floats)) == "");
  CHECK(error_of(pytorch_zip(dict({{"x", tensor(floats, huge, {0, 3}, {huge, huge})}}), eight_floats)) == "");
}

TEST_CASE("an untyped storage with the element type in the tensor (_rebuild_tensor_v3)") {
  const auto v3 = [](const std::string& dtype) {
    return pytorch_zip(dict({{"x", call("torch._utils", "_rebuild_tensor_v3",
                                        {storage("UntypedStorage", "0", 32), integer(0), integers({2}), integers({1}),
                                         "\x89", "}", dtype, "N"})}}),
                       eight_floats);
  };
  CHECK(error_of(v3(global("torch", "float64"))) == "");
  check_refused(v3(global("torch", "complex64")), "element type \"torch.complex64\"");
  check_refused(v3(global("numpy", "float64")), "expected an element type");
  check_refused(v3("N"), "element type: expected a name, got None");
}
