#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sidenet/enum_names.h"
#include "sidenet/execution.h"
#include "sidenet/exit_policy.h"
#include "sidenet/kernels.h"
#include "sidenet/model.h"

namespace sidenet::tools {

/// What every subcommand takes, whether or not it has a use for it, so that scripts can pass the
/// same options to all.
struct CommonOptions {
  int threads = 0;  ///< 0: all cores
  std::string precision = "f32";
  std::int64_t batch = 1;
  std::uint64_t seed = 1;
  bool quiet = false;
  bool no_winograd = false;
  Kernels kernels = Kernels::automatic;
  std::string weight_cache = {};
  std::int64_t weight_cache_limit = 2048;  ///< MiB
  /// Throws Error for what this build cannot do.
  void check() const;
  Execution execution() const {
    return {.threads = threads, .batch = batch, .winograd = !no_winograd, .kernels = kernels};
  }
  std::int64_t weight_cache_bytes() const { return weight_cache_limit << 20; }
};

/// Which of them a subcommand's help shows.
struct CommonUse {
  bool threads = true;
  bool batch = true;
  bool seed = false;
  bool weight_cache = false;
  bool kernels = true;  ///< and Winograd
};
void add_common_options(CLI::App& app, CommonOptions& options, const CommonUse& use);

/// POLICY, before it meets a model.
struct PolicyOptions {
  ExitPolicy policy;  ///< thresholds and confidence
  std::string exit;   ///< always this one; empty: none
  bool final_only = false;
};
void add_policy_options(CLI::App& app, PolicyOptions& options);
/// Throws Error where it names an exit that the model does not have.
ExitPolicy make_policy(const PolicyOptions& options, const Model& model);

/// An option that takes the names of an enum's values, and refuses others with the list.
template <typename Enum, typename Target>
CLI::Option* add_enum_option(CLI::App& app, const std::string& name, Target& target,
                             const std::string& description) {
  const auto take = [name, &target](const std::string& text) {
    target = value_named<Enum>(name, text);
  };
  return app.add_option_function<std::string>(name, take, description)
      ->check(CLI::IsMember(names_of<Enum>()));
}

/// The parts between commas; no text, no parts.
std::vector<std::string> split_commas(const std::string& text);
/// Strictly a number, all of it; none for "", "1x" or NaN.
std::optional<double> parse_number(const std::string& text);

}  // namespace sidenet::tools
