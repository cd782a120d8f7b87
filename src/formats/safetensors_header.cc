#include "safetensors_header.h"

#include "bounded_json.h"
#include "byte_reader.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

constexpr unsigned kDType = 1, kShape = 2, kOffsets = 4, kAllFields = 7;
constexpr std::size_t kMaxRank = 64, kHeaderStart = 8, kMaxDepth = 8;

// States follow the nesting: the file's object, a tensor or the metadata, a list of numbers.
class HeaderHandler : public JsonHandler {
 public:
  explicit HeaderHandler(const std::string& where) : where_(where) {}
  SafetensorsHeader take() { return std::move(header_); }

  JsonName name() const override { return {where_, "header"}; }
  std::string byte(std::size_t position) const override {
    return JsonHandler::byte(kHeaderStart + position);
  }

  // The maps that are made here show a key that comes again.
  Keys begin_object() override {
    if (state_ == State::start) {
      state_ = State::top;
    } else if (state_ == State::top_value) {
      state_ = name_ == "__metadata__" ? State::metadata : State::entry;
    } else {
      unexpected("an object");
    }
    return Keys::by_handler;
  }
  void end_object() override {
    if (state_ == State::entry && entry_->fields != kAllFields) {
      throw Error(where_ + ": tensor " + quote(name_) + ": expected dtype, shape and data_offsets");
    }
    state_ = state_ == State::top ? State::end : State::top;
  }
  void begin_list() override {
    if (state_ != State::entry_value || field_ == kDType) unexpected("a list");
    state_ = State::numbers;
    numbers_.clear();
  }
  void end_list() override {
    state_ = State::entry;
    if (field_ == kShape) {
      entry_->shape = numbers_;
    } else if (numbers_.size() != entry_->data_offsets.size()) {
      throw Error(where_ + ": tensor " + quote(name_) +
                  ": data_offsets: expected [begin, end], got " + std::to_string(numbers_.size()) +
                  " numbers");
    } else {
      entry_->data_offsets = {numbers_[0], numbers_[1]};
    }
  }
  void key(const std::string& text) override {
    if (state_ == State::top) {
      top_key(text);
    } else if (state_ == State::metadata) {
      metadata_key(text);
    } else {
      entry_key(text);
    }
  }
  void string(const std::string& text) override {
    if (state_ == State::metadata_value) {
      *metadata_value_ = text;
      state_ = State::metadata;
    } else if (state_ == State::entry_value && field_ == kDType) {
      entry_->dtype = text;
      state_ = State::entry;
    } else {
      unexpected("a string");
    }
  }
  void natural(std::uint64_t number) override {
    if (state_ != State::numbers) unexpected("a number");
    if (numbers_.size() == kMaxRank) {
      throw Error(where_ + ": tensor " + quote(name_) +
                  (field_ == kShape ? ": shape" : ": data_offsets") + ": expected at most " +
                  std::to_string(kMaxRank) + " numbers, got more");
    }
    numbers_.push_back(number);
  }

 private:
  enum class State {
    start,
    top,
    top_value,
    entry,
    entry_value,
    numbers,
    metadata,
    metadata_value,
    end
  };

  std::string expected() const override {
    switch (state_) {
      case State::start: return "an object";
      case State::metadata_value: return "a string";
      case State::numbers: return "a number from 0 to 2^64 - 1";
      case State::entry_value: return field_ == kDType ? "a string" : "a list of numbers";
      default: return "an object";
    }
  }

  void top_key(const std::string& text) {
    name_ = text;
    state_ = State::top_value;
    if (text == "__metadata__") {
      if (seen_metadata_) throw Error(where_ + ": the header has __metadata__ twice");
      seen_metadata_ = true;
      return;
    }
    if (header_.entries.size() == kMaxSafetensorsTensors) {
      refuse("expected at most " + std::to_string(kMaxSafetensorsTensors) + " tensors, got more");
    }
    const auto [entry, added] = header_.entries.try_emplace(text);
    if (!added) throw Error(where_ + ": the header has tensor " + quote(text) + " twice");
    entry_ = &entry->second;
  }
  void metadata_key(const std::string& text) {
    if (header_.metadata.size() == kMaxSafetensorsMetadata) {
      refuse("expected at most " + std::to_string(kMaxSafetensorsMetadata) + " keys, got more");
    }
    const auto [item, added] = header_.metadata.try_emplace(text);
    if (!added) throw Error(where_ + ": __metadata__ has " + quote(text) + " twice");
    metadata_value_ = &item->second;
    state_ = State::metadata_value;
  }
  void entry_key(const std::string& text) {
    field_ = text == "dtype"          ? kDType
             : text == "shape"        ? kShape
             : text == "data_offsets" ? kOffsets
                                      : 0;
    const auto tensor = [&] { return where_ + ": tensor " + quote(name_) + ": "; };
    if (field_ == 0)
      throw Error(tensor() + "expected dtype, shape and data_offsets, got " + quote(text));
    if ((entry_->fields & field_) != 0) throw Error(tensor() + text + " occurs twice");
    entry_->fields |= field_;
    state_ = State::entry_value;
  }

  const std::string& where_;
  SafetensorsHeader header_;
  State state_ = State::start;
  std::string name_;
  SafetensorsEntry* entry_ = nullptr;
  std::string* metadata_value_ = nullptr;
  unsigned field_ = 0;
  bool seen_metadata_ = false;
  std::vector<std::uint64_t> numbers_;  // of the list that is open
};

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view json, const std::string& where) {
  HeaderHandler handler(where);
  read_json(json, {kMaxSafetensorsHeader, kMaxDepth, kMaxSafetensorsValues, kMaxSafetensorsString},
            handler);
  return handler.take();
}

}  // namespace sidenet
