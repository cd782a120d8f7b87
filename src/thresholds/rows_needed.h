#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "risk_control.h"

namespace sidenet {

/// About how many testing rows certify something in four draws of five or more, if rates are what
/// `seen` shows of them (all rows with labels there are, the fitting ones too: nothing is certified
/// by it). `path`: as certify_path would test it. Counted on a worse outcome than the expected one,
/// by what rates found on so few rows may be off and by what a draw may be. unlabelled: their
/// number stays. Empty where every candidate's risk is too large, or too near epsilon to tell.
std::optional<std::int64_t> testing_rows_needed(const TestingRows& seen,
                                                std::span<const std::vector<double>> path,
                                                const CertifyOptions& options);

}  // namespace sidenet
