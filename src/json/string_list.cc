#include "string_list.h"

#include "bounded_json.h"

namespace sidenet {
namespace {

class StringList : public JsonHandler {
 public:
  StringList(const JsonName& name, std::size_t most) : name_(name), most_(most) {}
  JsonName name() const override { return name_; }
  std::vector<std::string> take() { return std::move(strings_); }

  void begin_list() override {
    if (depth() > 0) unexpected("a list");
  }
  void string(const std::string& text) override {
    if (depth() == 0) unexpected("a string");
    if (strings_.size() == most_)
      refuse("expected at most " + std::to_string(most_) + " strings, got more");
    strings_.push_back(text);
  }

 protected:
  std::string expected() const override { return depth() == 0 ? "a list of strings" : "a string"; }

 private:
  const JsonName& name_;
  std::size_t most_;
  std::vector<std::string> strings_;
};

}  // namespace

std::vector<std::string> read_string_list(std::string_view text, std::size_t most,
                                          const JsonName& name) {
  constexpr std::size_t kMaxDepth = 64, kMaxStringBytes = std::size_t{1} << 20;
  StringList list(name, most);
  // Twice as many values, so that the list itself tells where it is too long.
  read_json(text, {text.size(), kMaxDepth, 2 * most, kMaxStringBytes}, list);
  return list.take();
}

}  // namespace sidenet
