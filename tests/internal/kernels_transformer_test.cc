#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <omp.h>

#include <memory>
#include <numeric>

#include "cpu_layer_norm.h"
#include "cpu_self_attention.h"
#include "cpu_token_mean.h"
#include "kernels_test_support.h"
#include "packed_gemm.h"

// The kernels of transformer encoders against their plain twins, on every instruction set of this
// machine.
using namespace kernels_test;
using sidenet::kernels::Activation, sidenet::kernels::kActivations, sidenet::kernels::LinearWeights;

namespace {

struct Gemm {
  int in, out;
  Values weight = random_values(std::size_t(in) * out), bias = random_values(out);

  Values expected(const Values& x, Activation activation, const float* residual,
                  bool with_bias) const {
    const int rows = static_cast<int>(x.size()) / in;
    Values y(std::size_t(rows) * out);
    reference::linear(x.data(), rows, in, weight.data(), with_bias ? bias.data() : nullptr, out,
                      false, y.data());
    reference::activate(activation, y.data(), y.data(), y.size());
    for (std::size_t i = 0; residual && i < y.size(); ++i) y[i] += residual[i];
    return y;
  }
};

Values run_gemm(const cpu::PackedGemm& gemm, const float* x, int rows, Activation activation,
                const float* residual, int threads) {
  Values y(std::size_t(rows) * gemm.out_features() + 1, 7.0f);
  gemm.run(x, rows, y.data(), activation, residual, threads);
  CHECK(y.back() == 7.0f);  // nothing is written behind the last output
  y.pop_back();
  return y;
}

struct Ragged {
  explicit Ragged(std::vector<int> lengths) : offsets(1, 0) {
    for (const int length : lengths) offsets.push_back(offsets.back() + length);
  }
  int rows() const { return static_cast<int>(offsets.size()) - 1; }
  int length(int row) const { return static_cast<int>(offsets[row + 1] - offsets[row]); }
  int longest() const {
    int longest = 0;
    for (int r = 0; r < rows(); ++r) longest = std::max(longest, length(r));
    return longest;
  }
  std::vector<std::int64_t> offsets;
};

struct FreeAligned {
  void operator()(std::byte* p) const { std::free(p); }
};

Values run_attention(const Values& qkv, const Ragged& ragged, int heads, int head_dim, float scale,
                     int threads) {
  const std::size_t bytes =
      cpu::self_attention_scratch_bytes(ragged.longest(), heads, head_dim, threads);
  CHECK(bytes % 64 == 0);
  const std::unique_ptr<std::byte, FreeAligned> scratch(
      static_cast<std::byte*>(std::aligned_alloc(64, bytes + 64)));
  std::memset(scratch.get(), 0xff, bytes + 64);  // NaNs: what is read must have been written
  Values y(std::size_t(ragged.offsets.back()) * heads * head_dim);
  cpu::self_attention(qkv.data(), ragged.offsets.data(), ragged.rows(), heads, head_dim, scale,
                      y.data(), scratch.get(), threads);
  CHECK(std::all_of(scratch.get() + bytes, scratch.get() + bytes + 64,
                    [](std::byte b) { return b == std::byte{0xff}; }));
  return y;
}

// The first tokens' part of run_attention(), as the kernel that computes nothing else gives it;
// rows without tokens: 7.
Values run_first_token_attention(const Values& qkv, const Ragged& ragged, int heads, int head_dim,
                                 float scale, int threads) {
  const std::size_t hidden = std::size_t(heads) * head_dim;
  Values q(hidden * ragged.rows()), kv, y(q.size(), 7);
  for (int r = 0; r < ragged.rows(); ++r) {
    for (auto t = ragged.offsets[r]; t < ragged.offsets[r + 1]; ++t) {
      const auto token = qkv.begin() + t * 3 * std::ptrdiff_t(hidden);
      if (t == ragged.offsets[r])
        std::copy_n(token, hidden, q.begin() + r * std::ptrdiff_t(hidden));
      kv.insert(kv.end(), token + std::ptrdiff_t(hidden), token + 3 * std::ptrdiff_t(hidden));
    }
  }
  const std::size_t bytes =
      cpu::self_attention_scratch_bytes(ragged.longest(), heads, head_dim, threads);
  const std::unique_ptr<std::byte, FreeAligned> scratch(
      static_cast<std::byte*>(std::aligned_alloc(64, bytes + 64)));
  std::memset(scratch.get(), 0xff, bytes + 64);
  cpu::first_token_attention(q.data(), kv.data(), ragged.offsets.data(), ragged.rows(), heads,
                             head_dim, scale, y.data(), scratch.get(), threads);
  CHECK(std::all_of(scratch.get() + bytes, scratch.get() + bytes + 64,
                    [](std::byte b) { return b == std::byte{0xff}; }));
  return y;
}

}  // namespace

TEST_CASE(
    "PackedGemm: near the reference over odd shapes, with every activation, with and without bias "
    "and residual") {
  const int inputs[] = {1, 3, 4, 17, 64, 100, 769, 1601};
  const int outputs[] = {1, 3, 15, 16, 17, 33, 48, 49, 64, 96, 100, 145};
  int variant = 0;
  for (const int in : inputs) {
    for (const int out : outputs) {
      if (in > 700 && out != 49 && out != 100) continue;  // slow one lane at a time
      CAPTURE(in);
      CAPTURE(out);
      const Gemm gemm{in, out};
      const int rows = 1 + variant * 7 % 23;
      CAPTURE(rows);
      const Values x = random_values(std::size_t(rows) * in),
                   residual = random_values(std::size_t(rows) * out);
      const Activation activation =
          kActivations[static_cast<std::size_t>(variant) % kActivations.size()];
      const bool with_bias = variant % 3 != 0;
      const float* add = variant % 2 ? residual.data() : nullptr;
      ++variant;
      const Values expected = gemm.expected(x, activation, add, with_bias);
      on_every_target([&] {
        const cpu::PackedGemm packed(in, out, gemm.weight.data(),
                                     with_bias ? gemm.bias.data() : nullptr);
        CHECK(packed.in_features() == in);
        CHECK(packed.out_features() == out);
        CHECK(packed.weight_bytes() >= (std::size_t(in) + 1) * out * sizeof(float));
        CHECK(sum_difference(run_gemm(packed, x.data(), rows, activation, add, 1), expected, in) <
              1e-6);
      });
    }
  }
}

TEST_CASE("PackedGemm: a row's bits are its own, whatever the rows, its place and the threads") {
  constexpr int kRows = 40;
  for (const Gemm& gemm : {Gemm{70, 150}, Gemm{1000, 50}, Gemm{5, 500}}) {
    CAPTURE(gemm.in);
    const Values x = random_values(std::size_t(kRows) * gemm.in),
                 residual = random_values(std::size_t(kRows) * gemm.out);
    on_every_target([&] {
      const cpu::PackedGemm packed(gemm.in, gemm.out, gemm.weight.data(), gemm.bias.data());
      const Values whole = run_gemm(packed, x.data(), kRows, Activation::gelu, residual.data(), 1);
      CHECK(sum_difference(whole, gemm.expected(x, Activation::gelu, residual.data(), true),
                           gemm.in) < 1e-6);
      for (int rows = 1; rows <= kRows; ++rows) {
        for (const int threads : {1, 2, 3}) {
          const int first = threads == 1 ? 0 : kRows - rows;  // so that places in a tile differ
          const Values part =
              run_gemm(packed, x.data() + std::size_t(first) * gemm.in, rows, Activation::gelu,
                       residual.data() + std::size_t(first) * gemm.out, threads);
          const auto begin = whole.begin() + std::ptrdiff_t(first) * gemm.out;
          CHECK(same_bits(part, Values(begin, begin + std::ptrdiff_t(part.size()))));
        }
      }
    });
  }
}

TEST_CASE("PackedGemm: more rows than a group, residual in place, inside a parallel region") {
  const Gemm gemm{90, 130};
  constexpr int kRows = 300;
  const Values x = random_values(std::size_t(kRows) * gemm.in),
               residual = random_values(std::size_t(kRows) * gemm.out);
  const Values expected = gemm.expected(x, Activation::none, residual.data(), true);
  on_every_target([&] {
    const cpu::PackedGemm packed(gemm.in, gemm.out, gemm.weight.data(), gemm.bias.data());
    const Values one = run_gemm(packed, x.data(), kRows, Activation::none, residual.data(), 1);
    CHECK(sum_difference(one, expected, gemm.in) < 1e-6);
    for (const int threads : {1, 2, 3, 7}) {
      Values y = residual;
      packed.run(x.data(), kRows, y.data(), Activation::none, y.data(), threads);
      CHECK(same_bits(y, one));
    }
    Values apart = residual;
#pragma omp parallel for num_threads(2)
    for (int r = 0; r < kRows; ++r) {
      float* y = apart.data() + std::ptrdiff_t(r) * gemm.out;
      packed.run(x.data() + std::ptrdiff_t(r) * gemm.in, 1, y, Activation::none, y, 1);
    }
    CHECK(same_bits(apart, one));
  });
}

TEST_CASE("PackedGemm: parts side by side are as each alone") {
  const int in = 50, rows = 11;
  const Values x = random_values(std::size_t(rows) * in);
  for (const std::vector<int>& widths :
       {std::vector{40, 40, 40}, std::vector{1, 17, 99}, std::vector{64, 1}}) {
    std::vector<Gemm> parts;
    std::vector<LinearWeights> weights;
    for (const int width : widths) parts.push_back(Gemm{in, width});
    for (std::size_t i = 0; i < parts.size(); ++i) {
      weights.push_back(
          {parts[i].weight.data(), i == 1 ? nullptr : parts[i].bias.data(), parts[i].out});
    }
    on_every_target([&] {
      const cpu::PackedGemm fused(in, weights);
      CHECK(fused.out_features() == std::accumulate(widths.begin(), widths.end(), 0));
      const Values y = run_gemm(fused, x.data(), rows, Activation::none, nullptr, 1);
      int first = 0;
      for (const LinearWeights& part : weights) {
        const cpu::PackedGemm alone(in, part.out_features, part.weight, part.bias);
        const Values expected = run_gemm(alone, x.data(), rows, Activation::none, nullptr, 1);
        for (int r = 0; r < rows; ++r) {
          const float* from = y.data() + r * fused.out_features() + first;
          CHECK(std::memcmp(from, expected.data() + r * part.out_features,
                            part.out_features * sizeof(float)) == 0);
        }
        first += part.out_features;
      }
    });
  }
}

TEST_CASE("PackedGemm: NaN and infinity stay in their row") {
  const Gemm gemm{20, 50};
  Values x = random_values(std::size_t(9) * gemm.in);
  x[2 * gemm.in + 3] = std::nanf("");
  x[3 * gemm.in + 1] = kInfinity;
  for (const Activation activation : kActivations) {
    on_every_target([&] {
      const cpu::PackedGemm packed(gemm.in, gemm.out, gemm.weight.data(), nullptr);
      const Values y = run_gemm(packed, x.data(), 9, activation, nullptr, 1);
      for (int i = 0; i < 9 * gemm.out; ++i) {
        const int row = i / gemm.out;
        if (row == 2) CHECK(std::isnan(y[i]));
        if (row == 3 && activation == Activation::none) CHECK(std::isinf(y[i]));
        if (row != 2 && row != 3) CHECK(std::isfinite(y[i]));
      }
    });
  }
}

TEST_CASE("layer_norm: near the reference; in place; a row's bits are its own") {
  for (const int hidden : {1, 2, 7, 16, 63, 64, 65, 384, 777}) {
    CAPTURE(hidden);
    const int rows = 200;
    Values x = random_values(std::size_t(rows) * hidden);
    for (float& value : x) value = value * 3 + 10;  // a mean far from 0
    const Values gamma = random_values(hidden), beta = random_values(hidden);
    Values expected(x.size());
    reference::layer_norm(x.data(), gamma.data(), beta.data(), 1e-12f, expected.data(), rows,
                          hidden);
    if (hidden == 1) expected.assign(expected.size(), beta[0]);
    on_every_target([&] {
      Values y(x.size());
      cpu::layer_norm(x.data(), gamma.data(), beta.data(), 1e-12f, y.data(), rows, hidden, 1);
      CHECK(difference(y, expected, 1) < (hidden == 2 ? 1e-3 : 1e-5));
      for (const int threads : {1, 2, 3}) {
        Values part(x.begin() + std::ptrdiff_t(threads) * hidden, x.end());
        cpu::layer_norm(part.data(), gamma.data(), beta.data(), 1e-12f, part.data(), rows - threads,
                        hidden, threads);
        CHECK(same_bits(part, Values(y.begin() + std::ptrdiff_t(threads) * hidden, y.end())));
      }
      Values broken(x.begin(), x.begin() + hidden);
      broken[0] = std::nanf("");
      cpu::layer_norm(broken.data(), gamma.data(), beta.data(), 1e-12f, broken.data(), 1, hidden,
                      1);
      CHECK(std::all_of(broken.begin(), broken.end(), [](float v) { return std::isnan(v); }));
    });
  }
}

TEST_CASE("self_attention: near the reference for odd heads and lengths; bits are a query's own") {
  struct Shape {
    int heads, head_dim;
    std::vector<int> lengths;
  };
  const Shape shapes[] = {
      {1, 1, {1}},         {1, 1, {3, 1, 2}},    {2, 3, {5, 0, 17, 1}},
      {3, 16, {33, 4}},    {12, 32, {7, 40, 1}}, {2, 64, {128, 31, 65}},
      {1, 100, {50, 129}}, {1, 5, {600}},        {1, 2, {2100}},
  };
  for (const Shape& shape : shapes) {
    const int hidden = shape.heads * shape.head_dim;
    CAPTURE(shape.heads);
    CAPTURE(shape.head_dim);
    const Ragged ragged(shape.lengths);
    const float scale = 1 / std::sqrt(static_cast<float>(shape.head_dim));
    const Values qkv = random_values(std::size_t(ragged.offsets.back()) * 3 * hidden);
    Values expected(std::size_t(ragged.offsets.back()) * hidden);
    reference::self_attention(qkv.data(), ragged.offsets.data(), ragged.rows(), shape.heads,
                              shape.head_dim, scale, expected.data());
    on_every_target([&] {
      const Values y = run_attention(qkv, ragged, shape.heads, shape.head_dim, scale, 1);
      CHECK(difference(y, expected, 1) < 2e-6);
      for (const int threads : {2, 3, 8}) {
        CHECK(
            same_bits(run_attention(qkv, ragged, shape.heads, shape.head_dim, scale, threads), y));
      }
      Values firsts(std::size_t(ragged.rows()) * hidden, 7);
      for (int r = 0; r < ragged.rows(); ++r) {
        if (ragged.length(r) > 0)
          std::copy_n(y.begin() + ragged.offsets[r] * hidden, hidden,
                      firsts.begin() + std::ptrdiff_t(r) * hidden);
      }
      for (const int threads : {1, 2, 8})
        CHECK(same_bits(
            run_first_token_attention(qkv, ragged, shape.heads, shape.head_dim, scale, threads),
            firsts));
      for (int r = 0; r < ragged.rows(); ++r) {
        const auto from = qkv.begin() + ragged.offsets[r] * 3 * hidden;
        const Values alone(from, from + std::ptrdiff_t(ragged.length(r)) * 3 * hidden);
        const auto to = y.begin() + ragged.offsets[r] * hidden;
        CHECK(same_bits(
            run_attention(alone, Ragged({ragged.length(r)}), shape.heads, shape.head_dim, scale, 2),
            Values(to, to + std::ptrdiff_t(ragged.length(r)) * hidden)));
      }
    });
  }
}

TEST_CASE("self_attention: large scores do not overflow; NaN stays in its row and head") {
  const int heads = 2, head_dim = 8, hidden = 16;
  const Ragged ragged({20, 30});
  Values qkv = random_values(std::size_t(50) * 3 * hidden);
  for (float& value : qkv) value *= 100;
  Values expected(std::size_t(50) * hidden);
  reference::self_attention(qkv.data(), ragged.offsets.data(), 2, heads, head_dim, 1.0f,
                            expected.data());
  on_every_target([&] {
    CHECK(difference(run_attention(qkv, ragged, heads, head_dim, 1.0f, 1), expected) < 1e-2);
  });
  qkv[3 * hidden * 4 + hidden + 1] = std::nanf("");  // the key of token 4, head 0
  on_every_target([&] {
    const Values y = run_attention(qkv, ragged, heads, head_dim, 1.0f, 2);
    for (int t = 0; t < 50; ++t) {
      for (int c = 0; c < hidden; ++c)
        CHECK(std::isnan(y[t * hidden + c]) == (t < 20 && c < head_dim));
    }
  });
}

TEST_CASE("mean_tokens: near the reference, empty rows give 0, any number of threads") {
  const Ragged ragged({3, 0, 1, 400, 17});
  for (const int width : {1, 5, 16, 37, 384}) {
    const Values x = random_values(std::size_t(ragged.offsets.back()) * width);
    Values expected(std::size_t(ragged.rows()) * width);
    reference::mean_tokens(x.data(), ragged.offsets.data(), ragged.rows(), width, expected.data());
    on_every_target([&] {
      Values y(expected.size(), 7.0f), again = y;
      cpu::mean_tokens(x.data(), ragged.offsets.data(), ragged.rows(), width, y.data(), 1);
      CHECK(difference(y, expected, 1) < 1e-6);
      cpu::mean_tokens(x.data(), ragged.offsets.data(), ragged.rows(), width, again.data(), 3);
      CHECK(same_bits(again, y));
    });
  }
}
