#include "winograd_conv2d.h"

#include <omp.h>

#include <algorithm>
#include <string>
#include <vector>

#include "parallel_ranges.h"
#include "secret_digest.h"
#include "sidenet/error.h"
#include "simd_targets.h"
#include "thread_scratch.h"
#include "weight_memory.h"
#include "winograd_panel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "winograd_conv2d.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "winograd_panel-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sidenet::kernels::cpu::HWY_NAMESPACE {
namespace {

void run_panel_2(const WinogradProblem& w, const float* src, WinogradPanel& panel,
                 std::size_t begin, std::size_t end, float* dst) {
  run_panel<WinogradTile2>(w, src, panel, begin, end, dst);
}
void run_panel_4(const WinogradProblem& w, const float* src, WinogradPanel& panel,
                 std::size_t begin, std::size_t end, float* dst) {
  run_panel<WinogradTile4>(w, src, panel, begin, end, dst);
}
std::size_t lanes() { return kLanes; }
std::size_t block_width() { return kBlock; }

}  // namespace
}  // namespace sidenet::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidenet::kernels::cpu {
namespace {
HWY_EXPORT(run_panel_2);
HWY_EXPORT(run_panel_4);
HWY_EXPORT(lanes);
HWY_EXPORT(block_width);

std::size_t round_up(std::size_t value, std::size_t unit) {
  return (value + unit - 1) / unit * unit;
}

bool is_large(const Conv2dShape& s) {
  return std::size_t(s.in_channels) * s.out_channels > 128 * 128;
}

std::size_t tiles_of(const Conv2dShape& s, std::size_t tile) {
  return ((s.out_h + tile - 1) / tile) * ((s.out_w + tile - 1) / tile);
}

class WinogradConv2d : public Conv2dKernel {
 public:
  WinogradConv2d(const Conv2dShape& shape, const float* weight, const float* scale,
                 const float* bias, const Conv2dPost& post, const WinogradPlan& plan)
      : plan_(plan), block_(HWY_DYNAMIC_DISPATCH(block_width)()), bias_(shape.out_channels) {
    const std::size_t lanes_ = HWY_DYNAMIC_DISPATCH(lanes)(), tile = plan.tile;
    w_.shape = shape;
    w_.post = post;
    w_.tiles_x = (shape.out_w + tile - 1) / tile;
    w_.tiles = tiles_of(shape, tile);
    plan_.panel = static_cast<int>(std::min<std::size_t>(plan.panel, w_.tiles));
    panels_ = (w_.tiles + plan_.panel - 1) / plan_.panel;
    blocks_ = (shape.out_channels + block_ - 1) / block_;
    const std::size_t frequencies = (tile + 2) * (tile + 2);
    w_.x_tile_stride = frequencies * round_up(shape.in_channels, kInputBlock) + kLineFloats;
    w_.y_tile_stride = round_up(frequencies * block_, kLineFloats) + kLineFloats;
    x_floats_ = plan_.panel * w_.x_tile_stride;
    y_floats_ = plan_.panel * w_.y_tile_stride;
    zeros_.resize((tile + 2) * shape.in_channels);
    w_.zeros = zeros_.data();
    const std::size_t threads = std::max({omp_get_max_threads(), omp_get_num_procs(), 1});
    slots_ = std::min(threads, blocks_ * panels_);
    weight_floats_ = plan.plain_weights
                         ? frequencies * (kInputBlock * round_up(block_, kLineFloats) + kLineFloats)
                         : 0;
    packed_floats_ = (plan.plain_weights ? 9 : frequencies) * shape.in_channels *
                     round_up(shape.out_channels, lanes_);
    WeightMemory memory = cached_or_new_weights(packed_floats_, [&](SecretDigest& digest) {
      const std::size_t inputs = shape.in_channels, outputs = shape.out_channels;
      digest.add("winograd")
          .add(plan.plain_weights ? 0 : tile)
          .add(inputs)
          .add(outputs)
          .add(block_)
          .add(lanes_);
      add_floats(digest, weight, inputs * outputs * 9);
      add_floats(digest, scale, outputs);
    });
    packed_ = std::move(memory.data);
    // Where there are few weights the hardware's own prefetching is too late. For many it was the
    // better by 3 % on Zen 4, and the worse by 5 to 8 % (of ResNet-50) on Granite Rapids.
    constexpr std::size_t kFewBytes = 400 * 1024;
    w_.fetches = packed_floats_ * sizeof(float) <= kFewBytes || cpu_caches().large();
    w_.plain = plan.plain_weights;
    if (!memory.filled) {
      pack_winograd_weight(plan.plain_weights ? 0 : plan.tile, shape.in_channels,
                           shape.out_channels, static_cast<int>(block_), static_cast<int>(lanes_),
                           weight, scale, packed_.get());
    }
    w_.packed = packed_.get();
    if (bias) std::copy_n(bias, bias_.size(), bias_.begin());
    w_.bias = bias_.data();
  }

  const char* name() const override { return "winograd"; }
  std::size_t scratch_bytes() const override { return slots_ * slot_floats() * sizeof(float); }
  std::size_t weight_bytes() const override {
    return (packed_floats_ + bias_.size()) * sizeof(float);
  }

  void run(const float* src, float* dst, std::byte* scratch, int threads,
           std::span<const std::byte> coming) const override {
    const std::size_t wanted = std::clamp<std::size_t>(std::max(threads, 1), 1, slots_);
    const std::size_t panel_parts =
        std::min(plan_.split_outputs ? wanted / std::min(wanted, blocks_) : wanted, panels_);
    const std::size_t block_parts = std::min(wanted / panel_parts, blocks_),
                      workers = panel_parts * block_parts;
    for_each_range(workers, 1, static_cast<int>(workers),
                   [=, this](std::size_t begin, std::size_t end) {
                     for (std::size_t worker = begin; worker < end; ++worker) {
                       const Range fetched = share(coming.size(), worker, workers);
                       work(src, dst, reinterpret_cast<float*>(scratch) + worker * slot_floats(),
                            share(panels_, worker % panel_parts, panel_parts),
                            share(blocks_, worker / panel_parts, block_parts),
                            coming.subspan(fetched.first, fetched.second - fetched.first));
                     }
                   });
  }

 private:
  std::size_t slot_floats() const { return scratch_stride(x_floats_ + y_floats_ + weight_floats_); }

  // No thread reads what another one has transformed: lines that go from core to core cost more
  // than transforming twice.
  void work(const float* src, float* dst, float* floats, const Range& panels, const Range& blocks,
            std::span<const std::byte> coming) const {
    for (std::size_t i = panels.first; i < panels.second; ++i) {
      const std::size_t first = w_.tiles * i / panels_, last = w_.tiles * (i + 1) / panels_;
      WinogradPanel panel{
          first, last - first, floats, floats + x_floats_, floats + x_floats_ + y_floats_, coming};
      if (plan_.tile == 2) {
        HWY_DYNAMIC_DISPATCH(run_panel_2)(w_, src, panel, blocks.first, blocks.second, dst);
      } else {
        HWY_DYNAMIC_DISPATCH(run_panel_4)(w_, src, panel, blocks.first, blocks.second, dst);
      }
      coming = panel.coming;
    }
  }

  WinogradProblem w_{};
  WinogradPlan plan_;
  std::size_t block_;                                // outputs
  std::size_t panels_, blocks_;                      // of tiles, of outputs
  std::size_t x_floats_, y_floats_, weight_floats_;  // of one slot
  std::size_t slots_;                                // threads that can work side by side
  std::size_t packed_floats_;
  std::shared_ptr<float> packed_;
  std::vector<float> bias_, zeros_;
};

}  // namespace

bool winograd_supports(const Conv2dShape& s) {
  const bool dense = s.kernel_h == 3 && s.kernel_w == 3 && s.stride_h == 1 && s.stride_w == 1 &&
                     s.dilation_h == 1 && s.dilation_w == 1 && s.groups == 1;
  return dense && s.in_channels > 0 && s.out_channels > 0 && s.in_h > 0 && s.in_w > 0 &&
         s.out_h > 0 && s.out_w > 0;
}

// Channels that fill vectors, enough outputs, and less than half the multiplications of the direct
// sum (the edge of the image may cut much of its tiles). Cold weights, one and two threads: on Zen
// 4 oneDNN's direct sum takes 2.7 to 3.1 times as long from 56 x 56 x 64 to 28 x 28 x 128, 1.8
// to 2.3 at 14 x 14 x 256, 1.4 to 1.7 at 7 x 7 x 512, 1.8 to 2.5 on the layers of CIFAR's ResNets
// with 16 to 64 channels; at 4 x 4 x 512 it is the faster. On Granite Rapids it is so at 7 x 7 x
// 512 too.
bool winograd_suits(const Conv2dShape& s, const CpuCaches& caches) {
  if (!winograd_supports(s) || s.in_channels % 16 != 0 || s.out_channels % 16 != 0) return false;
  const std::size_t outputs = std::size_t(s.out_h) * s.out_w;
  const int tile = winograd_plan(s, caches).tile, side = tile + 2;
  return outputs >= (caches.large() && is_large(s) ? 50 : 49) &&
         9 * outputs >= 2 * tiles_of(s, tile) * side * side;
}

WinogradPlan winograd_plan(const Conv2dShape& s, const CpuCaches& caches) {
  if (!winograd_supports(s)) return {4, 1, false, false};
  // An even number of panels, which two threads part evenly, each as high as the register tile or
  // less; twice as high where the weights are many and the cache is large, so that they are read
  // half as often.
  const auto panel = [&](int tile) {
    const std::size_t tiles = tiles_of(s, tile), side = tile + 2;
    const bool many = side * side * s.in_channels * s.out_channels * sizeof(float) >
                      caches.second_level_bytes / 2;
    const std::size_t most = many && caches.large() ? 56 : 28, pairs = (tiles + most - 1) / most;
    return static_cast<int>((tiles + 2 * pairs - 1) / (2 * pairs));
  };
  const std::size_t tiles = tiles_of(s, 4);
  constexpr std::size_t kFewTiles = 9, kSomeTiles = 16;
  // F(4x4) is as fast from memory and faster from the caches, but takes 4 times the weight's bytes
  // instead of 1.8 times.
  if (tiles > kFewTiles && tiles <= kSomeTiles && is_large(s)) {
    return caches.large() ? WinogradPlan{2, panel(2), false, false}
                          : WinogradPlan{2, 8, true, false};
  }
  if (tiles > kFewTiles) return {4, panel(4), false, false};
  // With few tiles the weights take the time: large ones come from memory, small ones from the
  // caches.
  return is_large(s) ? WinogradPlan{4, static_cast<int>(tiles), true, true}
                     : WinogradPlan{2, panel(2), false, false};
}

std::unique_ptr<Conv2dKernel> make_winograd_conv2d(const Conv2dShape& shape, const float* weight,
                                                   const float* scale, const float* bias,
                                                   const Conv2dPost& post,
                                                   const WinogradPlan& plan) {
  if (!winograd_supports(shape)) {
    throw Error(
        "winograd: expected a 3x3 convolution with stride 1, dilation 1 and one group, got " +
        std::to_string(shape.kernel_h) + "x" + std::to_string(shape.kernel_w) + ", stride " +
        std::to_string(shape.stride_h) + ", dilation " + std::to_string(shape.dilation_h) + ", " +
        std::to_string(shape.groups) + " groups");
  }
  if ((plan.tile != 2 && plan.tile != 4) || plan.panel < 1) {
    throw Error("winograd: expected tiles of 2 or 4 outputs and at least one in a panel, got " +
                std::to_string(plan.tile) + " and " + std::to_string(plan.panel));
  }
  return std::make_unique<WinogradConv2d>(shape, weight, scale, bias, post, plan);
}

std::unique_ptr<Conv2dKernel> make_winograd_conv2d(const Conv2dShape& shape, const float* weight,
                                                   const float* scale, const float* bias,
                                                   const Conv2dPost& post) {
  return make_winograd_conv2d(shape, weight, scale, bias, post, winograd_plan(shape, cpu_caches()));
}

}  // namespace sidenet::kernels::cpu
#endif
