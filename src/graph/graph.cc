#include "graph.h"

#include <algorithm>

#include "sidenet/error.h"

namespace sidenet {

NodeId Graph::add_input(const std::string& name, Shape shape) {
  return append({name, {}, nullptr, {}, std::move(shape)});
}

namespace {

void check_input_count(const std::string& name, const Operation& operation, std::size_t inputs) {
  const auto [least, most] = operation.input_count();
  if (inputs >= least && inputs <= most) return;
  throw Error("node " + name + ": " + operation.kind() + ": expected " + std::to_string(least) +
              (most > least ? " to " + std::to_string(most) : "") +
              (most == 1 ? " input" : " inputs") + ", got " + std::to_string(inputs));
}

}  // namespace

NodeId Graph::add(const std::string& name, std::shared_ptr<const Operation> operation,
                  std::vector<NodeId> inputs) {
  check_input_count(name, *operation, inputs.size());
  std::vector<Shape> shapes;
  shapes.reserve(inputs.size());
  for (const NodeId input : inputs) shapes.push_back(node(input).shape);
  Shape shape;
  try {
    shape = operation->output_shape(shapes);
  } catch (const Error& error) {
    throw Error("node " + name + ": " + error.what());
  }
  return append({name, {}, std::move(operation), std::move(inputs), std::move(shape)});
}

namespace {

void check_size(const Node& node) {
  Shape entry = node.shape;
  if (is_per_token(entry)) entry.erase(entry.begin());
  bool fits = element_count(entry) <= Graph::kMostElements;
  for (std::size_t axis = 1; entry.size() == 3 && axis < 3; ++axis)
    fits = fits && entry[axis] <= Graph::kMostPixels;
  if (fits) return;
  throw Error(
      "node " + node.name +
      ": expected a value of fewer than 2^31 numbers, and of at most 2^24 pixels a side, got " +
      to_string(node.shape));
}

}  // namespace

NodeId Graph::append(Node node) {
  if (nodes_.size() == kMostNodes)
    throw Error("node " + node.name + ": expected a network of at most " +
                std::to_string(kMostNodes) + " nodes, got more");
  check_size(node);
  const auto id = static_cast<NodeId>(nodes_.size());
  know(node.name, id);
  for (const std::string& alias : node.aliases) know(alias, id);
  nodes_.push_back(std::move(node));
  return id;
}

// Of two nodes of one name the first is found.
void Graph::know(const std::string& name, NodeId node) {
  NodeId& known = by_name_.try_emplace(name, node).first->second;
  known = std::min(known, node);
}

void Graph::add_alias(NodeId node, const std::string& name) {
  nodes_[static_cast<std::size_t>(node)].aliases.push_back(name);
  know(name, node);
}

void Graph::add_exit(const std::string& name, NodeId node) { exits_.push_back({name, node}); }

NodeId Graph::final_exit() const {
  const auto found = std::find_if(exits_.begin(), exits_.end(),
                                  [](const GraphExit& exit) { return exit.name == kFinalExit; });
  return found == exits_.end() ? -1 : found->node;
}

NodeId Graph::find(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? -1 : found->second;
}

std::vector<Shape> Graph::input_shapes(NodeId id) const {
  std::vector<Shape> shapes;
  for (const NodeId input : node(id).inputs) shapes.push_back(node(input).shape);
  return shapes;
}

Cost& Cost::operator+=(const Cost& other) {
  per_row = saturating_add(per_row, other.per_row);
  per_token = saturating_add(per_token, other.per_token);
  per_token_pair = saturating_add(per_token_pair, other.per_token_pair);
  return *this;
}

Cost Graph::cost(NodeId id) const {
  const Operation* operation = node(id).operation.get();
  if (!operation) return {};
  const std::vector<Shape> shapes = input_shapes(id);
  if (std::none_of(shapes.begin(), shapes.end(), is_per_token))
    return {operation->multiply_adds(shapes)};
  // f(t) = a + b t + c t^2 from f(0), f(1) and f(2).
  const auto at = [&](std::int64_t length) {
    std::vector<Shape> row = shapes;
    for (Shape& shape : row) {
      if (is_per_token(shape)) shape[0] = length;
    }
    return operation->multiply_adds(row);
  };
  const std::int64_t f0 = at(0), f1 = at(1), f2 = at(2);
  const std::int64_t c = ((f2 - f1) - (f1 - f0)) / 2;
  return {f0, f1 - f0 - c, c};
}

}  // namespace sidenet
