#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "bounded_json.h"

#include <doctest/doctest.h>

#include <cmath>

#include "image_files.h"
#include "json_field.h"
#include "json_tree.h"
#include "string_list.h"

using namespace sidenet;
using nlohmann::json;
using namespace std::string_literals;

namespace {

constexpr JsonLimits kRoomy{1 << 20, 64, 10'000, 1 << 16};
const JsonName kFile{"x.json", ""};

json parsed(const std::string& text, const JsonLimits& limits = kRoomy) {
  return parse_json(text, limits, kFile);
}

/// The message, which is one line that begins with the file; "" where the text is read.
std::string refusal(const std::string& text, const JsonLimits& limits = kRoomy) {
  const std::string message = files::error_of([&] { parse_json(text, limits, kFile); });
  if (message.empty()) return message;
  CHECK_MESSAGE(message.find('\n') == std::string::npos, message);
  CHECK_MESSAGE(message.starts_with("x.json: "), message);
  return message.substr(std::min<std::size_t>(message.size(), 8));
}

/// Passes over everything, so that only the reader sees keys.
class Nothing : public JsonHandler {
 public:
  JsonName name() const override { return kFile; }
  Keys begin_object() override { return Keys::checked; }
  void begin_list() override {}
  void string(const std::string&) override {}
  void natural(std::uint64_t) override {}
  void negative(std::int64_t) override {}
  void real(double, const std::string&) override {}
  void boolean(bool) override {}
  void null() override {}
};

std::string reader_refusal(const std::string& text) {
  return files::error_of([&] {
    Nothing nothing;
    read_json(text, kRoomy, nothing);
  });
}

std::string repeated(const std::string& part, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += part;
  return text;
}

}  // namespace

TEST_CASE("what a document holds") {
  const json document = parsed(
      R"( {"a": [1, -2, 2.5, true, null, "b\u00e9\ud83d\ude00\n"], "": {}, "z": {"a": 18446744073709551615}} )");
  CHECK(document ==
        json::parse(R"({"a":[1,-2,2.5,true,null,"bé😀\n"],"":{},"z":{"a":18446744073709551615}})"));
  CHECK(parsed("7") == 7);
  CHECK(parsed("\xef\xbb\xbf[]") == json::array());
}

TEST_CASE("a key twice is refused by its name and place, by the tree and by the reader") {
  const struct {
    const char *text, *message;
  } cases[] = {
      {R"({"a":1,"b":2,"a":1})", "x.json: a: expected each key once, got \"a\" again"},
      {R"({"x":[{},{"y":{"k":[],"k":0}}]})",
       "x.json: x[1].y.k: expected each key once, got \"k\" again"},
      {R"([{"a":1,"\u0061":1}])", "x.json: [0].a: expected each key once, got \"a\" again"},
      {R"({"":1,"":1})", "x.json: \"\": expected each key once, got \"\" again"},
      {R"({"a\nb":1,"a\nb":1})", "x.json: \"a\\nb\": expected each key once, got \"a\\nb\" again"}};
  for (const auto& [text, message] : cases) {
    CHECK(files::error_of([&] { parse_json(text, kRoomy, kFile); }) == message);
    CHECK(reader_refusal(text) == message);
  }
  for (const char* text :
       {R"([{"a":1},{"a":1}])", R"({"a":{"a":{"a":1}},"b":{"a":1}})", R"({"a":0,"A":0,"aa":0})"}) {
    CHECK(refusal(text) == "");
    CHECK(reader_refusal(text) == "");
  }
}

TEST_CASE("a NUL is no end of the text") {
  CHECK(refusal("[]\0"s) == "malformed JSON at byte 3: a NUL");
  CHECK(refusal("\0[]"s) == "malformed JSON at byte 1: a NUL");
  CHECK(refusal("[1\0,{\"a\":1,\"a\":1}]"s) == "malformed JSON at byte 3: a NUL");
  CHECK(refusal("[\"a\0b\"]"s) == "malformed JSON at byte 4: a NUL");
  CHECK(refusal("[\"a\\\0\"]"s) == "malformed JSON at byte 5: an unknown escape");
  CHECK(parsed(R"(["\u0000"])")[0] == "\0"s);
}

TEST_CASE("malformed JSON, with the byte") {
  CHECK(refusal("") == "malformed JSON at byte 1");
  CHECK(refusal("{} x") == "malformed JSON at byte 4");
  CHECK(refusal("{}{}") == "malformed JSON at byte 3");
  CHECK(refusal("[1,]") == "malformed JSON at byte 4");
  CHECK(refusal("{\"a\" 1}") == "malformed JSON at byte 6");
  CHECK(refusal("[1}") == "malformed JSON at byte 3");
  CHECK(refusal("]") == "malformed JSON at byte 1");
  for (const char* text : {"[",
                           "{",
                           "[1",
                           "{\"a\"",
                           "{\"a\":",
                           "tru",
                           "NaN",
                           "Infinity",
                           "-Infinity",
                           "01",
                           "1.",
                           "+1",
                           ".5",
                           "0x1",
                           "'a'",
                           "{a:1}",
                           "[1 2]",
                           "// c\n1",
                           "[\xef\xbb\xbf]",
                           "\xef\xbb",
                           "\xff"}) {
    CAPTURE(text);
    CHECK(refusal(text).starts_with("malformed JSON at byte "));
  }
}

TEST_CASE("strings") {
  CHECK(refusal("[\"a") == "malformed JSON at byte 4: a string that does not end");
  CHECK(refusal("\"\\") == "malformed JSON at byte 3: an unknown escape");
  CHECK(refusal("[\"\\x41\"]") == "malformed JSON at byte 4: an unknown escape");
  CHECK(refusal("[\"\\u12g4\"]") == "malformed JSON at byte 4: an unknown escape");
  CHECK(refusal("[\"a\tb\"]") == "malformed JSON at byte 4: a control character in a string");
  for (const char* bad : {"\\ud800", "\\udc00", "\\ud800\\ud800", "\\ud800\\u0041",
                          "\\ud800\\u0000", "\\ud800x", "\\udfff\\ud800"}) {
    CAPTURE(bad);
    CHECK(refusal("[\"" + std::string(bad) + "\"]") ==
          "malformed JSON at byte 3: half a surrogate pair");
  }
  CHECK(parsed("[\"\\uDBFF\\udfff\"]")[0] == "\xf4\x8f\xbf\xbf");
  for (const char* bad :
       {"\xff", "\x80", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\xf0\x9f\x98"}) {
    CHECK(refusal("{\"" + std::string(bad) + "\":1}") ==
          "malformed JSON at byte 3: a string that is not UTF-8");
    CHECK(refusal("[\"" + std::string(bad))
              .starts_with("malformed JSON at byte 3: a string that is not UTF-8"));
  }
  for (const char* good :
       {"\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x90\x80\x80"})
    CHECK(parsed("[\"" + std::string(good) + "\"]")[0] == good);
}

TEST_CASE("every byte of every kind in a string is read or refused as nlohmann's own parser does") {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      for (const char* tail : {"", "\x80", "\x80\x80"}) {
        std::string text = "[\"";
        text += {static_cast<char>(first), static_cast<char>(second)};
        text += tail + "\"]"s;
        const bool good = text.find('\0') == std::string::npos && json::accept(text);
        if ((refusal(text) == "") != good) FAIL(text);
      }
    }
  }
}

TEST_CASE("numbers") {
  const json numbers = parsed(
      "[-0, 0, -9223372036854775808, 18446744073709551615, 18446744073709551616, 1e-999, 1e308]");
  CHECK(numbers[0] == 0);
  CHECK(numbers[2] == INT64_MIN);
  CHECK(numbers[3].is_number_unsigned());
  CHECK(numbers[4].is_number_float());
  CHECK(numbers[5] == 0.0);
  CHECK(numbers[6] == 1e308);
  CHECK(refusal("[1e999]") == "malformed JSON at byte 6: a number beyond 64-bit floating point");
  CHECK(refusal("[-1e999]") == "malformed JSON at byte 7: a number beyond 64-bit floating point");
  CHECK(refusal("[" + std::string(400, '9') + "]")
            .ends_with("a number beyond 64-bit floating point"));
  CHECK(refusal("[0." + std::string(100'000, '3') + "]") == "");

  const JsonField field = JsonField::parse(
      R"({"huge": 18446744073709551616, "large": 9223372036854775808, "nil": -0, "f": 2.0})",
      {"x", "metadata 'y'"});
  for (const char* key : {"huge", "large", "f"})
    CHECK(files::error_of([&] { field.at(key).integer(0, 100); })
              .starts_with("x: metadata 'y'." + std::string(key) +
                           ": expected an integer from 0 to 100, got "));
  CHECK(field.at("nil").integer(0, 100) == 0);
  CHECK(field.at("huge").number(0, 1e30) == 18446744073709551616.0);
}

TEST_CASE("bounds: bytes, levels, values, strings") {
  const JsonLimits limits{40, 3, 6, 8};
  CHECK(refusal("[" + std::string(38, ' ') + "]", limits) == "");
  CHECK(refusal("[" + std::string(39, ' ') + "]", limits) ==
        "expected JSON of at most 40 bytes, got 41 at byte 40");
  CHECK(refusal("[[[]],[[]]]", limits) == "");
  CHECK(refusal("[[[[]]]]", limits) == "expected JSON of at most 3 levels, got more at byte 4");
  CHECK(refusal("{\"a\":[{\"b\":[", limits) ==
        "expected JSON of at most 3 levels, got more at byte 12");
  CHECK(refusal("[1,2,3,4,5]", limits) == "");
  CHECK(refusal("[1,2,3,4,5,6]", limits) ==
        "expected JSON of at most 6 values, got more at byte 13");
  CHECK(refusal("[[],[],{},[],[]]", limits) == "");
  CHECK(refusal("[[],[],{},[],[],[]]", limits) ==
        "expected JSON of at most 6 values, got more at byte 19");
  CHECK(refusal("[\"12345678\"]", limits) == "");
  CHECK(refusal("[\"123456789\"]", limits) ==
        "expected strings of at most 8 bytes, got a longer one at byte 3");
  CHECK(refusal("{\"123456789\":1}", limits) ==
        "expected strings of at most 8 bytes, got a longer one at byte 3");
  CHECK(refusal("[\"[[[[,,,,\"]", limits) == "");
}

TEST_CASE("a million levels cost no stack") {
  const JsonLimits deep{1 << 24, 1 << 23, 1 << 23, 16};
  for (const char* part : {"[", "{\"a\":", "[{\"a\":"}) {
    CHECK(refusal(repeated(part, 1'000'000), {1 << 24, 64, 1 << 23, 16})
              .starts_with("expected JSON of at most 64 levels"));
    CHECK(refusal(repeated(part, 500'000), deep).starts_with("malformed JSON at byte "));
  }
  CHECK(refusal(std::string(500'000, '[') + std::string(500'000, ']'), deep) == "");
}

TEST_CASE("runs without a string or a number") {
  const JsonLimits large{1 << 23, 4, 1 << 22, 1 << 22};
  CHECK(refusal("[" + std::string(1'000'000, '\n') + "]", large) == "");
  CHECK(refusal("[" + std::string(3'000'000, '\n') + "x", large) ==
        "expected a string or a number in every 1048576 bytes, got none at byte 1048578");
  CHECK(refusal("[" + repeated("true,", 400'000) + "1]", large)
            .starts_with("expected a string or a number in every"));
  CHECK(refusal("[" + repeated("[],0,", 400'000) + "1]", large) == "");
  CHECK(refusal("[\"" + std::string(3'000'000, 'a') + "\"]", large) == "");
}

TEST_CASE("keys that share all but their ends, in any order, take no more than n log n") {
  std::string text = "{";
  for (int i = 0; i < 9'000; ++i)
    text +=
        (i == 0 ? "\"" : ",\"") + std::string(100, 'k') + std::to_string(i * 7919 % 9'000) + "\":0";
  CHECK(refusal(text + "}") == "");
  Nothing nothing;
  read_json(text + "}", kRoomy, nothing);
  CHECK(reader_refusal(text + ",\"" + std::string(100, 'k') + "42\":0}")
            .find("expected each key once") != std::string::npos);
}

TEST_CASE("fields name their place") {
  const JsonField root = JsonField::parse(
      R"([{"a": 1}, {"tap": "x", "list": [0, "s", null, {"we ird": {}}]}])", {"f", "metadata 'm'"});
  const auto message = [](auto call) { return files::error_of(call); };
  const JsonField item = root.item(1);
  CHECK(item.at("tap").string() == "x");
  CHECK(item.at("list").list_size() == 4);
  CHECK(!item.at("list").item(3).has("b"));
  CHECK(message([&] { item.at("tap").boolean(); }) ==
        "f: metadata 'm'[1].tap: expected true or false, got \"x\"");
  CHECK(message([&] { item.at("hidden"); }) ==
        "f: metadata 'm'[1].hidden: expected a value, got none");
  CHECK(message([&] { item.at("list").item(0).string(); }) ==
        "f: metadata 'm'[1].list[0]: expected a string, got 0");
  CHECK(message([&] { item.at("list").item(3).at("we ird").list_size(); }) ==
        "f: metadata 'm'[1].list[3].\"we ird\": expected a list, got an object");
  CHECK(message([&] { item.at("list").item(4); }) ==
        "f: metadata 'm'[1].list: expected a list of at least 5, got a list of 4");
  CHECK(message([&] { root.at("x"); }) == "f: metadata 'm': expected an object, got a list of 2");
  CHECK(message([&] { item.at("list").item(2).number(0, 1); }) ==
        "f: metadata 'm'[1].list[2]: expected a number from 0.0 to 1.0, got null");
  CHECK(message([&] {
          item.expect_keys({"tap", "pool"});
        }) == "f: metadata 'm'[1]: expected the fields tap, pool, got \"list\"");
  CHECK(message([&] { item.at("tap").expect("y"); }) ==
        "f: metadata 'm'[1].tap: expected \"y\", got \"x\"");
  std::string deep =
      repeated("{\"" + std::string(50, 'k') + "\":", 60) + "0" + std::string(60, '}');
  JsonField field = JsonField::parse(deep, {"f", ""});
  while (field.is_object()) field = field.members().front().second;
  const std::string long_path = message([&] { field.string(); });
  CHECK(long_path.size() < 300);
  CHECK(long_path.ends_with("kkkk: expected a string, got 0"));
}

TEST_CASE("lists of strings") {
  const JsonName name{"f", "metadata 'l'"};
  CHECK(read_string_list(R"(["a", "", "\u00e9"])", 3, name) ==
        std::vector<std::string>{"a", "", "é"});
  CHECK(read_string_list("[]", 3, name).empty());
  const auto refused = [&](const char* text) {
    return files::error_of([&] { read_string_list(text, 3, name); });
  };
  CHECK(refused(R"(["a","a","a","a"])") ==
        "f: metadata 'l'[3]: expected at most 3 strings, got more");
  CHECK(refused(R"(["a",1])") == "f: metadata 'l'[1]: expected a string, got a number");
  CHECK(refused(R"(["a",["b"]])") == "f: metadata 'l'[1]: expected a string, got a list");
  CHECK(refused(R"({"a":"b"})") == "f: metadata 'l': expected a list of strings, got an object");
  CHECK(refused("\"a\"") == "f: metadata 'l': expected a list of strings, got a string");
  CHECK(refused("null") == "f: metadata 'l': expected a list of strings, got null");
}
