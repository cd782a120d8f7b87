#include <algorithm>
#include <cmath>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "command.h"
#include "common_options.h"
#include "json_lines.h"
#include "model_summary.h"
#include "outputs.h"
#include "sidenet/error.h"
#include "sidenet/files.h"
#include "sidenet/machine.h"
#include "sidenet/session.h"
#include "table.h"
#include "text.h"

namespace sidenet::tools {
namespace {

struct Options {
  CommonOptions common;
  std::string model, trace;
  int repeats = 20;
  int tokens = 0;  // 0: 128, or as many as the model takes
  bool json = false;
};

/// Standard normal values, as preprocessed images roughly are.
Tensor random_rows(const Shape& row, std::int64_t rows, std::uint64_t seed) {
  Shape shape = row;
  shape.insert(shape.begin(), rows);
  Tensor tensor(DType::f32, shape);
  std::mt19937_64 engine(seed);
  std::normal_distribution<float> normal;
  float* values = tensor.mutable_data<float>();
  for (std::int64_t i = 0; i < tensor.size(); ++i) values[i] = normal(engine);
  return tensor;
}

/// Words as they come.
TokenRows random_texts(const Model& model, std::int64_t rows, int tokens, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::uniform_int_distribution<std::int32_t> word(0, model.vocabulary_size() - 1);
  TokenRows texts;
  for (std::int64_t row = 0; row < rows; ++row) {
    for (int token = 0; token < tokens; ++token) {
      texts.ids.push_back(word(engine));
      texts.positions.push_back(token);
      texts.types.push_back(0);
    }
    texts.offsets.push_back(texts.tokens());
  }
  return texts;
}

Batch random_batch(const Model& model, const Options& options) {
  const std::int64_t rows = options.common.batch;
  Batch batch;
  if (model.is_text()) {
    const int longest = model.most_tokens();
    if (options.tokens > longest) {
      throw Error(options.model + ": --tokens: expected at most " + std::to_string(longest) +
                  ", got " + std::to_string(options.tokens));
    }
    const int tokens = options.tokens > 0 ? options.tokens : std::min(128, longest);
    batch.tokens = random_texts(model, rows, tokens, options.common.seed);
    return batch;
  }
  if (options.tokens > 0) throw Error(options.model + ": --tokens: is for text models");
  batch.inputs = random_rows(model.input_shape(), rows, options.common.seed);
  return batch;
}

/// Two operations a multiply-add.
double gflops(const NodeTime& node) {
  return node.ms > 0 ? 2e-6 * static_cast<double>(node.multiply_adds) / node.ms : 0;
}

double total_ms(const std::vector<NodeTime>& nodes) {
  double total = 0;
  for (const NodeTime& node : nodes) total += node.ms;
  return total;
}

void print_as_json(const std::vector<NodeTime>& nodes, const Options& options, int threads,
                   double peak) {
  Json list = Json::array();
  for (const NodeTime& node : nodes) {
    const double rate = gflops(node);
    list.push_back({{"name", node.name},
                    {"op", node.op},
                    {"kernel", node.kernel},
                    {"shape", node.shape},
                    {"ms", node.ms},
                    {"gflops", rate},
                    {"peak_share", rate / peak},
                    {"bytes", node.bytes}});
  }
  print_json({{"total_ms", total_ms(nodes)},
              {"batch", options.common.batch},
              {"threads", threads},
              {"precision", options.common.precision},
              {"kernels", name_of(options.common.kernels)},
              {"nodes", list}});
}

/// The Trace Event Format that chrome://tracing and Perfetto open: the medians, one node behind the
/// other.
void write_trace(const std::string& path, const std::vector<NodeTime>& nodes, double peak) {
  Json events = Json::array();
  double start = 0;  // microseconds, as all times of the format
  for (const NodeTime& node : nodes) {
    const double rate = gflops(node), length = 1e3 * node.ms;
    events.push_back({{"name", node.name},
                      {"cat", node.op},
                      {"ph", "X"},
                      {"pid", 1},
                      {"tid", 1},
                      {"ts", start},
                      {"dur", length},
                      {"args",
                       {{"op", node.op},
                        {"kernel", node.kernel},
                        {"shape", node.shape},
                        {"gflops", rate},
                        {"peak_share", rate / peak},
                        {"bytes", node.bytes}}}});
    start += length;
  }
  write_file(path, json_text({{"traceEvents", events}, {"displayTimeUnit", "ms"}}));
}

void print_table(const std::vector<NodeTime>& nodes, const Options& options, int threads,
                 double peak) {
  const double total = total_ms(nodes);
  Table table({{"node"},
               {"operation"},
               {"kernel"},
               {"shape"},
               {"ms", true},
               {"time", true},
               {"GFLOP/s", true},
               {"peak", true},
               {"MB", true},
               {"GB/s", true}});
  for (const NodeTime& node : nodes) {
    const double rate = gflops(node);
    table.add({node.name, node.op, node.kernel, extents(node.shape), fixed(node.ms, 3),
               percent(node.ms / total, 1), rate > 0 ? fixed(rate, 1) : "-",
               rate > 0 ? percent(rate / peak, 0) : "-",
               fixed(1e-6 * static_cast<double>(node.bytes), 2),
               node.ms > 0 ? fixed(1e-6 * static_cast<double>(node.bytes) / node.ms, 1) : "-"});
  }
  table.print(std::cout);
  std::cout << "\ntotal " << fixed(total, 3) << " ms: batch " << options.common.batch << ", "
            << threads << (threads == 1 ? " thread" : " threads") << ", "
            << options.common.precision << ", kernels " << name_of(options.common.kernels)
            << ", medians of " << options.repeats << " runs, every exit computed\npeak "
            << fixed(peak, 0)
            << " GFLOP/s: multiply-adds measured on as many threads\nMB: weights, inputs and "
               "outputs, from caches "
               "or memory\n";
}

int run(const Options& options) {
  options.common.check();
  check_outputs({{"--trace", options.trace}}, Inputs().file("MODEL", options.model));
  const Model model = Model::load(options.model);
  Session session(model, {.execution = options.common.execution()});
  const std::vector<NodeTime> nodes =
      session.profile(random_batch(model, options), options.repeats);
  const double peak = measure_peak_gflops(session.threads());
  if (!options.trace.empty()) write_trace(options.trace, nodes, peak);
  (options.json ? print_as_json : print_table)(nodes, options, session.threads(), peak);
  return 0;
}

}  // namespace

Command add_profile(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("profile",
                                     "Time every node of a model\n\n"
                                     "Runs random rows through every node of MainNet and every "
                                     "exit, and shows the median time of each, its "
                                     "GFLOP/s, the share of the multiply-add rate that this "
                                     "machine reached on as many threads just then, and the bytes "
                                     "that it reads and writes.");
  sub->footer(
      "Example:\n"
      "  sidenet profile model.safetensors --batch 16 --threads 1");
  sub->add_option("MODEL", options->model, "Model file")->required()->option_text("MODEL");
  sub->add_option("--repeats", options->repeats, "Warm runs (default 20)")
      ->option_text("N")
      ->check(CLI::Range(1, 100'000));
  sub->add_option("--tokens", options->tokens, "Length of the texts (default 128, or the longest)")
      ->option_text("N")
      ->check(CLI::Range(1, 1 << 16));
  sub->add_option("--trace", options->trace, "Also write a trace for chrome://tracing or Perfetto")
      ->option_text("FILE");
  sub->add_flag("--json", options->json, "One JSON object on stdout");
  add_common_options(*sub, options->common, {.seed = true});
  return {sub, [options] { return run(*options); }};
}

}  // namespace sidenet::tools
