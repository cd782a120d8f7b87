#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "bert.h"
#include "family.h"
#include "foreign_names.h"
#include "sidenet/error.h"

namespace sidenet::models {
namespace {

// DistilBERT's modules inside a layer, and BERT's for the same.
const std::pair<const char*, const char*> kDistilModules[] = {
    {"attention.q_lin.", "attention.self.query."},
    {"attention.k_lin.", "attention.self.key."},
    {"attention.v_lin.", "attention.self.value."},
    {"attention.out_lin.", "attention.output.dense."},
    {"sa_layer_norm.", "attention.output.LayerNorm."},
    {"ffn.lin1.", "intermediate.dense."},
    {"ffn.lin2.", "output.dense."},
    {"output_layer_norm.", "output.LayerNorm."}};

std::string with_bert_modules(const std::string& name) {
  const std::string layers = "transformer.layer.";
  if (!name.starts_with(layers)) return name;
  const auto dot = name.find('.', layers.size());
  if (dot == std::string::npos) return name;
  const std::string scope = "encoder.layer." + name.substr(layers.size(), dot + 1 - layers.size()),
                    rest = name.substr(dot + 1);
  for (const auto& [from, to] : kDistilModules) {
    if (rest.starts_with(from)) return scope + to + rest.substr(std::string(from).size());
  }
  return scope + rest;
}

// TensorFlow's names for a layer norm's parameters.
std::string with_weight_and_bias(const std::string& name) {
  for (const auto& [old_name, new_name] :
       {std::pair{".gamma", ".weight"}, std::pair{".beta", ".bias"}}) {
    if (name.ends_with(old_name))
      return name.substr(0, name.size() - std::string(old_name).size()) + new_name;
  }
  return name;
}

// Where the encoder stands: within a wrapper ("model.", or nothing) in a module of its own
// ("bert.", or none).
struct Prefixes {
  std::string wrapper, encoder;
};

Prefixes prefixes_of(const std::string& path) {
  for (const std::string module : {"bert.", "distilbert.", "encoder."}) {
    if (path == module || path.ends_with("." + module))
      return {path.substr(0, path.size() - module.size()), module};
  }
  return {path, ""};
}

}  // namespace

bool clean_bert_names(std::map<std::string, Tensor>& tensors, const std::string& file) {
  const auto network = find_network(tensors, kBertAnchor, file);
  if (!network) return false;
  const std::string& path = network->prefix;
  const auto [wrapper, encoder] = prefixes_of(path);
  refuse_foreign_module(path + kBertAnchor, path, file);
  refuse_foreign_names(tensors, file);
  std::map<std::string, Tensor> clean;
  for (const auto& [name, tensor] : tensors) {
    if (network->is_in_twin(name)) continue;
    std::string rest = name;
    if (name.starts_with(wrapper)) {
      rest = name.substr(wrapper.size());
      if (rest.starts_with(encoder)) rest = rest.substr(encoder.size());
    } else {
      rest = name_beside(path, name);
    }
    rest = with_weight_and_bias(with_bert_modules(rest));
    if (rest == "embeddings.position_ids") continue;  // 0, 1, …
    const auto [there, is_new] = clean.emplace(rest, tensor);
    if (!is_new &&
        (there->second.raw() != tensor.raw() || there->second.shape() != tensor.shape())) {
      throw Error(file + ": tensor '" + name + "' and another both stand for '" + rest + "'");
    }
  }
  tensors = std::move(clean);
  return true;
}

}  // namespace sidenet::models
