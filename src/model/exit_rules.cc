#include "exit_rules.h"

#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>

#include "sidenet/error.h"

namespace sidenet {
namespace {

void check_threshold(double threshold, const std::string& exit) {
  if (std::isnan(threshold) || threshold < 0) {
    throw Error("threshold of " + exit + ": expected 0 or more (above 1 shuts the exit), got " +
                std::to_string(threshold));
  }
}

}  // namespace

ExitNames::ExitNames(const ModelData& data) {
  for (const ExitSpec& exit : data.exits) names_.push_back(exit.name);
  if (data.has_final()) names_.emplace_back(kFinalExit);
  for (std::size_t i = 0; i < names_.size(); ++i) places_.emplace(names_[i], i);
}

std::size_t ExitNames::index(const std::string& name, const char* field) const {
  if (const auto found = places_.find(name); found != places_.end()) return found->second;
  std::string known;
  for (const std::string& exit : names_) known += (known.empty() ? "" : ", ") + exit;
  throw Error(std::string(field) + ": no exit '" + name + "'; the model has " + known);
}

void ExitNames::check(const ExitPolicy& policy) const {
  for (const auto& [name, threshold] : policy.thresholds) {
    index(name, "thresholds");
    if (name == kFinalExit)
      throw Error("thresholds: 'final' takes none; it answers whatever reaches it");
    check_threshold(threshold, name);
  }
  if (policy.threshold) check_threshold(*policy.threshold, "all exits");
  if (policy.always_exit) index(*policy.always_exit, "exit");
}

double parse_threshold(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc() && last == end && value >= 0) return value;
  throw Error("threshold '" + std::string(text) +
              "': expected a number of at least 0 (above 1 shuts the exit)");
}

std::map<std::string, double> parse_thresholds(std::string_view text) {
  if (text.empty()) throw Error("thresholds: expected NAME=T,NAME=T");
  std::map<std::string, double> thresholds;
  for (std::string_view rest = text;;) {
    const auto comma = rest.find(',');
    const std::string_view part = rest.substr(0, comma);
    const auto equals = part.rfind('=');
    if (equals == std::string_view::npos || equals == 0) {
      throw Error("thresholds '" + std::string(text) + "': expected NAME=T,NAME=T, got '" +
                  std::string(part) + "'");
    }
    const std::string name(part.substr(0, equals));
    if (thresholds.contains(name)) throw Error("thresholds: '" + name + "' stands twice");
    thresholds[name] = parse_threshold(part.substr(equals + 1));
    if (comma == std::string_view::npos) return thresholds;
    rest.remove_prefix(comma + 1);
  }
}

ExitPolicy parse_policy(const Model& model, std::string_view text) {
  ExitPolicy policy;
  if (text.find('=') == std::string_view::npos) {
    policy.threshold = parse_threshold(text);
  } else {
    policy.thresholds = parse_thresholds(text);
  }
  check_policy(model, policy);
  return policy;
}

void check_policy(const Model& model, const ExitPolicy& policy) {
  ExitNames(data_of(model)).check(policy);
}

std::map<std::string, double> thresholds_of(const Model& model, const ExitPolicy& policy) {
  check_policy(model, policy);
  std::map<std::string, double> thresholds;
  for (const ExitSpec& exit : data_of(model).exits)
    thresholds[exit.name] = threshold_of(policy, exit.name, exit.threshold);
  return thresholds;
}

}  // namespace sidenet
