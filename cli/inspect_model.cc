#include <algorithm>
#include <cstdint>
#include <iostream>

#include "assumptions.h"
#include "certificate_note.h"
#include "certificate_words.h"
#include "inspect.h"
#include "model_summary.h"
#include "table.h"
#include "text.h"

namespace sidenet::tools {
namespace {

Json preprocessing_json(const Preprocessing& preprocessing) {
  const auto list = [](const std::vector<float>& values) {
    Json numbers = Json::array();
    for (const float value : values) numbers.push_back(shortest(value));
    return numbers;
  };
  return {{"channels", preprocessing.channels},
          {"channel_order",
           preprocessing.channels == 1 ? Json() : Json(name_of(preprocessing.channel_order))},
          {"resize", preprocessing.resize},
          {"crop", preprocessing.crop},
          {"interpolation", name_of(preprocessing.interpolation)},
          {"crop_mode", name_of(preprocessing.crop_mode)},
          {"crop_rounding", name_of(preprocessing.crop_rounding)},
          {"exif_orientation", preprocessing.exif_orientation},
          {"mean", list(preprocessing.mean)},
          {"std", list(preprocessing.std)}};
}

Json tokenizer_json(const Tokenizer& tokenizer) {
  const TokenizerOptions& options = tokenizer.options();
  return {{"pieces", tokenizer.vocabulary().size()},
          {"lower_case", options.lower_case},
          {"max_tokens", options.max_tokens},
          {"truncation", name_of(options.truncation)}};
}

/// What turns an image or a text into numbers; null for a text model that takes token ids only.
Json input_json(const Model& model) {
  if (!model.is_text()) return preprocessing_json(model.preprocessing());
  return model.has_tokenizer() ? tokenizer_json(model.tokenizer()) : Json();
}

/// [[confidence, calibrated], …]; null where it is as it is.
Json map_json(const ExitInfo& exit) {
  if (exit.confidence_map.empty()) return nullptr;
  Json knots = Json::array();
  for (const auto& [x, y] : exit.confidence_map) knots.push_back({shortest(x), shortest(y)});
  return knots;
}

Json model_json(const Model& model, const std::string& file, std::int64_t mainnet) {
  Json exits = Json::array(), taps = Json::array(), nodes = Json::array();
  for (const ExitInfo& exit : model.exits()) {
    exits.push_back(
        {{"name", exit.name},
         {"tap", exit.tap},
         {"pool", model.is_text() ? Json(exit.token_pool ? name_of(*exit.token_pool) : "")
                                  : Json(exit.pool)},
         {"hidden", exit.hidden},
         {"temperature", exit.temperature},
         {"confidence_map", map_json(exit)},
         {"threshold", exit.threshold},
         {"compute_share", exit.compute_share}});
  }
  for (const auto& [name, share] : model.taps())
    taps.push_back({{"name", name}, {"compute_share", share}});
  const auto& executed = model.nodes();
  for (const NodeInfo& node : executed) {
    nodes.push_back({{"name", node.name},
                     {"op", node.op},
                     {"shape", node.shape},
                     {"multiply_adds", node.multiply_adds},
                     {"parameters", node.parameters}});
  }
  const std::string file_problem = model.file_problem();
  Json certificate = certificate_json(model.certificate());
  if (!certificate.is_null()) {
    const std::string problem = model.certificate_problem();
    certificate["valid"] = problem.empty();
    certificate["problem"] = problem.empty() ? Json() : Json(problem);
  }
  return {{"file", file},
          {"kind", "model"},
          {"architecture", model.architecture()},
          {"labels", model.labels()},
          {"data_labels", model.data_labels()},
          {model.is_text() ? "tokenizer" : "preprocessing", input_json(model)},
          {"assumptions", assumptions_json(model)},
          {"checked", checked_json(model)},
          {"input_shape", model.input_shape()},
          {"parameters", total_parameters(executed)},
          {"multiply_adds", mainnet},
          {"exits", exits},
          {"certificate", certificate},
          {"file_problem", file_problem.empty() ? Json() : Json(file_problem)},
          {"taps", taps},
          {"nodes", nodes},
          {"tensors", tensors_json(model.tensors())}};
}

double share(std::int64_t part, std::int64_t mainnet) {
  return mainnet > 0 ? static_cast<double>(part) / static_cast<double>(mainnet) : 0;
}

/// All taps, or about `few` that lie evenly over the compute.
void print_taps(const Model& model, bool all) {
  constexpr int few = 8;
  Table table({{"tap"}, {"compute", true}});
  int next = 1, shown = 0;
  const auto& taps = model.taps();
  for (const auto& [name, compute] : taps) {
    if (!all && compute * (few + 1) < next) continue;
    table.add({name, percent(compute, 1)});
    next = std::max(next + 1, static_cast<int>(compute * (few + 1)) + 1);
    ++shown;
  }
  table.print(std::cout);
  const auto hidden = static_cast<int>(taps.size()) - shown;
  if (hidden > 0) std::cout << "and " << hidden << " more: --taps\n";
}

void print_nodes(const Model& model, std::int64_t mainnet) {
  Table table({{"node"}, {"operation"}, {"shape"}, {"multiply-adds", true}, {"compute", true}});
  for (const NodeInfo& node : model.nodes()) {
    const bool counts = node.multiply_adds > 0;
    table.add({node.name, node.op, extents(node.shape),
               counts ? scaled(static_cast<double>(node.multiply_adds)) : "-",
               counts ? percent(share(node.multiply_adds, mainnet), 1) : "-"});
  }
  table.print(std::cout);
}

}  // namespace

void inspect_model(const Model& model, const InspectOptions& options) {
  const std::int64_t mainnet = model.mainnet_multiply_adds();
  if (options.json) {
    print_json(model_json(model, options.file, mainnet));
    return;
  }
  std::cout << printable(options.file) << ": SideNet model\n\n";
  print_summary(std::cout, model);
  std::cout << '\n';
  print_assumptions(std::cout, model);
  std::cout << "\nExits (compute: share of MainNet's that an answer there has cost)\n\n";
  print_exits(std::cout, model);
  print_certificate(std::cout, model);
  if (!model.certificate()) {
    if (const std::string note = file_note(model); !note.empty())
      std::cout << '\n' << printable(note) << '\n';
  }
  std::cout << "\nTaps, where `sidenet train --at` attaches SideNets\n\n";
  print_taps(model, options.taps);
  if (options.nodes) {
    std::cout << (model.is_text() ? "\nNodes, for one row of 128 tokens\n\n"
                                  : "\nNodes, for one row\n\n");
    print_nodes(model, mainnet);
  }
  if (options.tensors) {
    std::cout << '\n';
    print_tensors(std::cout, model.tensors());
  }
}

}  // namespace sidenet::tools
