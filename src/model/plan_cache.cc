#include "plan_cache.h"

#include "exit_graph.h"

namespace sidenet {

std::shared_ptr<const Plan> PlanCache::get(const ModelData& data, const Shape& input_shape,
                                           int threads, const PrepareOptions& options,
                                           const std::shared_ptr<WeightCache>& weight_cache) {
  const std::lock_guard lock(mutex_);
  auto& known = plans_[{input_shape, threads, options}];
  if (auto plan = known.lock()) return plan;
  const std::shared_ptr<const Graph> graph = executed_graph(data, input_shape);
  auto plan = std::make_shared<const Plan>(*graph, threads, options, weight_cache);
  known = plan;
  return plan;
}

}  // namespace sidenet
