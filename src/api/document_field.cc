#include "document_field.h"

#include "mapped_file.h"
#include "sidenet/error.h"
#include "tokenizer_file.h"

namespace sidenet {

using nlohmann::json;

namespace {

constexpr std::size_t kMaxValues = 1 << 18;

}  // namespace

DocumentField::DocumentField(const std::string& file, const std::map<std::string, std::string>& metadata,
                             const std::string& key)
    : place_(file + ": metadata '" + key + "'") {
  const auto found = metadata.find(key);
  if (found == metadata.end()) throw Error(place_ + " is missing");
  parse(found->second, key == "sidenet.vocabulary" ? kMaxPieces + 1 : kMaxValues);
}

DocumentField DocumentField::read_file(const std::string& path) {
  constexpr std::size_t limit = std::size_t{8} << 20;
  const auto file = MappedFile::open(path);
  const auto bytes = file->bytes();
  if (bytes.size() > limit) {
    throw Error(path + ": expected a JSON file of at most 8 MiB, got " + std::to_string(bytes.size()) + " bytes");
  }
  DocumentField field;
  field.place_ = path;
  field.parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, kMaxValues);
  return field;
}

void DocumentField::parse(std::string_view text, std::size_t max_values) {
  std::size_t values = 0;
  const auto watch = [&](int depth, json::parse_event_t event, json&) {
    if (depth > kMaxDepth)
      throw Error(place_ + ": expected JSON of at most " + std::to_string(kMaxDepth) + " levels, got more");
    const bool ends = event == json::parse_event_t::object_end || event == json::parse_event_t::array_end;
    if (!ends && event != json::parse_event_t::key && ++values > max_values)
      throw Error(place_ + ": expected JSON of at most " + std::to_string(max_values) + " values, got more");
    return true;
  };
  auto document = std::make_shared<json>(json::parse(text.begin(), text.end(), watch, false));
  if (document->is_discarded()) throw Error(place_ + ": is not valid JSON");
  value_ = document.get();
  document_ = std::move(document);
}

DocumentField DocumentField::part(const std::string& where, const json& value) const {
  DocumentField field;
  field.place_ = place_ + where;
  field.document_ = document_;
  field.value_ = &value;
  return field;
}

std::vector<DocumentField> DocumentField::items() const {
  if (!value_->is_array()) fail("an array");
  std::vector<DocumentField> result;
  for (std::size_t i = 0; i < value_->size(); ++i) result.push_back(part("[" + std::to_string(i) + "]", (*value_)[i]));
  return result;
}

std::map<std::string, DocumentField> DocumentField::members() const {
  if (!value_->is_object()) fail("an object");
  std::map<std::string, DocumentField> result;
  for (const auto& [key, value] : value_->items()) result.emplace(key, part("." + key, value));
  return result;
}

DocumentField DocumentField::at(const char* key) const {
  if (!value_->is_object() || !value_->contains(key)) fail(std::string("an object with '") + key + "'");
  return part(std::string(".") + key, (*value_)[key]);
}

std::string DocumentField::text() const {
  if (!value_->is_string()) fail("a string");
  return value_->get<std::string>();
}

bool DocumentField::boolean() const {
  if (!value_->is_boolean()) fail("true or false");
  return value_->get<bool>();
}

double DocumentField::number(double low, double high) const {
  if (!value_->is_number()) fail("a number");
  const double number = value_->get<double>();
  if (!(number >= low && number <= high)) fail("a number from " + json(low).dump() + " to " + json(high).dump());
  return number;
}

int DocumentField::integer(int low, int high) const {
  if (!value_->is_number_integer()) fail("an integer");
  return static_cast<int>(number(low, high));
}

void DocumentField::fail(const std::string& expected) const {
  // Dumping recurses as deep as the document nests.
  std::string got = value_->is_structured() ? std::string("an ") + value_->type_name()
                                            : value_->dump(-1, ' ', false, json::error_handler_t::replace);
  if (got.size() > 60) got = got.substr(0, 57) + "...";
  throw Error(place_ + ": expected " + expected + ", got " + got);
}

}  // namespace sidenet
