#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bounded_json.h"
#include "sidenet/enum_names.h"

namespace sidenet {

/// A value inside a JSON document from outside. What does not fit is an Error that names the file,
/// the value's path, expected and got. Fields share their document; copies are cheap.
class JsonField {
 public:
  static constexpr std::size_t kMaxDepth = 64;
  static constexpr std::size_t kMaxStringBytes = std::size_t{1} << 20;
  static constexpr std::size_t kMaxFileBytes = std::size_t{8} << 20, kMaxFileValues = 1 << 18;
  static constexpr std::size_t kMaxPartValues = 1 << 16;

  JsonField(nlohmann::json root, JsonName name);
  /// A document inside a file: at most kMaxPartValues values. Throws Error as read_json does.
  static JsonField parse(std::string_view text, const JsonName& name);
  /// A whole file: at most kMaxFileBytes and kMaxFileValues. Throws Error where it cannot be read,
  /// and as read_json does.
  static JsonField read_file(const std::string& path);

  JsonField at(const char* key) const;  ///< throws Error where it is missing, or this is no object
  JsonField item(
      std::size_t index) const;     ///< throws Error where the list is shorter, or this is none
  bool has(const char* key) const;  ///< there, and not null; throws Error where this is no object
  bool is_object() const { return value_->is_object(); }
  bool is_string() const { return value_->is_string(); }
  bool is_list() const { return value_->is_array(); }
  std::size_t list_size() const;         ///< throws Error where this is no list
  std::vector<JsonField> items() const;  ///< of a list
  std::vector<std::pair<std::string, JsonField>> members() const;  ///< of an object, by key
  void expect_object() const;  ///< throws Error where it is none
  void expect_keys(
      std::initializer_list<const char*> known) const;  ///< throws Error: no object, another key
  void expect(const nlohmann::json& expected) const;    ///< throws Error where it is another value

  const std::string& string() const;
  bool boolean() const;
  int integer(int low, int high) const;
  std::int64_t large_integer(std::int64_t low, std::int64_t high) const;
  double number(double low, double high) const;
  std::vector<float> floats(double low, double high) const;  ///< of a list
  const std::string& file() const { return document_->name.file; }
  std::string dump() const { return value_->dump(); }  ///< as JSON text

  /// Throws Error "FILE: PATH: expected …, got …".
  [[noreturn]] void refuse(const std::string& expected) const;

 private:
  struct Document {
    nlohmann::json root;
    JsonName name;
  };
  JsonField(std::shared_ptr<const Document> document, const nlohmann::json& value)
      : document_(std::move(document)), value_(&value) {}
  std::string path() const;
  std::string described() const;
  JsonField part(const nlohmann::json& value) const { return {document_, value}; }

  std::shared_ptr<const Document> document_;  // never copied: a copy recurses
  const nlohmann::json* value_;               // in the document
};

/// The value that a text names. Refuses others, with the list.
template <typename Enum>
Enum read_named(const JsonField& field) {
  const std::string name = field.string();
  for (const EnumName<Enum>& known : kEnumNames<Enum>) {
    if (name == known.name) return known.value;
  }
  field.refuse(names_in_words<Enum>());
}

}  // namespace sidenet
