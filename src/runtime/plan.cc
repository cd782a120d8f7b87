#include "plan.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <new>
#include <optional>
#include <set>
#include <thread>

#include "arena.h"
#include "checked.h"
#include "cpu_caches.h"
#include "machine_memory.h"
#include "sidenet/error.h"
#include "threads.h"

namespace sidenet {
namespace {

constexpr std::size_t kNever = static_cast<std::size_t>(-1);

// Nodes in the order of execution: as they stand, and every exit right behind its tap.
std::vector<NodeId> execution_order(const Graph& graph) {
  std::vector<bool> is_side_exit(graph.nodes().size(), false);
  std::vector<std::vector<NodeId>> exits_of(graph.nodes().size());  // by tap
  for (const auto& exit : graph.exits()) {
    if (exit.name == kFinalExit) continue;
    is_side_exit[static_cast<std::size_t>(exit.node)] = true;
    exits_of[static_cast<std::size_t>(graph.node(exit.node).inputs[0])].push_back(exit.node);
  }
  const NodeId final_node = graph.final_exit();
  if (final_node < 0) throw Error("plan: the graph has no exit named 'final'");
  std::vector<NodeId> order;
  for (NodeId id = 0; id < final_node; ++id) {
    if (is_side_exit[static_cast<std::size_t>(id)]) continue;
    order.push_back(id);
    const std::vector<NodeId>& exits = exits_of[static_cast<std::size_t>(id)];
    order.insert(order.end(), exits.begin(), exits.end());
  }
  for (const auto& exit : graph.exits()) {
    if (exit.name != kFinalExit && graph.node(exit.node).inputs[0] >= final_node) {
      throw Error("exit " + exit.name + ": its tap comes after MainNet's own head");
    }
  }
  order.push_back(final_node);
  return order;
}

// Which buffer each node's value takes; values share one where an operation writes over its input.
class BufferAssignment {
 public:
  BufferAssignment(const Graph& graph, const std::vector<NodeId>& order)
      : graph_(graph), last_use_(graph.nodes().size(), 0) {
    for (std::size_t step = 0; step < order.size(); ++step) {
      last_use_[static_cast<std::size_t>(order[step])] = step;
      for (const NodeId input : graph.node(order[step]).inputs)
        last_use_[static_cast<std::size_t>(input)] = step;
    }
    buffer_.assign(graph.nodes().size(), kNever);
    for (std::size_t step = 0; step < order.size(); ++step) assign(order[step], step);
    offsets_ = place_buffers(buffers_, total_);
  }

  Slot slot(NodeId id) const {
    const Shape& shape = graph_.node(id).shape;
    return {offsets_[buffer_[static_cast<std::size_t>(id)]], entry_elements(shape),
            is_per_token(shape)};
  }
  bool shares(NodeId a, NodeId b) const {
    return buffer_[static_cast<std::size_t>(a)] == buffer_[static_cast<std::size_t>(b)];
  }
  std::size_t last_use(NodeId id) const { return last_use_[static_cast<std::size_t>(id)]; }
  std::size_t total() const { return total_; }

 private:
  void assign(NodeId id, std::size_t step) {
    const Node& node = graph_.node(id);
    const std::size_t size = entry_elements(node.shape);
    std::size_t& buffer = buffer_[static_cast<std::size_t>(id)];
    const auto last = last_use_[static_cast<std::size_t>(id)];
    auto target = node.operation ? node.operation->accumulates_into() : std::nullopt;
    if (node.operation && !target) target = node.operation->may_overwrite();
    if (target) {
      const NodeId input = node.inputs[*target];
      // Only where this step is the input's last reader, and reads it once.
      if (last_use_[static_cast<std::size_t>(input)] == step &&
          std::count(node.inputs.begin(), node.inputs.end(), input) == 1 &&
          entry_elements(graph_.node(input).shape) == size &&
          is_per_token(graph_.node(input).shape) == is_per_token(node.shape)) {
        buffer = buffer_[static_cast<std::size_t>(input)];
        buffers_[buffer].last = std::max(buffers_[buffer].last, last);
        return;
      }
    }
    buffer = buffers_.size();
    buffers_.push_back({step, last, size});
  }

  const Graph& graph_;
  std::vector<std::size_t> last_use_, buffer_, offsets_;
  std::vector<Lifetime> buffers_;
  std::size_t total_ = 0;
};

// Rows that move together: as many as keep a segment's activations inside a core's second-level
// cache beside the weights, at most 16. More buys little (rows share few weights once some have
// left) and lets threads end further apart. Large images go alone.
int choose_micro_batch(std::size_t arena_floats) {
  const std::size_t cache_bytes = cpu_caches().second_level_bytes / 8 * 3;
  return static_cast<int>(
      std::clamp<std::size_t>(cache_bytes / (arena_floats * sizeof(float) + 1), 1, 16));
}

// Tokens that move together: enough for the products to run at speed and to read each layer's
// weights seldom; few enough that a layer's activations stay in the caches, and that threads end
// close together.
constexpr int kMicroBatchTokens = 256;

// Below so many parameters a thread costs more than it saves.
constexpr std::int64_t kParametersForThreads = 1 << 18;

}  // namespace

struct Plan::Part {
  struct Pending {
    std::size_t step;
    std::shared_ptr<const Operation> operation;
    std::vector<Shape> inputs;
  };
  std::vector<Pending> pending;  ///< empty once prepared
  std::size_t first = 0, steps = 0;
  std::int64_t parameters = 0;
  std::once_flag once;
};

Plan::Plan(const Graph& graph, int threads, const PrepareOptions& options,
           std::shared_ptr<WeightCache> weight_cache)
    : threads_(threads), options_(options), weight_cache_(std::move(weight_cache)) {
  const std::vector<NodeId> order = execution_order(graph);
  const BufferAssignment buffers(graph, order);
  arena_floats_ = buffers.total();
  std::set<NodeId> live;  // values that are there, and needed later
  std::vector<std::string> exit_of(graph.nodes().size());
  for (const auto& exit : graph.exits()) exit_of[static_cast<std::size_t>(exit.node)] = exit.name;

  for (std::size_t position = 0; position < order.size(); ++position) {
    const NodeId id = order[position];
    const Node& node = graph.node(id);
    for (const NodeId input : node.inputs) {
      if (buffers.last_use(input) == position) live.erase(input);
    }
    if (buffers.last_use(id) > position) live.insert(id);
    if (!node.operation) {
      input_shape_ = node.shape;
      input_ = buffers.slot(id);
      continue;
    }
    Step step;
    step.name = node.name;
    step.kind = node.operation->kind();
    step.shape = node.shape;
    step.cost = graph.cost(id);
    step.parameters = node.operation->parameters();
    step.output = buffers.slot(id);
    for (const NodeId input : node.inputs) step.inputs.push_back(buffers.slot(input));
    most_inputs_ = std::max(most_inputs_, step.inputs.size());
    if (const auto residual = node.operation->accumulates_into();
        residual && !buffers.shares(id, node.inputs[*residual])) {
      step.copy_from = static_cast<int>(*residual);
    }
    const std::string& exit = exit_of[static_cast<std::size_t>(id)];
    if (!exit.empty()) {
      step.exit = static_cast<int>(exits_.size());
      exits_.push_back({exit, static_cast<int>(step.output.size), steps_.size()});
      for (const NodeId other : live) step.live.push_back(buffers.slot(other));
    }
    if (exit.empty() || exit == kFinalExit) {
      mainnet_cost_ += step.cost;
      if (exit.empty() && !exits_.empty()) exits_.back().parameters_behind += step.parameters;
    }
    step.starts_part = parts_.empty() || step.exit >= 0 || steps_.back().exit >= 0;
    if (step.starts_part) {
      parts_.push_back(std::make_shared<Part>());
      parts_.back()->first = steps_.size();
    }
    step.part = parts_.size() - 1;
    Part& part = *parts_.back();
    part.pending.push_back({steps_.size(), node.operation, graph.input_shapes(id)});
    ++part.steps;
    part.parameters += step.parameters;
    steps_.push_back(std::move(step));
  }
  if (exits_.size() != graph.exits().size())
    throw Error("plan: an exit does not read a value of MainNet");
  executables_.resize(steps_.size());
  micro_batch_ = is_text() ? kMicroBatchTokens : choose_micro_batch(arena_floats_);
}

void Plan::prepare(std::size_t part) const {
  std::call_once(parts_[part]->once, [&] { prepare_now(part); });
}

void Plan::prepare_now(std::size_t index) const {
  Part& part = *parts_[index];
  const auto bytes =
      checked_mul(static_cast<std::uint64_t>(part.parameters), sizeof(float), "weights");
  // Ours in the weight cache are pages of a file, which the system may take back.
  const bool ours = options_.kernels == Kernels::automatic || options_.kernels == Kernels::own;
  if (!weight_cache_ || !ours)
    require_memory(prepared_bytes_ + bytes,
                   "weights up to node " + steps_[part.first + part.steps - 1].name);
  std::optional<WeightCachePart> cached;
  if (weight_cache_) cached.emplace(*weight_cache_);
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto work = [&] {
    const ThreadSetting setting(
        threads_);  // oneDNN splits its work by it when a primitive is built
    for (std::size_t i = next++; i < part.pending.size(); i = next++) {
      const Part::Pending& pending = part.pending[i];
      try {
        const WeightStore::Use use(cached ? &*cached : nullptr);
        executables_[pending.step] = pending.operation->prepare(pending.inputs, options_);
      } catch (const Error& error) {
        const std::lock_guard lock(mutex);
        failure = std::make_exception_ptr(
            Error("node " + steps_[pending.step].name + ": " + error.what()));
      } catch (const std::bad_alloc&) {
        const std::lock_guard lock(mutex);
        failure = std::make_exception_ptr(
            Error("node " + steps_[pending.step].name + ": out of memory for its weights"));
      } catch (...) {
        const std::lock_guard lock(mutex);
        failure = std::current_exception();
      }
    }
  };
  std::vector<std::thread> others;
  const auto wanted = part.parameters < kParametersForThreads
                          ? 1
                          : std::min(part.pending.size(), static_cast<std::size_t>(threads_));
  // One of OpenMP's own threads cannot do it: oneDNN would build for one thread there.
  const bool here = omp_in_parallel() == 0;
  for (std::size_t i = here ? 1 : 0; i < wanted; ++i) others.emplace_back(work);
  if (here) work();
  for (std::thread& other : others) other.join();
  if (failure) std::rethrow_exception(failure);
  if (cached) cached->save();
  prepared_bytes_ += bytes;
  part.pending.clear();
}

std::size_t Plan::scratch_bytes(std::size_t part, const Capacity& capacity) const {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < parts_[part]->steps; ++i) {
    bytes = std::max(bytes, executables_[parts_[part]->first + i]->scratch_bytes(capacity));
  }
  return bytes;
}

}  // namespace sidenet
