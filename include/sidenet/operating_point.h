#pragma once

// Library: libsidenet-study (pkg-config sidenet-study, CMake sidenet::study).

#include <cstdint>
#include <string>
#include <vector>

namespace sidenet {

/// What every exit says of every row, computed once: the material of calibration, sweeps and
/// certificates. Exits stand in graph order and the last is `final`.
struct ExitScores {
  std::vector<std::string> names;              ///< one for each exit
  std::vector<std::vector<float>> confidence;  ///< [exit][row], after calibration, in [0, 1]
  std::vector<std::vector<int>> prediction;    ///< [exit][row], a class
  std::vector<int> labels;                     ///< [row]

  // Costs of a row, as a share of what MainNet alone costs a mean row.
  std::vector<double> segment_compute;  ///< [exit]: MainNet's nodes between the exit before (or the
                                        ///< input) and this tap
  std::vector<double> head_compute;     ///< [exit]: its SideNet; 0 for `final`
  std::vector<double> segment_ms;       ///< [exit]: the same in time; empty where nothing was timed
  std::vector<double> head_ms;          ///< [exit]
  std::vector<float> weight;            ///< [row]: its cost over the mean row's; empty: all 1

  std::size_t exits() const { return names.size(); }
  std::size_t rows() const { return labels.size(); }
};

/// What one choice of thresholds gives on a set of rows.
struct OperatingPoint {
  std::vector<double> thresholds;  ///< one for each exit but `final`; above 1: shut
  double accuracy = 0;
  double agreement = 0;  ///< share of rows answered with the class that MainNet's own head gives
  double compute = 0;  ///< multiply-adds, SideNets included, over MainNet's alone on the same rows
  double ms = 0;       ///< mean of a row; NaN where nothing was timed
  std::vector<std::int64_t> rows;  ///< answered by each exit, `final` last
};

}  // namespace sidenet
