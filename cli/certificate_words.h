#pragma once

#include <ostream>
#include <string>

#include "json_lines.h"
#include "sidenet/model.h"

namespace sidenet::tools {

/// "accuracy lost against MainNet", ….
std::string risk_in_words(Risk risk);
/// "2.00 points" of accuracy, "2.00 %" of answers.
std::string amount_in_words(Risk risk, double amount);
/// "accuracy lost against MainNet is at most 2.00 points in every class, on rows drawn as these
/// were".
std::string promise_in_words(const Certificate& certificate);
/// "at most once in 10 calibrations".
std::string failing_in_words(double delta);
/// The promise, how often such ones fail, and what it stands on: lines of a person's report, each
/// with `indent` in front.
void print_promise(std::ostream& out, const Certificate& certificate, const std::string& start);

/// All of its fields; null where there is none.
Json certificate_json(const std::optional<Certificate>& certificate);

}  // namespace sidenet::tools
