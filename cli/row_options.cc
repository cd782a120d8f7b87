#include "row_options.h"

#include <charconv>
#include <optional>

namespace sidenet::tools {
namespace {

constexpr int kMostParts = 1'000'000;

/// A whole number from 1 on, all of it.
std::optional<int> parse_part(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > kMostParts)
    return std::nullopt;
  return value;
}

/// "2/5", "1-4/5".
std::optional<RowSplit> parse_split(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view parts = text.substr(0, slash);
  const auto dash = parts.find('-');
  const auto first = parse_part(parts.substr(0, dash)), of = parse_part(text.substr(slash + 1));
  const auto last = dash == std::string_view::npos ? first : parse_part(parts.substr(dash + 1));
  if (!first || !last || !of || *last < *first || *of < *last) return std::nullopt;
  return RowSplit{*first, *last, *of};
}

}  // namespace

CLI::Option* add_split_option(CLI::App& sub, const std::string& name, RowSplit& target,
                              const std::string& description) {
  const auto take = [name, &target](const std::string& text) {
    const std::optional<RowSplit> split = parse_split(text);
    if (!split) {
      throw CLI::ValidationError(
          name,
          "'" + text + "': expected a part, as 1/5, or parts, as 1-4/5, of 1,000,000 at most");
    }
    target = *split;
  };
  return sub.add_option_function<std::string>(name, take, description)
      ->type_name("TEXT")
      ->option_text("A[-C]/B");
}

void add_row_options(CLI::App& sub, DatasetOptions& options) {
  const std::string group = "Which rows of each DATA (applied in this order)";
  const CLI::Range positive(std::int64_t{1}, std::int64_t{1} << 40);
  sub.add_option("--skip", options.skip, "Leave out the first N; of class folders by class in turn")
      ->option_text("N")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 40))
      ->group(group);
  sub.add_option("--limit", options.limit, "At most the first N; of class folders by class in turn")
      ->option_text("N")
      ->check(positive)
      ->group(group);
  add_split_option(
      sub, "--split", options.split,
      "Part A of B, or parts A to C (1-4/5): drawn by --rows-seed, disjoint, each with "
      "its share of every class")
      ->group(group);
  sub.add_option("--sample", options.sample,
                 "At most N, drawn by --rows-seed in proportion to the classes")
      ->option_text("N")
      ->check(positive)
      ->group(group);
  sub.add_option("--rows-seed", options.rows_seed,
                 "Seed of --split and --sample (default 1); --seed leaves them alone")
      ->option_text("N")
      ->group(group);
}

std::vector<std::pair<std::string, std::string>> row_words(const DatasetOptions& options) {
  std::vector<std::pair<std::string, std::string>> words;
  const DatasetOptions none;
  if (options.skip != none.skip) words.emplace_back("--skip", std::to_string(options.skip));
  if (options.limit != none.limit) words.emplace_back("--limit", std::to_string(options.limit));
  if (options.split.of > 1) words.emplace_back("--split", to_string(options.split));
  if (options.sample != none.sample) words.emplace_back("--sample", std::to_string(options.sample));
  if (options.rows_seed != none.rows_seed)
    words.emplace_back("--rows-seed", std::to_string(options.rows_seed));
  return words;
}

void add_taken(Json& json, const std::vector<NamedData>& data, const DatasetOptions& options) {
  if (row_words(options).empty()) return;
  const auto count = [](std::int64_t rows) { return rows < 0 ? Json() : Json(rows); };
  Json taken = Json::array();
  for (const auto& [name, rows] : data) {
    taken.push_back({{"data", name},
                     {"rows", rows->rows()},
                     {"of", rows->rows_in_all()},
                     {"skip", options.skip},
                     {"limit", count(options.limit)},
                     {"split", options.split.of > 1 ? Json(to_string(options.split)) : Json()},
                     {"sample", count(options.sample)},
                     {"rows_seed", options.rows_seed}});
  }
  json["taken"] = std::move(taken);
}

}  // namespace sidenet::tools
