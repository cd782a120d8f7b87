#include "help_formatter.h"

#include <sstream>

namespace sidenet::tools {
namespace {

constexpr std::size_t kWidth = 80, kNameColumn = 26;

/// Breaks at spaces so that no line is longer than `width`; line breaks in the text stay.
std::string wrap(const std::string& text, std::size_t width) {
  std::string wrapped, line;
  std::istringstream lines(text);
  bool first_line = true;
  while (std::getline(lines, line)) {
    if (!first_line) wrapped += '\n';
    first_line = false;
    std::istringstream words(line);
    std::size_t column = 0;
    for (std::string word; words >> word;) {
      if (column > 0 && column + 1 + word.size() > width) {
        wrapped += '\n';
        column = 0;
      } else if (column > 0) {
        wrapped += ' ';
        ++column;
      }
      wrapped += word;
      column += word.size();
    }
  }
  return wrapped;
}

}  // namespace

HelpFormatter::HelpFormatter() {
  column_width(kNameColumn);
  label("Positionals", "Arguments");
}

std::string HelpFormatter::make_help(const CLI::App* app, std::string name,
                                     CLI::AppFormatMode mode) const {
  std::string help = CLI::Formatter::make_help(app, std::move(name), mode);
  for (std::size_t at; (at = help.find("\n\n\n")) != std::string::npos;) help.erase(at, 1);
  return help;
}

std::string HelpFormatter::make_usage(const CLI::App* app, std::string name) const {
  std::string usage = "Usage: " + name;
  if (app->get_require_subcommand_min() > 0) return usage + " COMMAND [OPTIONS]\n";
  for (const CLI::Option* option : app->get_options({})) {
    const std::string& text = option->get_option_text();
    if (option->get_positional()) {
      usage += " " + text;
    } else if (option->get_required()) {
      usage += (option->get_snames().empty() ? " --" + option->get_lnames().front()
                                             : " -" + option->get_snames().front()) +
               " " + text;
    }
  }
  return usage + " [OPTIONS]\n";
}

std::string HelpFormatter::make_subcommand(const CLI::App* sub) const {
  std::ostringstream out;
  const std::string& description = sub->get_description();
  CLI::detail::format_help(
      out, sub->get_name(),
      wrap(description.substr(0, description.find('\n')), kWidth - kNameColumn), kNameColumn);
  return out.str();
}

std::string HelpFormatter::make_description(const CLI::App* app) const {
  return wrap(app->get_description(), kWidth) + "\n\n";
}

std::string HelpFormatter::make_option_name(const CLI::Option* option, bool is_positional) const {
  return is_positional ? option->get_option_text()
                       : CLI::Formatter::make_option_name(option, false);
}

std::string HelpFormatter::make_option_opts(const CLI::Option* option) const {
  return option->get_positional() || option->get_option_text().empty()
             ? ""
             : " " + option->get_option_text();
}

std::string HelpFormatter::make_option_desc(const CLI::Option* option) const {
  return wrap(option->get_description(), kWidth - kNameColumn);
}

}  // namespace sidenet::tools
