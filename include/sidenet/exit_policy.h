#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "sidenet/enum_names.h"

namespace sidenet {

/// How sure an exit is of its answer, from its probabilities p after temperature. All lie in [0,
/// 1], higher is surer.
enum class Confidence {
  max_probability,  ///< max p: the paper's choice (arXiv 2007.13512, section 3)
  margin,           ///< largest p less the second largest
  entropy           ///< 1 - H(p) / log(classes)
};
template <>
inline constexpr EnumName<Confidence> kEnumNames<Confidence>[] = {
    {Confidence::max_probability, "max"},
    {Confidence::margin, "margin"},
    {Confidence::entropy, "entropy"}};

/// Which rows may leave where. Chosen for each request; a Model's own thresholds are the default.
struct ExitPolicy {
  /// One threshold for all exits. A row leaves where confidence >= threshold; a threshold above 1
  /// shuts the exit, and a shut exit is not computed.
  std::optional<double> threshold;
  /// Thresholds by exit name; these win over `threshold`.
  std::map<std::string, double> thresholds;
  /// Always answer at this exit ("final" is MainNet's own head); nothing after it, and no other
  /// exit, is computed.
  std::optional<std::string> always_exit;
  Confidence confidence = Confidence::max_probability;
  /// Share of rows, in 0 … 1, that go on through MainNet although an exit has answered them, so
  /// that the two answers can be compared (Answers::audit). Which rows: by `audit_seed` and the
  /// number of rows that the Session has seen before.
  double audit_share = 0;
  std::uint64_t audit_seed = 1;

  static ExitPolicy final_only() {
    ExitPolicy policy;
    policy.always_exit = "final";
    return policy;
  }
  static ExitPolicy uniform(double threshold) {
    ExitPolicy policy;
    policy.threshold = threshold;
    return policy;
  }
};

}  // namespace sidenet
