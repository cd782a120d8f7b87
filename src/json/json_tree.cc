#include "json_tree.h"

namespace sidenet {

using nlohmann::json;

JsonHandler::Keys JsonTreeBuilder::begin_object() {
  open_.push_back(place(json::object()));
  return Keys::by_handler;
}

json* JsonTreeBuilder::place(json value) {
  if (++values_ > most_values_)
    refuse("expected JSON of at most " + std::to_string(most_values_) + " values, got more");
  if (open_.empty()) {
    root_ = std::move(value);
    return &root_;
  }
  if (open_.back()->is_array()) {
    open_.back()->push_back(std::move(value));
    return &open_.back()->back();
  }
  const auto [member, added] = open_.back()->emplace(key_, std::move(value));
  if (!added) refuse("expected each key once, got " + quoted_json(key_) + " again");
  return &*member;
}

json parse_json(std::string_view text, const JsonLimits& limits, const JsonName& name) {
  JsonTreeBuilder builder(name, limits.values);
  read_json(text, limits, builder);
  return builder.take();
}

}  // namespace sidenet
