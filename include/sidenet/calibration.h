#pragma once

// Library: libsidenet-study (pkg-config sidenet-study, CMake sidenet::study).

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sidenet/confidence_fit.h"
#include "sidenet/dataset.h"
#include "sidenet/execution.h"
#include "sidenet/export.h"
#include "sidenet/model.h"
#include "sidenet/operating_point.h"
#include "sidenet/progress.h"
#include "sidenet/risk.h"

namespace sidenet {

/// What the user can afford for a row, in ms as measured on this machine at `execution.batch` rows.
struct Budget {
  double ms = 0;
  bool p95 = false;  ///< of 95 % of the rows; else of the mean row
};

struct CalibrateOptions {
  Execution execution = {};  ///< times are measured at its batch
  std::uint64_t seed = 1;    ///< of the split
  ConfidenceFit fit = ConfidenceFit::automatic;
  /// Where set, thresholds are chosen so that the risk is at most this, and such promises fail with
  /// probability delta at most over the draw of the rows; or none are chosen.
  std::optional<double> epsilon = {};
  double delta = 0.1;
  Risk risk = Risk::drop;
  /// The promise is for each class (of the labels), and for all at once: every class needs rows
  /// enough of its own. Not with exit_error, or unlabelled.
  bool by_class = false;
  /// Rows without labels, drawn as the labelled ones were: their labels are not looked at. With
  /// epsilon; not exit_error.
  std::shared_ptr<const Dataset> unlabelled = {};
  /// A file that keeps looks: how often these rows were tested, and what of delta is spent. A set
  /// of rows may then grow and be tested again. Look k has delta / (k (k + 1)), or one of
  /// `planned_looks` equal parts. Made where it is missing.
  std::string looks = {};
  int planned_looks = 0;  ///< 0: any number
  /// Where set, the most accurate thresholds that keep to it. Not with epsilon.
  std::optional<Budget> budget = {};
  /// Of rows that are the same to the network one is taken: a promise over different rows, not over
  /// traffic.
  bool distinct = false;
  /// Rows that SideNets were trained on are left out; more than half of them is an Error unless
  /// this is set, which keeps all (and makes what is measured too good). Not with epsilon.
  bool keep_training_rows = false;
};

/// An exit before and after. ECE: 15 bins, over the rows that reach it and no fit has seen, where
/// there are any.
struct CalibratedExit {
  std::string name;
  std::int64_t fitted_rows = 0;  ///< reach it, and were fitted on
  std::int64_t tested_rows = 0;  ///< reach it, and its ECE is told on
  bool held_out = false;         ///< whether those are other rows
  double temperature_before = 1, temperature = 1;
  ConfidenceFit fit = ConfidenceFit::temperature;  ///< what it came to; never automatic
  double ece_before = 0, ece = 0;
  double ece_floor = 0;  ///< mean ECE of as many rows of a perfectly calibrated exit
  double threshold = 2;
};

struct CalibrateResult {
  Model model;  ///< with the new temperatures, maps and thresholds, and the certificate if there is
                ///< one
  std::vector<CalibratedExit> exits{};
  /// Of the model's thresholds, on rows that did not choose them where there are any.
  OperatingPoint point{};
  double mainnet_accuracy = 0;  ///< on the same rows
  double mainnet_ms = 0;
  std::int64_t rows = 0, left_out = 0;  ///< used; left out because SideNets were trained on them
  /// Rows that are the same to the network as one before; left out with `distinct`.
  std::int64_t copies = 0;
  std::int64_t fitting_rows = 0,
               testing_rows = 0;  ///< of `rows`, those that fit and those that `point` is told on
  std::int64_t unlabelled_rows = 0;
  std::optional<Certificate> certificate{};
  /// Where epsilon was asked for and nothing was certified: about how many fresh rows would do in
  /// four cases of five, if that can be told. More than there were.
  std::optional<std::int64_t> rows_needed{};
  int look = 1;                ///< which one this was
  double look_delta = 0;       ///< the part of delta it had
  double row_ms = 0;           ///< budget: predicted, of the mean row or of 95 %
  double measured_row_ms = 0;  ///< budget: measured on the same rows afterwards
  std::vector<std::string> notes{};
  /// Where the data speak against what was assumed of the model: a line each.
  std::vector<std::string> warnings{};
};

///     const auto data = Dataset::open("held_out.tsv");
///     calibrate(model, *data, {.epsilon = 0.01}).model.save("certified.safetensors");
///
/// Fits every exit's confidence to the rows that reach it, and chooses thresholds as the options
/// say; without epsilon and budget the model's own stay. Rows are split by their number, at random
/// by the seed. With epsilon a tenth of them fits (at least 100 rows, at most half; for exit_error
/// half) and the others certify; else half fits, and what is told is told on the other half. Throws
/// Error where options are out of range or the data does not do: too few rows, rows that SideNets
/// were trained on, classes that are missing, a file of looks of another model, promise or data.
SIDENET_API CalibrateResult calibrate(const Model& model, const Dataset& data,
                                      const CalibrateOptions& options,
                                      const ProgressCallback& progress = {});

}  // namespace sidenet
