#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "sidenet/drift_guard.h"
#include "sidenet/exit_policy.h"
#include "sidenet/model.h"
#include "sidenet/session.h"

namespace sidenet::tools {

struct GuardOptions {
  std::optional<double> share;  ///< of rows audited; none: no guard
  std::optional<double> limit;  ///< none: the certificate's
  std::string action = "warn";  ///< or "raise"
};
/// Behind the policy's options.
void add_guard_options(CLI::App& app, GuardOptions& options);
/// Another one at each call, from the system's random source.
std::uint64_t fresh_seed();

/// Audits a share of the rows of a run, and tells on stderr where early answers differ from MainNet's more often than the
/// limit allows; may raise the thresholds of the batches after.
class PredictGuard {
 public:
  /// Needs options.share. Throws Error where neither the options nor a certificate give a limit.
  PredictGuard(const GuardOptions& options, const Model& model, const ExitPolicy& policy, std::uint64_t seed);

  /// Of the next batch.
  const ExitPolicy& policy() const { return policy_; }
  /// The answers that this policy gave. final_exit: of MainNet, among Session::exit_names().
  void observe(const Answers& answers, int final_exit);
  /// One line on stderr.
  void summarise() const;

 private:
  void alarm(std::int64_t row);
  std::string limit_in_words() const;

  ExitPolicy policy_;
  std::map<std::string, double> thresholds_;
  bool raises_, limit_given_;
  DriftGuard guard_;
  std::int64_t rows_ = 0, audited_ = 0, alarms_ = 0, last_alarm_ = 0;
};

}  // namespace sidenet::tools
