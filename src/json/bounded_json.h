#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "json_path.h"
#include "json_scan.h"

namespace sidenet {

/// Receives a JSON text event by event. What a handler does not override is refused.
class JsonHandler {
 public:
  /// Who sees that an object has a key twice.
  enum class Keys {
    checked,    ///< the reader, when the object ends
    by_handler  ///< the handler, which keeps the keys anyway
  };

  virtual ~JsonHandler() = default;
  virtual JsonName name() const = 0;
  /// For messages: "byte 12", counted from 1.
  virtual std::string byte(std::size_t position) const {
    return "byte " + std::to_string(position);
  }

  virtual Keys begin_object() { unexpected("an object"); }
  virtual void end_object() {}
  virtual void begin_list() { unexpected("a list"); }
  virtual void end_list() {}
  virtual void key(const std::string&) {}
  virtual void string(const std::string&) { unexpected("a string"); }
  virtual void natural(std::uint64_t) { unexpected("a number"); }
  virtual void negative(std::int64_t) { unexpected("a negative number"); }  ///< and "-0"
  /// With a point or an exponent, or beyond 64 bits.
  virtual void real(double, const std::string& /*written*/) {
    unexpected("a number that is no integer");
  }
  virtual void boolean(bool) { unexpected("a bool"); }
  virtual void null() { unexpected("null"); }

 protected:
  /// Throws Error "FILE: PATH: what".
  [[noreturn]] void refuse(const std::string& what) const;
  /// Throws Error for a value that has no place here.
  [[noreturn]] void unexpected(const char* got) const {
    refuse("expected " + expected() + ", got " + got);
  }
  /// What has a place here, for that message.
  virtual std::string expected() const { return "another value"; }
  /// Objects and lists that are open; one that begins is not yet, one that ends no more.
  std::size_t depth() const { return path_.depth(); }

 private:
  friend class JsonReader;
  JsonPath path_;
};

/// Throws Error, which begins with the handler's name: a text beyond the limits, with a NUL,
/// malformed, or with a key twice in one object. A byte order mark in front is passed over (RFC
/// 8259, section 8.1). The work takes memory of three times the longest string, and of the keys of
/// open objects; time grows with n log n.
void read_json(std::string_view text, const JsonLimits& limits, JsonHandler& handler);

}  // namespace sidenet
