#include "tapped_session.h"

#include "exit_graph.h"
#include "exit_head.h"
#include "runner.h"
#include "sidenet/error.h"
#include "threads.h"

namespace sidenet {

struct TappedSession::Impl {
  Model model;
  std::vector<std::string> taps;
  int pool, threads;
  std::vector<int> pools, feature_counts;
  std::unique_ptr<Runner> runner;

  // Exits that only collect: each gives its tap's pooled features.
  Graph graph(const Shape& row_shape) const {
    Graph result = build_mainnet_graph(*model.data(), row_shape);
    for (std::size_t i = 0; i < taps.size(); ++i) {
      const NodeId tap = find_tap(result, taps[i], model.data()->source);
      const std::string name = "tap " + std::to_string(i);
      result.add_exit(name, result.add(name, std::make_shared<nodes::TapFeatures>(pool), {tap}));
    }
    return fuse_nodes(result);
  }
};

TappedSession::TappedSession(const Model& model, const std::vector<std::string>& taps, int pool, int threads)
    : impl_(new Impl{model, taps, pool, resolve_threads(threads), {}, {}, nullptr}) {
  const Graph plain = build_mainnet_graph(*model.data(), model.input_shape());
  for (const std::string& name : taps) {
    const Shape& tap = plain.node(find_tap(plain, name, model.data()->source)).shape;
    impl_->pools.push_back(nodes::effective_pool(tap, pool));
    impl_->feature_counts.push_back(static_cast<int>(tap[0]) * impl_->pools.back() * impl_->pools.back());
  }
}

TappedSession::~TappedSession() = default;
const std::vector<int>& TappedSession::pools() const { return impl_->pools; }
const std::vector<int>& TappedSession::feature_counts() const { return impl_->feature_counts; }

TappedSession::Output TappedSession::run(const Tensor& inputs) {
  const std::int64_t channels = impl_->model.data()->architecture.input_shape[0];
  if (inputs.rank() != 4 || inputs.dim(1) != channels) {
    throw Error("input: expected (rows, " + std::to_string(channels) + ", H, W), got " + to_string(inputs.shape()));
  }
  const Shape row_shape{inputs.dim(1), inputs.dim(2), inputs.dim(3)};
  if (!impl_->runner || impl_->runner->plan().input_shape() != row_shape) {
    impl_->runner = std::make_unique<Runner>(std::make_shared<const Plan>(impl_->graph(row_shape), impl_->threads), 0);
  }
  const auto& exits = impl_->runner->plan().exits();
  RunRules rules;
  rules.exits.assign(exits.size(), ExitRule{true, 2, 1});
  rules.stop = static_cast<int>(exits.size()) - 1;
  rules.collect_all = true;

  const std::int64_t rows = inputs.dim(0);
  Output output;
  output.features.resize(impl_->taps.size());
  RunResults results;
  for (const PlanExit& exit : exits) {
    Tensor values(DType::f32, {rows, exit.width});
    results.all.push_back(values.mutable_data<float>());
    if (exit.name == "final") {
      output.logits = values;
    } else {
      output.features[std::stoul(exit.name.substr(4))] = values;
    }
  }
  if (rows > 0) impl_->runner->run(inputs.data<float>(), static_cast<int>(rows), rules, results);
  return output;
}

}  // namespace sidenet
