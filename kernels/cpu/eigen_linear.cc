#include "eigen_linear.h"

#include "gemm.h"
#include "linear_post.h"
#include "row_tiles.h"

namespace sidenet::kernels::cpu {
namespace {

class EigenLinear : public LinearKernel {
 public:
  EigenLinear(int in_features, std::span<const LinearWeights> parts, Activation activation,
              int tile_rows)
      : weights_(in_features, parts),
        in_(in_features),
        out_(weights_.bias.size()),
        tile_rows_(tile_rows),
        activation_(activation) {}
  const char* name() const override { return "eigen"; }
  std::size_t weight_bytes() const override { return weights_.bytes(); }
  std::size_t scratch_bytes(int) const override {
    return RowTile::floats(tile_rows_, in_, out_) * sizeof(float);
  }

  void run(const float* x, int rows, float* y, const float* residual, std::byte* scratch,
           int threads) const override {
    const std::size_t count = std::size_t(rows);
    for (std::size_t first = 0; first < count; first += tile_rows_) {
      const RowTile tile(x + first * in_, y + first * out_, std::min(tile_rows_, count - first),
                         tile_rows_, in_, out_, reinterpret_cast<float*>(scratch));
      for (std::size_t r = 0; r < tile_rows_; ++r)
        std::copy_n(weights_.bias.data(), out_, tile.y + r * out_);
      const int in = static_cast<int>(in_), out = static_cast<int>(out_);
      gemm(false, true, static_cast<int>(tile_rows_), out, in, tile.x, in, weights_.weight.data(),
           in, true, tile.y, out, threads);
      tile.finish();
    }
    finish_linear(activation_, residual, y, count * out_, threads);
  }

 private:
  JoinedWeights weights_;
  std::size_t in_, out_, tile_rows_;
  Activation activation_;
};

}  // namespace

std::unique_ptr<LinearKernel> make_eigen_linear(int in_features,
                                                std::span<const LinearWeights> parts,
                                                Activation activation, int tile_rows) {
  return std::make_unique<EigenLinear>(in_features, parts, activation, tile_rows);
}

}  // namespace sidenet::kernels::cpu
