#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "looks.h"

#include <doctest/doctest.h>

#include <numeric>

#include "model_data.h"
#include "random_model.h"
#include "sidenet/error.h"
#include "sidenet/sidenet.h"
#include "temporary_folder.h"

using namespace sidenet;

namespace {

using sidenet::testing::put;
using sidenet::testing::read;
using sidenet::testing::TemporaryFolder;

Model model(unsigned seed) {
  ModelData data = testing::describe(testing::random_cifar_resnet(seed, 1, 4, 1, 3, false));
  data.preprocessing.resize = 16;
  return make_model(std::move(data));
}

MeasuredExits rows(std::size_t count, std::uint32_t first = 1) {
  MeasuredExits measured;
  for (std::size_t row = 0; row < count; ++row) {
    measured.digests.push_back(first + static_cast<std::uint32_t>(row) * 7919u);
    measured.labels.push_back(static_cast<int>(row % 3));
  }
  return measured;
}

std::vector<std::uint32_t> all(const MeasuredExits& measured) {
  std::vector<std::uint32_t> indices(measured.labels.size());
  std::iota(indices.begin(), indices.end(), 0u);
  return indices;
}

CalibrateOptions options(const std::string& file) {
  CalibrateOptions result;
  result.epsilon = 0.02;
  result.delta = 0.1;
  result.looks = file;
  return result;
}

/// One look, recorded: its number and its part of delta.
std::pair<int, double> look(const Model& of, const MeasuredExits& measured,
                            const CalibrateOptions& how, bool certified = false) {
  Looks looks(of, measured, all(measured), nullptr, how);
  looks.record(certified);
  return {looks.number(), looks.level()};
}

}  // namespace

TEST_CASE("without a file each look is the first, at all of delta") {
  const MeasuredExits measured = rows(50);
  CalibrateOptions how = options("");
  Looks looks(model(1), measured, all(measured), nullptr, how);
  CHECK(looks.number() == 1);
  CHECK(looks.level() == 0.1);
  CHECK_FALSE(looks.kept());
}

TEST_CASE("looks at rows that grow have parts of delta that add up to less than it") {
  const TemporaryFolder folder;
  const Model of = model(1);
  CalibrateOptions how = options(folder.at("looks.json"));
  double spent = 0;
  for (int k = 1; k <= 20; ++k) {
    const auto [number, level] = look(of, rows(static_cast<std::size_t>(100 * k)), how, k == 20);
    CHECK(number == k);
    CHECK(level == doctest::Approx(0.1 / (k * (k + 1))));
    spent += level;
  }
  CHECK(spent < 0.1);
  // The same look again is the same look; another seed is another.
  CHECK(look(of, rows(2000), how) == std::pair{20, 0.1 / (20 * 21)});
  how.seed = 2;
  CHECK(look(of, rows(2000), how).first == 21);
  // So are other kernels: their logits differ by rounding, so the outcome may.
  how.execution.kernels = Kernels::own;
  CHECK(look(of, rows(2000), how).first == 22);
  how.execution.winograd = false;
  CHECK(look(of, rows(2000), how).first == 23);
  CHECK(look(of, rows(2000), how).first == 23);
}

TEST_CASE("planned looks share delta, and end") {
  const TemporaryFolder folder;
  CalibrateOptions how = options(folder.at("looks.json"));
  how.planned_looks = 2;
  CHECK(look(model(1), rows(100), how) == std::pair{1, 0.05});
  CHECK(look(model(1), rows(200), how) == std::pair{2, 0.05});
  CHECK_THROWS_WITH_AS(look(model(1), rows(300), how),
                       doctest::Contains("all 2 planned looks are spent"), Error);
}

TEST_CASE("looks of another model, promise or rows are refused, and left as they were") {
  const TemporaryFolder folder;
  const std::string path = folder.at("looks.json");
  const CalibrateOptions how = options(path);
  look(model(1), rows(100), how);
  const std::string before = read(path);
  CHECK_THROWS_WITH_AS(look(model(2), rows(100), how),
                       doctest::Contains(": expected looks of this model"), Error);
  CalibrateOptions other = how;
  other.epsilon = 0.03;
  CHECK_THROWS_WITH_AS(look(model(1), rows(100), other),
                       doctest::Contains("with epsilon 0.03, got 0.02"), Error);
  other = how;
  other.risk = Risk::disagreement;
  CHECK_THROWS_WITH_AS(look(model(1), rows(100), other), doctest::Contains("with risk"), Error);
  other = how;
  other.planned_looks = 3;
  CHECK_THROWS_AS(look(model(1), rows(100), other), Error);
  CHECK_THROWS_WITH_AS(look(model(1), rows(100, 5), how), doctest::Contains("100 of them are not"),
                       Error);
  CHECK_THROWS_WITH_AS(look(model(1), rows(99), how), doctest::Contains("1 of them are not"),
                       Error);
  CHECK(read(path) == before);
}

TEST_CASE("a damaged file is refused: cut at every byte, every byte changed, and left as it was") {
  const TemporaryFolder folder;
  const std::string path = folder.at("looks.json");
  const CalibrateOptions how = options(path);
  const Model of = model(1);
  const MeasuredExits measured = rows(12);
  look(of, measured, how);
  const std::string good = read(path);
  const auto refused = [&](const std::string& text) {
    put(path, text);
    try {
      Looks looks(of, measured, all(measured), nullptr, how);
      return false;
    } catch (const Error& error) {
      CHECK(std::string(error.what()).starts_with(path));
      CHECK(read(path) == text);
      return true;
    }
  };
  for (std::size_t size = 1; size + 2 < good.size(); ++size) CHECK(refused(good.substr(0, size)));
  int taken = 0;
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string changed = good;
    changed[at] = changed[at] == '7' ? '\x01' : static_cast<char>(changed[at] ^ 1);
    taken += refused(changed) ? 0 : 1;
  }
  CHECK(taken < static_cast<int>(good.size()) / 4);  // digits and names that may be others
  CHECK_FALSE(refused(good));
}
