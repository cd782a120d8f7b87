#include "safetensors_header.h"

#include <nlohmann/json.hpp>

#include "byte_reader.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

constexpr unsigned kDType = 1, kShape = 2, kOffsets = 4, kAllFields = 7;
constexpr std::size_t kMaxRank = 64;

// nlohmann's SAX interface. States follow the nesting: the file's object, a tensor or the metadata, a list of numbers.
class HeaderHandler : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderHandler(const std::string& where) : where_(where) {}
  SafetensorsHeader take() { return std::move(header_); }

  bool start_object(std::size_t) override {
    if (state_ == State::start) {
      state_ = State::top;
    } else if (state_ == State::top_value) {
      state_ = name_ == "__metadata__" ? State::metadata : State::entry;
    } else {
      fail("an object");
    }
    return true;
  }
  bool end_object() override {
    if (state_ == State::entry && entry_->fields != kAllFields) {
      throw Error(where_ + ": tensor " + quote(name_) + ": expected dtype, shape and data_offsets");
    }
    state_ = state_ == State::top ? State::end : State::top;
    return true;
  }
  bool start_array(std::size_t) override {
    if (state_ != State::entry_value || field_ == kDType) fail("a list");
    state_ = State::numbers;
    return true;
  }
  bool end_array() override {
    state_ = State::entry;
    return true;
  }
  bool key(std::string& text) override {
    if (state_ == State::top) {
      top_key(text);
    } else if (state_ == State::metadata) {
      if (header_.metadata.count(text) != 0) throw Error(where_ + ": __metadata__ has " + quote(text) + " twice");
      metadata_key_ = text;
      state_ = State::metadata_value;
    } else {
      entry_key(text);
    }
    return true;
  }
  bool string(std::string& text) override {
    if (state_ == State::metadata_value) {
      header_.metadata[metadata_key_] = text;
      state_ = State::metadata;
    } else if (state_ == State::entry_value && field_ == kDType) {
      entry_->dtype = text;
      state_ = State::entry;
    } else {
      fail("a string");
    }
    return true;
  }
  bool number_unsigned(std::uint64_t number) override {
    if (state_ != State::numbers) fail("a number");
    auto& numbers = field_ == kShape ? entry_->shape : entry_->data_offsets;
    if (numbers.size() == kMaxRank) fail("more than 64 numbers");
    numbers.push_back(number);
    return true;
  }
  bool number_integer(std::int64_t) override { fail("a negative number"); }
  bool number_float(double, const std::string&) override { fail("a number that is no size"); }
  bool null() override { fail("null"); }
  bool boolean(bool) override { fail("a bool"); }
  bool binary(binary_t&) override { fail("bytes"); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) override {
    throw Error(where_ + ": header: malformed JSON at byte " + std::to_string(8 + position));
  }

 private:
  enum class State { start, top, top_value, entry, entry_value, numbers, metadata, metadata_value, end };

  void top_key(const std::string& text) {
    name_ = text;
    state_ = State::top_value;
    if (text == "__metadata__") {
      if (seen_metadata_) throw Error(where_ + ": the header has __metadata__ twice");
      seen_metadata_ = true;
      return;
    }
    const auto [entry, added] = header_.entries.emplace(text, SafetensorsEntry{});
    if (!added) throw Error(where_ + ": the header has tensor " + quote(text) + " twice");
    entry_ = &entry->second;
  }
  void entry_key(const std::string& text) {
    field_ = text == "dtype" ? kDType : text == "shape" ? kShape : text == "data_offsets" ? kOffsets : 0;
    const std::string tensor = where_ + ": tensor " + quote(name_) + ": ";
    if (field_ == 0) throw Error(tensor + "expected dtype, shape and data_offsets, got " + quote(text));
    if ((entry_->fields & field_) != 0) throw Error(tensor + text + " occurs twice");
    entry_->fields |= field_;
    state_ = State::entry_value;
  }
  [[noreturn]] void fail(const char* found) const {
    std::string place = ": header";
    if (state_ == State::metadata_value) place += ": __metadata__ " + quote(metadata_key_);
    if (state_ == State::top_value || state_ == State::entry_value || state_ == State::numbers)
      place += ": " + quote(name_);
    throw Error(where_ + place + ": " + found + " does not belong here");
  }

  const std::string& where_;
  SafetensorsHeader header_;
  State state_ = State::start;
  std::string name_, metadata_key_;
  SafetensorsEntry* entry_ = nullptr;
  unsigned field_ = 0;
  bool seen_metadata_ = false;
};

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view json, const std::string& where) {
  HeaderHandler handler(where);
  nlohmann::json::sax_parse(json.begin(), json.end(), &handler);
  return handler.take();
}

}  // namespace sidenet
