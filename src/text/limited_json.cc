#include "limited_json.h"

#include "sidenet/error.h"
#include "tokenizer_file.h"
#include "utf8_text.h"

namespace sidenet {
namespace {

using nlohmann::json;

class Builder : public nlohmann::json_sax<json> {
 public:
  Builder(TokenizerJson& result, const std::string& source) : result_(result), source_(source) {}

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(std::int64_t value) override { return add(value); }
  bool number_float(double value, const std::string&) override { return add(value); }
  bool string(std::string& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return false; }  // JSON has none
  bool number_unsigned(std::uint64_t value) override {
    if (!in_vocabulary_) return add(value);
    if (result_.vocabulary.size() == kMaxPieces) refuse("model.vocab: expected at most 4000000 pieces, got more");
    result_.vocabulary.emplace_back(std::move(key_), value);
    return true;
  }
  bool start_object(std::size_t) override {
    json* object = place(json::object());
    in_vocabulary_ = open_.size() == 2 && open_[0] == &result_.document && open_[1] == model_ && key_ == "vocab";
    if (open_.size() == 1 && key_ == "model") model_ = object;
    open_.push_back(object);
    return true;
  }
  bool end_object() override {
    in_vocabulary_ = false;
    open_.pop_back();
    return true;
  }
  bool start_array(std::size_t) override {
    open_.push_back(place(json::array()));
    return true;
  }
  bool end_array() override {
    open_.pop_back();
    return true;
  }
  bool key(std::string& text) override {
    if (!in_vocabulary_ && open_.back()->contains(text))
      refuse("expected each key once, got " + quoted_text(text) + " again");
    key_ = std::move(text);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) override {
    refuse("malformed JSON at byte " + std::to_string(position));
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const { throw Error(source_ + ": " + what); }

  template <typename Value>
  bool add(Value&& value) {
    place(json(std::forward<Value>(value)));
    return true;
  }
  // Where it is stays the same while it is open: nothing is put beside it till it is closed.
  json* place(json value) {
    if (in_vocabulary_) refuse("model.vocab: " + quoted_text(key_) + ": expected an id, got " + value.type_name());
    if (++values_ > TokenizerJson::kMaxValues) {
      refuse("expected at most " + std::to_string(TokenizerJson::kMaxValues) + " values beside the vocabulary, got more");
    }
    if (open_.size() == TokenizerJson::kMaxDepth) {
      refuse("expected at most " + std::to_string(TokenizerJson::kMaxDepth) + " levels, got more");
    }
    if (open_.empty()) {
      result_.document = std::move(value);
      return &result_.document;
    }
    if (open_.back()->is_array()) {
      open_.back()->push_back(std::move(value));
      return &open_.back()->back();
    }
    json& member = (*open_.back())[key_];
    member = std::move(value);
    return &member;
  }

  TokenizerJson& result_;
  const std::string& source_;
  std::vector<json*> open_;
  json* model_ = nullptr;
  std::string key_;
  std::size_t values_ = 0;
  bool in_vocabulary_ = false;
};

}  // namespace

TokenizerJson parse_tokenizer_json(std::string_view bytes, const std::string& source) {
  TokenizerJson result;
  Builder builder(result, source);
  json::sax_parse(bytes.begin(), bytes.end(), &builder);
  return result;
}

}  // namespace sidenet
