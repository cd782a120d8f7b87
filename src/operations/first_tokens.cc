#include "first_tokens.h"

#include <algorithm>
#include <utility>

#include "exit_head.h"
#include "linear.h"
#include "self_attention.h"
#include "token_pool.h"

namespace sidenet::ops {
namespace {

// What is read of a value with an entry a token. `attended`: of queries, keys and values side by
// side, the queries of first tokens, and all keys and values.
enum class Demand { nothing, first, attended, all };

template <typename Kind>
const Kind* as(const Node& node) {
  return dynamic_cast<const Kind*>(node.operation.get());
}

bool reads_first_alone(const Node& node) {
  if (const auto* pool = as<TokenPool>(node)) return pool->pooling() == TokenPooling::cls;
  if (const auto* exit = as<ExitHead>(node)) return exit->pooling().tokens == TokenPooling::cls;
  if (const auto* features = as<TapFeatures>(node))
    return features->pooling().tokens == TokenPooling::cls;
  return false;
}

// The operation over first tokens alone; null where a token's value depends on other tokens.
std::shared_ptr<const Operation> over_first_tokens(const Node& node) {
  if (const auto* linear = as<Linear>(node))
    return std::make_shared<Linear>(linear->over_first_tokens());
  return node.operation->is_by_entry() ? node.operation : nullptr;
}

class FirstTokens {
 public:
  explicit FirstTokens(const Graph& graph)
      : graph_(graph),
        demand_(graph.nodes().size(), Demand::nothing),
        whole_(graph.nodes().size(), -1),
        first_(whole_) {
    for (const GraphExit& exit : graph.exits()) at(demand_, exit.node) = Demand::all;
    for (const NodeId kept : graph.kept()) at(demand_, kept) = Demand::all;
    for (auto id = static_cast<NodeId>(graph.nodes().size()) - 1; id >= 0; --id) ask_inputs(id);
  }

  Graph rebuilt() {
    for (NodeId id = 0; id < static_cast<NodeId>(graph_.nodes().size()); ++id) rebuild(id);
    for (const GraphExit& exit : graph_.exits()) result_.add_exit(exit.name, at(whole_, exit.node));
    for (const NodeId kept : graph_.kept()) result_.keep(at(whole_, kept));
    return std::move(result_);
  }

 private:
  template <typename T>
  static T& at(std::vector<T>& values, NodeId id) {
    return values[static_cast<std::size_t>(id)];
  }

  void ask(NodeId id, Demand demand) {
    Demand& known = at(demand_, id);
    known = known == Demand::nothing || known == demand ? demand : Demand::all;
  }

  void ask_inputs(NodeId id) {
    const Node& node = graph_.node(id);
    Demand& demand = at(demand_, id);
    if (!is_per_token(node.shape) || demand == Demand::nothing) demand = Demand::all;
    Demand wanted = Demand::all;
    if (reads_first_alone(node) || (demand == Demand::first && over_first_tokens(node))) {
      wanted = Demand::first;
    } else if (demand == Demand::first && as<SelfAttention>(node)) {
      const auto* products = as<Linear>(graph_.node(node.inputs[0]));
      if (products && products->parts() == 3) wanted = Demand::attended;
    }
    for (const NodeId input : node.inputs)
      ask(input, is_per_token(graph_.node(input).shape) ? wanted : Demand::all);
  }

  // The node, over other inputs, with all its names.
  NodeId add(const Node& node, std::shared_ptr<const Operation> operation,
             std::vector<NodeId> inputs) {
    const NodeId id = result_.add(node.name, std::move(operation), std::move(inputs));
    for (const std::string& alias : node.aliases) result_.add_alias(id, alias);
    return id;
  }

  // The first tokens of a value, which are picked out of it where it is whole.
  NodeId first(NodeId id) {
    NodeId& known = at(first_, id);
    if (known < 0) {
      known = result_.add(graph_.node(id).name + ".cls",
                          std::make_shared<TokenPool>(TokenPooling::cls), {at(whole_, id)});
    }
    return known;
  }

  std::vector<NodeId> inputs(const Node& node, bool of_first) {
    std::vector<NodeId> result;
    for (const NodeId input : node.inputs)
      result.push_back(of_first ? first(input) : at(whole_, input));
    return result;
  }

  void rebuild(NodeId id) {
    const Node& node = graph_.node(id);
    if (!node.operation) {
      at(whole_, id) = result_.add_input(node.name, node.shape);
      for (const std::string& alias : node.aliases) result_.add_alias(at(whole_, id), alias);
    } else if (reads_first_alone(node) && at(whole_, node.inputs[0]) < 0) {
      rebuild_reader(id);
    } else if (at(demand_, id) == Demand::first) {
      rebuild_first(id);
    } else if (at(demand_, id) == Demand::attended) {
      rebuild_products(id);
    } else {
      at(whole_, id) = add(node, node.operation, inputs(node, false));
    }
  }

  void rebuild_reader(NodeId id) {
    const Node& node = graph_.node(id);
    if (!as<TokenPool>(node)) {
      at(whole_, id) = add(node, node.operation, inputs(node, true));
      return;
    }
    const NodeId pooled = first(node.inputs[0]);  // already what the pool would give
    result_.add_alias(pooled, node.name);
    for (const std::string& alias : node.aliases) result_.add_alias(pooled, alias);
    at(whole_, id) = pooled;
  }

  void rebuild_first(NodeId id) {
    const Node& node = graph_.node(id);
    if (const auto* attention = as<SelfAttention>(node);
        attention && at(demand_, node.inputs[0]) == Demand::attended) {
      at(first_, id) = add(node, std::make_shared<FirstTokenAttention>(attention->heads()),
                           {at(first_, node.inputs[0]), at(whole_, node.inputs[0])});
    } else if (auto operation = over_first_tokens(node)) {
      at(first_, id) = add(node, std::move(operation), inputs(node, true));
    } else {
      at(whole_, id) = add(node, node.operation, inputs(node, false));
    }
  }

  // Of products that are `attended`, queries are first_, keys and values whole_.
  void rebuild_products(NodeId id) {
    const Node& node = graph_.node(id);
    const auto* products = as<Linear>(node);
    at(whole_, id) = add(node, std::make_shared<Linear>(products->part(1, 2)), inputs(node, false));
    at(first_, id) = result_.add(node.name + ".cls",
                                 std::make_shared<Linear>(products->part(0, 1).over_first_tokens()),
                                 inputs(node, true));
  }

  const Graph& graph_;
  Graph result_;
  std::vector<Demand> demand_;
  std::vector<NodeId> whole_, first_;  // of each node; -1 where there is none
};

}  // namespace

Graph compute_first_tokens(Graph graph) {
  const auto per_token = [](const Node& node) { return is_per_token(node.shape); };
  if (std::none_of(graph.nodes().begin(), graph.nodes().end(), per_token)) return graph;
  return FirstTokens(graph).rebuilt();
}

}  // namespace sidenet::ops
