#include "confidence_map.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "sidenet/error.h"

namespace sidenet {
namespace {

[[noreturn]] void fail(const std::string& what) { throw Error("confidence map: " + what); }

/// Written so that NaN fails too.
void check_list(const std::vector<float>& values, const char* list) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::string name = std::string(list) + "[" + std::to_string(i) + "]";
    if (!(values[i] >= 0 && values[i] <= 1))
      fail(name + ": expected 0 to 1, got " + std::to_string(values[i]));
    if (i > 0 && !(values[i] > values[i - 1])) {
      fail(name + ": expected more than the value before it, " + std::to_string(values[i - 1]) +
           ", got " + std::to_string(values[i]));
    }
  }
}

}  // namespace

ConfidenceMap::ConfidenceMap(std::vector<float> x, std::vector<float> y)
    : x_(std::move(x)), y_(std::move(y)) {
  if (x_.size() != y_.size()) {
    fail("expected as many y as x, got " + std::to_string(x_.size()) + " x and " +
         std::to_string(y_.size()) + " y");
  }
  if (x_.empty()) return;
  if (x_.size() < 2 || x_.size() > max_knots) {
    fail("expected 2 to " + std::to_string(max_knots) + " knots, got " + std::to_string(x_.size()));
  }
  check_list(x_, "x");
  check_list(y_, "y");
  if (x_.front() != 0 || x_.back() != 1) {
    fail("x: expected 0 to come first and 1 last, got " + std::to_string(x_.front()) + " and " +
         std::to_string(x_.back()));
  }
}

float ConfidenceMap::operator()(float confidence) const {
  if (x_.empty() || std::isnan(confidence)) return confidence;
  if (confidence <= 0) return y_.front();
  if (confidence >= 1) return y_.back();
  const auto above =
      static_cast<std::size_t>(std::upper_bound(x_.begin(), x_.end(), confidence) - x_.begin());
  const double x0 = x_[above - 1], x1 = x_[above], y0 = y_[above - 1], y1 = y_[above];
  // Each rounding keeps the order, and the cap keeps it across the knot.
  return static_cast<float>(
      std::min(y0 + (static_cast<double>(confidence) - x0) * ((y1 - y0) / (x1 - x0)), y1));
}

}  // namespace sidenet
