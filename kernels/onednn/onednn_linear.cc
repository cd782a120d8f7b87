#include "onednn_linear.h"

#include <atomic>
#include <string>
#include <unordered_map>

#include "large_buffer.h"
#include "linear_post.h"
#include "onednn_engine.h"
#include "parallel_ranges.h"
#include "row_tiles.h"
#include "sidenet/error.h"
#include "threads.h"

namespace sidenet::kernels::onednn {
namespace {

using dnnl::memory;
using tag = memory::format_tag;

constexpr auto kFloat = memory::data_type::f32;

dnnl::matmul::primitive_desc describe(memory::dim rows, memory::dim in, memory::dim out) {
  const memory::desc x({rows, in}, kFloat, tag::ab), weight({in, out}, kFloat, tag::any),
      bias({1, out}, kFloat, tag::ab), y({rows, out}, kFloat, tag::ab);
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
#if DNNL_VERSION_MAJOR >= 3
  return {engine(), x, weight, bias, y, attributes};
#else
  return {dnnl::matmul::desc(x, weight, bias, y), attributes, engine()};
#endif
}

constexpr std::size_t round_up(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

class OnednnLinear : public LinearKernel {
 public:
  OnednnLinear(int in_features, int out_features, Activation activation, int tile_rows)
      : in_(in_features),
        out_(out_features),
        tile_rows_(tile_rows),
        activation_(activation),
        descriptor_(describe(tile_rows, in_features, out_features)),
        primitive_(descriptor_),
        weight_storage_(allocate_large(descriptor_.weights_desc().get_size())),
        weight_(descriptor_.weights_desc(), engine(), weight_storage_.get()),
        bias_({{1, out_features}, kFloat, tag::ab}, engine()) {}

  void set_weights(JoinedWeights weights) {
    const memory plain(
        {{static_cast<memory::dim>(in_), static_cast<memory::dim>(out_)}, kFloat, tag::ba},
        engine(), weights.weight.data());
    memory from = plain;
    dnnl::reorder(from, weight_).execute(stream(), from, weight_);
    std::copy(weights.bias.begin(), weights.bias.end(),
              static_cast<float*>(bias_.get_data_handle()));
    stream().wait();
  }

  const char* name() const override { return "onednn"; }
  std::size_t weight_bytes() const override {
    return descriptor_.weights_desc().get_size() + out_ * sizeof(float);
  }
  std::size_t scratch_bytes(int threads) const override {
    return share_bytes() * static_cast<std::size_t>(std::max(threads, 1));
  }

  void run(const float* x, int rows, float* y, const float* residual, std::byte* scratch,
           int threads) const override {
    const std::size_t count = static_cast<std::size_t>(rows),
                      tiles = (count + tile_rows_ - 1) / tile_rows_;
    const std::size_t used = cpu::threads_worth(count * in_ * out_, threads);
    std::atomic<bool> failed = false;  // an exception must not leave a parallel region
    cpu::for_each_range(
        std::min(used, tiles), 1, static_cast<int>(used), [&](std::size_t begin, std::size_t end) {
          const ThreadSetting one_thread(1);
          const std::size_t shares = std::min(used, tiles);
          for (std::size_t share = begin; share < end; ++share) {
            for (std::size_t t = tiles * share / shares; t < tiles * (share + 1) / shares; ++t) {
              const std::size_t first = t * tile_rows_;
              if (!run_tile(x + first * in_, y + first * out_, std::min(tile_rows_, count - first),
                            scratch + share * share_bytes()))
                failed = true;
            }
          }
        });
    if (failed) throw Error("oneDNN failed to run a matrix product");
    cpu::finish_linear(activation_, residual, y, count * out_, threads);
  }

 private:
  std::size_t own_bytes() const { return round_up(descriptor_.scratchpad_desc().get_size()); }
  std::size_t share_bytes() const {
    return own_bytes() + round_up(RowTile::floats(tile_rows_, in_, out_) * sizeof(float));
  }

  bool run_tile(const float* x, float* y, std::size_t rows, std::byte* scratch) const {
    try {
      const RowTile tile(x, y, rows, tile_rows_, in_, out_,
                         reinterpret_cast<float*>(scratch + own_bytes()));
      primitive_.execute(
          stream(),
          {{DNNL_ARG_SRC, memory(descriptor_.src_desc(), engine(), const_cast<float*>(tile.x))},
           {DNNL_ARG_DST, memory(descriptor_.dst_desc(), engine(), tile.y)},
           {DNNL_ARG_WEIGHTS, weight_},
           {DNNL_ARG_BIAS, bias_},
           {DNNL_ARG_SCRATCHPAD, memory(descriptor_.scratchpad_desc(), engine(), scratch)}});
      tile.finish();
      return true;
    } catch (const std::exception&) {
      return false;
    }
  }

  std::size_t in_, out_, tile_rows_;
  Activation activation_;
  dnnl::matmul::primitive_desc descriptor_;
  dnnl::matmul primitive_;
  std::shared_ptr<std::byte> weight_storage_;
  memory weight_, bias_;
};

}  // namespace

std::unique_ptr<LinearKernel> make_linear(int in_features, std::span<const LinearWeights> parts,
                                          Activation activation, int tile_rows) {
  const ThreadSetting one_thread(1);  // as each tile will be run
  JoinedWeights weights(in_features, parts);
  try {
    auto linear = std::make_unique<OnednnLinear>(in_features, static_cast<int>(weights.bias.size()),
                                                 activation, tile_rows);
    linear->set_weights(std::move(weights));
    return linear;
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_unimplemented) return nullptr;
    throw Error(std::string("oneDNN cannot build a matrix product: ") + error.what());
  }
}

}  // namespace sidenet::kernels::onednn
