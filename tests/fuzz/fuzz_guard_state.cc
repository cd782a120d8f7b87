// The state of a drift guard, whatever its checksum: what is read goes on, and is written as it was
// read.
#include <optional>

#include "fuzz_support.h"
#include "guard_state.h"

using namespace sidenet;

namespace {

GuardState own(std::string_view text) {
  const auto holds = [&](std::string_view part) {
    return text.find(part) != std::string_view::npos;
  };
  const std::map<std::string, double> thresholds = {{"layer1", 0.75}, {"layer2", 0.9}};
  return {.model = std::string(32, '0'),
          .action = holds("\"raise\"") ? GuardAction::raise : GuardAction::warn,
          .confidence = Confidence::max_probability,
          .given = thresholds,
          .guard = DriftGuard(holds("\"limit\":0.0,") ? 0 : 0.25, 0.1),
          .thresholds = thresholds};
}

void go_on(GuardState& state) {
  for (int row = 0; row < 20; ++row) {
    state.guard.observe(true, row % 4 != 0);
    if (!state.guard.alarm()) continue;
    state.thresholds = state.guard.raised(state.thresholds);
    state.guard.start_over();
  }
  const DriftGuard::Rate rate = state.guard.rate();
  fuzz::expect(rate.lower >= 0 && rate.lower <= rate.upper && rate.upper <= 1, "bounds of a rate");
  fuzz::expect(state.guard.evidence() >= 0, "evidence");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const GuardState begin = own(text);
  std::optional<GuardState> state;
  fuzz::refusable("input", [&] { state = read_guard_state(text, "input", begin, false); });
  if (!state) return 0;
  const std::string written = guard_state_text(*state);
  fuzz::expect(guard_state_text(read_guard_state(written, "input", begin)) == written,
               "the same state again");
  go_on(*state);
  return 0;
}
