#include "pooled_linear.h"

#include <algorithm>

#include "cpu_pooling.h"
#include "packed_product.h"
#include "team.h"

namespace sidenet::kernels::cpu {

PooledLinear::PooledLinear(const PoolGrid& grid, std::vector<float> mean, std::vector<float> scale,
                           PackedLinear linear)
    : grid_(grid), mean_(std::move(mean)), scale_(std::move(scale)), linear_(std::move(linear)) {}

// features: those of the cell.
void PooledLinear::standardise(float* features, std::size_t cell) const {
  const std::size_t channels = grid_.channels;
  const float *mean = mean_.data() + cell * channels, *scale = scale_.data() + cell * channels;
  for (std::size_t c = 0; c < channels; ++c) features[c] = (features[c] - mean[c]) * scale[c];
}

void PooledLinear::pool(const float* x, std::size_t begin, std::size_t end, float* features) const {
  const std::size_t cells = std::size_t(grid_.pool) * grid_.pool, channels = grid_.channels;
  const std::size_t image = std::size_t(grid_.h) * grid_.w * channels;
  for (std::size_t i = begin; i < end; ++i) {
    const std::size_t row = i / cells, cell = i % cells;
    float* to = features + i * channels;
    const int line = static_cast<int>(cell) / grid_.pool,
              column = static_cast<int>(cell) % grid_.pool;
    adaptive_avg_pool_cell(x + row * image, grid_.h, grid_.w, grid_.channels, grid_.pool,
                           grid_.pool, line, column, to);
    standardise(to, cell);
  }
}

void PooledLinear::run(const float* x, int rows, float* features, float* y, int threads) const {
  const ProductItems items = packed_items(linear_.weight(), rows, threads);
  const auto share = [=, this](const TeamPlace& place) {
    const std::size_t index = place.index(), team = place.count();
    const std::size_t cells = std::size_t(grid_.pool) * grid_.pool * rows;
    pool(x, cells * index / team, cells * (index + 1) / team, features);
    place.barrier();
    run_packed_items(linear_.weight(), items, items.count() * index / team,
                     items.count() * (index + 1) / team, features, grid_.features(), rows, y,
                     linear_.out_features(), {.relu = true});
  };
  if (items.threads <= 1) return share(TeamPlace());
  Team::share(items.threads, share);
}

void PooledLinear::run_pooled(float* features, int rows, float* y, int threads) const {
  const std::size_t cells = std::size_t(grid_.pool) * grid_.pool;
  for (std::size_t i = 0; i < cells * rows; ++i)
    standardise(features + i * grid_.channels, i % cells);
  linear_.run(features, rows, y, true, threads);
}

}  // namespace sidenet::kernels::cpu
