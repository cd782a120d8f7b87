#include "json_field.h"

#include <algorithm>

#include "sidenet/error.h"
#include "utf8_text.h"

namespace sidenet {

using nlohmann::json;

void JsonField::refuse(const std::string& expected) const {
  const auto got = [&]() -> std::string {
    if (value_.is_string()) return quoted_text(value_.get_ref<const std::string&>());
    if (value_.is_object()) return "an object";
    if (value_.is_array()) return "a list of " + std::to_string(value_.size());
    return value_.dump();
  };
  throw Error(source_ + ": " + (path_.empty() ? "" : path_ + ": ") + "expected " + expected + ", got " + got());
}

JsonField JsonField::at(const char* key) const {
  if (!value_.is_object()) refuse("an object");
  const auto found = value_.find(key);
  const std::string path = path_.empty() ? key : path_ + "." + key;
  if (found == value_.end()) throw Error(source_ + ": " + path + ": expected a value, got none");
  return {*found, path, source_};
}

JsonField JsonField::at(std::size_t index) const {
  return {value_.at(index), path_ + "[" + std::to_string(index) + "]", source_};
}

bool JsonField::has(const char* key) const {
  if (!value_.is_object()) refuse("an object");
  const auto found = value_.find(key);
  return found != value_.end() && !found->is_null();
}

std::size_t JsonField::list_size() const {
  if (!value_.is_array()) refuse("a list");
  return value_.size();
}

void JsonField::expect_keys(std::initializer_list<const char*> known) const {
  if (!value_.is_object()) refuse("an object");
  for (const auto& [key, unused] : value_.items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    std::string names;
    for (const char* name : known) names += (names.empty() ? "" : ", ") + std::string(name);
    throw Error(source_ + ": " + (path_.empty() ? "" : path_ + ": ") + "expected the fields " + names + ", got " +
                quoted_text(key));
  }
}

void JsonField::expect(const json& expected) const {
  if (value_ == expected) return;
  if (value_.is_structured()) {
    const std::string text = value_.dump();
    throw Error(source_ + ": " + path_ + ": expected " + expected.dump() + ", got " +
                (text.size() > 200 ? text.substr(0, 200) + "…" : text));
  }
  refuse(expected.dump());
}

const std::string& JsonField::string() const {
  if (!value_.is_string()) refuse("a string");
  return value_.get_ref<const std::string&>();
}

bool JsonField::boolean() const {
  if (!value_.is_boolean()) refuse("true or false");
  return value_.get<bool>();
}

std::int64_t JsonField::integer(std::int64_t lowest, std::int64_t highest) const {
  const bool fits = value_.is_number_integer() &&
                    !(value_.is_number_unsigned() && value_.get<std::uint64_t>() > static_cast<std::uint64_t>(highest)) &&
                    value_.get<std::int64_t>() >= lowest && value_.get<std::int64_t>() <= highest;
  if (!fits) refuse("a number from " + std::to_string(lowest) + " to " + std::to_string(highest));
  return value_.get<std::int64_t>();
}

}  // namespace sidenet
