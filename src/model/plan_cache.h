#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>

#include "model_data.h"
#include "plan.h"

namespace sidenet {

/// Plans of one model by input shape and threads, shared by its Sessions for as long as one of them
/// uses it. The lock is taken when a Session meets a new shape, never while it runs.
class PlanCache {
 public:
  std::shared_ptr<const Plan> get(const ModelData& data, const Shape& input_shape, int threads,
                                  const PrepareOptions& options,
                                  const std::shared_ptr<WeightCache>& weight_cache);

 private:
  std::mutex mutex_;
  std::map<std::tuple<Shape, int, PrepareOptions>, std::weak_ptr<const Plan>> plans_;
};

}  // namespace sidenet
