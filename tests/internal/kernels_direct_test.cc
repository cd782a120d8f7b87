#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "conv_test_support.h"
#include "direct_conv2d.h"
#include "sidenet/error.h"

// The direct convolution against the same sum in double, on every instruction set of this machine.
using namespace kernels_test;

namespace {

Conv2dShape shape_of(int in_channels, int out_channels, int in_h, int in_w, int kernel_h,
                     int kernel_w, int stride, int pad) {
  Conv2dShape s{
      .in_channels = in_channels, .out_channels = out_channels, .in_h = in_h, .in_w = in_w};
  s.kernel_h = kernel_h;
  s.kernel_w = kernel_w;
  s.stride_h = s.stride_w = stride;
  s.pad_h = s.pad_w = pad;
  s.out_h = (in_h + 2 * pad - kernel_h) / stride + 1;
  s.out_w = (in_w + 2 * pad - kernel_w) / stride + 1;
  return s;
}

std::size_t products(const Conv2dShape& s) {
  return std::size_t(s.in_channels) * s.kernel_h * s.kernel_w;
}

// All posts and instruction sets, 1 to 3 threads.
void check(const Conv2dShape& s) {
  CAPTURE(s.in_channels);
  CAPTURE(s.out_channels);
  CAPTURE(s.in_h);
  CAPTURE(s.in_w);
  CAPTURE(s.kernel_h);
  CAPTURE(s.kernel_w);
  CAPTURE(s.stride_w);
  CAPTURE(s.pad_w);
  const Problem p(s);
  // One chain of so many sums: its rounding grows with the root.
  const double bound = std::max(1e-6, 6e-8 * std::sqrt(static_cast<double>(products(s))));
  for (const bool residual : {false, true}) {
    for (const bool relu : {false, true}) {
      const Conv2dPost post{residual, relu};
      const float* bias = relu != residual ? p.bias.data() : nullptr;
      Values expected = p.before;
      reference::conv2d(s, p.x.data(), p.weight.data(), bias, post, expected.data());
      on_every_target([&] {
        const auto kernel = cpu::make_direct_conv2d(s, p.weight.data(), nullptr, bias, post);
        const Values one = run(*kernel, p.x, p.before, 1);
        CHECK(sum_difference(one, expected, static_cast<double>(products(s))) < bound);
        for (const int threads : {2, 3})
          CHECK(same_bits(run(*kernel, p.x, p.before, threads), one));
      });
    }
  }
}

}  // namespace

TEST_CASE("direct convolution: channels") {
  for (const int in : {1, 3, 16, 17}) {
    for (const int out : {16, 32, 48, 80}) check(shape_of(in, out, 6, 9, 3, 3, 1, 1));
  }
}

TEST_CASE("direct convolution: kernels, strides, padding and widths") {
  for (const auto& [kernel_h, kernel_w] : {std::pair{1, 1}, {3, 3}, {7, 7}, {2, 5}, {4, 1}}) {
    for (const int stride : {1, 2, 3}) {
      for (const int pad : {0, 1, 3}) {
        for (const int width : {1, 5, 14, 31}) {
          const int height = 1 + width % 8;
          if (height + 2 * pad < kernel_h || width + 2 * pad < kernel_w) continue;
          check(shape_of(3, 16, height, width, kernel_h, kernel_w, stride, pad));
        }
      }
    }
  }
}

TEST_CASE(
    "direct convolution: outputs that ask for more padding behind than before, the longest "
    "kernel") {
  Conv2dShape s = shape_of(4, 16, 7, 7, 3, 3, 2, 0);
  s.out_h = s.out_w = 4;  // the last window hangs over by a row and a column
  check(s);
  s = shape_of(4, 16, 7, 7, 2, 2, 2, 1);
  s.out_h = 6;  // the last rows of windows are all padding
  check(s);
  check(shape_of(2, 16, 17, 20, 16, 16, 1, 0));
}

TEST_CASE("direct convolution: sums in several parts, rows in pairs, many threads") {
  check(shape_of(70, 96, 7, 7, 3, 3, 1,
                 1));  // pairs of rows and one that is left over; some rows of the kernel at a time
  check(shape_of(300, 48, 6, 7, 3, 3, 1, 1));    // a row of the kernel in several cuts
  check(shape_of(1024, 80, 3, 11, 1, 1, 1, 0));  // pixels in the same places of the cache
  check(shape_of(512, 16, 5, 13, 3, 3, 2, 1));
  check(shape_of(40, 16, 70, 2, 3, 3, 1, 1));   // more rows than a strip has
  check(shape_of(900, 32, 9, 16, 1, 1, 1, 0));  // flat, in several strips
}

TEST_CASE("direct convolution: fetching what comes next changes nothing") {
  const Conv2dShape s = shape_of(20, 48, 9, 9, 3, 3, 1, 1);
  const Problem p(s);
  const auto kernel = cpu::make_direct_conv2d(s, p.weight.data(), nullptr, p.bias.data(), {});
  const Values without = run(*kernel, p.x, p.before, 2);
  for (const std::size_t bytes : {1, 100, 1 << 20}) {
    const std::vector<std::byte> coming(bytes);
    for (const int threads : {1, 2})
      CHECK(same_bits(run(*kernel, p.x, p.before, threads, coming), without));
  }
}

TEST_CASE("direct convolution: scale, bytes, NaN") {
  const Conv2dShape s = shape_of(18, 32, 10, 11, 3, 3, 2, 1);
  const Problem p(s);
  Values weight = p.weight;
  for (std::size_t i = 0; i < weight.size(); ++i) weight[i] *= p.scale[i / products(s)];
  Values expected = p.before;
  reference::conv2d(s, p.x.data(), weight.data(), p.bias.data(), {true, true}, expected.data());
  Values x = p.x;
  x[0] = std::numeric_limits<float>::quiet_NaN();
  on_every_target([&] {
    const auto kernel =
        cpu::make_direct_conv2d(s, p.weight.data(), p.scale.data(), p.bias.data(), {true, true});
    CHECK(sum_difference(run(*kernel, p.x, p.before, 2), expected,
                         static_cast<double>(products(s))) < 2e-6);
    CHECK(kernel->weight_bytes() == (weight.size() + p.bias.size()) * sizeof(float));
    const Values clean = run(*kernel, p.x, p.before, 1), y = run(*kernel, x, p.before, 1);
    for (std::size_t i = 0; i < y.size(); ++i) {
      const bool near =
          i < std::size_t(s.out_channels);  // the first window alone covers the first pixel
      CHECK((near ? std::isnan(y[i]) : y[i] == clean[i]));
    }
  });
}

TEST_CASE("direct convolution: shapes that it does not take, or that others do sooner") {
  const Conv2dShape good = shape_of(16, 16, 8, 8, 3, 3, 2, 1);
  CHECK(cpu::direct_supports(good));
  const sidenet::CpuCaches few{8, 1 << 20}, many{12, 2 << 20};
  for (const auto& caches : {few, many}) {
    CHECK(cpu::direct_suits(good, caches));
    CHECK(cpu::direct_suits(shape_of(1024, 256, 14, 14, 1, 1, 1, 0), caches));
    CHECK(cpu::direct_suits(shape_of(3, 64, 224, 224, 7, 7, 2, 3), caches));
  }
  // More pixels of a tile in the same places than the cache has room for.
  CHECK(!cpu::direct_suits(shape_of(512, 512, 14, 14, 3, 3, 2, 1), few));
  CHECK(cpu::direct_suits(shape_of(512, 512, 14, 14, 3, 3, 2, 1), many));
  const Values weight(16 * 17 * 17 * 2);
  const auto refuse = [&](auto change) {
    Conv2dShape s = good;
    change(s);
    CHECK(!cpu::direct_supports(s));
    CHECK(!cpu::direct_suits(s));
    CHECK_THROWS_AS(cpu::make_direct_conv2d(s, weight.data(), nullptr, nullptr, {}),
                    sidenet::Error);
  };
  refuse([](Conv2dShape& s) { s.out_channels = 20; });
  refuse([](Conv2dShape& s) { s.groups = 2; });
  refuse([](Conv2dShape& s) { s.dilation_h = 2; });
  refuse([](Conv2dShape& s) { s.dilation_w = 2; });
  refuse([](Conv2dShape& s) { s.kernel_h = 17; });
  refuse([](Conv2dShape& s) { s.kernel_w = 17; });
  refuse([](Conv2dShape& s) { s.out_w = 0; });
}
