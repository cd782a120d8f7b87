#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <omp.h>

#include <bit>
#include <memory>

#include "depthwise_conv2d.h"
#include "eigen_conv2d.h"
#include "gemm.h"
#include "gemm_variants.h"
#include "im2col_conv2d.h"
#include "kernels_test_support.h"
#include "packed_linear.h"
#include "pooled_linear.h"

// PackedLinear, gemm and convolution against their plain twins, on every instruction set of this
// machine.
using namespace kernels_test;

namespace {

struct FreeAligned {
  void operator()(std::byte* p) const { std::free(p); }
};

Values run_conv2d(const sidenet::kernels::Conv2dKernel& kernel, const Values& x, Values y,
                  int threads) {
  const std::size_t bytes = (kernel.scratch_bytes() + 63) / 64 * 64;
  const std::unique_ptr<std::byte, FreeAligned> scratch(
      static_cast<std::byte*>(std::aligned_alloc(64, bytes + 64)));
  std::memset(scratch.get(), 0xff, bytes + 64);  // NaNs: what is read must have been written
  kernel.run(x.data(), y.data(), scratch.get(), threads);
  const bool guard_intact =
      std::all_of(scratch.get() + kernel.scratch_bytes(), scratch.get() + bytes + 64,
                  [](std::byte b) { return b == std::byte{0xff}; });
  CHECK(guard_intact);
  return y;
}

void check_kernel(const sidenet::kernels::Conv2dKernel& kernel, const Values& x,
                  const Values& before, const Values& expected, double terms, double error = 1e-6) {
  const Values one = run_conv2d(kernel, x, before, 1);
  CHECK(sum_difference(one, expected, terms) < error);
  for (const int threads : {2, 3}) CHECK(same_bits(run_conv2d(kernel, x, before, threads), one));
}

// One shape, all posts and instruction sets, 1 to 3 threads.
void check_conv2d(const Conv2dShape& s) {
  CAPTURE(s.in_channels);
  CAPTURE(s.out_channels);
  CAPTURE(s.groups);
  CAPTURE(s.in_h);
  CAPTURE(s.kernel_h);
  CAPTURE(s.stride_h);
  CAPTURE(s.pad_h);
  CAPTURE(s.dilation_h);
  const Values x = random_values(std::size_t(s.in_h) * s.in_w * s.in_channels);
  const Values weight = random_values(std::size_t(s.out_channels) * (s.in_channels / s.groups) *
                                      s.kernel_h * s.kernel_w);
  const double terms = double(weight.size()) / s.out_channels;
  const Values bias = random_values(s.out_channels);
  const Values before = random_values(std::size_t(s.out_h) * s.out_w * s.out_channels);
  for (const Conv2dPost post :
       {Conv2dPost{false, false}, Conv2dPost{false, true}, Conv2dPost{true, true}}) {
    const float* with_bias = post.relu ? bias.data() : nullptr;
    Values expected = before;
    reference::conv2d(s, x.data(), weight.data(), with_bias, post, expected.data());
    on_every_target([&] {
      check_kernel(cpu::Im2colConv2d(s, weight.data(), with_bias, post), x, before, expected,
                   terms);
      if (s.groups > 1 && s.groups == s.in_channels && s.groups == s.out_channels)
        check_kernel(cpu::DepthwiseConv2d(s, weight.data(), with_bias, post), x, before, expected,
                     terms);
    });
    check_kernel(*cpu::make_eigen_conv2d(s, weight.data(), with_bias, post), x, before, expected,
                 terms, 2e-6);
  }
}

Conv2dShape square(int in_channels, int out_channels, int groups, int size, int kernel, int stride,
                   int pad, int dilation) {
  Conv2dShape s{.in_channels = in_channels,
                .out_channels = out_channels,
                .groups = groups,
                .in_h = size,
                .in_w = size + 1};
  s.kernel_h = s.kernel_w = kernel;
  s.stride_h = s.stride_w = stride;
  s.pad_h = s.pad_w = pad;
  s.dilation_h = s.dilation_w = dilation;
  const int reach = dilation * (kernel - 1) + 1;
  s.out_h = (s.in_h + 2 * pad - reach) / stride + 1;
  s.out_w = (s.in_w + 2 * pad - reach) / stride + 1;
  return s;
}

}  // namespace

TEST_CASE(
    "PackedLinear: near the reference; a row is bit-identical alone, in any batch and for any "
    "number of threads") {
  const int outputs[] = {1, 3, 10, 16, 17, 33, 64, 100, 257};
  const int inputs[] = {1, 3, 4, 5, 17, 64, 100, 1023, 1030, 2100};
  constexpr int kRows = 9;
  for (const int in : inputs) {
    for (const int out : outputs) {
      if (in > 1000 && out > 20 && out != 100) continue;  // slow one lane at a time
      CAPTURE(in);
      CAPTURE(out);
      const Values x = random_values(std::size_t(kRows) * in),
                   weight = random_values(std::size_t(out) * in);
      const Values bias = random_values(out);
      const bool relu = (in + out) % 2 == 0;
      const float* with_bias = in % 3 == 0 ? nullptr : bias.data();
      Values expected(std::size_t(kRows) * out);
      reference::linear(x.data(), kRows, in, weight.data(), with_bias, out, relu, expected.data());
      on_every_target([&] {
        const cpu::PackedLinear linear(in, out, weight.data(), with_bias);
        CHECK(linear.weight_bytes() >= (std::size_t(in) + 1) * out * sizeof(float));
        Values whole(expected.size());
        linear.run(x.data(), kRows, whole.data(), relu, 1);
        CHECK(sum_difference(whole, expected, in) < 1e-6);
        for (int rows = 1; rows <= kRows; ++rows) {
          for (const int threads : {1, 2}) {
            Values part(std::size_t(rows) * out);  // the last rows, so that places in a tile differ
            linear.run(x.data() + std::size_t(kRows - rows) * in, rows, part.data(), relu, threads);
            CHECK(same_bits(part, Values(whole.end() - part.size(), whole.end())));
          }
        }
      });
    }
  }
}

TEST_CASE("PackedLinear: more rows than a panel; many threads; inside a parallel region") {
  for (const int out : {10, 300}) {
    const int in = 700, rows = 77;
    const Values x = random_values(std::size_t(rows) * in),
                 weight = random_values(std::size_t(out) * in);
    Values expected(std::size_t(rows) * out);
    reference::linear(x.data(), rows, in, weight.data(), nullptr, out, true, expected.data());
    on_every_target([&] {
      const cpu::PackedLinear linear(in, out, weight.data(), nullptr);
      Values one(expected.size());
      linear.run(x.data(), rows, one.data(), true, 1);
      CHECK(sum_difference(one, expected, in) < 1e-6);
      for (const int threads : {2, 3, 7}) {
        Values y(expected.size());
        linear.run(x.data(), rows, y.data(), true, threads);
        CHECK(same_bits(y, one));
      }
      Values apart(expected.size());
#pragma omp parallel for num_threads(2)
      for (int r = 0; r < rows; ++r)
        linear.run(x.data() + r * in, 1, apart.data() + r * out, true, 1);
      CHECK(same_bits(apart, one));
    });
  }
}

TEST_CASE("PackedLinear: NaN and infinity stay in their row") {
  const int in = 20, out = 19;
  Values x = random_values(std::size_t(5) * in), y(std::size_t(5) * out);
  const Values weight = random_values(std::size_t(out) * in);
  x[2 * in + 3] = std::nanf("");
  x[3 * in + 1] = kInfinity;
  on_every_target([&] {
    cpu::PackedLinear(in, out, weight.data(), nullptr).run(x.data(), 5, y.data(), true, 1);
    for (int r = 0; r < 5; ++r) {
      for (int o = 0; o < out; ++o) {
        const float value = y[r * out + o];
        if (r == 2) CHECK(std::isnan(value));
        if (r == 3) CHECK((std::isinf(value) || value == 0));
        if (r < 2 || r > 3) CHECK(std::isfinite(value));
      }
    }
  });
}

TEST_CASE("gemm: every variant and the whole near the reference, for any number of threads") {
  struct Size {
    int m, n, k;
  };
  for (const Size s :
       {Size{1, 1, 1}, Size{1, 17, 5}, Size{3, 5, 100}, Size{16, 16, 0}, Size{33, 1, 64},
        Size{64, 100, 17}, Size{129, 257, 70}, Size{300, 33, 600}, Size{40, 530, 31}}) {
    for (int mask = 0; mask < 8; ++mask) {
      const bool transpose_a = mask & 1, transpose_b = mask & 2, accumulate = mask & 4;
      CAPTURE(s.m);
      CAPTURE(s.n);
      CAPTURE(s.k);
      CAPTURE(mask);
      const int lda = (transpose_a ? s.m : s.k) + 3, ldb = (transpose_b ? s.k : s.n) + 2,
                ldc = s.n + 1;
      const Values a = random_values(std::size_t(transpose_a ? s.k : s.m) * lda);
      const Values b = random_values(std::size_t(transpose_b ? s.n : s.k) * ldb);
      const Values before = random_values(std::size_t(s.m) * ldc);
      Values expected = before;
      reference::gemm(transpose_a, transpose_b, s.m, s.n, s.k, a.data(), lda, b.data(), ldb,
                      accumulate, expected.data(), ldc);
      for (const cpu::GemmVariant& variant : cpu::gemm_variants()) {
        CAPTURE(std::string(variant.name));
        Values c = before;
        variant.function(transpose_a, transpose_b, s.m, s.n, s.k, a.data(), lda, b.data(), ldb,
                         accumulate, c.data(), ldc);
        CHECK(sum_difference(c, expected, s.k) < 1e-6);
      }
      Values one = before;
      cpu::gemm(transpose_a, transpose_b, s.m, s.n, s.k, a.data(), lda, b.data(), ldb, accumulate,
                one.data(), ldc, 1);
      CHECK(sum_difference(one, expected, s.k) < 1e-6);
      for (const int threads : {2, 5}) {
        Values c = before;
        cpu::gemm(transpose_a, transpose_b, s.m, s.n, s.k, a.data(), lda, b.data(), ldb, accumulate,
                  c.data(), ldc, threads);
        CHECK(same_bits(c, one));
      }
    }
  }
}

TEST_CASE("conv2d: kernels, strides, padding and dilation") {
  for (const int channels : {1, 3, 17}) {
    for (const int size : {1, 2, 5, 9, 33}) {
      for (const int kernel : {1, 3, 7}) {
        for (const int stride : {1, 2}) {
          for (const int pad : {0, kernel / 2}) {
            for (const int dilation : {1, 2}) {
              if (size + 2 * pad < dilation * (kernel - 1) + 1) continue;
              if (size == 33 && (kernel == 7 || channels != 3 || dilation == 2))
                continue;  // slow in the reference
              check_conv2d(square(channels, 20 - channels, 1, size, kernel, stride, pad, dilation));
            }
          }
        }
      }
    }
  }
}

TEST_CASE("conv2d: wide, grouped and depthwise") {
  check_conv2d(square(64, 100, 1, 9, 3, 1, 1, 1));
  check_conv2d(square(100, 64, 1, 17, 1, 1, 0, 1));
  check_conv2d(square(130, 70, 1, 7, 3, 2, 1, 1));
  for (const int groups : {2, 4}) {
    for (const int kernel : {1, 3}) {
      check_conv2d(square(8, 12, groups, 13, kernel, 1, kernel / 2, 1));
      check_conv2d(square(64, 64, groups, 9, kernel, 2, kernel / 2, 2));
    }
  }
  for (const int channels : {2, 5, 17, 64}) {
    check_conv2d(square(channels, channels, channels, 12, 3, 1, 1, 1));
    check_conv2d(square(channels, channels, channels, 12, 5, 2, 3, 2));
    check_conv2d(square(channels, 2 * channels, channels, 6, 3, 1, 1, 1));
  }
}

TEST_CASE("conv2d: one kernel run by several threads at once, each with its own scratch") {
  const Conv2dShape s = square(16, 24, 1, 21, 3, 1, 1, 1);
  const Values x = random_values(std::size_t(s.in_h) * s.in_w * s.in_channels),
               weight = random_values(24 * 16 * 9);
  const Values before(std::size_t(s.out_h) * s.out_w * s.out_channels);
  const auto kernel = std::make_unique<cpu::Im2colConv2d>(s, weight.data(), nullptr, Conv2dPost{});
  const Values alone = run_conv2d(*kernel, x, before, 1);
  int same = 0;
#pragma omp parallel for num_threads(2) reduction(+ : same)
  for (int i = 0; i < 8; ++i) same += same_bits(run_conv2d(*kernel, x, before, 1), alone);
  CHECK(same == 8);
}

TEST_CASE(
    "PooledLinear: pooling, standardising and the product as one by one; bits that rows and "
    "threads don't change") {
  const sidenet::kernels::PoolGrid grids[] = {
      {8, 8, 16, 4}, {7, 5, 3, 2}, {4, 4, 20, 3}, {1, 1, 33, 1}};
  constexpr int kRows = 5;
  for (const sidenet::kernels::PoolGrid& grid : grids) {
    const int in = static_cast<int>(grid.features()), image = grid.h * grid.w * grid.channels,
              cells = grid.pool * grid.pool;
    for (const int out : {1, 70, 160}) {
      CAPTURE(in);
      CAPTURE(out);
      const Values x = random_values(std::size_t(kRows) * image),
                   weight = random_values(std::size_t(out) * in);
      const Values bias = random_values(out), mean = random_values(in);
      Values scale = random_values(in);
      for (float& value : scale) value = 0.5f + std::abs(value);
      Values features(std::size_t(kRows) * in), expected(std::size_t(kRows) * out);
      for (int row = 0; row < kRows; ++row) {
        float* to = features.data() + std::size_t(row) * in;
        reference::adaptive_avg_pool(x.data() + std::size_t(row) * image, grid.h, grid.w,
                                     grid.channels, to, grid.pool, grid.pool);
        for (int i = 0; i < cells * grid.channels; ++i) to[i] = (to[i] - mean[i]) * scale[i];
      }
      reference::linear(features.data(), kRows, in, weight.data(), bias.data(), out, true,
                        expected.data());
      on_every_target([&] {
        const std::vector<float> means(mean.begin(), mean.end()),
            scales(scale.begin(), scale.end());
        const cpu::PooledLinear pooled(grid, means, scales,
                                       cpu::PackedLinear(in, out, weight.data(), bias.data()));
        Values scratch(features.size()), whole(expected.size());
        pooled.run(x.data(), kRows, scratch.data(), whole.data(), 1);
        CHECK(sum_difference(whole, expected, in) < 1e-6);
        for (int rows = 1; rows <= kRows; ++rows) {
          for (const int threads : {1, 2, 3}) {
            Values part(std::size_t(rows) * out);
            pooled.run(x.data() + std::size_t(kRows - rows) * image, rows, scratch.data(),
                       part.data(), threads);
            CHECK(same_bits(part, Values(whole.end() - part.size(), whole.end())));
          }
        }
      });
    }
  }
}

TEST_CASE(
    "PackedLinear: weights that are bfloat16 numbers take two bytes each and give the same bits") {
  for (const int in : {1, 5, 64, 1030, 2100}) {
    for (const int out : {1, 10, 17, 64, 160, 257}) {
      if (in > 1000 && out > 160) continue;  // slow one lane at a time
      CAPTURE(in);
      CAPTURE(out);
      const int rows = 9;
      const Values x = random_values(std::size_t(rows) * in), bias = random_values(out + 1);
      Values weight = random_values(std::size_t(out + 1) * in);
      for (float& value : weight)
        value = std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) & 0xffff0000);
      weight.back() = 0.1f;  // of the last output: with it nothing can be halved
      on_every_target([&] {
        const cpu::PackedLinear halves(in, out, weight.data(), bias.data()),
            whole(in, out + 1, weight.data(), bias.data());
        CHECK(halves.weight_bytes() < whole.weight_bytes());
        for (const int count : {1, 2, 9}) {
          for (const int threads : {1, 2}) {
            Values y(std::size_t(count) * out), expected(std::size_t(count) * (out + 1));
            halves.run(x.data(), count, y.data(), true, threads);
            whole.run(x.data(), count, expected.data(), true, threads);
            for (int r = 0; r < count; ++r) {
              const auto from = expected.begin() + r * (out + 1), to = y.begin() + r * out;
              CHECK(same_bits(Values(to, to + out), Values(from, from + out)));
            }
          }
        }
      });
    }
  }
}
