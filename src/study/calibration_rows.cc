#include "calibration_rows.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <utility>

#include "random.h"
#include "row_digests.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

using Rows = std::vector<std::uint32_t>;

constexpr std::int64_t kFewestRows = 40;
constexpr std::int64_t kFewestFitting = 100;
// Temperatures need few rows. A path of exit_error is built from them too, and saves more for it
// (docs/thresholds.md).
constexpr std::int64_t kFittingPart = 10, kPathPart = 2;
constexpr double kNearlyAll = 0.95, kFarFromAll = 0.8;

bool is_known(const Rows& known, std::uint32_t digest) {
  return std::binary_search(known.begin(), known.end(), digest);
}

double share_of(std::size_t part, std::size_t all) {
  return static_cast<double>(part) / static_cast<double>(all);
}

/// Share of the labelled rows that `more` rows of the same traffic would have by chance, were all
/// its rows as frequent as copies among the labelled ones tell: of n rows about n^2 / 2M are copies
/// where there are M different ones.
double share_expected(const CalibrationRows& rows, std::size_t more) {
  const auto n = static_cast<double>(rows.used.size()), copies = static_cast<double>(rows.copies);
  return 1 - std::exp(-static_cast<double>(more) * 2 * copies / (n * n));
}

void expect_unseen(std::int64_t left_out, std::size_t rows, const char* what) {
  if (2 * left_out <= static_cast<std::int64_t>(rows)) return;
  throw Error("calibrate: expected " + std::string(what) + " that training has not seen, got " +
              std::to_string(left_out) + " of " + std::to_string(rows) +
              " that SideNets were trained on");
}

}  // namespace

std::vector<std::uint32_t> training_rows_of(const ModelData& data) {
  const auto tensor = data.weights.find(kTrainingRows);
  return tensor == data.weights.end() ? Rows() : digests_of_tensor(tensor->second);
}

std::int64_t fitting_share(std::int64_t total, const CalibrateOptions& options) {
  if (!options.epsilon) return total / 2;
  const std::int64_t part = total / (options.risk == Risk::exit_error ? kPathPart : kFittingPart);
  return std::min(total / 2, std::max(kFewestFitting, part));
}

std::int64_t total_rows(std::int64_t testing, const CalibrateOptions& options) {
  std::int64_t low = testing,
               high = 2 * testing + kFewestFitting;  // the share never falls as rows are added
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    if (middle - fitting_share(middle, options) >= testing) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

CalibrationRows choose_rows(const MeasuredExits& measured, const Rows& known,
                            const CalibrateOptions& options) {
  CalibrationRows result;
  std::set<std::uint32_t> seen;
  for (std::uint32_t row = 0; row < measured.labels.size(); ++row) {
    if (!options.keep_training_rows && is_known(known, measured.digests[row])) {
      ++result.left_out;
      continue;
    }
    const bool copy = !seen.insert(measured.digests[row]).second;
    result.copies += copy ? 1 : 0;
    if (!copy || !options.distinct) result.used.push_back(row);
  }
  expect_unseen(result.left_out, measured.labels.size(), "rows");
  if (static_cast<std::int64_t>(result.used.size()) < kFewestRows) {
    throw Error("calibrate: expected at least " + std::to_string(kFewestRows) +
                (options.distinct ? " different" : "") + " rows" +
                (result.left_out > 0 ? " that training has not seen" : "") + ", got " +
                std::to_string(result.used.size()));
  }
  Rows order = result.used;
  Random random(options.seed);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  const auto fitting =
      order.begin() + fitting_share(static_cast<std::int64_t>(order.size()), options);
  result.fitting.assign(order.begin(), fitting);
  result.testing.assign(fitting, order.end());
  std::sort(result.fitting.begin(), result.fitting.end());
  std::sort(result.testing.begin(), result.testing.end());
  return result;
}

std::vector<std::uint32_t> choose_unlabelled(const MeasuredExits& unlabelled,
                                             const MeasuredExits& labelled,
                                             const CalibrationRows& rows, const Rows& known,
                                             const CalibrateOptions& options) {
  Rows used;
  std::int64_t left_out = 0;
  std::set<std::uint32_t> of_labelled;
  for (const std::uint32_t row : rows.used) of_labelled.insert(labelled.digests[row]);
  std::set<std::uint32_t> seen = options.distinct ? of_labelled : std::set<std::uint32_t>();
  std::set<std::uint32_t> shared;
  for (std::uint32_t row = 0; row < unlabelled.digests.size(); ++row) {
    const std::uint32_t digest = unlabelled.digests[row];
    if (of_labelled.count(digest) > 0) shared.insert(digest);
    if (is_known(known, digest)) {
      ++left_out;
    } else if (!options.distinct || seen.insert(digest).second) {
      used.push_back(row);
    }
  }
  expect_unseen(left_out, unlabelled.digests.size(), "unlabelled rows");
  // Traffic that repeats itself has rows on both sides, but hardly all of them where it repeats few
  // among the labelled ones.
  if (share_of(shared.size(), of_labelled.size()) > kNearlyAll &&
      share_expected(rows, unlabelled.digests.size()) < kFarFromAll) {
    throw Error("calibrate: unlabelled rows: expected other rows than the labelled ones, got " +
                std::to_string(shared.size()) + " of the " + std::to_string(of_labelled.size()) +
                " labelled ones among them: leave those out");
  }
  if (used.empty()) throw Error("calibrate: unlabelled rows: expected rows that are new, got none");
  return used;
}

}  // namespace sidenet
