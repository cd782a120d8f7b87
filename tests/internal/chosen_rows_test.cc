#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "chosen_rows.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "class_shares.h"
#include "image_files.h"
#include "permutation.h"
#include "row_set.h"

using namespace sidenet;
using namespace files;

namespace {

using Rows = std::vector<std::string>;

/// Rows that are nothing but a label and a name.
class Labels : public Dataset {
 public:
  explicit Labels(std::vector<int> labels) : labels_(std::move(labels)) {}
  std::int64_t rows() const override { return static_cast<std::int64_t>(labels_.size()); }
  int label(std::int64_t row) const override { return labels_.at(static_cast<std::size_t>(row)); }
  const std::vector<std::string>& class_names() const override { return none_; }
  std::string name(std::int64_t row) const override { return std::to_string(row); }

 private:
  std::vector<int> labels_;
  std::vector<std::string> none_;
};

/// counts[c] rows of class c, mixed.
std::shared_ptr<const Dataset> mixed(const std::vector<int>& counts) {
  std::vector<int> labels;
  for (std::size_t c = 0; c < counts.size(); ++c)
    labels.insert(labels.end(), static_cast<std::size_t>(counts[c]), static_cast<int>(c));
  const Permutation shuffle(labels.size(), 9, 9);
  std::vector<int> result(labels.size());
  for (std::size_t i = 0; i < labels.size(); ++i) result[shuffle(i)] = labels[i];
  return std::make_shared<Labels>(result);
}

Rows names(const Dataset& data) {
  Rows rows;
  for (std::int64_t row = 0; row < data.rows(); ++row) rows.push_back(data.name(row));
  return rows;
}

Rows taken(const std::shared_ptr<const Dataset>& data, const DatasetOptions& options,
           RowOrder order = RowOrder::as_it_stands) {
  return names(*chosen_rows(data, order, options, "data"));
}

std::map<int, int> classes(const std::shared_ptr<const Dataset>& data,
                           const DatasetOptions& options) {
  const auto chosen = chosen_rows(data, RowOrder::as_it_stands, options, "data");
  std::map<int, int> counts;
  for (std::int64_t row = 0; row < chosen->rows(); ++row) ++counts[chosen->label(row)];
  return counts;
}

}  // namespace

TEST_CASE("a permutation hits every place once, and another seed or stream is another") {
  for (const std::uint64_t size : {1, 2, 3, 4, 5, 15, 16, 17, 1000}) {
    CAPTURE(size);
    const Permutation one(size, 1, 0);
    std::set<std::uint64_t> places;
    for (std::uint64_t i = 0; i < size; ++i) places.insert(one(i));
    CHECK(places.size() == size);
    CHECK(*places.rbegin() == size - 1);
  }
  int same_seed = 0, same_stream = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    same_seed += Permutation(1000, 1, 0)(i) == Permutation(1000, 2, 0)(i) ? 1 : 0;
    same_stream += Permutation(1000, 1, 0)(i) == Permutation(1000, 1, 1)(i) ? 1 : 0;
  }
  CHECK(same_seed < 10);
  CHECK(same_stream < 10);
}

TEST_CASE("a permutation puts each number anywhere, as often") {
  // 6 places, 6,000 seeds: 1,000 times each on average, with a deviation of 29.
  std::map<std::pair<std::uint64_t, std::uint64_t>, int> counts;
  for (std::uint64_t seed = 0; seed < 6000; ++seed) {
    const Permutation shuffle(6, seed, 0);
    for (std::uint64_t i = 0; i < 6; ++i) ++counts[{i, shuffle(i)}];
  }
  for (const auto& [place, count] : counts) CHECK(std::abs(count - 1000) < 130);
}

TEST_CASE("shares are those of the largest remainder, and one of each class at least") {
  using Counts = RowCounts;
  CHECK(proportional_shares({50, 30, 20}, 10) == Counts{5, 3, 2});
  CHECK(proportional_shares({41, 41, 18}, 10) == Counts{4, 4, 2});  // 4.1, 4.1, 1.8
  CHECK(proportional_shares({10, 10, 10}, 10) == Counts{4, 3, 3});
  CHECK(proportional_shares({1000, 1, 1, 0}, 10) == Counts{8, 1, 1, 0});
  CHECK(proportional_shares({500, 500, 1, 1}, 4) == Counts{1, 1, 1, 1});
  CHECK(proportional_shares({1000, 1, 1}, 2) == Counts{2, 0, 0});  // fewer than classes
  CHECK(proportional_shares({3, 2}, 5) == Counts{3, 2});
  CHECK(proportional_shares({3, 2}, 100) == Counts{3, 2});
  const std::int64_t many = std::int64_t{1} << 40;
  CHECK(proportional_shares({many, many}, many) == Counts{many / 2, many / 2});
}

TEST_CASE("classes take turns") {
  using Counts = RowCounts;
  CHECK(shares_in_turn({3, 1, 2}, 0) == Counts{0, 0, 0});
  CHECK(shares_in_turn({3, 1, 2}, 2) == Counts{1, 1, 0});
  CHECK(shares_in_turn({3, 1, 2}, 3) == Counts{1, 1, 1});
  CHECK(shares_in_turn({3, 1, 2}, 4) == Counts{2, 1, 1});
  CHECK(shares_in_turn({3, 1, 2}, 5) == Counts{2, 1, 2});
  CHECK(shares_in_turn({3, 1, 2}, 6) == Counts{3, 1, 2});
  CHECK(shares_in_turn({0, 2}, 1) == Counts{0, 1});
}

TEST_CASE("a set of rows finds each of them") {
  for (const std::int64_t count : {1, 63, 64, 65, 511, 512, 513, 5000}) {
    CAPTURE(count);
    const RowSet all(7, count);
    CHECK(all[count - 1] == 7 + count - 1);
    const auto thirds = all.filtered([](std::int64_t row) { return row % 3 == 1; });
    const auto ninths = thirds.filtered([](std::int64_t row) { return row % 9 == 1; });
    std::int64_t found = 0, found_ninths = 0;
    for (std::int64_t row = 7; row < 7 + count; ++row) {
      if (row % 3 == 1) CHECK(thirds[found++] == row);
      if (row % 9 == 1) CHECK(ninths[found_ninths++] == row);
    }
    CHECK(thirds.size() == found);
    CHECK(ninths.size() == found_ninths);
  }
}

TEST_CASE("limit takes what skip leaves, as it stands and by classes in turn") {
  const auto data = std::make_shared<Labels>(std::vector<int>{0, 0, 0, 0, 1, 2, 2, 2});
  CHECK(taken(data, {.limit = 3}) == Rows{"0", "1", "2"});
  const auto turn = [&](const DatasetOptions& options) {
    return taken(data, options, RowOrder::classes_in_turn);
  };
  CHECK(turn({.limit = 3}) == Rows{"0", "4", "5"});
  CHECK(turn({.limit = 4}) == Rows{"0", "1", "4", "5"});
  CHECK(turn({.skip = 3, .limit = 2}) == Rows{"1", "6"});
  for (const RowOrder order : {RowOrder::as_it_stands, RowOrder::classes_in_turn}) {
    for (std::int64_t n = 1; n < 8; ++n) {
      Rows both = taken(data, {.limit = n}, order), rest = taken(data, {.skip = n}, order);
      CHECK(static_cast<std::int64_t>(both.size()) == n);
      both.insert(both.end(), rest.begin(), rest.end());
      std::sort(both.begin(), both.end());
      CHECK(both == names(*data));
    }
  }
}

TEST_CASE("parts are disjoint, together all rows, and each has its share of every class") {
  const auto data = mixed({100, 53, 7});
  for (const int parts : {2, 5, 160}) {
    CAPTURE(parts);
    Rows all;
    for (int part = 1; part <= parts; ++part) {
      const Rows rows = taken(data, {.split = {part, part, parts}});
      CHECK(std::is_sorted(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
        return std::stoi(a) < std::stoi(b);
      }));
      CHECK(std::abs(static_cast<int>(rows.size()) - 160 / parts) <= 1);
      all.insert(all.end(), rows.begin(), rows.end());
      auto counts = classes(data, {.split = {part, part, parts}});
      for (const auto& [label, count] : {std::pair(0, 100), {1, 53}, {2, 7}})
        CHECK((counts[label] == count / parts || counts[label] == count / parts + 1));
    }
    CHECK(std::set<std::string>(all.begin(), all.end()).size() == 160);
    CHECK(all.size() == 160);
  }
  Rows four = taken(data, {.split = {1, 4, 5}}), one = taken(data, {.split = {5, 5, 5}});
  four.insert(four.end(), one.begin(), one.end());
  CHECK(std::set<std::string>(four.begin(), four.end()).size() == 160);
  CHECK(four.size() == 160);
  CHECK(taken(data, {.split = {1, 5, 5}}) == names(*data));
}

TEST_CASE("a sample has its share of every class; a seed says which rows") {
  const auto data = mixed({600, 300, 99, 1});
  CHECK(classes(data, {.sample = 100}) == std::map<int, int>{{0, 60}, {1, 30}, {2, 9}, {3, 1}});
  const Rows first = taken(data, {.sample = 100});
  CHECK(taken(data, {.sample = 100}) == first);
  CHECK(taken(data, {.sample = 100, .rows_seed = 2}) != first);
  CHECK(taken(data, {.split = {1, 1, 2}, .rows_seed = 2}) != taken(data, {.split = {1, 1, 2}}));
  CHECK(taken(data, {.sample = 5000}) == names(*data));
  // Of a part: its own rows alone.
  const Rows part = taken(data, {.split = {2, 2, 4}});
  const Rows some = taken(data, {.split = {2, 2, 4}, .sample = 50});
  CHECK(some.size() == 50);
  CHECK(std::includes(part.begin(), part.end(), some.begin(), some.end(),
                      [](const auto& a, const auto& b) { return std::stoi(a) < std::stoi(b); }));
  // Each row is drawn as often: 2,000 seeds, 10 of 100 rows, 200 times each with a deviation of 13.
  const auto few = mixed({40, 60});
  std::map<std::string, int> drawn;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    for (const std::string& row : taken(few, {.sample = 10, .rows_seed = seed})) ++drawn[row];
  }
  CHECK(drawn.size() == 100);
  for (const auto& [row, count] : drawn) CHECK(std::abs(count - 200) < 65);
}

TEST_CASE("labels that nobody may look at do not choose rows") {
  const auto data = mixed({50, 50}), others = mixed({10, 90});
  const DatasetOptions options{.split = {1, 2, 3}, .sample = 20, .labelled = false};
  CHECK(taken(data, options) == taken(others, options));
}

TEST_CASE("what was chosen is told, and what cannot be chosen refused") {
  const auto data = mixed({8, 4});
  const auto chosen = chosen_rows(
      data, RowOrder::classes_in_turn,
      {.skip = 1, .limit = 10, .split = {1, 2, 3}, .sample = 5, .rows_seed = 7}, "photos");
  CHECK(chosen->rows() == 5);
  CHECK(chosen->rows_in_all() == 12);
  CHECK(chosen->notes() ==
        Rows{"photos: 5 of 12 rows: skip 1, limit 10 (classes in turn), split 1-2/3, sample 5, "
             "rows seed 7"});
  CHECK(chosen_rows(data, RowOrder::as_it_stands, {}, "photos")->notes().empty());
  const auto refusal = [&](const DatasetOptions& options) {
    return error_of([&] { taken(data, options); });
  };
  CHECK(refusal({.sample = 0}).find("sample: expected at least 1") != std::string::npos);
  CHECK(refusal({.split = {0, 1, 2}}).find("got 0-1/2") != std::string::npos);
  CHECK(refusal({.split = {2, 1, 2}}).find("got 2-1/2") != std::string::npos);
  CHECK(refusal({.split = {3, 3, 2}}).find("got 3/2") != std::string::npos);
  CHECK(refusal({.split = {20, 20, 20}}).find("got none: it has 12 rows") != std::string::npos);
}
