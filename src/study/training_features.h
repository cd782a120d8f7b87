#pragma once

#include <memory>
#include <string>
#include <vector>

#include "feature_cache.h"
#include "sidenet/training.h"
#include "tapped_session.h"

namespace sidenet {

/// The data as training sees it.
struct LabelledData {
  std::vector<std::shared_ptr<const Dataset>> parts;
  std::vector<int> labels;  ///< the model's class of each row of all parts
  std::vector<std::uint64_t>
      groups;  ///< rows of one group are the same image or text: it was given twice
  std::vector<std::string> notes;        ///< of map_labels
  std::vector<std::string> class_names;  ///< the model's labels; without a head the data's own
  std::vector<std::string> data_labels;  ///< Model::data_labels() of what is trained
};

/// Checks the labels against the model's. Throws Error where they do not fit, or there are no rows.
LabelledData label_data(const Model& model,
                        const std::vector<std::shared_ptr<const Dataset>>& parts);

/// Names everything that MainNet's features depend on but the rows' bytes: its weights as they are
/// in memory, preprocessing or tokenizer, taps, pool and mirroring, this build and this machine;
/// and what the rows are called. Labels are no part of it: they are not cached.
std::string features_key(const Model& model, const LabelledData& data, const TrainOptions& options);
/// The same with a secret. What it gets must outlive it.
FeatureCache::Proof features_proof(const Model& model, const LabelledData& data,
                                   const TrainOptions& options);

/// Columns of the cache: one a tap (options.taps), the logits where there is a head, one number of
/// 32 bits (row_digests()), and the 64 bits of Dataset::digest().
std::vector<std::string> feature_columns(const Model& model, const TrainOptions& options);

/// Copies of each row in the cache: with options.flip, cache row 2 r is data row r and 2 r + 1 its
/// mirror image.
inline std::int64_t copies_of_row(const TrainOptions& options) { return options.flip ? 2 : 1; }

/// Runs MainNet over the rows that the cache lacks, and over all from the first one on whose bytes
/// are not those that the cache was made from: every byte is read and compared by its digest.
void compute_features(TappedSession& mainnet, const Model& model, const LabelledData& data,
                      const TrainOptions& options, FeatureCache& cache,
                      const ProgressCallback& progress);

}  // namespace sidenet
