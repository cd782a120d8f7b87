#include "bert.h"

#include "add.h"
#include "elementwise.h"
#include "embeddings.h"
#include "layer_norm.h"
#include "linear.h"
#include "module.h"
#include "self_attention.h"
#include "sidenet/error.h"
#include "token_pool.h"

namespace sidenet::models {
namespace {

using kernels::Activation;
using ops::Add, ops::Elementwise, ops::Embeddings, ops::LayerNorm, ops::Linear, ops::LinearWeights,
    ops::SelfAttention, ops::TokenPool;

LinearWeights linear_weights(const Weights& weights, const std::string& name, std::int64_t in,
                             std::int64_t out) {
  return {weights.get(name + ".weight", {out, in}), weights.get(name + ".bias", {out})};
}

NodeId linear(Module module, const std::string& name, NodeId x, std::int64_t in, std::int64_t out) {
  return module.graph.add(
      module.path(name),
      std::make_shared<Linear>(std::vector{linear_weights(module.weights, name, in, out)}), {x});
}

NodeId layer_norm(const BertConfig& config, Module module, const std::string& name, NodeId x) {
  const Weights norm = module.weights.sub(name);
  const std::int64_t hidden = config.hidden_size;
  return module.graph.add(
      module.path(name),
      std::make_shared<LayerNorm>(norm.get("weight", {hidden}), norm.get("bias", {hidden}),
                                  config.layer_norm_eps),
      {x});
}

NodeId activation(const BertConfig& config, Module module, const std::string& name, NodeId x) {
  // "gelu_new" and "gelu_pytorch_tanh" are gelu_tanh.
  const Activation kind =
      kernels::activation_named(config.hidden_act).value_or(Activation::gelu_tanh);
  return module.graph.add(module.path(name), std::make_shared<Elementwise>(kind), {x});
}

// Section 3.1 of arXiv 1706.03762: attention and a feed-forward network, each with a residual and a
// layer norm behind.
NodeId encoder_layer(const BertConfig& config, Module layer, NodeId x) {
  const std::int64_t hidden = config.hidden_size, inner = config.intermediate_size;
  Graph& graph = layer.graph;
  std::vector<LinearWeights> qkv;
  for (const char* name : {"query", "key", "value"})
    qkv.push_back(linear_weights(layer.weights.sub("attention.self"), name, hidden, hidden));
  NodeId y =
      graph.add(layer.path("attention.self.qkv"), std::make_shared<Linear>(std::move(qkv)), {x});
  y = graph.add(layer.path("attention.self"), std::make_shared<SelfAttention>(config.num_heads),
                {y});
  y = linear(layer, "attention.output.dense", y, hidden, hidden);
  y = graph.add(layer.path("attention.output.add"), std::make_shared<Add>(), {y, x});
  const NodeId attended = layer_norm(config, layer, "attention.output.LayerNorm", y);
  y = linear(layer, "intermediate.dense", attended, hidden, inner);
  y = activation(config, layer, "intermediate.act", y);
  y = linear(layer, "output.dense", y, inner, hidden);
  y = graph.add(layer.path("output.add"), std::make_shared<Add>(), {y, attended});
  return layer_norm(config, layer, "output.LayerNorm", y);
}

}  // namespace

Graph build_bert(const BertConfig& config, const Weights& weights) {
  Graph graph;
  const Module net{graph, weights};
  const std::int64_t hidden = config.hidden_size;
  const Weights tables = weights.sub("embeddings");
  NodeId x = graph.add_input("input", {kTokens, 3});
  x = graph.add(
      "embeddings.sum",
      std::make_shared<Embeddings>(
          tables.get("word_embeddings.weight", {config.vocabulary, hidden}),
          tables.get("position_embeddings.weight", {config.max_positions, hidden}),
          config.types > 0 ? tables.get("token_type_embeddings.weight", {config.types, hidden})
                           : Tensor()),
      {x});
  x = layer_norm(config, {graph, tables}, "LayerNorm", x);
  graph.add_alias(x, "embeddings");
  for (int i = 0; i < config.layers; ++i) {
    const std::string name = "encoder.layer." + std::to_string(i);
    x = encoder_layer(config, {graph, weights.sub("encoder.layer").sub(std::to_string(i))}, x);
    graph.add_alias(x, name);
  }
  if (!config.head) return graph;
  x = graph.add(name_of(config.pooling), std::make_shared<TokenPool>(config.pooling), {x});
  if (config.pooler == "pooler.dense") {
    x = linear(net, config.pooler, x, hidden, hidden);
    x = graph.add("pooler.activation", std::make_shared<Elementwise>(Activation::tanh), {x});
  } else if (!config.pooler.empty()) {
    x = linear(net, config.pooler, x, hidden, hidden);
    x = graph.add(config.pooler + ".relu", std::make_shared<Elementwise>(Activation::relu), {x});
  }
  graph.add_exit(kFinalExit, build_head(*config.head, net, {x}));
  return graph;
}

}  // namespace sidenet::models
