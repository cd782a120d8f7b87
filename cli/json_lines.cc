#include "json_lines.h"

#include <array>
#include <charconv>
#include <cmath>
#include <iostream>

#include "text.h"

namespace sidenet::tools {

std::string json_text(const Json& object) {
  return escape_hidden(object.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void print_json(const Json& object) { std::cout << json_text(object) << std::endl; }

double shortest(float value) {
  if (!std::isfinite(value)) return value;
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  double result = value;
  std::from_chars(text.data(), end, result);
  return result;
}

}  // namespace sidenet::tools
