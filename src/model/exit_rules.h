#pragma once

#include <map>
#include <string>
#include <vector>

#include "model_data.h"
#include "sidenet/exit_policy.h"

namespace sidenet {

/// A model's exits by name: what a policy is checked against.
class ExitNames {
 public:
  explicit ExitNames(const ModelData& data);

  /// In graph order, `final` last where the model has a head.
  const std::vector<std::string>& names() const { return names_; }
  /// Its place among them. Throws Error, with `field` in front, where there is none.
  std::size_t index(const std::string& name, const char* field) const;
  /// See check_policy().
  void check(const ExitPolicy& policy) const;

 private:
  std::vector<std::string> names_;
  std::map<std::string, std::size_t> places_;
};

/// What a checked policy gives an exit other than `final`, whose own threshold is `own`.
inline double threshold_of(const ExitPolicy& policy, const std::string& exit, double own) {
  const auto named = policy.thresholds.find(exit);
  return named != policy.thresholds.end() ? named->second : policy.threshold.value_or(own);
}

}  // namespace sidenet
