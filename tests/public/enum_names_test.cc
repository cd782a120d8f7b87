#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <set>
#include <string>

#include "sidenet/sidenet.h"

namespace {

using namespace sidenet;

/// Every name is another one and leads back to its value; no other text does.
template <typename Enum>
void check_names(const std::string& words) {
  CHECK(names_in_words<Enum>() == words);
  const auto names = names_of<Enum>();
  CHECK(std::set<std::string>(names.begin(), names.end()).size() == names.size());
  for (const EnumName<Enum>& known : kEnumNames<Enum>) {
    CHECK(name_of(known.value) == std::string(known.name));
    CHECK(value_named<Enum>("option", known.name) == known.value);
  }
  for (const std::string& other : {names.front() + " ", std::string(), std::string("?")}) {
    const std::string message = "option: expected " + words + ", got '" + other + "'";
    CHECK_THROWS_WITH_AS(value_named<Enum>("option", other), message.c_str(), Error);
  }
}

}  // namespace

TEST_CASE("each enum's names: there and back, and the list where a name is none of them") {
  check_names<Risk>("drop, disagreement or exit-error");
  check_names<ConfidenceFit>("automatic, temperature, sigmoid or isotonic");
  check_names<Confidence>("max, margin or entropy");
  check_names<TokenPooling>("cls, mean or cls+mean");
  check_names<WeightType>("bf16 or f32");
  check_names<TextEncoding>("utf-8, latin-1 or windows-1252");
  check_names<Quotes>("auto, doubled or text");
  check_names<LabelsFrom>("auto, 0, 1 or sorted");
  check_names<PreprocessingPreset>("imagenet, cifar10 or none");
  check_names<Truncation>("longest_first or only_first");
}
