#include "plan_cache.h"

#include <sys/stat.h>

#include "digest.h"
#include "exit_graph.h"
#include "weight_memory.h"

namespace sidenet {
namespace {

// Where and under which name weights are kept: nowhere for a model that no file holds as it is.
KeepOptions keep_options(const ModelData& data, const Shape& input_shape, const PrepareOptions& options,
                         const std::string& folder) {
  struct stat file {};
  if (folder.empty() || data.saved_digest.empty() || ::stat(data.source.c_str(), &file) != 0) return {};
  Digest key;
  key.add(kernels::cpu::weights_fingerprint()).add(data.saved_digest).add(to_string(input_shape));
  key.add(std::uint64_t{options.winograd}).add(static_cast<std::uint64_t>(file.st_size));
  key.add(static_cast<std::uint64_t>(file.st_mtim.tv_sec)).add(static_cast<std::uint64_t>(file.st_mtim.tv_nsec));
  return {folder, key.hex()};
}

}  // namespace

std::shared_ptr<const Plan> PlanCache::get(const ModelData& data, const Shape& input_shape, int threads,
                                           const PrepareOptions& options, const std::string& weight_folder) {
  const std::lock_guard lock(mutex_);
  auto& known = plans_[{input_shape, threads, options.winograd}];
  if (auto plan = known.lock()) return plan;
  auto plan = std::make_shared<const Plan>(build_exit_graph(data, input_shape), threads, options,
                                           keep_options(data, input_shape, options, weight_folder));
  known = plan;
  return plan;
}

}  // namespace sidenet
