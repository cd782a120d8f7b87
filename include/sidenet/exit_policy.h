#pragma once

// Library: libsidenet (pkg-config sidenet, CMake sidenet::sidenet).

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "sidenet/enum_names.h"
#include "sidenet/export.h"

namespace sidenet {

class Model;

/// The name of MainNet's own head among the exits: the last, which answers whatever reaches it.
inline constexpr const char* kFinalExit = "final";

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
  /// Always answer at this exit; nothing after it, and no other exit, is computed.
  std::optional<std::string> always_exit;
  Confidence confidence = Confidence::max_probability;
  /// Share of rows, in 0 … 1, that go on through MainNet although an exit has answered them, so
  /// that the two answers can be compared (Answers::audit). Which rows: by `audit_seed` and the
  /// number of rows that the Session has seen before.
  double audit_share = 0;
  std::uint64_t audit_seed = 1;

  static ExitPolicy final_only() {
    ExitPolicy policy;
    policy.always_exit = kFinalExit;
    return policy;
  }
  static ExitPolicy uniform(double threshold) {
    ExitPolicy policy;
    policy.threshold = threshold;
    return policy;
  }
};

/// A threshold as a person types it: 0 or more, and above 1 the exit is shut. Throws Error.
SIDENET_API double parse_threshold(std::string_view text);
/// "layer1=0.8,layer2=2": thresholds by exit. Throws Error where the text has another form or a
/// name stands twice. Whether a model has such exits is check_policy()'s.
SIDENET_API std::map<std::string, double> parse_thresholds(std::string_view text);
/// One number for all exits, or thresholds by exit. Throws Error as the two above, and
/// check_policy().
///
///     session.run(batch, parse_policy(model, "layer1=0.8,layer2=0.95"));
SIDENET_API ExitPolicy parse_policy(const Model& model, std::string_view text);

/// Throws Error where the policy names an exit that the model does not have, gives `final` a
/// threshold, or a threshold is below 0 or no number.
SIDENET_API void check_policy(const Model& model, const ExitPolicy& policy);
/// The threshold that comes of it for each exit but `final`: the policy's by name, else its one for
/// all, else the model's own. `always_exit` is not looked at. Throws Error as check_policy().
SIDENET_API std::map<std::string, double> thresholds_of(const Model& model,
                                                        const ExitPolicy& policy);

}  // namespace sidenet
