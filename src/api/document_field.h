#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace sidenet {

/// A value inside a JSON document from outside; what does not fit is an Error that names the place, expected and got.
class DocumentField {
 public:
  /// One metadata field of a model file. Throws Error where it is missing or no JSON.
  DocumentField(const std::string& file, const std::map<std::string, std::string>& metadata, const std::string& key);
  DocumentField(std::string place, nlohmann::json value) : place_(std::move(place)), value_(std::move(value)) {}
  /// A whole file of at most 64 MiB. Throws Error where it cannot be read or is no JSON.
  static DocumentField read_file(const std::string& path);

  std::vector<DocumentField> items() const;
  std::map<std::string, DocumentField> members() const;
  bool has(const char* key) const { return value_.is_object() && value_.contains(key) && !value_[key].is_null(); }
  DocumentField at(const char* key) const;
  std::string text() const;
  bool boolean() const;
  double number(double low, double high) const;
  int integer(int low, int high) const;
  bool is_text() const { return value_.is_string(); }
  bool is_null() const { return value_.is_null(); }
  const nlohmann::json& value() const { return value_; }
  [[noreturn]] void fail(const std::string& expected) const;

 private:
  std::string place_;
  nlohmann::json value_;
};

}  // namespace sidenet
