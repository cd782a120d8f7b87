#pragma once

#include "graph.h"
#include "model_data.h"

namespace sidenet {

/// As it is executed: first tokens alone where the others are not read (compute_first_tokens), then
/// fused (fuse_nodes).
Graph optimised(Graph graph);
/// MainNet alone, not fused: every module path is there to tap. A head that was fitted here is left
/// out.
Graph build_mainnet_graph(const ModelData& data, const Shape& input_shape);
/// MainNet with the model's exits, optimised. Throws Error where an exit does not fit its tap.
Graph with_exits(Graph mainnet, const ModelData& data);
/// Both: a model's network for rows of `input_shape`.
Graph build_exit_graph(const ModelData& data, const Shape& input_shape);

/// build_exit_graph()'s of a model that is made: the one that it keeps, or built for another shape.
std::shared_ptr<const Graph> executed_graph(const ModelData& data, const Shape& input_shape);
/// build_mainnet_graph()'s of a model that is made, likewise, with a head that was fitted here as
/// its exit "final".
Graph mainnet_with_head(const ModelData& data, const Shape& input_shape);

/// The node of a tap. Throws Error, with a few names that exist, where there is none.
NodeId find_tap(const Graph& graph, const std::string& tap, const std::string& source);
/// One row's input shape that the model's preprocessing gives; (kTokens, 3) for texts.
Shape default_input_shape(const ModelData& data);

/// Of one row, SideNets not counted.
std::int64_t mainnet_multiply_adds(const Graph& graph);
/// For each node of an optimised graph, the share of MainNet's multiply-adds spent once it is
/// computed (exits not counted).
std::vector<double> compute_shares(const Graph& graph);

}  // namespace sidenet
