#include "sidenet/session.h"

#include <algorithm>
#include <cmath>
#include <list>

#include "model_data.h"
#include "plan_cache.h"
#include "runner.h"
#include "sidenet/error.h"
#include "threads.h"

namespace sidenet {
namespace {

constexpr std::size_t kShapesKept = 4;  // a Session fed images of many sizes must not hoard plans

void check_threshold(double threshold, const std::string& exit) {
  if (std::isnan(threshold) || threshold < 0) {
    throw Error("threshold of " + exit + ": expected 0 or more (above 1 shuts the exit), got " + std::to_string(threshold));
  }
}

}  // namespace

struct Session::Impl {
  Model model;
  int threads, micro_batch;
  std::vector<std::string> names;
  std::list<Runner> runners;  // most recently used first

  Impl(const Model& m, const SessionOptions& options)
      : model(m), threads(resolve_threads(options.threads)), micro_batch(options.micro_batch) {
    if (micro_batch < 0 || micro_batch > 4096)
      throw Error("micro_batch: expected 0 (chosen) to 4096, got " + std::to_string(micro_batch));
    for (const ExitSpec& exit : model.data()->exits) names.push_back(exit.name);
    names.emplace_back("final");
  }

  Runner& runner(const Shape& row_shape) {
    const auto found =
        std::find_if(runners.begin(), runners.end(), [&](const Runner& r) { return r.plan().input_shape() == row_shape; });
    if (found != runners.end()) {
      runners.splice(runners.begin(), runners, found);
    } else {
      runners.emplace_front(model.data()->plans->get(*model.data(), row_shape, threads), micro_batch);
      if (runners.size() > kShapesKept) runners.pop_back();
    }
    return runners.front();
  }

  Shape row_shape(const Tensor& inputs) const {
    const std::int64_t channels = model.data()->architecture.input_shape[0];
    if (inputs.rank() != 4 || inputs.dim(1) != channels || inputs.dim(2) < 1 || inputs.dim(3) < 1) {
      throw Error("input: expected (rows, " + std::to_string(channels) + ", H, W), got " + to_string(inputs.shape()));
    }
    if (inputs.dtype() != DType::f32) throw Error(std::string("input: expected f32, got ") + dtype_name(inputs.dtype()));
    return {inputs.dim(1), inputs.dim(2), inputs.dim(3)};
  }

  std::size_t exit_index(const std::string& name) const {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
    std::string known;
    for (const auto& n : names) known += (known.empty() ? "" : ", ") + n;
    throw Error("no exit '" + name + "'; this model has " + known);
  }

  RunRules rules(const ExitPolicy& policy) const {
    RunRules result;
    result.confidence = policy.confidence;
    result.stop = static_cast<int>(names.size()) - 1;
    for (const ExitSpec& exit : model.data()->exits) result.exits.push_back({false, exit.threshold, exit.temperature});
    result.exits.push_back({true, 0, 1});
    for (const auto& [name, threshold] : policy.thresholds) {
      if (exit_index(name) + 1 == names.size()) throw Error("threshold of final: MainNet's own head always answers");
      check_threshold(threshold, name);
    }
    if (policy.threshold) check_threshold(*policy.threshold, "all exits");
    if (policy.always_exit) {
      result.stop = static_cast<int>(exit_index(*policy.always_exit));
      for (auto& exit : result.exits) exit.open = false;
      result.exits[static_cast<std::size_t>(result.stop)].open = true;
      return result;
    }
    for (std::size_t i = 0; i + 1 < names.size(); ++i) {
      ExitRule& exit = result.exits[i];
      if (policy.threshold) exit.threshold = *policy.threshold;
      if (const auto own = policy.thresholds.find(names[i]); own != policy.thresholds.end()) exit.threshold = own->second;
      exit.open = exit.threshold <= 1;
    }
    return result;
  }

  // Plans hold exits in the order of their taps, as the model does.
  RunRules all_open() const {
    RunRules result = rules(ExitPolicy::uniform(1));
    result.collect_all = true;
    return result;
  }
};

Session::Session(const Model& model, const SessionOptions& options) : impl_(std::make_unique<Impl>(model, options)) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

const std::vector<std::string>& Session::exit_names() const { return impl_->names; }
int Session::threads() const { return impl_->threads; }

std::int64_t Session::mainnet_multiply_adds(const Shape& row_shape) {
  return impl_->runner(row_shape).plan().mainnet_multiply_adds();
}

Answers Session::run(const Tensor& inputs, const ExitPolicy& policy) {
  const Shape shape = impl_->row_shape(inputs);
  const RunRules rules = impl_->rules(policy);
  const std::int64_t rows = inputs.dim(0), classes = impl_->model.data()->classes();
  if (rows > (1 << 24)) throw Error("input: expected at most 16777216 rows at once, got " + std::to_string(rows));
  Answers answers;
  answers.logits = Tensor(DType::f32, {rows, classes});
  if (rows == 0) return answers;
  RunResults results;
  results.exit.resize(static_cast<std::size_t>(rows));
  results.confidence.resize(static_cast<std::size_t>(rows));
  results.logits = answers.logits.mutable_data<float>();
  impl_->runner(shape).run(inputs.data<float>(), static_cast<int>(rows), rules, results);
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* logits = results.logits + row * classes;
    answers.index.push_back(static_cast<int>(std::max_element(logits, logits + classes) - logits));
  }
  answers.exit = std::move(results.exit);
  answers.confidence = std::move(results.confidence);
  answers.multiply_adds = results.multiply_adds;
  return answers;
}

AllExits Session::run_all_exits(const Tensor& inputs) {
  const Shape shape = impl_->row_shape(inputs);
  const std::int64_t rows = inputs.dim(0), classes = impl_->model.data()->classes();
  AllExits result;
  RunResults results;
  for (std::size_t i = 0; i < impl_->names.size(); ++i) {
    result.logits.emplace_back(DType::f32, Shape{rows, classes});
    results.all.push_back(result.logits.back().mutable_data<float>());
  }
  if (rows > 0) impl_->runner(shape).run(inputs.data<float>(), static_cast<int>(rows), impl_->all_open(), results);
  return result;
}

std::vector<NodeTime> Session::profile(const Tensor& inputs, int repeats) {
  const Shape shape = impl_->row_shape(inputs);
  if (inputs.dim(0) < 1 || repeats < 1) throw Error("profile: expected at least one row and one repeat");
  Runner& runner = impl_->runner(shape);
  const auto& steps = runner.plan().steps();
  std::vector<std::vector<double>> seconds(steps.size());
  std::vector<Tensor> sink;
  RunResults results;
  for (std::size_t i = 0; i < impl_->names.size(); ++i) {
    sink.emplace_back(DType::f32, Shape{inputs.dim(0), impl_->model.data()->classes()});
    results.all.push_back(sink.back().mutable_data<float>());
  }
  for (int repeat = -1; repeat < repeats; ++repeat) {
    std::vector<double> once(steps.size(), 0.0);
    runner.run_timed(inputs.data<float>(), static_cast<int>(inputs.dim(0)), impl_->all_open(), results, once);
    if (repeat < 0) continue;
    for (std::size_t i = 0; i < steps.size(); ++i) seconds[i].push_back(once[i]);
  }
  std::vector<NodeTime> result;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    auto& times = seconds[i];
    std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
    result.push_back({steps[i].name, steps[i].kind, steps[i].shape, times[times.size() / 2] * 1e3,
                      steps[i].multiply_adds * inputs.dim(0)});
  }
  return result;
}

}  // namespace sidenet
