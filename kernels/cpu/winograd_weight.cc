#include <algorithm>
#include <array>
#include <cstddef>

#include "winograd_panel.h"

namespace sidenet::kernels::cpu {
namespace {

constexpr int kMostFrequencies = 6;  // in one dimension
using Row = std::array<double, 3>;

// Row i is (1, p, p^2) / prod_{k != i} (p - p_k) for the point p = p_i; infinity's is (0, 0, 1).
std::array<Row, kMostFrequencies> weight_transform(int tile) {
  std::array<double, kMostFrequencies - 1> points{0, 1, -1};
  if (tile == 4) points = {0, kWinogradInner, -kWinogradInner, kWinogradOuter, -kWinogradOuter};
  std::array<Row, kMostFrequencies> rows{};
  const int finite = tile + 1;
  for (int i = 0; i < finite; ++i) {
    double divisor = 1;
    for (int k = 0; k < finite; ++k) {
      if (k != i) divisor *= points[i] - points[k];
    }
    rows[i] = {1 / divisor, points[i] / divisor, points[i] * points[i] / divisor};
  }
  rows[finite] = {0, 0, 1};
  return rows;
}

constexpr int kMostBlock = 64;
// One tap of the weight, or one frequency, for the outputs of a block side by side.
using Outputs = std::array<double, kMostBlock>;

// Of the first `width` outputs: sums of three taps, or of three halves.
void combine(const Row& row, const Outputs* from, int apart, int width, Outputs& y) {
  const Outputs &a = from[0], &b = from[apart], &c = from[2 * apart];
  for (int o = 0; o < width; ++o) y[o] = row[0] * a[o] + row[1] * b[o] + row[2] * c[o];
}

void store(const Outputs& from, int width, float* to) {
  for (int o = 0; o < width; ++o) to[o] = static_cast<float>(from[o]);
}

}  // namespace

void pack_winograd_weight(int tile, int in_channels, int out_channels, int block, int lanes,
                          const float* weight, const float* scale, float* packed) {
  const auto g = weight_transform(tile);
  const int side = tile + 2;
  const std::size_t inputs = in_channels;
  std::array<Outputs, 9> taps{};
  std::array<Outputs, 3> half{};
  Outputs sum{};
  for (int first = 0; first < out_channels; first += block) {
    const int count = std::min(block, out_channels - first),
              width = (count + lanes - 1) / lanes * lanes;
    for (Outputs& tap : taps) tap.fill(0);
    for (std::size_t i = 0; i < inputs; ++i) {
      for (int o = 0; o < count; ++o) {
        const double factor = scale ? scale[first + o] : 1;
        const float* from = weight + (std::size_t(first + o) * inputs + i) * 9;
        for (int tap = 0; tap < 9; ++tap) taps[tap][o] = from[tap] * factor;
      }
      if (tile == 0) {
        for (int tap = 0; tap < 9; ++tap) store(taps[tap], width, packed + (i * 9 + tap) * width);
        continue;
      }
      for (int y = 0; y < side; ++y) {
        for (int x = 0; x < 3; ++x) combine(g[y], &taps[x], 3, width, half[x]);
        for (int x = 0; x < side; ++x) {
          combine(g[x], half.data(), 1, width, sum);
          store(sum, width, packed + (std::size_t(y * side + x) * inputs + i) * width);
        }
      }
    }
    packed += std::size_t(tile == 0 ? 9 : side * side) * inputs * width;
  }
}

}  // namespace sidenet::kernels::cpu
