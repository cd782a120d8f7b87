#include "resnet_names.h"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace sidenet::models {
namespace {

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](unsigned char c) { return std::isdigit(c) != 0; });
}

std::string clean_component(std::string_view component) {
  struct Rule {
    std::string_view from, to;
  };
  for (const auto& [from, to] : {Rule{"conv_", "conv"}, Rule{"bn_", "bn"}, Rule{"stage_", "layer"},
                                 Rule{"stage", "layer"}}) {
    if (component.starts_with(from) && is_number(component.substr(from.size()))) {
      return std::string(to) + std::string(component.substr(from.size()));
    }
  }
  return std::string(component);
}

}  // namespace

std::string clean_resnet_name(const std::string& name) {
  std::string result;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    result += (begin == 0 ? "" : ".") +
              clean_component(std::string_view(name).substr(begin, end - begin));
    begin = end + 1;
  }
  return result;
}

}  // namespace sidenet::models
