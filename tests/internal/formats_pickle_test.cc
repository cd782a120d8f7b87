#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "format_fixtures.h"
#include "pickle.h"
#include "pickle_globals.h"
#include "sidenet/error.h"

using namespace sidenet;
using namespace sidenet::testing;
using pickle::Value;

namespace {

// The bytes must outlive the document.
pickle::Document parse(const std::string& bytes) {
  return pickle::parse(bytes_of(bytes), 0, "test");
}

}  // namespace

TEST_CASE("protocols 0 and 1, as Python wrote them") {
  for (const char* file : {"plain_protocol0.pkl", "plain_protocol1.pkl"}) {
    CAPTURE(file);
    const std::string bytes = read_file(fixture(file));
    const pickle::Document document = parse(bytes);
    CHECK(document.end() == bytes.size());
    const pickle::Dict* dict = pickle::dict_of(document.root());
    REQUIRE(dict != nullptr);
    REQUIRE(dict->find("a") != nullptr);
    const auto* list = pickle::items_of(*dict->find("a"));
    REQUIRE(list != nullptr);
    REQUIRE(list->size() == 7);
    CHECK(pickle::text_of((*list)[0]) == "b\n\xc3\xa9\xe2\x82\xac");
    CHECK(std::get<double>((*list)[1]) == 1.5);
    CHECK(std::holds_alternative<const pickle::BigInteger*>((*list)[2]));
    CHECK(std::get<std::int64_t>((*list)[3]) == -7);
    CHECK(std::get<bool>((*list)[4]));
    CHECK(std::holds_alternative<std::monostate>((*list)[5]));
    CHECK(pickle::items_of((*list)[6])->size() == 2);
    const auto* instance = std::get_if<pickle::Instance*>(dict->find("n"));
    REQUIRE(instance != nullptr);
    CHECK((*instance)->type->full() == "argparse.Namespace");
  }
}

TEST_CASE("integers of every width and sign") {
  const auto integer = [](const std::string& bytes) {
    return std::get<std::int64_t>(parse(bytes).root());
  };
  CHECK(integer(std::string("J\xff\xff\xff\xff.", 6)) == -1);
  CHECK(integer("K\xff.") == 255);
  CHECK(integer("M\x01\x02.") == 513);
  CHECK(integer(std::string("\x8a\x00.", 3)) == 0);
  CHECK(integer("\x8a\x01\x80.") == -128);
  CHECK(integer(std::string("\x8a\x02\x80\x00.", 5)) == 128);
  CHECK(integer("\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f.") ==
        std::numeric_limits<std::int64_t>::max());
  CHECK(integer("I-42\n.") == -42);
  CHECK(integer("L42L\n.") == 42);
}

TEST_CASE("containers may hold themselves") {
  const pickle::Document list = parse(
      "]q\x01h\x01"
      "a.");
  const auto* items = pickle::items_of(list.root());
  REQUIRE(items != nullptr);
  CHECK(pickle::items_of(items->front()) == items);
}

TEST_CASE("the last value of a key counts") {
  const std::string bytes = "}(U\x01xK\x01U\x01xK\x02u.";
  const pickle::Document document = parse(bytes);
  CHECK(std::get<std::int64_t>(*pickle::dict_of(document.root())->find("x")) == 2);
}

TEST_CASE("calls that weights need are allowed, those that reach the system are not") {
  using pickle::Call;
  const auto allowed = [](std::string_view module, std::string_view name, Call call) {
    return pickle::may_stand_inert({module, name}, call);
  };
  CHECK(allowed("torch._utils", "_rebuild_tensor_v2", Call::function));
  CHECK(allowed("numpy.core.multiarray", "scalar", Call::function));
  CHECK(allowed("numpy._core.multiarray", "_reconstruct", Call::function));
  CHECK(allowed("argparse", "Namespace", Call::construct));
  CHECK(allowed("my_project.config", "Settings", Call::construct));
  CHECK(!allowed("my_project.config", "make", Call::function));
  CHECK(!allowed("argparseevil", "Namespace", Call::function));
  CHECK(!allowed("numpy.testing", "runstring", Call::function));
  CHECK(!allowed("torch", "load", Call::function));
  for (const Call call : {Call::function, Call::construct}) {
    for (const auto& [module, name] :
         std::map<std::string, std::string>{{"os", "system"},
                                            {"posix", "system"},
                                            {"nt", "system"},
                                            {"subprocess", "Popen"},
                                            {"builtins", "eval"},
                                            {"__builtin__", "execfile"},
                                            {"builtins", "getattr"},
                                            {"runpy", "run_path"},
                                            {"os.path", "join"}}) {
      CAPTURE(module);
      CHECK(!allowed(module, name, call));
    }
  }
}
