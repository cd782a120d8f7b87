#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "conv_test_support.h"
#include "sidenet/error.h"
#include "winograd_conv2d.h"

// Winograd's convolution against the direct sum in double, on every instruction set of this
// machine.
using namespace kernels_test;
using cpu::WinogradPlan;

namespace {

// Of an output, over the root of the number of products summed.
double tolerance(const WinogradPlan& plan) { return plan.tile == 2 ? 1e-6 : 4e-6; }

Conv2dShape shape_of(int in_channels, int out_channels, int in_h, int in_w, int pad_h, int pad_w) {
  Conv2dShape s{
      .in_channels = in_channels, .out_channels = out_channels, .in_h = in_h, .in_w = in_w};
  s.kernel_h = s.kernel_w = 3;
  s.pad_h = pad_h;
  s.pad_w = pad_w;
  s.out_h = in_h + 2 * pad_h - 2;
  s.out_w = in_w + 2 * pad_w - 2;
  return s;
}

// One shape and plan, all posts and instruction sets, 1 to 3 threads, twice.
void check(const Conv2dShape& s, const WinogradPlan& plan) {
  CAPTURE(s.in_channels);
  CAPTURE(s.out_channels);
  CAPTURE(s.in_h);
  CAPTURE(s.in_w);
  CAPTURE(s.pad_h);
  CAPTURE(s.pad_w);
  CAPTURE(plan.tile);
  CAPTURE(plan.panel);
  CAPTURE(plan.split_outputs);
  CAPTURE(plan.plain_weights);
  const Problem p(s);
  for (const bool residual : {false, true}) {
    for (const bool relu : {false, true}) {
      const Conv2dPost post{residual, relu};
      const float* bias = relu != residual ? p.bias.data() : nullptr;
      Values expected = p.before;
      reference::conv2d(s, p.x.data(), p.weight.data(), bias, post, expected.data());
      on_every_target([&] {
        const auto kernel =
            cpu::make_winograd_conv2d(s, p.weight.data(), nullptr, bias, post, plan);
        const Values one = run(*kernel, p.x, p.before, 1);
        CHECK(sum_difference(one, expected, 9.0 * s.in_channels) < tolerance(plan));
        if (!relu || !residual) return;  // a parallel region of a busy machine takes its time
        for (const int threads : {1, 2, 3})
          CHECK(same_bits(run(*kernel, p.x, p.before, threads), one));
      });
    }
  }
}

}  // namespace

TEST_CASE("Winograd: near the direct sum, over channels") {
  for (const int in : kChannels) {
    for (const int out : kChannels) {
      if (in == 100 && out == 100) continue;  // slow one lane at a time
      for (const int tile : {2, 4})
        check(shape_of(in, out, 7, 6, 1, 1), {tile, 3, (in + out) % 2 == 0, in % 2 == 0});
    }
  }
}

TEST_CASE("Winograd: near the direct sum, over sizes and padding") {
  for (const int pad : {0, 1, 2, 4}) {
    for (const int h : {1, 2, 3, 4, 5, 8, 13}) {
      for (const int w : {1, 3, 6, 7, 10}) {
        const int other = pad == 0 && w % 2 == 0 ? 1 : pad;
        if (h + 2 * other < 3 || w + 2 * pad < 3) continue;
        const Conv2dShape s = shape_of(5, 18, h, w, other, pad);
        for (const int tile : {2, 4}) check(s, {tile, 1 + (h * w) % 5, h % 2 == 0, w % 2 == 0});
      }
    }
  }
}

TEST_CASE(
    "Winograd: bits depend on the tile only; panels of any size, scale, the plan of a shape") {
  for (const Conv2dShape& s : {shape_of(32, 48, 14, 14, 1, 1), shape_of(20, 70, 15, 9, 1, 0)}) {
    const Problem p(s);
    Values weight = p.weight;
    for (std::size_t i = 0; i < weight.size(); ++i) weight[i] *= p.scale[i / (9 * s.in_channels)];
    Values expected = p.before;
    reference::conv2d(s, p.x.data(), weight.data(), p.bias.data(), {true, true}, expected.data());
    on_every_target([&] {
      for (const auto& [tile, plain] : {std::pair{2, false}, {2, true}, {4, false}, {4, true}}) {
        Values first;
        for (const int panel : {1, 2, 13, 14, 15, 16, 29, 1000}) {
          for (const bool split : {false, true}) {
            const WinogradPlan plan{tile, panel, split, plain};
            const auto kernel = cpu::make_winograd_conv2d(s, p.weight.data(), p.scale.data(),
                                                          p.bias.data(), {true, true}, plan);
            const Values y = run(*kernel, p.x, p.before, 2);
            if (first.empty()) first = y;
            CHECK(same_bits(y, first));
            CHECK(sum_difference(y, expected, 9.0 * s.in_channels) < 2 * tolerance(plan));
          }
        }
      }
      const auto kernel =
          cpu::make_winograd_conv2d(s, weight.data(), nullptr, p.bias.data(), {true, true});
      CHECK(sum_difference(run(*kernel, p.x, p.before, 2), expected, 9.0 * s.in_channels) < 4e-6);
      CHECK(kernel->weight_bytes() >= weight.size() * sizeof(float));
    });
  }
}

TEST_CASE("Winograd: NaN and infinity come out where they go in") {
  const Conv2dShape s = shape_of(18, 20, 11, 13, 1, 1);
  const Problem p(s);
  const auto nan = std::numeric_limits<float>::quiet_NaN();
  for (const float value : {nan, kInfinity, -kInfinity}) {
    for (const int at : {0, 5 * s.in_w + 6, s.in_h * s.in_w - 1}) {
      Values x = p.x;
      x[at * s.in_channels + 17] = value;
      on_every_target([&] {
        for (const int tile : {2, 4}) {
          const bool relu = std::isnan(value);
          const auto kernel = cpu::make_winograd_conv2d(s, p.weight.data(), nullptr, nullptr,
                                                        {false, relu}, {tile, 7, false, at == 0});
          const Values clean = run(*kernel, p.x, p.before, 2), y = run(*kernel, x, p.before, 2);
          for (std::size_t i = 0; i < y.size(); ++i) {
            const int row = i / s.out_channels / s.out_w, column = i / s.out_channels % s.out_w;
            const int rows = std::abs(row - at / s.in_w), columns = std::abs(column - at % s.in_w);
            if (rows <= 1 && columns <= 1) CHECK(!std::isfinite(y[i]));
            if (rows > tile + 1 || columns > tile + 1) CHECK(y[i] == clean[i]);
          }
        }
      });
    }
  }
}

TEST_CASE("Winograd: what is fetched for the operation behind changes no bit") {
  const Conv2dShape s = shape_of(32, 48, 14, 14, 1, 1);
  const Problem p(s);
  const std::vector<std::byte> weights(100'001);
  on_every_target([&] {
    for (const auto& [tile, plain] : {std::pair{2, false}, {4, false}, {4, true}}) {
      const auto kernel = cpu::make_winograd_conv2d(s, p.weight.data(), nullptr, nullptr,
                                                    {true, true}, {tile, 8, false, plain});
      const Values expected = run(*kernel, p.x, p.before, 2);
      for (const std::size_t bytes : {std::size_t{1}, std::size_t{777}, weights.size()}) {
        for (const int threads : {1, 2, 3})
          CHECK(same_bits(run(*kernel, p.x, p.before, threads, std::span(weights).first(bytes)),
                          expected));
      }
    }
  });
}

TEST_CASE("Winograd: shapes that it does not take") {
  const Conv2dShape good = shape_of(16, 16, 8, 8, 1, 1);
  CHECK(cpu::winograd_supports(good));
  const Values weight(16 * 16 * 25);
  const auto refuse = [&](auto change) {
    Conv2dShape s = good;
    change(s);
    CHECK(!cpu::winograd_supports(s));
    CHECK(!cpu::winograd_suits(s));
    CHECK_THROWS_AS(cpu::make_winograd_conv2d(s, weight.data(), nullptr, nullptr, {}),
                    sidenet::Error);
  };
  refuse([](Conv2dShape& s) { s.kernel_h = 1; });
  refuse([](Conv2dShape& s) { s.kernel_w = 5; });
  refuse([](Conv2dShape& s) { s.stride_h = 2; });
  refuse([](Conv2dShape& s) { s.stride_w = 2; });
  refuse([](Conv2dShape& s) { s.dilation_h = 2; });
  refuse([](Conv2dShape& s) { s.dilation_w = 2; });
  refuse([](Conv2dShape& s) { s.groups = 2; });
  refuse([](Conv2dShape& s) { s.out_h = 0; });
  for (const WinogradPlan plan :
       {WinogradPlan{3, 14, false, false}, {4, 0, false, true}, {0, 1, true, true}}) {
    CHECK_THROWS_AS(cpu::make_winograd_conv2d(good, weight.data(), nullptr, nullptr, {}, plan),
                    sidenet::Error);
  }
}

TEST_CASE("Winograd: plans follow the caches") {
  const sidenet::CpuCaches small{8, 1 << 20}, large{12, 2 << 20};
  const Conv2dShape s14 = shape_of(256, 256, 14, 14, 1, 1), s7 = shape_of(512, 512, 7, 7, 1, 1);
  CHECK(cpu::winograd_suits(s14, small));
  CHECK(cpu::winograd_suits(s14, large));
  CHECK(cpu::winograd_plan(s14, small).tile == 2);
  CHECK(cpu::winograd_plan(s14, large).tile == 2);
  CHECK(cpu::winograd_plan(s14, large).panel > cpu::winograd_plan(s14, small).panel);
  CHECK(cpu::winograd_suits(s7, small));
  CHECK(!cpu::winograd_suits(s7, large));
  const Conv2dShape cifar = shape_of(64, 64, 8, 8, 1, 1);  // few weights: the same everywhere
  CHECK(cpu::winograd_plan(cifar, small).panel == cpu::winograd_plan(cifar, large).panel);
}
