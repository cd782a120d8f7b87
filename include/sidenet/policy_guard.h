#pragma once

// Library: libsidenet (pkg-config sidenet, CMake sidenet::sidenet).

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sidenet/exit_policy.h"
#include "sidenet/export.h"
#include "sidenet/shared_guard.h"

namespace sidenet {

struct Answers;
class Model;

struct PolicyGuardOptions {
  double share = 0.05;  ///< of the rows that MainNet answers too, above 0 and at most 1
  /// The rate of early answers with another class than MainNet's, of all rows, that is allowed.
  /// Unset: the certificate's.
  std::optional<double> limit = {};
  GuardAction action = GuardAction::warn;
  /// A file in which the guard lives on from start to start, for several processes at once too.
  /// Made where there is none. Empty: memory.
  std::string state = {};
  std::uint64_t seed = 1;  ///< which rows are audited: by it and their number
};

/// A policy that audits a share of its rows and finds drift (DriftGuard); with GuardAction::raise
/// its thresholds grow stricter at each alarm. Its memory is about a kilobyte. For one thread;
/// guards of other threads and processes share one state through its file.
///
///     PolicyGuard guard(model, {}, {.share = 0.05, .state = "guard.json"});
///     while (next(batch)) {
///       const Answers answers = session.run(batch, guard.policy());
///       guard.observe(answers);
///       if (guard.is_due()) for (const SharedGuard::Alarm& alarm : guard.merge()) warn(alarm);
///     }
class SIDENET_API PolicyGuard {
 public:
  /// Throws Error where neither the options nor a certificate of the model give a limit, a policy
  /// always answers at one exit, and for a state that cannot be read or is another guard's.
  PolicyGuard(const Model& model, const ExitPolicy& policy, const PolicyGuardOptions& options);

  /// Of the next batch: the thresholds in force.
  const ExitPolicy& policy() const { return policy_; }
  /// Takes in what policy() gave, in the order of the calls of Session::run.
  void observe(const Answers& answers);
  /// Whether it is time to merge(): rows wait, or another process may have raised the thresholds.
  bool is_due() const;
  /// As SharedGuard::merge(); policy() has the new thresholds then.
  std::vector<SharedGuard::Alarm> merge();
  /// What it has come to.
  const SharedGuard& shared() const { return guard_; }

 private:
  ExitPolicy policy_;
  int final_exit_;
  SharedGuard guard_;
};

}  // namespace sidenet
