#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "sidenet/exit_policy.h"
#include "sidenet/model.h"
#include "sidenet/policy_guard.h"
#include "sidenet/session.h"

namespace sidenet::tools {

struct GuardOptions {
  std::optional<double> share;  ///< of rows audited; none: no guard
  std::optional<double> limit;  ///< none: the certificate's
  GuardAction action = GuardAction::warn;
  std::string state;  ///< file; empty: none
};
/// Behind the policy's options.
void add_guard_options(CLI::App& app, GuardOptions& options);
/// Another one at each call, from the system's random source.
std::uint64_t fresh_seed();

/// Audits a share of the rows of a run, and tells on stderr where early answers differ from
/// MainNet's more often than the limit allows; may raise the thresholds of the batches after. With
/// a file it goes on where the runs before it ended.
class PredictGuard {
 public:
  /// Needs options.share. Throws Error where neither the options nor a certificate give a limit,
  /// and for a state that cannot be read or is of another guard.
  PredictGuard(const GuardOptions& options, const Model& model, const ExitPolicy& policy,
               std::uint64_t seed);

  /// Thresholds in force that are not as given; a line, or "".
  std::string note() const;
  /// Of the next batch.
  const ExitPolicy& next_policy();
  /// The answers that this policy gave.
  void observe(const Answers& answers);
  /// For how long to wait for more rows before idle(); none: for ever.
  std::optional<std::chrono::milliseconds> patience() const { return guard_.shared().due_in(); }
  /// No more has come: what was observed is brought to the state.
  void idle();
  /// There are no more rows. With `quiet` without the line on stderr that sums up. False where rows
  /// could not be brought to the state.
  bool finish(bool quiet);

 private:
  void merge();
  void tell(const SharedGuard::Alarm& alarm) const;
  void summarise() const;
  std::string limit_in_words() const;

  std::string file_;
  bool limit_given_;
  PolicyGuard guard_;
  std::string problem_;  // of the last merge
};

}  // namespace sidenet::tools
