#include "graph.h"

#include <algorithm>

#include "sidenet/error.h"

namespace sidenet {

NodeId Graph::add_input(const std::string& name, Shape shape) {
  nodes_.push_back({name, {}, nullptr, {}, std::move(shape)});
  return static_cast<NodeId>(nodes_.size()) - 1;
}

NodeId Graph::add(const std::string& name, std::shared_ptr<const Operation> operation, std::vector<NodeId> inputs) {
  std::vector<Shape> shapes;
  shapes.reserve(inputs.size());
  for (const NodeId input : inputs) shapes.push_back(node(input).shape);
  Shape shape;
  try {
    shape = operation->output_shape(shapes);
  } catch (const Error& error) {
    throw Error("node " + name + ": " + error.what());
  }
  nodes_.push_back({name, {}, std::move(operation), std::move(inputs), std::move(shape)});
  return static_cast<NodeId>(nodes_.size()) - 1;
}

void Graph::add_alias(NodeId node, const std::string& name) {
  nodes_[static_cast<std::size_t>(node)].aliases.push_back(name);
}

void Graph::add_exit(const std::string& name, NodeId node) { exits_.push_back({name, node}); }

NodeId Graph::find(const std::string& name) const {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const auto& aliases = nodes_[i].aliases;
    if (nodes_[i].name == name || std::find(aliases.begin(), aliases.end(), name) != aliases.end())
      return static_cast<NodeId>(i);
  }
  return -1;
}

std::vector<Shape> Graph::input_shapes(NodeId id) const {
  std::vector<Shape> shapes;
  for (const NodeId input : node(id).inputs) shapes.push_back(node(input).shape);
  return shapes;
}

Cost& Cost::operator+=(const Cost& other) {
  per_row += other.per_row;
  per_token += other.per_token;
  per_token_pair += other.per_token_pair;
  return *this;
}

Cost Graph::cost(NodeId id) const {
  const Operation* operation = node(id).operation.get();
  if (!operation) return {};
  const std::vector<Shape> shapes = input_shapes(id);
  if (std::none_of(shapes.begin(), shapes.end(), is_per_token)) return {operation->multiply_adds(shapes)};
  // f(t) = a + b t + c t^2 from f(0), f(1) and f(2).
  const auto at = [&](std::int64_t length) {
    std::vector<Shape> row = shapes;
    for (Shape& shape : row) {
      if (is_per_token(shape)) shape[0] = length;
    }
    return operation->multiply_adds(row);
  };
  const std::int64_t f0 = at(0), f1 = at(1), f2 = at(2);
  const std::int64_t c = (f2 - 2 * f1 + f0) / 2;
  return {f0, f1 - f0 - c, c};
}

}  // namespace sidenet
