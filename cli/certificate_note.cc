#include "certificate_note.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>

#include "certificate_words.h"
#include "text.h"

namespace sidenet::tools {
namespace {

constexpr std::size_t kQuicklyRead = 32 << 20;  // bytes that are read and digested in about 8 ms

bool is_open(double threshold) { return threshold <= 1; }

std::string shown(double threshold) {
  if (!is_open(threshold)) return "shut";
  char text[32];
  std::snprintf(text, sizeof text, "%.10g", threshold);
  return text;
}

std::string broken_by(const Model& model, const Certificate& certificate, const ExitPolicy& policy,
                      bool winograd) {
  if (policy.always_exit == "final") return "";
  if (policy.always_exit) return "is not for the answers of " + *policy.always_exit + " alone";
  const auto thresholds = thresholds_of(model, policy);
  const auto open = [](const auto& entry) { return is_open(entry.second); };
  if (std::none_of(thresholds.begin(), thresholds.end(), open)) return "";
  for (const auto& [exit, threshold] : thresholds) {
    const auto found = certificate.thresholds.find(exit);
    const double certified = found == certificate.thresholds.end() ? 2 : found->second;
    if (threshold == certified || (!is_open(threshold) && !is_open(certified))) continue;
    return "is for other thresholds: " + exit + " at " + shown(certified) + ", not " +
           shown(threshold);
  }
  if (policy.confidence != Confidence::max_probability) return "is for --confidence max";
  if (!model.is_text() && certificate.winograd != winograd)
    return certificate.winograd ? "is for answers without --no-winograd"
                                : "is for answers with --no-winograd";
  return "";
}

std::string start_of_note(const Certificate& certificate) {
  return "note: the model's certificate (" + std::string(name_of(certificate.risk)) + " at most " +
         amount_in_words(certificate.risk, certificate.epsilon) + ") does not hold";
}

std::size_t weight_bytes(const Model& model) {
  std::size_t bytes = 0;
  for (const auto& [name, tensor] : model.tensors()) bytes += tensor.bytes();
  return bytes;
}

}  // namespace

std::map<std::string, double> thresholds_of(const Model& model, const ExitPolicy& policy) {
  std::map<std::string, double> thresholds;
  for (const ExitInfo& exit : model.exits()) {
    if (exit.name == "final") continue;
    const auto own = policy.thresholds.find(exit.name);
    thresholds[exit.name] =
        own != policy.thresholds.end() ? own->second : policy.threshold.value_or(exit.threshold);
  }
  return thresholds;
}

std::string certificate_note(const Model& model, const ExitPolicy& policy, bool winograd,
                             bool read_all) {
  const bool is_read = read_all || weight_bytes(model) <= kQuicklyRead;
  if (!model.certificate()) return is_read ? file_note(model) : "";
  const std::string broken = broken_by(model, *model.certificate(), policy, winograd);
  if (!broken.empty()) return start_of_note(*model.certificate()) + " here: it " + broken;
  if (policy.always_exit || !is_read) return "";
  return file_note(model);
}

std::string file_note(const Model& model) {
  if (!model.certificate()) {
    const std::string problem = model.file_problem();
    return problem.empty() ? "" : "note: the model's file was changed: " + problem;
  }
  const std::string problem = model.certificate_problem();
  return problem.empty() ? "" : start_of_note(*model.certificate()) + ": " + problem;
}

}  // namespace sidenet::tools
