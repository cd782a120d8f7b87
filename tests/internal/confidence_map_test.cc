#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "confidence_map.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "random.h"
#include "sidenet/error.h"

using namespace sidenet;

TEST_CASE("the identity has no knots and changes nothing") {
  const ConfidenceMap identity;
  CHECK(identity.identity());
  CHECK(identity == ConfidenceMap({}, {}));
  for (const float confidence : {0.0f, 0.3f, 0.999999f, 1.0f})
    CHECK(identity(confidence) == confidence);
}

TEST_CASE("a map is straight between its knots and meets them") {
  const ConfidenceMap map({0, 0.5f, 0.75f, 1}, {0.125f, 0.25f, 0.75f, 0.875f});
  CHECK_FALSE(map.identity());
  CHECK(map(0) == 0.125f);
  CHECK(map(0.25f) == 0.1875f);
  CHECK(map(0.5f) == 0.25f);
  CHECK(map(0.625f) == 0.5f);
  CHECK(map(0.75f) == 0.75f);
  CHECK(map(1) == 0.875f);
}

TEST_CASE("NaN stays NaN, and the ends hold outside 0 to 1") {
  const ConfidenceMap map({0, 1}, {0.25f, 0.75f});
  CHECK(std::isnan(map(std::numeric_limits<float>::quiet_NaN())));
  CHECK(map(-1) == 0.25f);
  CHECK(map(2) == 0.75f);
  CHECK(map(std::numeric_limits<float>::infinity()) == 0.75f);
}

TEST_CASE("the order of rows is kept, also by neighbouring floats around the knots") {
  Random random(3);
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<float> x{0}, y{static_cast<float>(random.uniform() / 40)};
    const auto inner = static_cast<int>(random.below(31));
    for (int i = 0; i < inner; ++i) {
      x.push_back(x.back() + static_cast<float>(1e-5 + random.uniform() / 32));
      y.push_back(y.back() + static_cast<float>(1e-5 + random.uniform() / 40));
    }
    x.push_back(1);
    y.push_back(y.back() + 0.001f);
    const ConfidenceMap map(x, y);
    for (std::size_t knot = 0; knot < x.size(); ++knot) {
      CHECK(map(x[knot]) == y[knot]);
      const float below = std::nextafter(x[knot], 0.0f), above = std::nextafter(x[knot], 1.0f);
      CHECK(map(below) <= map(x[knot]));
      CHECK(map(x[knot]) <= map(above));
    }
    float before = map(0);
    for (double c = 0.001; c <= 1; c += 0.001) {
      const float now = map(static_cast<float>(c));
      CHECK(now > before);
      before = now;
    }
  }
}

TEST_CASE("lists that are no such map are refused, and say why") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto refused = [](std::vector<float> x, std::vector<float> y, const char* message) {
    CHECK_THROWS_WITH_AS(ConfidenceMap(std::move(x), std::move(y)), message, Error);
  };
  refused({0, 1}, {0}, "confidence map: expected as many y as x, got 2 x and 1 y");
  refused({0}, {0}, "confidence map: expected 2 to 32 knots, got 1");
  refused(std::vector<float>(33), std::vector<float>(33),
          "confidence map: expected 2 to 32 knots, got 33");
  refused({0, 0.5f, 0.5f, 1}, {0, 0.1f, 0.2f, 1},
          "confidence map: x[2]: expected more than the value before it, 0.500000, got 0.500000");
  refused({0, 0.5f, 1}, {0, 0.75f, 0.5f},
          "confidence map: y[2]: expected more than the value before it, 0.750000, got 0.500000");
  refused({0, 1}, {0, 1.5f}, "confidence map: y[1]: expected 0 to 1, got 1.500000");
  refused({-0.5f, 1}, {0, 1}, "confidence map: x[0]: expected 0 to 1, got -0.500000");
  refused({0, 1}, {nan, 1}, "confidence map: y[0]: expected 0 to 1, got nan");
  refused({0, nan, 1}, {0, 0.5f, 1}, "confidence map: x[1]: expected 0 to 1, got nan");
  refused({0.25f, 1}, {0, 1},
          "confidence map: x: expected 0 to come first and 1 last, got 0.250000 and 1.000000");
  refused({0, 0.5f}, {0, 1},
          "confidence map: x: expected 0 to come first and 1 last, got 0.000000 and 0.500000");
}
