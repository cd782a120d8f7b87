#include "json_field.h"

#include <algorithm>

#include "json_tree.h"
#include "mapped_file.h"
#include "sidenet/error.h"

namespace sidenet {

using nlohmann::json;

namespace {

// Whether `target` is `value` or inside it; then `path` leads there. As deep as the document nests.
bool find_path(const json& value, const json* target, std::string& path) {
  if (&value == target) return true;
  const std::size_t size = path.size();
  if (value.is_object()) {
    for (const auto& [key, member] : value.items()) {
      append_json_key(path, key);
      if (find_path(member, target, path)) return true;
      path.resize(size);
    }
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      append_json_index(path, i);
      if (find_path(value[i], target, path)) return true;
      path.resize(size);
    }
  }
  return false;
}

}  // namespace

JsonField::JsonField(json root, JsonName name)
    : document_(std::make_shared<const Document>(Document{std::move(root), std::move(name)})),
      value_(&document_->root) {}

JsonField JsonField::parse(std::string_view text, const JsonName& name) {
  const JsonLimits limits{text.size(), kMaxDepth, kMaxPartValues, kMaxStringBytes};
  return {parse_json(text, limits, name), name};
}

JsonField JsonField::read_file(const std::string& path) {
  const auto file = MappedFile::open(path);
  const std::string_view text(reinterpret_cast<const char*>(file->bytes().data()),
                              file->bytes().size());
  const JsonName name{path, ""};
  return {parse_json(text, {kMaxFileBytes, kMaxDepth, kMaxFileValues, kMaxStringBytes}, name),
          name};
}

// A field keeps no path, only its place in the document, which is searched for when it is needed.
std::string JsonField::path() const {
  std::string path;
  find_path(document_->root, value_, path);
  return path;
}

std::string JsonField::described() const {
  if (value_->is_string()) return quoted_json(value_->get_ref<const std::string&>());
  if (value_->is_object()) return "an object";
  if (value_->is_array()) return "a list of " + std::to_string(value_->size());
  return value_->dump();
}

void JsonField::refuse(const std::string& expected) const {
  throw Error(document_->name.place(path()) + "expected " + expected + ", got " + described());
}

JsonField JsonField::at(const char* key) const {
  expect_object();
  const auto found = value_->find(key);
  if (found == value_->end()) {
    std::string missing = path();
    append_json_key(missing, key);
    throw Error(document_->name.place(missing) + "expected a value, got none");
  }
  return part(*found);
}

JsonField JsonField::item(std::size_t index) const {
  if (index >= list_size()) refuse("a list of at least " + std::to_string(index + 1));
  return part((*value_)[index]);
}

bool JsonField::has(const char* key) const {
  expect_object();
  const auto found = value_->find(key);
  return found != value_->end() && !found->is_null();
}

std::size_t JsonField::list_size() const {
  if (!value_->is_array()) refuse("a list");
  return value_->size();
}

std::vector<JsonField> JsonField::items() const {
  std::vector<JsonField> items;
  items.reserve(list_size());
  for (const json& item : *value_) items.push_back(part(item));
  return items;
}

std::vector<std::pair<std::string, JsonField>> JsonField::members() const {
  expect_object();
  std::vector<std::pair<std::string, JsonField>> members;
  members.reserve(value_->size());
  for (const auto& [key, value] : value_->items()) members.emplace_back(key, part(value));
  return members;
}

void JsonField::expect_object() const {
  if (!value_->is_object()) refuse("an object");
}

void JsonField::expect_keys(std::initializer_list<const char*> known) const {
  expect_object();
  for (const auto& [key, unused] : value_->items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    std::string names;
    for (const char* name : known) names += (names.empty() ? "" : ", ") + std::string(name);
    throw Error(document_->name.place(path()) + "expected the fields " + names + ", got " +
                quoted_json(key));
  }
}

void JsonField::expect(const json& expected) const {
  if (*value_ == expected) return;
  if (!value_->is_structured()) refuse(expected.dump());
  constexpr std::size_t kMost = 200;
  std::string text = value_->dump(-1, ' ', true);
  if (text.size() > kMost) text = text.substr(0, kMost) + "…";
  throw Error(document_->name.place(path()) + "expected " + expected.dump() + ", got " + text);
}

const std::string& JsonField::string() const {
  if (!value_->is_string()) refuse("a string");
  return value_->get_ref<const std::string&>();
}

bool JsonField::boolean() const {
  if (!value_->is_boolean()) refuse("true or false");
  return value_->get<bool>();
}

int JsonField::integer(int low, int high) const {
  return static_cast<int>(large_integer(low, high));
}

std::int64_t JsonField::large_integer(std::int64_t low, std::int64_t high) const {
  const bool is_large = value_->is_number_unsigned() &&
                        value_->get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX);
  if (!value_->is_number_integer() || is_large || value_->get<std::int64_t>() < low ||
      value_->get<std::int64_t>() > high)
    refuse("an integer from " + std::to_string(low) + " to " + std::to_string(high));
  return value_->get<std::int64_t>();
}

double JsonField::number(double low, double high) const {
  const double number = value_->is_number() ? value_->get<double>() : low - 1;
  if (!value_->is_number() || !(number >= low && number <= high))
    refuse("a number from " + json(low).dump() + " to " + json(high).dump());
  return number;
}

std::vector<float> JsonField::floats(double low, double high) const {
  std::vector<float> values;
  for (const JsonField& each : items())
    values.push_back(static_cast<float>(each.number(low, high)));
  return values;
}

}  // namespace sidenet
