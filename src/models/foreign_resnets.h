#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "architecture.h"

namespace sidenet::models {

/// Of tensors under a prefix: what stands behind it, by torchvision's names.
struct NameRule {
  std::string prefix;
  std::function<std::string(const std::string&)> rename;
};

bool is_number(std::string_view text);

/// Rules for the residual networks of `tensors` that have transformers' names, or none but an
/// nn.Sequential's numbers; what these numbers tell of the stem goes to `settings`.
/// Throws Error where an nn.Sequential has no room for what a ResNet has. `file` is named in
/// messages.
std::vector<NameRule> foreign_resnets(const std::map<std::string, Tensor>& tensors,
                                      const std::string& file, Settings& settings);

std::string with_rules(const std::vector<NameRule>& rules, const std::string& name);

}  // namespace sidenet::models
