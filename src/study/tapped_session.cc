#include "tapped_session.h"

#include "exit_graph.h"
#include "exit_head.h"
#include "input_checks.h"
#include "runner.h"
#include "sidenet/error.h"
#include "threads.h"

namespace sidenet {

namespace {

// A headless encoder ends at its last layer; what it computes there is nobody's logits.
constexpr const char* kNoHead = "no head";

}  // namespace

struct TappedSession::Impl {
  Model model;
  std::vector<std::string> taps;
  ops::ExitPooling pooling;
  int threads;
  std::vector<int> pools, feature_counts;
  std::unique_ptr<Runner> runner;

  // Exits that only collect: each gives its tap's pooled features.
  Graph graph(const Shape& row_shape) const {
    Graph result = mainnet_with_head(data_of(model), row_shape);
    for (std::size_t i = 0; i < taps.size(); ++i) {
      const NodeId tap = find_tap(result, taps[i], data_of(model).source);
      const std::string name = "tap " + std::to_string(i);
      result.add_exit(name, result.add(name, std::make_shared<ops::TapFeatures>(pooling), {tap}));
    }
    if (!model.has_head()) {
      const NodeId last = find_tap(result, model.taps().back().first, data_of(model).source);
      result.add_exit(kFinalExit,
                      result.add(kNoHead, std::make_shared<ops::TapFeatures>(pooling), {last}));
    }
    return optimised(std::move(result));
  }

  Runner& runner_for(const Shape& row_shape) {
    if (!runner || runner->plan().input_shape() != row_shape)
      runner = std::make_unique<Runner>(std::make_shared<const Plan>(graph(row_shape), threads), 0);
    return *runner;
  }
};

TappedSession::TappedSession(const Model& model, const std::vector<std::string>& taps,
                             const ops::ExitPooling& pooling, int threads)
    : impl_(new Impl{model, taps, pooling, resolve_threads(threads), {}, {}, nullptr}) {
  const Graph& plain = *data_of(model).mainnet;
  const ops::TapFeatures pool(pooling);
  for (const std::string& name : taps) {
    const Shape& tap = plain.node(find_tap(plain, name, data_of(model).source)).shape;
    impl_->pools.push_back(ops::effective_pool(tap, pooling.grid));
    impl_->feature_counts.push_back(static_cast<int>(pool.output_shape({&tap, 1})[0]));
  }
}

TappedSession::~TappedSession() = default;
const std::vector<int>& TappedSession::pools() const { return impl_->pools; }
const std::vector<int>& TappedSession::feature_counts() const { return impl_->feature_counts; }

TappedSession::Output TappedSession::run(const Batch& batch) {
  const ModelData& data = data_of(impl_->model);
  const ModelInputs given = check_inputs(data, batch);
  RunInputs inputs;
  inputs.rows = static_cast<int>(given.rows);
  inputs.texts = given.texts;
  if (given.images) inputs.images = given.images->data<float>();
  Runner& runner = impl_->runner_for(given.row_shape);
  const auto& exits = runner.plan().exits();
  RunRules rules;
  rules.exits.assign(exits.size(), ExitRule{true, 2, 1});
  rules.stop = static_cast<int>(exits.size()) - 1;
  rules.collect_all = true;

  Output output;
  output.features.resize(impl_->taps.size());
  RunResults results;
  Tensor sink;
  for (const PlanExit& exit : exits) {
    Tensor values(DType::f32, {inputs.rows, exit.width});
    results.all.push_back(values.mutable_data<float>());
    if (exit.name != kFinalExit) {
      output.features[std::stoul(exit.name.substr(4))] = values;
    } else {
      (impl_->model.has_head() ? output.logits : sink) = values;
    }
  }
  if (inputs.rows > 0) runner.run({inputs, rules, results});
  return output;
}

}  // namespace sidenet
