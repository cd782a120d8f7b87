#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "bounded_json.h"

namespace sidenet {

/// Builds a document of at most `most_values` of nlohmann's values; a small one takes about 150
/// bytes.
class JsonTreeBuilder : public JsonHandler {
 public:
  JsonTreeBuilder(const JsonName& name, std::size_t most_values)
      : name_(name), most_values_(most_values) {}
  JsonName name() const override { return name_; }
  nlohmann::json take() { return std::move(root_); }

  Keys begin_object() override;
  void end_object() override { open_.pop_back(); }
  void begin_list() override { open_.push_back(place(nlohmann::json::array())); }
  void end_list() override { open_.pop_back(); }
  void key(const std::string& text) override { key_ = text; }
  void string(const std::string& text) override { place(text); }
  void natural(std::uint64_t number) override { place(number); }
  void negative(std::int64_t number) override { place(number); }
  void real(double number, const std::string&) override { place(number); }
  void boolean(bool value) override { place(value); }
  void null() override { place(nullptr); }

 private:
  nlohmann::json* place(nlohmann::json value);

  const JsonName& name_;
  std::size_t most_values_, values_ = 0;
  nlohmann::json root_;
  std::vector<nlohmann::json*>
      open_;  // nothing is put beside one that is open, so it stays where it is
  std::string key_;
};

/// Throws Error as read_json does.
nlohmann::json parse_json(std::string_view text, const JsonLimits& limits, const JsonName& name);

}  // namespace sidenet
