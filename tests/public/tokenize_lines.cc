// Tokenises lines: what tokenizer_data_test.py compares with Hugging Face's tokenizers.
//
//     tokenize_lines [OPTION=VALUE]... VOCABULARY < LINES
//
// VOCABULARY is a vocab.txt or a tokenizer.json. A line is a text, or two with a TAB between them;
// \n, \r, \t and \\ in them are escapes, so that texts may hold line ends. Written for each: its
// ids, with " | " in front of the second text's, or "error: " and the message. Options: lower_case,
// strip_accents, clean_text, chinese_characters (0 or 1), max_tokens (a number), truncation
// (longest_first or only_first).
#include <cstdlib>
#include <iostream>
#include <string>

#include "sidenet/error.h"
#include "sidenet/tokenizer.h"

namespace {

std::string unescaped(const std::string& line) {
  std::string text;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char next = line[i] == '\\' && i + 1 < line.size() ? line[++i] : '\0';
    text += next == 'n'    ? '\n'
            : next == 'r'  ? '\r'
            : next == 't'  ? '\t'
            : next != '\0' ? next
                           : line[i];
  }
  return text;
}

bool set_option(const std::string& name, const std::string& value,
                sidenet::TokenizerOptions& options) {
  const bool on = value == "1";
  if (name == "lower_case")
    options.lower_case = on;
  else if (name == "strip_accents")
    options.strip_accents = on;
  else if (name == "clean_text")
    options.clean_text = on;
  else if (name == "chinese_characters")
    options.chinese_characters = on;
  else if (name == "max_tokens")
    options.max_tokens = std::atoi(value.c_str());
  else if (name == "truncation" && value == "only_first")
    options.truncation = sidenet::Truncation::only_first;
  else if (name == "truncation")
    options.truncation = sidenet::Truncation::longest_first;
  else
    return false;
  return true;
}

std::string ids_of(const sidenet::Tokenizer& tokenizer, const std::string& line) {
  const std::size_t tab = line.find('\t');
  sidenet::Text text{unescaped(line.substr(0, tab)), {}};
  if (tab != std::string::npos) text.second = unescaped(line.substr(tab + 1));
  sidenet::TokenRows rows;
  try {
    tokenizer.encode(text, rows);
  } catch (const sidenet::Error& error) {
    return std::string("error: ") + error.what();
  }
  std::string ids;
  for (std::size_t i = 0; i < rows.ids.size(); ++i) {
    if (i > 0) ids += rows.types[i] != rows.types[i - 1] ? " | " : " ";
    ids += std::to_string(rows.ids[i]);
  }
  return ids;
}

}  // namespace

int main(int count, char** arguments) {
  sidenet::TokenizerOptions options;
  for (int i = 1; i + 1 < count; ++i) {
    const std::string argument = arguments[i];
    const std::size_t equals = argument.find('=');
    if (equals == std::string::npos ||
        !set_option(argument.substr(0, equals), argument.substr(equals + 1), options)) {
      std::cerr << argument << ": no such option\n";
      return 2;
    }
  }
  if (count < 2) return 2;
  std::ios::sync_with_stdio(false);
  try {
    const auto tokenizer = sidenet::Tokenizer::load(arguments[count - 1], options);
    for (std::string line; std::getline(std::cin, line);)
      std::cout << ids_of(tokenizer, line) << '\n';
  } catch (const sidenet::Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
