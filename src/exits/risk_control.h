#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "operating_point.h"
#include "sidenet/calibration.h"

namespace sidenet {

struct CertifyOptions {
  Risk risk = Risk::drop;
  double epsilon = 0.01;   ///< the risk allowed, in [0, 1)
  double delta = 0.1;      ///< how often the promise may be broken over draws of the calibration rows, in (0, 0.5]
  std::uint64_t seed = 0;  ///< of the split that exit_error needs
};

struct CertifyResult {
  bool certified = false;
  std::vector<double> thresholds;  ///< all shut where nothing was certified
  OperatingPoint point;            ///< of these thresholds on the rows that tested them
  std::int64_t rows = 0;           ///< that tested
  /// Upper confidence bound at delta on the risk of these thresholds had they alone been tested; NaN where not certified.
  /// Because they were chosen among several, what is promised is epsilon.
  double bound = 0;
  double p_value = 1;  ///< of these thresholds; where not certified, of the first candidate
  std::string method;
  /// Where not certified: about how many rows would do, if the rates of the best candidate stay what they are. Empty where
  /// every candidate's risk is too large.
  std::optional<std::int64_t> rows_needed;
};

/// Thresholds that keep risk <= epsilon with probability 1 - delta or more over the draw of the rows, for any network and
/// any distribution, in finite samples: Learn then Test (Angelopoulos et al., arXiv 2110.01052) with fixed-sequence
/// testing. The candidates stand in an order that the testing rows have no part in; each is tested at delta, from the first
/// until one fails, and the passed one that saves the most compute is taken.
///
/// drop and disagreement: the candidates are threshold_grid(), one threshold for all exits, highest first; all rows test.
/// exit_error: see exit_error_path; a share of the rows (by seed) builds the path, the others test it, an open exit must
/// pass each. p-values are exact: binomial of disagreements, binomial of an exit's errors given how many rows it answers
/// (all open exits must pass, so the largest is the p-value of the candidate), and paired_p_value for the drop (with fewer
/// than 5 / epsilon rows, where that has little power, the binomial of the rows that MainNet alone has right).
///
/// The rows must be independent of everything that made the scores: a temperature fitted on them breaks the promise.
/// Throws Error where an option is out of range, or the rows are too few to certify anything even without one loss.
CertifyResult certify(const ExitScores& scores, std::span<const std::uint32_t> rows, const CertifyOptions& options);
CertifyResult certify(const ExitScores& scores, const CertifyOptions& options);

/// The fixed sequence alone: tests `path` on `rows`, first candidate first. The path must not depend on these rows.
CertifyResult certify_path(const ExitScores& scores, std::span<const std::vector<double>> path,
                           std::span<const std::uint32_t> rows, const CertifyOptions& options);

/// Candidates for exit_error from `rows`, easiest to certify on `testing` other rows first: for each of a row of levels,
/// every exit in turn gets the lowest threshold of the grid at which its p-value on so many rows is expected at the level
/// or below, and is shut where there is none: an exit that few rows reach could never pass.
std::vector<std::vector<double>> exit_error_path(const ExitScores& scores, std::span<const std::uint32_t> rows,
                                                 std::size_t testing, double epsilon);

}  // namespace sidenet
