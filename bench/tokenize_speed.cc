// Time of tokenising a file of texts, one a line, on one core. Driven by tokenizers_peer.py:
//
//     tokenize_speed VOCABULARY LOWER_CASE TEXTS
//
// First line out: {"rows", "tokens"}. Then, for each line in: {"ms": time of one pass over all
// texts}.
#include <chrono>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "sidenet/error.h"
#include "sidenet/tokenizer.h"

int main(int count, char** arguments) try {
  if (count != 4) {
    std::cerr << "usage: tokenize_speed VOCABULARY LOWER_CASE TEXTS\n";
    return 2;
  }
  sidenet::TokenizerOptions options;
  options.lower_case = arguments[2] == std::string("1");
  const auto tokenizer = sidenet::Tokenizer::load(arguments[1], options);
  std::vector<sidenet::Text> texts;
  std::ifstream file(arguments[3]);
  for (std::string line; std::getline(file, line);) texts.push_back({line, {}});

  sidenet::TokenRows rows;
  const auto pass = [&] {
    rows.ids.clear();
    rows.positions.clear();
    rows.types.clear();
    rows.offsets.assign(1, 0);
    for (const sidenet::Text& text : texts) tokenizer.encode(text, rows);
  };
  pass();
  std::cout << "{\"rows\": " << rows.rows() << ", \"tokens\": " << rows.tokens() << "}"
            << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const auto start = std::chrono::steady_clock::now();
    pass();
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
    std::cout << "{\"ms\": " << time.count() << "}" << std::endl;
  }
} catch (const sidenet::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
