#include "wrapped_names.h"

#include <algorithm>
#include <array>

namespace sidenet {

std::string without_wrappers(const std::string& name) {
  constexpr std::array<std::string_view, 4> kWrappers{"module", "_orig_mod", "_fsdp_wrapped_module",
                                                      "_checkpoint_wrapped_module"};
  std::string result;
  for (std::size_t begin = 0; begin < name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size() - 1) + 1;
    const std::string_view component = std::string_view(name).substr(begin, end - begin);
    const bool is_wrapper = component.ends_with('.') &&
                            std::find(kWrappers.begin(), kWrappers.end(),
                                      component.substr(0, component.size() - 1)) != kWrappers.end();
    if (!is_wrapper) result += component;
    begin = end;
  }
  return result;
}

void unwrap_names(std::map<std::string, Tensor>& tensors) {
  std::map<std::string, Tensor> unwrapped;
  for (const auto& [name, tensor] : tensors) {
    if (!unwrapped.emplace(without_wrappers(name), tensor).second) return;
  }
  tensors = std::move(unwrapped);
}

}  // namespace sidenet
