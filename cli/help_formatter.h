#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace sidenet::tools {

/// CLI11's help, made to fit 80 columns: descriptions are wrapped, an option shows only its
/// placeholder, usage shows what is required, and the list of subcommands the first line of each
/// description.
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter();
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override;
  std::string make_usage(const CLI::App* app, std::string name) const override;
  std::string make_subcommand(const CLI::App* sub) const override;
  std::string make_description(const CLI::App* app) const override;
  std::string make_option_name(const CLI::Option* option, bool is_positional) const override;
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_option_desc(const CLI::Option* option) const override;
};

}  // namespace sidenet::tools
