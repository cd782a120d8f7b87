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

std::int64_t Graph::multiply_adds(NodeId id) const {
  return node(id).operation ? node(id).operation->multiply_adds(input_shapes(id)) : 0;
}

}  // namespace sidenet
