#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>

namespace sidenet {

/// A value of a JSON document with its path, so that each message says which field was expected to be what. The document
/// and the source's name outlive it.
class JsonField {
 public:
  JsonField(const nlohmann::json& value, std::string path, const std::string& source)
      : value_(value), path_(std::move(path)), source_(source) {}

  /// Throws Error "SOURCE: PATH: expected …, got …".
  [[noreturn]] void refuse(const std::string& expected) const;

  JsonField at(const char* key) const;    ///< throws Error where it is missing
  JsonField at(std::size_t index) const;  ///< of a list that has it
  bool has(const char* key) const;        ///< there, and not null
  bool is_null() const { return value_.is_null(); }
  std::size_t list_size() const;                                     ///< throws Error where it is no list
  void expect_keys(std::initializer_list<const char*> known) const;  ///< throws Error: no object, another key
  void expect(const nlohmann::json& expected) const;                 ///< throws Error where it is another value

  const std::string& string() const;
  bool boolean() const;
  std::int64_t integer(std::int64_t lowest, std::int64_t highest) const;

 private:
  const nlohmann::json& value_;
  std::string path_;
  const std::string& source_;
};

}  // namespace sidenet
