#pragma once

// Library: libsidenet-study (pkg-config sidenet-study, CMake sidenet::study).

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "sidenet/dataset.h"
#include "sidenet/execution.h"
#include "sidenet/export.h"
#include "sidenet/image.h"
#include "sidenet/model.h"
#include "sidenet/progress.h"

namespace sidenet {

struct TryOptions {
  Execution execution = {};
  std::uint64_t seed = 1;   ///< of the rows
  std::int64_t rows = 300;  ///< at most so many, drawn over all classes in turn; at least 30
  // Which parts are tried; the model's own stays where it is known.
  bool sizes = true;           ///< resize and crop
  bool normalisations = true;  ///< mean and std
  bool channel_orders = true;  ///< RGB and BGR
};

struct TriedPreprocessing {
  Preprocessing preprocessing;
  std::string normalisation;  ///< what mean and std are called: "imagenet", "0.5", "0…255"
  std::int64_t right = 0;     ///< rows that MainNet answers with their class
  double log_loss = 0;        ///< mean of -log p[label], at the temperature that is best for it
};

struct PreprocessingTrial {
  std::vector<TriedPreprocessing> tried;  ///< on all rows, best first
  std::size_t assumed = 0;                ///< which of them is the model's own
  std::size_t chosen = 0;                 ///< which of them was chosen; best where none was
  std::string refusal;                    ///< why none was chosen, a line; else empty
  std::int64_t candidates = 0;            ///< tried in all, most on few rows
  std::int64_t rows = 0;
  std::vector<std::string> notes;  ///< how the data's classes were taken for the model's
};

///     const Model model = Model::import_checkpoint("net.pth");
///     const PreprocessingTrial trial = try_preprocessing(model, *Dataset::open("photos/"));
///     with_preprocessing(model, trial.tried[trial.chosen].preprocessing).save("net.safetensors");
///
/// Runs MainNet on labelled pictures that are preprocessed in the ways that are usual: sizes, mean
/// and std, channel order. Those that are worse on few rows are not tried on all. Chosen is, of
/// those that none clearly beats, the one nearest to the model's own, then by log loss. One clearly
/// beats another where an exact sign test of the rows that one alone has right says so at 0.05; or
/// where that test does not say the contrary, and its log loss is lower by 2.3 standard errors.
/// Nothing is chosen where the best is not better than chance. The rows have then been looked at:
/// calibrate and report on others.
///
/// Throws Error where the model takes texts or has no head, nothing is left to try, or the data
/// does not do: fewer than 30 rows, one class only, classes that do not fit the model's.
SIDENET_API PreprocessingTrial try_preprocessing(const Model& model, const Dataset& data,
                                                 const TryOptions& options = {},
                                                 const ProgressCallback& progress = {});

/// The model with another preprocessing. Its assumptions say of all that no option gave that it was
/// tried. Throws Error where it does not fit the network, or the
/// model has SideNets, which were trained with its own.
SIDENET_API Model with_preprocessing(const Model& model, const Preprocessing& preprocessing);

}  // namespace sidenet
