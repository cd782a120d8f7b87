#include "sidenet/policy_guard.h"

#include "model_data.h"
#include "sidenet/error.h"
#include "sidenet/session.h"

namespace sidenet {
namespace {

constexpr double kDeltaWithoutCertificate = 0.1;

DriftGuard make_guard(const Model& model, const PolicyGuardOptions& options) {
  const auto& certificate = model.certificate();
  const double delta = certificate ? certificate->delta : kDeltaWithoutCertificate;
  if (options.limit) return DriftGuard(*options.limit, delta);
  if (!certificate)
    throw Error(data_of(model).source + ": guard: expected a certificate or a limit, got neither");
  const bool is_disagreement = certificate->risk == Risk::disagreement;
  return DriftGuard(is_disagreement ? certificate->epsilon : certificate->disagreement_bound,
                    delta);
}

GuardState begin(const Model& model, const ExitPolicy& policy, const PolicyGuardOptions& options) {
  if (!(options.share > 0 && options.share <= 1)) {
    throw Error("guard: share: expected above 0 and at most 1, got " +
                std::to_string(options.share));
  }
  if (policy.always_exit)
    throw Error("guard: expected a policy with thresholds, got one that always answers at " +
                *policy.always_exit);
  const auto thresholds = thresholds_of(model, policy);
  return {.model = options.state.empty() ? "" : model.digest(),
          .action = options.action,
          .confidence = policy.confidence,
          .given = thresholds,
          .guard = make_guard(model, options),
          .thresholds = thresholds};
}

}  // namespace

PolicyGuard::PolicyGuard(const Model& model, const ExitPolicy& policy,
                         const PolicyGuardOptions& options)
    : policy_(policy),
      final_exit_(static_cast<int>(data_of(model).exits.size())),
      guard_(begin(model, policy, options), options.state) {
  policy_.thresholds = guard_.state().thresholds;
  policy_.audit_share = options.share;
  policy_.audit_seed = options.seed;
}

void PolicyGuard::observe(const Answers& answers) {
  for (std::size_t row = 0; row < answers.audit.size(); ++row) {
    if (answers.audit[row] < 0) {
      guard_.add_row();
    } else {
      guard_.add_audited(answers.exit[row] != final_exit_ &&
                         answers.audit[row] != answers.index[row]);
    }
  }
}

bool PolicyGuard::is_due() const {
  const auto wait = guard_.due_in();
  return guard_.is_stale() || (wait && wait->count() == 0);
}

std::vector<SharedGuard::Alarm> PolicyGuard::merge() {
  std::vector<SharedGuard::Alarm> alarms = guard_.merge();
  policy_.thresholds = guard_.state().thresholds;
  return alarms;
}

}  // namespace sidenet
