#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace sidenet::tools {

/// A subcommand: its options are bound when it is added, its work starts after the whole line has
/// been parsed, so that wrong usage (exit status 2) and failure (1) stay apart.
struct Command {
  CLI::App* app = nullptr;
  std::function<int()> run;  ///< exit status; throws sidenet::Error
};

Command add_import(CLI::App& app);
Command add_inspect(CLI::App& app);
Command add_run(CLI::App& app);
Command add_predict(CLI::App& app);
Command add_suggest(CLI::App& app);
Command add_train(CLI::App& app);
Command add_evaluate(CLI::App& app);
Command add_calibrate(CLI::App& app);
Command add_sweep(CLI::App& app);
Command add_profile(CLI::App& app);

}  // namespace sidenet::tools
