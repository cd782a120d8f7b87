#include "predict_guard.h"

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <limits>
#include <random>

#include "common_options.h"
#include "sidenet/error.h"
#include "text.h"

namespace sidenet::tools {
namespace {

constexpr const char* kDiffering = "answered early with another class than MainNet's";

std::string check_share(const std::string& text) {
  const auto value = parse_number(text);
  return value && *value > 0 && *value <= 1
             ? ""
             : "share '" + text + "': expected above 0 and at most 1";
}

PolicyGuardOptions as_guard_options(const GuardOptions& options, const Model& model,
                                    std::uint64_t seed) {
  if (!options.limit && !model.certificate()) {
    throw Error(
        "--guard: expected a model with a certificate (`sidenet calibrate --max-drop`) or the rate "
        "by --guard-limit, got "
        "neither");
  }
  return {.share = options.share.value(),
          .limit = options.limit,
          .action = options.action,
          .state = options.state,
          .seed = seed};
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

/// What has become of them by an alarm.
std::string raised_to(const std::map<std::string, double>& thresholds) {
  const bool all_shut = std::all_of(thresholds.begin(), thresholds.end(),
                                    [](const auto& entry) { return entry.second > 1; });
  return (all_shut ? "all exits are shut now: " : "thresholds are now ") + listed(thresholds);
}

std::string of_rows(const DriftGuard::Counts& counts) {
  return percent(counts.rows > 0 ? counts.value() : std::numeric_limits<double>::quiet_NaN());
}
std::string with_bounds(const DriftGuard::Rate& rate) {
  return of_rows(rate) + " (" + percent(rate.lower) + " to " + percent(rate.upper) + ")";
}

void warn(const std::string& line) {
  std::cout.flush();
  std::cerr << "sidenet: " << printable(line) << std::endl;
}

}  // namespace

void add_guard_options(CLI::App& app, GuardOptions& options) {
  const std::string group = "Drift guard";
  auto* guard = app.add_option("--guard", options.share,
                               "Let this share of the rows (0.05, say) go on through MainNet too, "
                               "and warn where early "
                               "answers differ from its own more often than the model's "
                               "certificate allows. Which rows "
                               "is drawn anew at each start, unless --seed is given")
                    ->option_text("SHARE")
                    ->check(check_share)
                    ->group(group);
  guard->excludes(app.get_option("--exit"), app.get_option("--final-only"));
  app.add_option("--guard-limit", options.limit,
                 "The rate allowed, of all rows (default: the certificate's)")
      ->option_text("R")
      ->check(CLI::Range(0.0, 1.0))
      ->needs(guard)
      ->group(group);
  add_enum_option<GuardAction>(
      app, "--guard-action", options.action,
      "warn (default), or raise: stricter thresholds for the batches after, as often as "
      "it takes")
      ->option_text("ACTION")
      ->needs(guard)
      ->group(group);
  app.add_option("--guard-state", options.state,
                 "File in which the guard lives on from start to start, for several processes at "
                 "once too: evidence, "
                 "alarms, raised thresholds. Made where there is none; remove it to begin anew")
      ->option_text("FILE")
      ->check([](const std::string& text) {
        return text.empty() ? "expected a file name, got an empty one" : "";
      })
      ->needs(guard)
      ->group(group);
}

std::uint64_t fresh_seed() {
  std::random_device source;
  return std::uint64_t{source()} << 32 | source();
}

PredictGuard::PredictGuard(const GuardOptions& options, const Model& model,
                           const ExitPolicy& policy, std::uint64_t seed)
    : file_(options.state),
      limit_given_(options.limit.has_value()),
      guard_(model, policy, as_guard_options(options, model, seed)) {}

std::string PredictGuard::note() const {
  const GuardState& state = guard_.shared().state();
  if (state.thresholds == state.given) return "";
  return "note: " + file_ + ": since the alarm at row " + grouped(state.alarm_row) + " " +
         raised_to(state.thresholds);
}

const ExitPolicy& PredictGuard::next_policy() {
  if (guard_.shared().is_stale()) merge();
  return guard_.policy();
}

void PredictGuard::observe(const Answers& answers) {
  guard_.observe(answers);
  if (const auto wait = patience(); wait && wait->count() == 0) merge();
}

void PredictGuard::idle() {
  if (guard_.shared().has_pending()) merge();
}

void PredictGuard::merge() {
  std::string problem;
  try {
    for (const SharedGuard::Alarm& alarm : guard_.merge()) tell(alarm);
  } catch (const Error& error) {
    problem = error.what();
  }
  // The answers go on, and so do the attempts; a problem is told once.
  if (!problem.empty() && problem != problem_) warn(problem);
  problem_ = problem;
}

void PredictGuard::tell(const SharedGuard::Alarm& alarm) const {
  std::string line = "guard: drift at row " + grouped(alarm.row) + ": ";
  if (alarm.own) {
    const bool of_all = alarm.recent.rows == alarm.rate.rows;
    line += grouped(alarm.recent.differing) + " of " + (of_all ? "" : "the last ") +
            grouped(alarm.recent.rows) + " audited rows " + kDiffering + ", ";
    if (!of_all)
      line +=
          of_rows(alarm.recent) + ", of all " + grouped(alarm.rate.rows) + " at these thresholds ";
    line += with_bounds(alarm.rate) + "; " + limit_in_words();
  } else {
    line += "found by another process";
  }
  warn(line + "; " + (guard_.shared().raises() ? raised_to(alarm.thresholds) : "thresholds stay"));
}

bool PredictGuard::finish(bool quiet) {
  idle();
  if (!quiet) summarise();
  return problem_.empty();
}

void PredictGuard::summarise() const {
  const GuardState& state = guard_.shared().state();
  const DriftGuard::Rate rate = state.guard.rate();
  std::string line = "guard: " + grouped(guard_.shared().audited()) + " of " +
                     grouped(guard_.shared().rows()) + " rows audited (seed " +
                     std::to_string(guard_.policy().audit_seed) + ")";
  if (!file_.empty())
    line += ", " + grouped(state.audited) + " of " + grouped(state.rows) + " in all";
  line += "; ";
  if (guard_.shared().raises() && state.alarms > 0)
    line += "since the thresholds were raised at row " + grouped(state.alarm_row) + ", ";
  line += grouped(rate.differing) + " of " + grouped(rate.rows) + " " + kDiffering + ", " +
          with_bounds(rate) + "; " + limit_in_words() + "; ";
  if (state.alarms == 0) {
    line += "no alarm";
  } else {
    line += state.alarms == 1 ? "alarm at row " + grouped(state.alarm_row)
                              : grouped(state.alarms) + " alarms";
  }
  std::cout.flush();
  std::cerr << printable(line) << std::endl;
}

std::string PredictGuard::limit_in_words() const {
  return "limit " + percent(guard_.shared().state().guard.limit()) +
         (limit_given_ ? "" : " (certificate)");
}

}  // namespace sidenet::tools
