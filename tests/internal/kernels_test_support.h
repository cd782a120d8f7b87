#pragma once

#include <doctest/doctest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "conv2d_shape.h"
#include "reference_kernels.h"

namespace sidenet::kernels::cpu {}  // namespace sidenet::kernels::cpu

namespace kernels_test {

namespace cpu = sidenet::kernels::cpu;
namespace reference = sidenet::kernels::reference;
using sidenet::kernels::Conv2dPost;
using sidenet::kernels::Conv2dShape;
using sidenet::kernels::Pool2dShape;
using Values = std::vector<float>;

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr int kChannels[] = {1, 3, 5, 16, 17, 64, 100};

inline Values random_values(std::size_t count) {
  static std::mt19937 generator(20);
  std::normal_distribution<float> normal;
  Values values(count);
  for (float& value : values) value = normal(generator);
  return values;
}

inline bool same_bits(const Values& a, const Values& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

/// Largest |a - b| over the largest |b|, or over `scale` if that is larger; infinite where sizes
/// differ or only one is NaN.
inline double difference(const Values& a, const Values& b, double scale = 1e-30) {
  if (a.size() != b.size()) return kInfinity;
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) != std::isnan(b[i])) return kInfinity;
    if (std::isnan(a[i])) continue;
    if (a[i] != b[i]) largest = std::max<double>(largest, std::abs(double(a[i]) - b[i]));
    scale = std::max<double>(scale, std::abs(b[i]));
  }
  return largest / scale;
}

/// Runs the test once for each instruction set that the kernels are compiled for and this machine
/// has.
template <class Test>
void on_every_target(const Test& test) {
  hwy::SetSupportedTargetsForTest(0);
  const std::int64_t supported = hwy::SupportedTargets() | HWY_SCALAR;
  for (const std::int64_t target : {HWY_AVX3, HWY_AVX2, HWY_SSE4, HWY_SCALAR}) {
    if ((supported & target) == 0) continue;
    CAPTURE(std::string(hwy::TargetName(target)));
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(target);
    test();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

/// As difference(), for sums of `terms` products of normal variables, whose size is about
/// sqrt(terms) even where few sums are at hand and all happen to be small.
inline double sum_difference(const Values& a, const Values& b, double terms) {
  return difference(a, b, std::sqrt(std::max(terms, 1.0)));
}

}  // namespace kernels_test
