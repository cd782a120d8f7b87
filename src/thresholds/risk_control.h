#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "operating_point.h"
#include "sidenet/operating_point.h"
#include "sidenet/risk.h"

namespace sidenet {

struct CertifyOptions {
  Risk risk = Risk::drop;
  double epsilon = 0.01;  ///< the risk allowed, in [0, 1)
  /// How often the promise may be broken over draws of the calibration rows, in (0, 0.5].
  double delta = 0.1;
};

/// Rows that test. None of them may have had a part in the scores, in the candidates or in their
/// order.
struct TestingRows {
  const ExitScores& scores;
  std::vector<std::uint32_t> rows;  ///< of scores
  /// Further rows without labels, drawn as the others were; null: none.
  const ExitScores* unlabelled = nullptr;
  /// Where not empty the promise is for each class: the rows of each, all of `rows` together.
  std::vector<std::vector<std::uint32_t>> by_class = {};
};

struct CertifyResult {
  bool certified = false;
  std::vector<double> thresholds;  ///< all shut where nothing was certified
  OperatingPoint point;            ///< of these thresholds on the rows that tested them
  std::int64_t rows = 0;           ///< with labels that tested
  std::int64_t unlabelled = 0;     ///< without
  /// Upper confidence bound at delta on the risk of these thresholds had they alone been tested;
  /// NaN where not certified. Because they were chosen among several, what is promised is epsilon.
  /// By class: of each, and here the largest.
  double bound = 0;
  std::vector<double> class_bounds;
  double p_value = 1;  ///< of these thresholds; where not certified, of the first candidate
  std::string method;
};

/// Thresholds that keep risk <= epsilon with probability 1 - delta or more over the draw of the
/// rows, for any network and any distribution, in finite samples: Learn then Test (Angelopoulos et
/// al., arXiv 2110.01052) with fixed-sequence testing. The candidates stand in an order that the
/// testing rows have no part in; each is tested at delta, from the first until one fails, and the
/// passed one that saves the most compute is taken.
///
/// p-values are exact. disagreement: binomial. exit_error: binomial of an exit's errors given how
/// many rows it answers; all open exits must pass, so the largest is the p-value of the candidate.
/// drop: DropTest. By class: every class must pass, so again the largest, given how many rows each
/// class has: no further price for their number.
///
/// Rows without labels test disagreement like the others. For the drop they tell how often answers
/// change, of which the drop is a part (unlabelled_drop_p_value); where that is below epsilon
/// nothing is left to test. They say nothing of exit_error, or of classes.
///
/// Throws Error where an option is out of range, or rows (of a class) are too few: none, or but for
/// the drop, which exits may turn to a gain, too few to certify anything even without one loss.
CertifyResult certify_path(const TestingRows& testing, std::span<const std::vector<double>> path,
                           const CertifyOptions& options);

struct CommonThresholds {
  std::vector<std::vector<double>> path;
  double expected_p = 0;  ///< of the first candidate, where other rows had to say which that is
};

/// One threshold for all exits: threshold_grid() from the highest, which passes unless exits are
/// often wrong where they are surest. Where `testing` rows are too few for the drop even without a
/// loss (epsilon 0, say), only exits that are better than MainNet can pass: there it begins where
/// other rows (`fitting`, of scores) expect to pass most easily (split fixed sequence).
CommonThresholds common_threshold_path(const ExitScores& scores,
                                       std::span<const std::uint32_t> fitting, std::size_t testing,
                                       const CertifyOptions& options);

/// The fewest testing rows, with labels or without as the risk takes them, that can certify
/// anything: without any loss, (1 - epsilon)^n <= delta.
std::int64_t fewest_testing_rows(const CertifyOptions& options);

}  // namespace sidenet
