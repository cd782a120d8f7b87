#include "common_options.h"

#include <charconv>
#include <cmath>
#include <functional>
#include <utility>

#include "sidenet/error.h"

namespace sidenet::tools {
namespace {

/// For an option whose text `take` reads: what it throws is wrong usage.
std::function<void(const std::string&)> usage(const std::string& name,
                                              std::function<void(const std::string&)> take) {
  return [name, take = std::move(take)](const std::string& text) {
    try {
      take(text);
    } catch (const Error& error) {
      throw CLI::ValidationError(name, error.what());
    }
  };
}

}  // namespace

std::vector<std::string> split_commas(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; !text.empty();) {
    const auto comma = text.find(',', begin);
    parts.push_back(text.substr(begin, comma - begin));
    if (comma == std::string::npos) break;
    begin = comma + 1;
  }
  return parts;
}

std::optional<double> parse_number(const std::string& text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end || std::isnan(value)) return std::nullopt;
  return value;
}

void CommonOptions::check() const {
  if (precision != "f32")
    throw Error("--precision " + precision + ": not available; this build computes in f32");
}

void add_common_options(CLI::App& app, CommonOptions& options, const CommonUse& use) {
  const std::string shown = "Common options", hidden;
  app.add_option("--threads", options.threads, "Threads; 0: all cores (default)")
      ->option_text("N")
      ->check(CLI::Range(0, 1024))
      ->group(use.threads ? shown : hidden);
  app.add_option("--precision", options.precision, "f32, bf16 or int8; this build computes in f32")
      ->option_text("TYPE")
      ->check(CLI::IsMember({"f32", "bf16", "int8"}))
      ->group(use.threads ? shown : hidden);
  app.add_flag("--no-winograd", options.no_winograd,
               "Convolutions by the direct sum alone: slower, less rounding")
      ->group(use.threads && use.kernels ? shown : hidden);
  add_enum_option<Kernels>(
      app, "--kernels", options.kernels,
      "auto (default), own, onednn, eigen or reference: what computes the layers")
      ->option_text("NAME")
      ->group(use.threads && use.kernels ? shown : hidden);
  app.add_option(
         "--weight-cache", options.weight_cache,
         "Folder of your own that keeps reordered weights, so that the next start is faster")
      ->option_text("DIR")
      ->group(use.weight_cache ? shown : hidden);
  app.add_option("--weight-cache-limit", options.weight_cache_limit,
                 "What it may hold; the least recently used go first (default " +
                     std::to_string(options.weight_cache_limit) + ")")
      ->option_text("MIB")
      ->check(CLI::Range(0, 1 << 24))
      ->group(use.weight_cache ? shown : hidden);
  app.add_option("--batch", options.batch,
                 "Rows computed together (default " + std::to_string(options.batch) + ")")
      ->option_text("N")
      ->check(CLI::Range(1, 65536))
      ->group(use.batch ? shown : hidden);
  app.add_option("--seed", options.seed, "Seed of all randomness (default 1)")
      ->option_text("N")
      ->group(use.seed ? shown : hidden);
  app.add_flag("--quiet", options.quiet, "No progress and no summary on stderr")->group(shown);
}

void add_policy_options(CLI::App& app, PolicyOptions& options) {
  const std::string group = "Which exit answers (default: the model's own thresholds)";
  ExitPolicy& policy = options.policy;
  const auto one = [&policy](const std::string& text) { policy.threshold = parse_threshold(text); };
  const auto by_exit = [&policy](const std::string& text) {
    policy.thresholds = parse_thresholds(text);
  };
  auto* threshold = app.add_option_function<std::string>(
                           "--threshold", usage("--threshold", one),
                           "An exit answers where it is at least this sure; above 1: never")
                        ->type_name("FLOAT")
                        ->option_text("T")
                        ->group(group);
  auto* thresholds =
      app.add_option_function<std::string>("--thresholds", usage("--thresholds", by_exit),
                                           "The same by exit; wins over --threshold")
          ->option_text("NAME=T,...")
          ->group(group);
  auto* exit = app.add_option("--exit", options.exit, "Always answer at this exit")
                   ->option_text("NAME")
                   ->group(group);
  auto* final_only =
      app.add_flag("--final-only", options.final_only, "MainNet's own answer; exits cost nothing")
          ->group(group);
  exit->excludes(threshold, thresholds, final_only);
  final_only->excludes(threshold, thresholds);
  add_enum_option<Confidence>(
      app, "--confidence", policy.confidence,
      "How sure is measured: max (highest probability, default), margin (over the "
      "second) or entropy")
      ->option_text("KIND")
      ->group(group);
}

ExitPolicy make_policy(const PolicyOptions& options, const Model& model) {
  ExitPolicy policy = options.policy;
  if (!options.exit.empty()) policy.always_exit = options.exit;
  try {
    check_policy(model, policy);
  } catch (const Error& error) {  // its fields are called as the options are
    throw Error(std::string("--") + error.what());
  }
  if (options.final_only) policy.always_exit = kFinalExit;
  return policy;
}

}  // namespace sidenet::tools
