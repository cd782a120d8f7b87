// The `sidenet` command: parses the line, runs one subcommand, and turns its outcome into an exit
// status and one line.
#include <CLI/CLI.hpp>
#include <csignal>
#include <exception>
#include <iostream>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "command.h"
#include "help_formatter.h"
#include "sidenet/error.h"
#include "sidenet/image.h"
#include "standard_streams.h"
#include "text.h"

namespace sidenet::tools {
namespace {

constexpr int kDone = 0, kFailed = 1, kWrongUsage = 2;

int fail(const std::string& message) {
  std::cout.flush();
  std::cerr << "sidenet: " << printable(message) << std::endl;
  return kFailed;
}

/// `status`, where all that was told on standard output has arrived.
int with_output(int status) {
  if (std::cout.flush()) return status;
  return fail(standard_output_is_closed() ? "standard output: cannot be written: it is closed"
                                          : "standard output: cannot be written");
}

int run_command(const Command& command) {
  try {
    return with_output(command.run());
  } catch (const Error& error) {
    return fail(error.what());
  } catch (const std::bad_alloc&) {
    return fail("out of memory");
  } catch (const std::exception& error) {
    return fail(std::string("unexpected failure: ") + error.what());
  }
}

/// CLI11's words, but for a command that does not exist, which it takes for one that is missing.
std::string explain(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  const std::string first = argc > 1 ? argv[1] : "";
  const auto named =
      app.get_subcommands([&](const CLI::App* sub) { return sub->get_name() == first; });
  if (first.empty() || first.starts_with("-") || !named.empty()) return error.what();
  return "no command '" + first + "'";
}

int wrong_usage(const CLI::App& app, const std::string& message) {
  std::string name = "sidenet";
  for (const CLI::App* used : app.get_subcommands()) name += " " + used->get_name();
  std::cerr << "sidenet: " << printable(message) << " (see " << name << " --help)" << std::endl;
  return kWrongUsage;
}

constexpr struct {
  std::string_view name;
  Command (*add)(CLI::App& app);
} kCommands[] = {{"import", add_import},       {"inspect", add_inspect},   {"run", add_run},
                 {"predict", add_predict},     {"suggest", add_suggest},   {"train", add_train},
                 {"calibrate", add_calibrate}, {"evaluate", add_evaluate}, {"sweep", add_sweep},
                 {"profile", add_profile}};

/// The command that is called for; all of them where it is none, for the help and messages. The
/// options of the others are not made for nothing, and a file may be called as one of them.
std::vector<Command> add_commands(CLI::App& app, std::string_view called) {
  std::vector<Command> commands;
  for (const auto& [name, add] : kCommands) {
    if (name == called) return {add(app)};
  }
  for (const auto& [name, add] : kCommands) commands.push_back(add(app));
  return commands;
}

int run(int argc, char** argv) {
  CLI::App app(
      "A CPU engine for neural networks that answer early: SideNets on the exits of a frozen "
      "MainNet.",
      "sidenet");
  app.formatter(std::make_shared<HelpFormatter>());
  app.set_version_flag(
      "--version", [] { return "sidenet " SIDENET_VERSION "\npictures: " + picture_decoders(); },
      "Print the version, and what reads pictures");
  app.require_subcommand(1);
  app.footer(
      "sidenet COMMAND --help tells more.\n"
      "An output never replaces an input of the same command.\n"
      "Exit status: 0 done, 1 failed (one line on stderr says why), 2 wrong usage.");
  const std::vector<Command> commands = add_commands(app, argc > 1 ? argv[1] : "");
  for (const Command& command : commands) command.app->group("Commands");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) return wrong_usage(app, explain(app, error, argc, argv));
    app.exit(error);  // prints the help or the version
    return with_output(kDone);
  }
  for (const Command& command : commands) {
    if (command.app->parsed()) return run_command(command);
  }
  return kWrongUsage;
}

}  // namespace
}  // namespace sidenet::tools

int main(int argc, char** argv) {
  sidenet::tools::open_standard_streams();  // before anything else is opened
  std::signal(SIGXFSZ,
              SIG_IGN);  // a file over the limit is then a failed write, told of like any other
  return sidenet::tools::run(argc, argv);
}
