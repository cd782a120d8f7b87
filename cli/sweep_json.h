#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "json_lines.h"
#include "sidenet/sweep.h"

namespace sidenet::tools {

/// What a sweep was made of, for its report.
struct SweepSource {
  std::string model_file, data_name, command;
  int threads = 1;
  std::int64_t batch = 1;
};

/// The report of `sweep --json` (format 1; docs/thresholds.md), which report.html holds too.
Json sweep_json(const Model& model, const Dataset& data, const Sweep& sweep,
                const SweepSource& source);

/// A header, then a line an operating point: kind (uniform, joint, current), its figures, a
/// threshold and a share an exit.
std::string sweep_csv(const Sweep& sweep);

}  // namespace sidenet::tools
