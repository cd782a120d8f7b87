#pragma once

#include <string>
#include <vector>

#include "picture_sizes.h"
#include "sidenet/preprocessing_trial.h"

namespace sidenet {

/// A way to preprocess pictures, and what sets it apart.
struct Candidate {
  Preprocessing preprocessing;
  std::string normalisation;  ///< see TriedPreprocessing
  bool other_size = false, other_normalisation = false, other_order = false;  ///< than assumed
  /// How far it is from what was assumed.
  int changes() const { return other_size + other_normalisation + other_order; }
};

/// What was assumed, first, and the usual others: every size with every normalisation in every
/// channel order. assumed_side: of MainNet's usual input, pixels.
std::vector<Candidate> preprocessing_candidates(const Preprocessing& assumed, int assumed_side,
                                                const PictureSizes& pictures,
                                                const TryOptions& options);

}  // namespace sidenet
