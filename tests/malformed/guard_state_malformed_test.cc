#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <cstdint>
#include <nlohmann/json.hpp>

#include "../internal/image_files.h"
#include "guard_state.h"
#include "tried_files.h"

using namespace sidenet;
using files::error_of;
using Json = nlohmann::ordered_json;

namespace {

GuardState own(GuardAction action = GuardAction::warn, double limit = 0.05) {
  const std::map<std::string, double> thresholds = {{"layer1", 0.7}, {"layer2", 0.9}};
  return {.model = "00112233445566778899aabbccddeeff",
          .action = action,
          .confidence = Confidence::max_probability,
          .given = thresholds,
          .guard = DriftGuard(limit, 0.2),
          .thresholds = thresholds};
}

/// Some rows later; with `alarms` it has raised its thresholds once, or warned.
GuardState later(GuardAction action = GuardAction::warn, bool alarms = false) {
  GuardState state = own(action);
  const auto observe = [&](int rows, bool differs) {
    for (int row = 0; row < rows; ++row) state.guard.observe(true, !differs);
    state.audited += rows;
    state.rows += 10 * rows;
  };
  observe(20, false);
  observe(1, true);
  while (alarms && !state.guard.alarm()) observe(1, true);
  if (!alarms) return state;
  state.alarms = 1;
  state.alarm_row = state.rows - 3;
  if (action == GuardAction::warn) return state;
  state.thresholds = state.guard.raised(state.thresholds);
  state.guard.start_over();
  observe(5, false);
  return state;
}

Json good(const GuardState& state = later()) { return Json::parse(guard_state_text(state)); }

std::string error_reading(const std::string& text, const GuardState& reader = own(),
                          bool compared = true) {
  return error_of([&] {
    ++sidenet::testing::tried_files;
    read_guard_state(text, "x.state", reader, compared);
  });
}

/// One line that begins with the file's name, holds `part` and says what to do.
void check_refused(const std::string& text, const std::string& part,
                   const GuardState& reader = own(), bool compared = true) {
  const std::string message = error_reading(text, reader, compared);
  CAPTURE(message);
  CAPTURE(part);
  CHECK(files::is_one_line(message));
  CHECK(message.starts_with("x.state: "));
  CHECK(message.find(part) != std::string::npos);
  CHECK(message.find("begin anew") != std::string::npos);
}

/// Whatever the checksum says: the field alone is refused.
void check_field(const std::string& pointer, const Json& value, const std::string& part,
                 const GuardState& state = later()) {
  Json file = good(state);
  file[Json::json_pointer(pointer)] = value;
  CAPTURE(pointer);
  check_refused(file.dump(), part, own(state.action), false);
}

/// Every value of a document, by pointer.
std::vector<std::string> pointers(const Json& file) {
  std::vector<std::string> found;
  const Json flat = file.flatten();
  for (const auto& [pointer, value] : flat.items()) found.push_back(pointer);
  for (const char* inner : {"/given_thresholds", "/thresholds", "/guard", "/guard/bets",
                            "/guard/bets/0", "/guard/bets/18"})
    found.emplace_back(inner);
  return found;
}

}  // namespace

TEST_CASE("what the bad files are made from is good") {
  for (const GuardAction action : {GuardAction::warn, GuardAction::raise}) {
    for (const bool alarms : {false, true}) {
      const GuardState state = later(action, alarms);
      CHECK(error_reading(guard_state_text(state), own(action)) == "");
      CHECK(error_reading(good(state).dump(3), own(action)) == "");
      CHECK(read_guard_state(guard_state_text(state), "", own(action)).guard.state() ==
            state.guard.state());
    }
  }
}

TEST_CASE("the state of another guard") {
  const std::string advice =
      "; it is the state of another guard: give another file, or remove this one to begin anew";
  const auto check = [&](const GuardState& reader, const std::string& part) {
    check_refused(guard_state_text(later()), "x.state: " + part + advice, reader);
  };
  GuardState other = own();
  other.model[0] = 'f';
  check(
      other,
      R"(model: expected "f0112233445566778899aabbccddeeff", got "00112233445566778899aabbccddeeff")");
  check(own(GuardAction::raise), R"(action: expected "raise", got "warn")");
  check(own(GuardAction::warn, 0.06), "limit: expected 0.06, got 0.05");
  other = own();
  other.guard = DriftGuard(0.05, 0.1);
  check(other, "delta: expected 0.1, got 0.2");
  other = own();
  other.confidence = Confidence::margin;
  check(other, R"(confidence: expected "margin", got "max")");
  other = own();
  other.given["layer1"] = 0.75;
  check(
      other,
      R"(given_thresholds: expected {"layer1":0.75,"layer2":0.9}, got {"layer1":0.7,"layer2":0.9})");
  other.given.erase("layer1");
  check(other, R"(given_thresholds: expected {"layer2":0.9}, got {"layer1":0.7,"layer2":0.9})");
}

TEST_CASE("no state at all") {
  for (const char* text : {" ", "\n", "x", "[]", "7", "null", "\"version\"", "{}",
                           "{\"version\":1}", "\xff", "{\"version\":1,}"})
    check_refused(text, "x.state: ");
  check_refused(std::string("\0", 1), "x.state: ");
  check_refused(std::string(1 << 20, '['), "x.state: ");
  check_refused("{\"version\":1,\"model\":\"" + std::string(1 << 20, 'a') + "\"}", "x.state: ");
}

TEST_CASE("every field: missing, of another type, out of its range") {
  for (const bool alarms : {false, true}) {
    for (const GuardAction action : {GuardAction::warn, GuardAction::raise}) {
      const GuardState state = later(action, alarms);
      for (const std::string& pointer : pointers(good(state))) {
        CAPTURE(pointer);
        const Json::json_pointer place(pointer);
        Json file = good(state);
        if (file[place.parent_pointer()].is_object()) {
          file[place.parent_pointer()].erase(place.back());
          check_refused(file.dump(), "expected", own(action), false);
        }
        for (const Json& wrong : {Json(), Json(true), Json("x"), Json("-inf"), Json(-1), Json(-0.5),
                                  Json(1e300), Json(UINT64_MAX), Json(INT64_MIN), Json::array(),
                                  Json::object(), Json::array({1}), Json{{"a", 1}}}) {
          if (pointer == "/checksum" && wrong.is_string()) continue;
          // A huge sum of starts is evidence for an alarm, if there is one.
          const bool may_be = wrong == Json(1e300) || wrong == Json(UINT64_MAX);
          file = good(state);
          file[place] = wrong;
          CAPTURE(wrong);
          if (!may_be || (pointer.find("evidence") == std::string::npos &&
                          pointer.find("threshold") == std::string::npos))
            check_refused(file.dump(), "expected", own(action), false);
          check_refused(file.dump(), "expected", own(action));  // the checksum's at least
        }
      }
    }
  }
}

TEST_CASE("fields that contradict each other") {
  check_field("/version", 2, "version: expected 1, got 2");
  check_field("/audited", 211, "audited: expected an integer from 0 to 210, got 211");
  check_field("/audited", 20, "guard: expected at most 20 rows (audited)");
  check_field("/rows", 20, "audited: expected an integer from 0 to 20, got 21");
  check_field("/alarms", 1, "alarm_row: expected an integer from 1 to 210, got 0");
  check_field("/alarm_row", 7, "alarm_row: expected an integer from 0 to 0, got 7");
  check_field("/guard/round", 2, "guard: expected round 1");
  check_field("/guard/differing", 22, "drift guard: state: differing: expected 0 to 21, got 22");
  check_field("/guard/alarm_row", 21,
              "drift guard: state: alarm_row: expected 0 with an evidence of ");
  check_field("/guard/bets/3/start", 22,
              "drift guard: state: bets[3].start: expected 1 to 21, got 22");
  check_field("/guard/bets/3/evidence", "inf",
              "drift guard: state: alarm_row: expected 1 or more with an evidence of inf");
  check_field("/thresholds/layer1", 0.8,
              R"(thresholds: expected {"layer1":0.7,"layer2":0.9}, got {"layer1":0.8,)");
  check_field("/thresholds/layer1", 0.6,
              "thresholds.layer1: expected no less than it began with, got 0.6");
  check_field("/thresholds/layer3", 0.8, "thresholds: expected the exits of given_thresholds");
  check_field("/more", 1, "expected the fields version, model,");
  check_field("/guard/more", 1, "guard: expected the fields round, rows,");
  check_field("/guard/bets/0/more", 1, "guard.bets[0]: expected the fields evidence, best,");
  check_field("/guard/bets", Json::array(), "drift guard: state: bets: expected 19, got 0");
  check_field("/alarms", 2, "alarms: expected an integer from 0 to 1, got 2",
              later(GuardAction::warn, true));
  check_field("/guard/round", 1, "guard: expected round 2", later(GuardAction::raise, true));
  check_field("/alarms", 2, "guard: expected round 3", later(GuardAction::raise, true));
  check_field("/checksum", 7, "checksum: expected a string, got 7");
  check_refused(good().dump().insert(1, "\"rows\":1,"), "rows");
}

TEST_CASE("the checksum finds any other number") {
  for (const char* pointer :
       {"/rows", "/audited", "/guard/bets/0/evidence", "/guard/bets/18/best"}) {
    Json file = good();
    Json& value = file[Json::json_pointer(pointer)];
    value = value.is_number_float() ? Json(value.get<double>() * (1 - 1e-15))
                                    : Json(value.get<int>() + 1);
    CHECK(error_reading(file.dump(), own(), false) == "");
    check_refused(file.dump(), "checksum: expected \"");
  }
}

TEST_CASE("cut short at every byte") {
  for (const GuardState& state : {later(), later(GuardAction::raise, true)}) {
    const std::string text = guard_state_text(state);
    for (std::size_t bytes = 1; bytes + 2 <= text.size();
         ++bytes)  // without the line break it is whole
      check_refused(text.substr(0, bytes), "x.state: ", own(state.action));
  }
}

TEST_CASE("every byte changed: refused, or the same state") {
  const std::string text = guard_state_text(later());
  int same = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const char byte : {'0', '9', '"', ' ', '\0', '\xff', static_cast<char>(text[at] ^ 1)}) {
      if (text[at] == byte) continue;
      std::string changed = text;
      changed[at] = byte;
      const std::string message = error_reading(changed);
      if (message.empty()) {
        CHECK(guard_state_text(read_guard_state(changed, "", own())) == text);
        ++same;
        continue;
      }
      CAPTURE(message);
      CHECK(files::is_one_line(message));
      CHECK(message.starts_with("x.state: "));
    }
  }
  CHECK(same < 100);
}
