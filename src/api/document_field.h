#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sidenet {

/// A value inside a JSON document from outside; what does not fit is an Error that names the place, expected and got. The
/// document nests at most kMaxDepth deep and has at most 262,144 values (metadata 'sidenet.vocabulary': 4,000,000).
class DocumentField {
 public:
  /// One metadata field of a model file. Throws Error where it is missing or no JSON.
  DocumentField(const std::string& file, const std::map<std::string, std::string>& metadata, const std::string& key);
  /// A whole file of at most 8 MiB. Throws Error where it cannot be read or is no JSON.
  static DocumentField read_file(const std::string& path);

  std::vector<DocumentField> items() const;
  std::map<std::string, DocumentField> members() const;
  bool has(const char* key) const { return value().is_object() && value().contains(key) && !value()[key].is_null(); }
  DocumentField at(const char* key) const;
  std::string text() const;
  bool boolean() const;
  double number(double low, double high) const;
  int integer(int low, int high) const;
  bool is_text() const { return value().is_string(); }
  bool is_null() const { return value().is_null(); }
  const nlohmann::json& value() const { return *value_; }
  [[noreturn]] void fail(const std::string& expected) const;

 private:
  static constexpr int kMaxDepth = 64;
  DocumentField() = default;
  void parse(std::string_view text, std::size_t max_values);
  DocumentField part(const std::string& where, const nlohmann::json& value) const;

  std::string place_;
  std::shared_ptr<const nlohmann::json> document_;  // never copied: a copy recurses
  const nlohmann::json* value_ = nullptr;           // in the document
};

}  // namespace sidenet
