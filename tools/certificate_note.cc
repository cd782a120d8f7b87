#include "certificate_note.h"

#include <algorithm>
#include <cstdio>

#include "text.h"

namespace sidenet::tools {
namespace {

bool is_open(double threshold) { return threshold <= 1; }

std::string shown(double threshold) {
  if (!is_open(threshold)) return "shut";
  char text[32];
  std::snprintf(text, sizeof text, "%.10g", threshold);
  return text;
}

std::string broken_by(const Model& model, const Certificate& certificate, const ExitPolicy& policy, bool winograd) {
  if (policy.always_exit == "final") return "";
  if (policy.always_exit) return "is not for the answers of " + *policy.always_exit + " alone";
  const auto thresholds = thresholds_of(model, policy);
  const auto open = [](const auto& entry) { return is_open(entry.second); };
  if (std::none_of(thresholds.begin(), thresholds.end(), open)) return "";
  for (const auto& [exit, threshold] : thresholds) {
    const auto found = certificate.thresholds.find(exit);
    const double certified = found == certificate.thresholds.end() ? 2 : found->second;
    if (threshold == certified || (!is_open(threshold) && !is_open(certified))) continue;
    return "is for other thresholds: " + exit + " at " + shown(certified) + ", not " + shown(threshold);
  }
  if (policy.confidence != Confidence::max_probability) return "is for --confidence max";
  if (!model.is_text() && certificate.winograd != winograd)
    return certificate.winograd ? "is for answers without --no-winograd" : "is for answers with --no-winograd";
  return "";
}

}  // namespace

std::map<std::string, double> thresholds_of(const Model& model, const ExitPolicy& policy) {
  std::map<std::string, double> thresholds;
  for (const ExitInfo& exit : model.exits()) {
    if (exit.name == "final") continue;
    const auto own = policy.thresholds.find(exit.name);
    thresholds[exit.name] = own != policy.thresholds.end() ? own->second : policy.threshold.value_or(exit.threshold);
  }
  return thresholds;
}

std::string certificate_note(const Model& model, const ExitPolicy& policy, bool winograd) {
  if (!model.certificate()) return "";
  const Certificate& certificate = *model.certificate();
  const std::string broken = broken_by(model, certificate, policy, winograd);
  if (broken.empty()) return "";
  return "note: the model's certificate (" + certificate.risk + " at most " + percent(certificate.epsilon) +
         ") does not hold here: it " + broken;
}

}  // namespace sidenet::tools
