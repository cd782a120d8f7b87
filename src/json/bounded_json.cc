#include "bounded_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sidenet/error.h"

namespace sidenet {

void JsonHandler::refuse(const std::string& what) const {
  throw Error(name().place(path_.str()) + what);
}

// nlohmann's SAX interface.
class JsonReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit JsonReader(JsonHandler& handler) : handler_(handler) {}

  void check_bounds(std::string_view text, const JsonLimits& limits) const {
    const JsonDefect defect = scan_json(text, limits);
    if (defect.malformed) fail_malformed(defect.byte, defect.what);
    if (!defect.what.empty()) handler_.refuse(defect.what + " at " + handler_.byte(defect.byte));
  }

  bool null() override { return begin_value(), handler_.null(), true; }
  bool boolean(bool value) override { return begin_value(), handler_.boolean(value), true; }
  bool number_integer(std::int64_t value) override {
    return begin_value(), handler_.negative(value), true;
  }
  bool number_unsigned(std::uint64_t value) override {
    return begin_value(), handler_.natural(value), true;
  }
  bool number_float(double value, const std::string& written) override {
    return begin_value(), handler_.real(value, written), true;
  }
  bool string(std::string& value) override { return begin_value(), handler_.string(value), true; }
  bool binary(binary_t&) override { return false; }  // JSON has none
  bool start_object(std::size_t) override {
    begin_value();
    objects_.push_back(
        {handler_.begin_object() == JsonHandler::Keys::checked, keys_.size(), bytes_.size()});
    handler_.path_.open(false);
    return true;
  }
  bool key(std::string& text) override {
    handler_.path_.set_key(text);
    if (objects_.back().checked) {
      keys_.push_back({bytes_.size(), text.size()});
      bytes_ += text;
    }
    handler_.key(text);
    return true;
  }
  bool end_object() override {
    handler_.path_.close();
    check_keys(objects_.back());
    objects_.pop_back();
    handler_.end_object();
    return true;
  }
  bool start_array(std::size_t) override {
    begin_value();
    handler_.begin_list();
    handler_.path_.open(true);
    return true;
  }
  bool end_array() override {
    handler_.path_.close();
    handler_.end_list();
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::json::exception& error) override {
    constexpr int kNumberOverflow = 406;
    fail_malformed(position,
                   error.id == kNumberOverflow ? "a number beyond 64-bit floating point" : "");
  }

 private:
  struct Span {
    std::size_t begin, size;
  };
  struct Object {
    bool checked;
    std::size_t first_key, first_byte;
  };

  void begin_value() { handler_.path_.next_value(); }
  std::string_view text(const Span& key) const {
    return std::string_view(bytes_).substr(key.begin, key.size);
  }

  // Sorted, so that no choice of keys makes this slow.
  void check_keys(const Object& object) {
    const auto first = keys_.begin() + static_cast<std::ptrdiff_t>(object.first_key);
    std::sort(first, keys_.end(), [&](const Span& a, const Span& b) { return text(a) < text(b); });
    const auto twice = std::adjacent_find(
        first, keys_.end(), [&](const Span& a, const Span& b) { return text(a) == text(b); });
    if (twice != keys_.end()) fail_twice(text(*twice));
    keys_.resize(object.first_key);
    bytes_.resize(object.first_byte);
  }

  [[noreturn]] void fail_twice(std::string_view key) const {
    std::string path = handler_.path_.str();
    append_json_key(path, key);
    throw Error(handler_.name().place(path) + "expected each key once, got " + quoted_json(key) +
                " again");
  }
  [[noreturn]] void fail_malformed(std::size_t position, const std::string& what) const {
    throw Error(handler_.name().place("") + "malformed JSON at " + handler_.byte(position) +
                (what.empty() ? "" : ": " + what));
  }

  JsonHandler& handler_;
  std::vector<Object> objects_;  // open ones
  std::vector<Span> keys_;       // of the objects that are checked, in bytes_
  std::string bytes_;
};

void read_json(std::string_view text, const JsonLimits& limits, JsonHandler& handler) {
  JsonReader reader(handler);
  reader.check_bounds(text, limits);
  nlohmann::json::sax_parse(text.begin(), text.end(), &reader);
}

}  // namespace sidenet
