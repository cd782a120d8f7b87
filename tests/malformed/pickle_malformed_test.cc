// Damaged and hostile pickles, a test case for each kind of file.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <ctime>
#include <utility>

#include "formats_refused.h"

using namespace sidenet;
using namespace sidenet::testing;
using namespace sidenet::testing::opcodes;

namespace {

void refused(const std::string& pickle, const std::string& words) {
  CAPTURE(pickle.substr(0, 200));
  check_refused(pytorch_zip(pickle, ""), words);
}

/// As refused(), within two seconds of CPU time and the memory that a file of this size may take
/// (three times its size and 64 MB).
void refused_cheaply(const std::string& pickle, const std::string& words) {
  const std::clock_t start = std::clock();
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  refused(pickle, words);
  getrusage(RUSAGE_SELF, &after);
  CHECK(std::clock() - start < 2 * CLOCKS_PER_SEC);
#ifndef __SANITIZE_ADDRESS__  // which keeps what is freed
  // Three copies of the file are the test's own.
  CHECK((after.ru_maxrss - before.ru_maxrss) * 1024 <
        static_cast<long>(6 * pickle.size() + 64'000'000));
#endif
}

const std::vector<std::pair<std::string, std::string>> kGadgets{
    {"os", "system"},
    {"posix", "system"},
    {"nt", "system"},
    {"posix", "popen"},
    {"os", "execv"},
    {"builtins", "eval"},
    {"builtins", "exec"},
    {"builtins", "compile"},
    {"builtins", "open"},
    {"builtins", "getattr"},
    {"builtins", "__import__"},
    {"builtins", "apply"},
    {"__builtin__", "eval"},
    {"__builtin__", "execfile"},
    {"__builtin__", "getattr"},
    {"importlib", "import_module"},
    {"subprocess", "Popen"},
    {"subprocess", "check_output"},
    {"_posixsubprocess", "fork_exec"},
    {"torch", "load"},
    {"torch.hub", "load"},
    {"torch.serialization", "load"},
    {"torch.jit", "load"},
    {"torch.utils.model_zoo", "load_url"},
    {"torch._inductor.codecache", "PyCodeCache.load"},
    {"operator", "attrgetter"},
    {"operator", "methodcaller"},
    {"_operator", "attrgetter"},
    {"functools", "reduce"},
    {"numpy.testing._private.utils", "runstring"},
    {"numpy.f2py.crackfortran", "getlincoef"},
    {"numpy", "load"},
    {"numpy", "fromfile"},
    {"numpy.lib.npyio", "loadtxt"},
    {"webbrowser", "open"},
    {"runpy", "run_path"},
    {"pip", "main"},
    {"pip._internal", "main"},
    {"code", "InteractiveInterpreter"},
    {"pty", "spawn"},
    {"socket", "create_connection"},
    {"urllib.request", "urlopen"},
    {"shutil", "rmtree"},
    {"ctypes", "CDLL"},
    {"pickle", "loads"},
    {"marshal", "loads"},
    {"timeit", "timeit"},
    {"bdb", "Bdb.run"},
    {"asyncio", "create_subprocess_shell"},
    {"types", "FunctionType"},
};

/// `use` of every gadget's name and one argument is refused by its name.
template <typename Use>
void refused_with_every_gadget(Use use) {
  for (const auto& [module, name] : kGadgets) {
    refused(use(module, name), "refused: the pickle calls \"" + module + "." + name + "\"");
  }
}

const std::string argument = tuple({text("touch /tmp/x")});

}  // namespace

TEST_CASE("pickle: system calls by REDUCE") {
  refused_with_every_gadget(
      [](const auto& module, const auto& name) { return global(module, name) + argument + "R"; });
}

TEST_CASE("pickle: system calls by STACK_GLOBAL") {
  refused_with_every_gadget([](const auto& module, const auto& name) {
    return text(module) + text(name) + "\x93" + argument + "R";
  });
}

TEST_CASE("pickle: system calls by INST") {
  refused_with_every_gadget([](const auto& module, const auto& name) {
    return "(" + text("x") + "i" + module + "\n" + name + "\n";
  });
}

TEST_CASE("pickle: system calls by OBJ") {
  refused_with_every_gadget([](const auto& module, const auto& name) {
    return "(" + global(module, name) + text("x") + "o";
  });
}

TEST_CASE("pickle: system calls by NEWOBJ and NEWOBJ_EX") {
  for (const auto& [module, name] : {std::pair{"os", "system"},
                                     {"subprocess", "Popen"},
                                     {"builtins", "eval"},
                                     {"runpy", "run_path"},
                                     {"ctypes", "CDLL"}}) {
    refused(global(module, name) + argument + "\x81", "refused: the pickle calls");
    refused(global(module, name) + argument + "}\x92", "refused: the pickle calls");
  }
}

TEST_CASE("pickle: system calls through copyreg") {
  refused(call("copyreg", "_reconstructor", {global("posix", "system"), "N", "N"}),
          "\"posix.system\"");
  refused(call("copy_reg", "__newobj__", {global("os", "system")}), "\"os.system\"");
  refused(call("copyreg", "_reconstructor", {}), "expected a class");
}

TEST_CASE("pickle: system calls as the state of an object") {
  const std::string object = global("my.module", "Thing") + ")\x81";
  refused_with_every_gadget([&](const auto& module, const auto& name) {
    return object + global(module, name) + argument + "Rb";
  });
  // __setstate__ would be looked up and called by Python; here it is a key as any other.
  const std::string state =
      dict({{"__setstate__", global("os", "system")}, {"__reduce__", global("os", "system")}});
  CHECK(error_of(pytorch_zip(dict({{"state_dict", good_pickle}, {"x", object + state + "b"}}),
                             eight_floats)) == "");
}

TEST_CASE("pickle: system calls nested in REDUCE, beside good weights") {
  std::string nested = call("os", "system", {text("x")});
  for (int i = 0; i < 50; ++i) nested = call("collections", "OrderedDict", {nested});
  refused(nested, "\"os.system\"");
  // What a call gives is no function: getattr(__import__("os"), "system")("x").
  refused(
      call("builtins", "getattr", {call("builtins", "__import__", {text("os")}), text("system")}) +
          argument + "R",
      "\"builtins.__import__\"");
  refused(call("functools", "partial", {global("os", "system")}) + argument + "R",
          "expected a class or function to call");
  check_refused(
      pytorch_zip(dict({{"state_dict", good_pickle}, {"x", call("os", "system", {text("x")})}}),
                  eight_floats),
      "\"os.system\"");
  check_refused(pytorch_legacy(call("posix", "system", {text("x")}), "]", ""), "\"posix.system\"");
}

TEST_CASE("pickle: a partial of a system call stands inert") {
  const std::string partial = call("functools", "partial", {global("os", "system")});
  CHECK(error_of(pytorch_zip(dict({{"state_dict", good_pickle}, {"x", partial}}), eight_floats)) ==
        "");
}

TEST_CASE("pickle: names that hide in a message") {
  refused(call("evil\r\x1b[2J", "x", {}), "\\x0d\\x1b");
  refused(call("my.module", "run", {}), "\"my.module.run\"");
  refused(call(std::string(100000, 'a'), "x", {}), "refused");
}

TEST_CASE("pickle: a name alone, and an object of an unknown class, do no harm") {
  for (const std::string& object :
       {global("my.module", "Thing") + ")\x81}b", global("os", "system")}) {
    CHECK(error_of(pytorch_zip(dict({{"state_dict", good_pickle}, {"x", object}}), eight_floats)) ==
          "");
  }
}

TEST_CASE("pickle: opcodes that are unknown or refer outside the file") {
  refused("\xff", "got 255");
  for (const char* opcode :
       {"\x82\x01", "\x83\x01\x01", "\x84\x01\x01\x01\x01", "P1\n", "\x97", "\x98"}) {
    refused(opcode, "expected a pickle opcode of protocols 0 to 5");
  }
  refused("\x80\x09N", "protocol 0 to 5, got 9");
}

TEST_CASE("pickle: truncated operands and sizes of 2^64 - 1") {
  refused(
      "X\xff\xff\xff\xff"
      "abc",
      "expected 4294967295 more bytes");
  refused(
      "T\xff\xff\xff\xff"
      "abc",
      "expected 4294967295 more bytes");
  refused(
      "B\xff\xff\xff\xff"
      "abc",
      "expected 4294967295 more bytes");
  for (const char* opcode : {"\x8d", "\x8e", "\x96"}) {
    refused(opcode + std::string(8, '\xff') + "abc", "expected 18446744073709551615 more bytes");
  }
  refused(
      "\x8b\xff\xff\xff\xff"
      "abc",
      "expected 4294967295 more bytes");
  refused("\x95\xff\xff\xff\xff\xff\xff\xff\xffN", "a frame of");
  for (std::size_t size = 0; size < good_pickle.size(); ++size) {
    CHECK(error_of(zip_archive({{"a/data.pkl", proto2 + good_pickle.substr(0, size)},
                                {"a/data/0", eight_floats}})) != "");
  }
}

TEST_CASE("pickle: numbers and strings that do not parse") {
  refused("Fabc\n", "expected a number");
  refused("Iabc\n", "expected an integer");
  refused("L12x\n", "expected an integer");
  refused("S'abc\n", "escaped string");
  refused("S'\\q'\n", "escaped string");
  refused("V\\u12\n", "escaped string");
  refused("V\\Uffffffff\n", "escaped string");
}

TEST_CASE("pickle: stacks and marks that do not fit") {
  refused("", "the stack is empty");
  refused("0", "the stack is empty");
  refused("N(0a", "the stack is empty");
  refused("N(a", "the stack is empty");  // what lies below the mark is out of reach
  refused("((Ne", "the stack is empty");
  refused("t", "no mark is set");
  refused("e", "no mark is set");
  refused("NN", "more than one object");
  refused("(o", "expected a class");
  refused("N)R", "expected a class or function");
  refused("NNb", "an object to give a state to");
  refused("NN\x93", "names of a module");
}

TEST_CASE("pickle: containers of the wrong kind") {
  refused("NNa", "expected a list");
  refused("N(Ne", "expected a list");
  refused(")(Ne", "expected a list");
  refused("N(N\x90", "expected a set");
  refused("](N\x90", "expected a set");
  refused("NNNs", "expected a dict");
  refused("N(NNu", "expected a dict");
  refused("}(Nu", "pairs");
  refused("(Nd", "pairs");
  refused(call("collections", "OrderedDict", {"]Na"}), "pairs");
}

TEST_CASE("pickle: memo slots that are empty, or beyond the file") {
  refused("h\x07", "memo slot 7 is empty");
  refused("j\xff\xff\xff\xff", "memo slot 4294967295 is empty");
  refused("g99999999999\n", "number of a memo slot");
  refused("gx\n", "number of a memo slot");
  refused("g-1\n", "number of a memo slot");
  refused("Nr\xff\xff\xff\xff", "expected a memo slot of at most");
  refused("r\xff\xff\xff\xff", "the stack is empty");
}

TEST_CASE("pickle: memo bombs") {
  // Lists of lists of lists, each twice in the next: 2^64 elements if anyone walked them.
  std::string doubling =
      "]q\x01"
      "0";
  for (int i = 0; i < 64; ++i)
    doubling +=
        "](h\x01h\x01"
        "eq\x01"
        "0";
  refused_cheaply(doubling + "h\x01", "expected a dict of tensors");
  // A long list copied into many dicts.
  std::string pairs = "](";
  for (int i = 0; i < 20000; ++i) pairs += "NN\x86";
  pairs +=
      "eq\x01"
      "0](";
  for (int i = 0; i < 100000; ++i) pairs += "h\x02h\x01\x85R";
  refused_cheaply(global("collections", "OrderedDict") +
                      "q\x02"
                      "0" +
                      pairs + "e",
                  "more objects than a file of its size");
  refused_cheaply("N" + std::string(3'000'000, '\x94'), "more objects than a file of its size");
}

TEST_CASE("pickle: a million tiny objects") {
  for (const char opcode : {']', '}', ')', '\x8f', 'N', '('}) {
    CAPTURE(opcode);
    refused_cheaply(std::string(3'000'000, opcode),
                    "more objects than a file of its size may hold: more than");
  }
  std::string dropped;
  for (int i = 0; i < 1'500'000; ++i) dropped += "]0";
  refused_cheaply(dropped, "more objects than a file of its size");
}

TEST_CASE("pickle: a million lists nested") {
  std::string nested(300'000, ']');
  refused_cheaply(nested + std::string(nested.size() - 1, 'a'), "expected a dict of tensors");
  nested.assign(1'000'000, ']');
  refused_cheaply(nested + std::string(nested.size() - 1, 'a'),
                  "more objects than a file of its size");
  refused_cheaply(std::string(1'000'000, '('), "the stack is empty");
}

TEST_CASE("pickle: containers that hold themselves") {
  refused("}q\x01(" + text("state_dict") + "h\x01" + text("model") + "h\x01u",
          "expected a dict of tensors");
  refused(
      "]q\x01h\x01"
      "a",
      "expected a dict of tensors");
  refused("}q\x01h\x01h\x01s", "expected a dict of tensors");
  const std::string self = "}q\x01(" + text("self") + "h\x01" + text("weight") + good_tensor + "u";
  CHECK(error_of(pytorch_zip(self, eight_floats)) == "");
}

TEST_CASE("pickle: unknown persistent ids") {
  const auto weights = [](const std::string& id) {
    return dict({{"x", tensor(id + "Q", 0, {1}, {1})}});
  };
  for (const std::string& id :
       {std::string("N"), text("0"), tuple({}), tuple({text("storage")}), integer(7),
        tuple({text("file"), text("/etc/passwd"), "N", "N", "N"})}) {
    refused(weights(id), "tensor \"x\": expected a storage reference");
  }
  const auto typed = [&](const std::string& type, const std::string& key) {
    return weights(tuple({text("storage"), type, key, text("cpu"), integer(8)}));
  };
  refused(typed("N", text("0")), "storage type: expected a class");
  refused(typed(global("os", "FloatStorage"), text("0")),
          "storage type: expected a class of torch");
  refused(typed(global("torch", "FloatStorage"), "N"), "storage key: expected a str");
  refused(typed(global("torch", "FloatStorage"), text(std::string(257, '7'))),
          "storage key: expected at most 256 bytes, got 257");
  refused("P0\n", "got 80");
}
