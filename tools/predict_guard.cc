#include "predict_guard.h"

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <limits>
#include <random>

#include "certificate_note.h"
#include "common_options.h"
#include "sidenet/error.h"
#include "text.h"

namespace sidenet::tools {
namespace {

constexpr double kDeltaWithoutCertificate = 0.1;
constexpr const char* kDiffering = "answered early with another class than MainNet's";

std::string check_share(const std::string& text) {
  const auto value = parse_number(text);
  return value && *value > 0 && *value <= 1 ? "" : "share '" + text + "': expected above 0 and at most 1";
}

DriftGuard make_guard(const GuardOptions& options, const Model& model) {
  const auto& certificate = model.certificate();
  const double delta = certificate ? certificate->delta : kDeltaWithoutCertificate;
  if (options.limit) return DriftGuard(*options.limit, delta);
  if (!certificate) {
    throw Error(
        "--guard: expected a model with a certificate (`sidenet calibrate --max-drop`) or the rate by --guard-limit, got "
        "neither");
  }
  return DriftGuard(certificate->risk == "disagreement" ? certificate->epsilon : certificate->disagreement_bound, delta);
}

/// As --thresholds takes them.
std::string listed(const std::map<std::string, double>& thresholds) {
  std::string list;
  for (const auto& [exit, threshold] : thresholds) {
    char value[32];
    std::snprintf(value, sizeof value, "%.6g", threshold);
    list += (list.empty() ? "" : ",") + exit + "=" + value;
  }
  return list;
}

std::string of_rows(const DriftGuard::Counts& counts) {
  return percent(counts.rows > 0 ? counts.value() : std::numeric_limits<double>::quiet_NaN());
}
std::string with_bounds(const DriftGuard::Rate& rate) {
  return of_rows(rate) + " (" + percent(rate.lower) + " to " + percent(rate.upper) + ")";
}

}  // namespace

void add_guard_options(CLI::App& app, GuardOptions& options) {
  const std::string group = "Drift guard";
  auto* guard = app.add_option("--guard", options.share,
                               "Let this share of the rows (0.05, say) go on through MainNet too, and warn where early "
                               "answers differ from its own more often than the model's certificate allows. Which rows "
                               "is drawn anew at each start, unless --seed is given")
                    ->option_text("SHARE")
                    ->check(check_share)
                    ->group(group);
  guard->excludes(app.get_option("--exit"), app.get_option("--final-only"));
  app.add_option("--guard-limit", options.limit, "The rate allowed, of all rows (default: the certificate's)")
      ->option_text("R")
      ->check(CLI::Range(0.0, 1.0))
      ->needs(guard)
      ->group(group);
  app.add_option("--guard-action", options.action,
                 "warn (default), or raise: stricter thresholds for the batches after, as often as it takes")
      ->option_text("ACTION")
      ->check(CLI::IsMember({"warn", "raise"}))
      ->needs(guard)
      ->group(group);
}

std::uint64_t fresh_seed() {
  std::random_device source;
  return std::uint64_t{source()} << 32 | source();
}

PredictGuard::PredictGuard(const GuardOptions& options, const Model& model, const ExitPolicy& policy, std::uint64_t seed)
    : policy_(policy),
      thresholds_(thresholds_of(model, policy)),
      raises_(options.action == "raise"),
      limit_given_(options.limit.has_value()),
      guard_(make_guard(options, model)) {
  policy_.audit_share = options.share.value();
  policy_.audit_seed = seed;
}

void PredictGuard::observe(const Answers& answers, int final_exit) {
  bool same_policy = true;  // as that of the guard's round
  for (std::size_t row = 0; row < answers.audit.size(); ++row) {
    ++rows_;
    if (answers.audit[row] < 0) continue;
    ++audited_;
    if (!same_policy) continue;
    const bool alarmed = guard_.alarm();
    guard_.observe(answers.exit[row] != final_exit, answers.audit[row] == answers.index[row]);
    if (alarmed || !guard_.alarm()) continue;
    alarm(rows_);
    same_policy = !raises_;
  }
}

void PredictGuard::alarm(std::int64_t row) {
  ++alarms_;
  last_alarm_ = row;
  const DriftGuard::Counts recent = guard_.recent();
  const DriftGuard::Rate rate = guard_.rate();
  const bool of_all = recent.rows == rate.rows;
  std::string line = "guard: drift at row " + grouped(row) + ": " + grouped(recent.differing) + " of " +
                     (of_all ? "" : "the last ") + grouped(recent.rows) + " audited rows " + kDiffering + ", ";
  if (!of_all) line += of_rows(recent) + ", of all " + grouped(rate.rows) + " at these thresholds ";
  line += with_bounds(rate) + "; " + limit_in_words();
  if (raises_) {
    thresholds_ = guard_.raised(thresholds_);
    policy_.thresholds = thresholds_;
    guard_.start_over();
    const bool all_shut =
        std::all_of(thresholds_.begin(), thresholds_.end(), [](const auto& entry) { return entry.second > 1; });
    line += (all_shut ? "; all exits are shut now: " : "; thresholds are now ") + listed(thresholds_);
  } else {
    line += "; thresholds stay";
  }
  std::cout.flush();
  std::cerr << "sidenet: " << printable(line) << std::endl;
}

void PredictGuard::summarise() const {
  const DriftGuard::Rate rate = guard_.rate();
  std::string line = "guard: " + grouped(audited_) + " of " + grouped(rows_) + " rows audited (seed " +
                     std::to_string(policy_.audit_seed) + "); ";
  if (raises_ && alarms_ > 0) line += "since the thresholds were raised at row " + grouped(last_alarm_) + ", ";
  line += grouped(rate.differing) + " of " + grouped(rate.rows) + " " + kDiffering + ", " + with_bounds(rate) + "; " +
          limit_in_words() + "; ";
  if (alarms_ == 0) {
    line += "no alarm";
  } else {
    line += alarms_ == 1 ? "alarm at row " + grouped(last_alarm_) : grouped(alarms_) + " alarms";
  }
  std::cout.flush();
  std::cerr << printable(line) << std::endl;
}

std::string PredictGuard::limit_in_words() const {
  return "limit " + percent(guard_.limit()) + (limit_given_ ? "" : " (certificate)");
}

}  // namespace sidenet::tools
