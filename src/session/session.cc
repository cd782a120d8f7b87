#include "sidenet/session.h"

#include <algorithm>
#include <cmath>
#include <list>
#include <span>

#include "available_kernels.h"
#include "checked.h"
#include "class_probabilities.h"
#include "exit_rules.h"
#include "failed_rows.h"
#include "input_checks.h"
#include "model_data.h"
#include "named_errors.h"
#include "plan_cache.h"
#include "random.h"
#include "runner.h"
#include "sidenet/error.h"
#include "threads.h"

namespace sidenet {
namespace {

constexpr std::size_t kShapesKept = 4;  // a Session fed images of many sizes must not hoard plans

int row_count(std::int64_t rows) {
  if (rows > kMostRowsAtOnce) {
    throw Error("input: expected at most " + std::to_string(kMostRowsAtOnce) +
                " rows at once, got " + std::to_string(rows));
  }
  return static_cast<int>(rows);
}

}  // namespace

struct Session::Impl {
  Model model;
  int threads, micro_batch;
  bool mark_failed_rows;
  PrepareOptions prepare_options;
  std::shared_ptr<WeightCache> weight_cache;
  ExitNames exits;
  const std::vector<std::string>& names;
  std::list<Runner> runners;  // most recently used first
  std::uint64_t rows_seen = 0;

  Impl(const Model& m, const SessionOptions& options)
      : model(m),
        threads(resolve_threads(options.execution.threads)),
        micro_batch(options.micro_batch),
        mark_failed_rows(options.mark_failed_rows),
        prepare_options{options.execution.winograd, options.execution.kernels},
        exits(data_of(model)),
        names(exits.names()) {
    kernels::require_available(options.execution.kernels);
    if (micro_batch < 0 || micro_batch > 4096)
      throw Error("micro_batch: expected 0 (chosen) to 4096, got " + std::to_string(micro_batch));
    if (!model.has_head()) {
      throw Error(
          data_of(model).source + ": this " + model.architecture() +
          " has no head yet: fit one first (`sidenet train MODEL --data DATA --head -o MODEL`)");
    }
    if (!options.weight_cache.empty())
      weight_cache =
          std::make_shared<WeightCache>(options.weight_cache, options.weight_cache_limit);
  }

  template <typename Call>
  auto telling(Call call) const {
    return telling_memory(data_of(model).source, call);
  }

  Runner& runner(const Shape& row_shape) {
    const auto found = std::find_if(runners.begin(), runners.end(), [&](const Runner& r) {
      return r.plan().input_shape() == row_shape;
    });
    if (found != runners.end()) {
      runners.splice(runners.begin(), runners, found);
    } else {
      runners.emplace_front(data_of(model).plans->get(data_of(model), row_shape, threads,
                                                      prepare_options, weight_cache),
                            micro_batch);
      if (runners.size() > kShapesKept) runners.pop_back();
    }
    return runners.front();
  }

  // The rows, and the runner for their shape. Throws Error where they do not fit the model.
  template <typename Inputs>
  std::pair<RunInputs, Runner*> prepare(const Inputs& inputs) {
    const ModelInputs given = check_inputs(data_of(model), inputs);
    const float* images = given.images ? given.images->data<float>() : nullptr;
    return {{row_count(given.rows), images, given.texts}, &runner(given.row_shape)};
  }

  template <typename Inputs>
  Answers run(const Inputs& inputs, const ExitPolicy& policy) {
    const auto [run_inputs, runner] = prepare(inputs);
    RunRules run_rules = rules(policy);
    choose_audited(policy, run_inputs.rows, run_rules);
    const std::int64_t rows = run_inputs.rows, classes = data_of(model).classes();
    Answers answers;
    answers.measured_by = policy.confidence;
    answers.logits = Tensor(DType::f32, {rows, classes});
    if (rows == 0) return answers;
    RunResults results;
    results.exit.resize(static_cast<std::size_t>(rows));
    results.confidence.resize(static_cast<std::size_t>(rows));
    results.logits = answers.logits.mutable_data<float>();
    runner->run({run_inputs, run_rules, results});
    answers.exit = std::move(results.exit);
    answers.confidence = std::move(results.confidence);
    for (std::int64_t row = 0; row < rows; ++row) {
      const float* logits = results.logits + row * classes;
      answers.index.push_back(
          static_cast<int>(std::max_element(logits, logits + classes) - logits));
      if (std::isnan(answers.confidence[static_cast<std::size_t>(row)])) mark_failed(answers, row);
    }
    answers.audit = std::move(results.audit);
    answers.multiply_adds = results.multiply_adds;
    answers.mainnet_multiply_adds = multiply_adds(runner->plan().mainnet_cost(), run_inputs);
    return answers;
  }

  void mark_failed(Answers& answers, std::int64_t row) const {
    const auto at = static_cast<std::size_t>(row);
    if (!mark_failed_rows)
      throw Error("row " + std::to_string(row) + ": " +
                  why_no_answer(names[static_cast<std::size_t>(answers.exit[at])]));
    answers.index[at] = -1;
    answers.confidence[at] = 0;
    answers.failed.push_back(row);
  }

  static std::int64_t multiply_adds(const Cost& cost, const RunInputs& inputs) {
    std::int64_t tokens = 0, pairs = 0;
    for (int row = 0; inputs.texts && row < inputs.rows; ++row) {
      const std::int64_t length = inputs.texts->length(row);
      tokens += length;
      pairs += length * length;
    }
    return cost.of(inputs.rows, tokens, pairs);
  }

  template <typename Inputs>
  AllExits run_all_exits(const Inputs& inputs) {
    const auto [run_inputs, runner] = prepare(inputs);
    AllExits result;
    RunResults results;
    collect_into(result.logits, run_inputs.rows, results);
    ExitSeconds seconds{std::vector<double>(names.size()), std::vector<double>(names.size())};
    results.seconds = &seconds;
    if (run_inputs.rows > 0) runner->run({run_inputs, all_open(), results});
    for (const double value : seconds.segment) result.segment_ms.push_back(1e3 * value);
    for (const double value : seconds.head) result.head_ms.push_back(1e3 * value);
    result.segment_multiply_adds.resize(names.size());
    result.head_multiply_adds.resize(names.size());
    std::size_t exit = 0;
    for (const Step& step : runner->plan().steps()) {
      const bool is_head = step.exit >= 0 && exit + 1 < names.size();
      std::int64_t& sum =
          (is_head ? result.head_multiply_adds : result.segment_multiply_adds)[exit];
      sum = saturating_add(sum, multiply_adds(step.cost, run_inputs));
      exit += is_head ? 1 : 0;
    }
    return result;
  }

  // A row is audited by its number in this Session and the seed alone.
  void choose_audited(const ExitPolicy& policy, int rows, RunRules& run_rules) {
    if (!(policy.audit_share >= 0 && policy.audit_share <= 1))
      throw Error("audit_share: expected 0 to 1, got " + std::to_string(policy.audit_share));
    if (policy.audit_share > 0) {
      for (int row = 0; row < rows; ++row) {
        const double draw =
            Random(policy.audit_seed, rows_seen + static_cast<std::uint64_t>(row)).uniform();
        run_rules.audited.push_back(draw < policy.audit_share ? 1 : 0);
      }
    }
    rows_seen += static_cast<std::uint64_t>(rows);
  }

  static std::int64_t bytes_moved(const Plan& plan, std::size_t index, const RunInputs& inputs) {
    const Step& step = plan.steps()[index];
    std::size_t floats = 0;
    const auto add = [&](const Slot& slot) {
      floats += slot.size *
                static_cast<std::size_t>(slot.per_token ? inputs.texts->tokens() : inputs.rows);
    };
    for (const Slot& slot : step.inputs) add(slot);
    add(step.output);
    return static_cast<std::int64_t>(plan.executable(index).weight_bytes() +
                                     sizeof(float) * floats);
  }

  std::vector<double> probabilities(const Answers& answers, std::size_t row) const {
    const auto classes = static_cast<std::size_t>(data_of(model).classes());
    const std::span<const float> logits(answers.logits.data<float>() + row * classes, classes);
    const auto exit = static_cast<std::size_t>(answers.exit.at(row));
    const ModelData& data = data_of(model);
    const bool is_final = exit == data.exits.size();
    std::vector<double> result = class_probabilities(
        logits, is_final ? data.temperature_of_final() : data.exits.at(exit).temperature);
    const ConfidenceMap& map = is_final ? data.map_of_final() : data.exits[exit].map;
    if (!map.identity() && answers.measured_by == Confidence::max_probability)
      give_answer(static_cast<std::size_t>(answers.index.at(row)), answers.confidence.at(row),
                  result);
    return result;
  }

  std::vector<NodeTime> profile(const Batch& inputs, int repeats) {
    const auto [run_inputs, runner] = prepare(inputs);
    if (run_inputs.rows < 1 || repeats < 1)
      throw Error("profile: expected at least one row and one repeat");
    const auto& steps = runner->plan().steps();
    std::vector<std::vector<double>> seconds(steps.size());
    std::vector<Tensor> sink;
    RunResults results;
    collect_into(sink, run_inputs.rows, results);
    for (int repeat = -1; repeat < repeats; ++repeat) {
      std::vector<double> once(steps.size(), 0.0);
      results.step_seconds = &once;
      runner->run({run_inputs, all_open(), results});
      if (repeat < 0) continue;
      for (std::size_t i = 0; i < steps.size(); ++i) seconds[i].push_back(once[i]);
    }
    std::vector<NodeTime> result;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      auto& times = seconds[i];
      std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2),
                       times.end());
      result.push_back({steps[i].name, steps[i].kind, runner->plan().executable(i).kernel(),
                        steps[i].shape, times[times.size() / 2] * 1e3,
                        multiply_adds(steps[i].cost, run_inputs),
                        bytes_moved(runner->plan(), i, run_inputs)});
    }
    return result;
  }

  void collect_into(std::vector<Tensor>& logits, int rows, RunResults& results) const {
    for (std::size_t i = 0; i < names.size(); ++i) {
      logits.emplace_back(DType::f32, Shape{rows, data_of(model).classes()});
      results.all.push_back(logits.back().mutable_data<float>());
    }
  }

  RunRules rules(const ExitPolicy& policy) const {
    RunRules result;
    result.confidence = policy.confidence;
    result.stop = static_cast<int>(names.size()) - 1;
    for (const ExitSpec& exit : data_of(model).exits)
      result.exits.push_back({false, exit.threshold, exit.temperature, &exit.map});
    result.exits.push_back(
        {true, 0, data_of(model).temperature_of_final(), &data_of(model).map_of_final()});
    exits.check(policy);
    if (policy.always_exit) {
      result.stop = static_cast<int>(exits.index(*policy.always_exit, "exit"));
      for (auto& exit : result.exits) exit.open = false;
      result.exits[static_cast<std::size_t>(result.stop)].open = true;
      return result;
    }
    for (std::size_t i = 0; i + 1 < names.size(); ++i) {
      ExitRule& exit = result.exits[i];
      exit.threshold = threshold_of(policy, names[i], exit.threshold);
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

Session::Session(const Model& model, const SessionOptions& options)
    : impl_(std::make_unique<Impl>(model, options)) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

const std::vector<std::string>& Session::exit_names() const { return impl_->names; }
int Session::threads() const { return impl_->threads; }

std::string Session::why_failed(const Answers& answers, std::int64_t row) const {
  return why_no_answer(
      impl_->names.at(static_cast<std::size_t>(answers.exit.at(static_cast<std::size_t>(row)))));
}

std::int64_t Session::mainnet_multiply_adds(const Shape& row_shape) {
  if (!impl_->model.is_text()) return impl_->runner(row_shape).plan().mainnet_cost().of(1, 0, 0);
  const std::int64_t tokens = row_shape.size() == 1 ? row_shape[0] : -1;
  if (tokens < 1)
    throw Error("row shape of a text: expected (tokens), got " + to_string(row_shape));
  return impl_->runner({kTokens, 3})
      .plan()
      .mainnet_cost()
      .of(1, tokens, saturating_mul(tokens, tokens));
}

Answers Session::run(const Tensor& inputs, const ExitPolicy& policy) {
  return impl_->telling([&] { return impl_->run(inputs, policy); });
}
Answers Session::run(const TokenRows& inputs, const ExitPolicy& policy) {
  return impl_->telling([&] { return impl_->run(inputs, policy); });
}
AllExits Session::run_all_exits(const Tensor& inputs) {
  return impl_->telling([&] { return impl_->run_all_exits(inputs); });
}
AllExits Session::run_all_exits(const TokenRows& inputs) {
  return impl_->telling([&] { return impl_->run_all_exits(inputs); });
}
Answers Session::run(const Batch& batch, const ExitPolicy& policy) {
  return impl_->telling([&] { return impl_->run(batch, policy); });
}
AllExits Session::run_all_exits(const Batch& batch) {
  return impl_->telling([&] { return impl_->run_all_exits(batch); });
}
void Session::prepare(const Batch& batch) {
  impl_->telling([&] { impl_->prepare(batch); });
}
std::vector<NodeTime> Session::profile(const Batch& batch, int repeats) {
  return impl_->telling([&] { return impl_->profile(batch, repeats); });
}

std::vector<double> Session::probabilities(const Answers& answers, std::int64_t row) const {
  return impl_->probabilities(answers, static_cast<std::size_t>(row));
}

}  // namespace sidenet
