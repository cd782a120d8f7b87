#include "guard_state.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "digest.h"
#include "json_field.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersion = 1;
constexpr std::int64_t kMostRows = std::int64_t{1} << 53;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// JSON has no infinite numbers.
Json number_json(double value) { return std::isinf(value) ? Json("inf") : Json(value); }

double read_number(const JsonField& field, double low) {
  return field.is_string() && field.string() == "inf"
             ? kInfinity
             : field.number(low, std::numeric_limits<double>::max());
}

Json thresholds_json(const std::map<std::string, double>& thresholds) {
  Json fields = Json::object();
  for (const auto& [exit, threshold] : thresholds) fields[exit] = number_json(threshold);
  return fields;
}

Json guard_json(const DriftGuard::State& state) {
  Json bets = Json::array();
  for (const auto& bet : state.bets) {
    bets.push_back({{"evidence", number_json(bet.evidence)},
                    {"best", number_json(bet.best)},
                    {"start", bet.start},
                    {"differing", bet.differing}});
  }
  return {{"round", state.round},
          {"rows", state.rows},
          {"differing", state.differing},
          {"alarm_row", state.alarm_row},
          {"bets", bets}};
}

Json state_json(const GuardState& state) {
  return {{"version", kVersion},
          {"model", state.model},
          {"limit", state.guard.limit()},
          {"delta", state.guard.delta()},
          {"action", name_of(state.action)},
          {"confidence", name_of(state.confidence)},
          {"given_thresholds", thresholds_json(state.given)},
          {"thresholds", thresholds_json(state.thresholds)},
          {"rows", state.rows},
          {"audited", state.audited},
          {"alarms", state.alarms},
          {"alarm_row", state.alarm_row},
          {"guard", guard_json(state.guard.state())}};
}

std::string checksum(const GuardState& state) {
  return Digest().add(state_json(state).dump()).hex();
}

void check_owner(const JsonField& field, const GuardState& own) {
  field.at("model").expect(own.model);
  field.at("limit").expect(own.guard.limit());
  field.at("delta").expect(own.guard.delta());
  field.at("action").expect(name_of(own.action));
  field.at("confidence").expect(name_of(own.confidence));
  field.at("given_thresholds").expect(thresholds_json(own.given));
}

std::map<std::string, double> read_thresholds(const JsonField& field, const GuardState& own) {
  std::map<std::string, double> thresholds;
  for (const auto& [exit, threshold] : field.members()) {
    if (own.given.count(exit) == 0) field.refuse("the exits of given_thresholds");
    thresholds[exit] = read_number(threshold, 0);
    if (thresholds[exit] < own.given.at(exit) && thresholds[exit] <= 1)
      threshold.refuse("no less than it began with");
  }
  if (thresholds.size() != own.given.size()) field.refuse("the exits of given_thresholds");
  return thresholds;
}

DriftGuard read_guard(const JsonField& field, const GuardState& own) {
  field.expect_keys({"round", "rows", "differing", "alarm_row", "bets"});
  DriftGuard::State state = {.limit = own.guard.limit(),
                             .delta = own.guard.delta(),
                             .round = field.at("round").integer(1, 1'000'000),
                             .rows = field.at("rows").large_integer(0, kMostRows),
                             .differing = field.at("differing").large_integer(0, kMostRows),
                             .alarm_row = field.at("alarm_row").large_integer(0, kMostRows),
                             .bets = {}};
  for (const JsonField& bet : field.at("bets").items()) {
    bet.expect_keys({"evidence", "best", "start", "differing"});
    state.bets.push_back({.evidence = read_number(bet.at("evidence"), 0),
                          .best = read_number(bet.at("best"), 0),
                          .start = bet.at("start").large_integer(1, kMostRows),
                          .differing = bet.at("differing").large_integer(0, kMostRows)});
  }
  return DriftGuard(state);
}

/// What the fields must be together, in words for `guard`.
std::string contradiction(const GuardState& state) {
  const DriftGuard::State guard = state.guard.state();
  if (guard.rows > state.audited)
    return "at most " + std::to_string(state.audited) + " rows (audited)";
  const bool raises = state.action == GuardAction::raise;
  // One that raises begins a round at once; one that warns stays in the first.
  if (raises && guard.alarm_row > 0) return "no alarm_row (action: raise)";
  if (!raises && (guard.alarm_row > 0) != (state.alarms > 0))
    return "an alarm_row with an alarm alone (action: warn)";
  const std::int64_t round = raises ? state.alarms + 1 : 1;
  return guard.round == round ? "" : "round " + std::to_string(round);
}

GuardState read_fields(const JsonField& field, const GuardState& own, bool compared) {
  GuardState state = own;
  state.thresholds = read_thresholds(field.at("thresholds"), own);
  state.rows = field.at("rows").large_integer(0, kMostRows);
  state.audited = field.at("audited").large_integer(0, state.rows);
  state.alarms = field.at("alarms").large_integer(0, own.action == GuardAction::warn ? 1 : 999'999);
  state.alarm_row = field.at("alarm_row")
                        .large_integer(state.alarms > 0 ? 1 : 0, state.alarms > 0 ? state.rows : 0);
  state.guard = read_guard(field.at("guard"), own);
  if (const std::string expected = contradiction(state); !expected.empty())
    field.at("guard").refuse(expected);
  if ((state.alarms == 0 || own.action == GuardAction::warn) && state.thresholds != own.given)
    field.at("thresholds").expect(thresholds_json(own.given));
  field.at("checksum").string();
  if (compared) field.at("checksum").expect(checksum(state));
  return state;
}

}  // namespace

std::string guard_state_text(const GuardState& state) {
  Json fields = state_json(state);
  fields["checksum"] = checksum(state);
  return fields.dump() + "\n";
}

GuardState read_guard_state(std::string_view text, const std::string& file, const GuardState& own,
                            bool compared) {
  const char* advice = "; remove the file to begin anew";
  try {
    const JsonField field = JsonField::parse(text, {file, ""});
    field.at("version").expect(kVersion);
    field.expect_keys({"version", "model", "limit", "delta", "action", "confidence",
                       "given_thresholds", "thresholds", "rows", "audited", "alarms", "alarm_row",
                       "guard", "checksum"});
    advice =
        "; it is the state of another guard: give another file, or remove this one to begin anew";
    check_owner(field, own);
    advice = "; the state is damaged: remove the file to begin anew";
    return read_fields(field, own, compared);
  } catch (const Error& error) {
    const std::string message = error.what();
    throw Error((message.starts_with(file) ? "" : file + ": ") + message + advice);
  }
}

}  // namespace sidenet
