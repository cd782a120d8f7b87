#pragma once

#include <cstdint>
#include <string>

#include "common_options.h"
#include "sidenet/dataset.h"
#include "sidenet/model.h"

namespace sidenet::tools {

/// `import --try DATA`.
struct TrialOptions {
  std::string data;  ///< empty: nothing is tried
  std::int64_t rows = 300;
  DatasetOptions dataset;
};
void add_trial_options(CLI::App& app, TrialOptions& options);

/// The model with the preprocessing that does best on the data; what `import` was told stays. Shows
/// what was tried on stderr. Throws Error where nothing is better than chance.
Model try_on_data(const Model& model, const ImportOptions& import, const TrialOptions& options,
                  const CommonOptions& common);

}  // namespace sidenet::tools
