// PackedGemm and self_attention against this machine's multiply-add peak, on the shapes of
// BERT-base and MiniLM:
//
//   bench_gemm [THREADS [SECONDS]]
//
// Weights come cold, as in a network: runs cycle over 12 different ones. Rounds measure the peak
// and then every shape, so that what else the machine does hits all alike. Medians over all runs,
// and the share of the median peak; `best` is the share of the fastest tenth.
#include <sys/utsname.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "cpu_self_attention.h"
#include "packed_gemm.h"
#include "quantile.h"
#include "sidenet/machine.h"

namespace {

namespace cpu = sidenet::kernels::cpu;
using sidenet::kernels::Activation;
using Clock = std::chrono::steady_clock;
using sidenet::bench::quantile;

constexpr int kLayers = 12;

std::vector<float> random_values(std::size_t count) {
  static std::minstd_rand generator(20);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> values(count);
  for (float& value : values) value = uniform(generator);
  return values;
}

struct Case {
  std::string name;
  double operations;  // of one run, two a multiply-add
  std::function<void(int)> run;
  std::vector<double> seconds = {};
};

const char* name_of(Activation activation, bool residual) {
  if (activation == Activation::gelu) return " gelu";
  return residual ? " +residual" : "";
}

void add_gemms(int in, int out, Activation activation, bool residual, int threads,
               std::vector<Case>& cases) {
  const auto weight = random_values(std::size_t(in) * out), bias = random_values(out);
  auto layers = std::make_shared<std::vector<cpu::PackedGemm>>();
  for (int i = 0; i < kLayers; ++i) layers->emplace_back(in, out, weight.data(), bias.data());
  for (const int rows : {1, 8, 32, 128, 512}) {
    auto x = std::make_shared<std::vector<float>>(random_values(std::size_t(rows) * in));
    auto y = std::make_shared<std::vector<float>>(random_values(std::size_t(rows) * out));
    auto add = std::make_shared<std::vector<float>>(random_values(std::size_t(rows) * out));
    char name[80];
    std::snprintf(name, sizeof name, "gemm %4d -> %4d%-10s %3d rows", in, out,
                  name_of(activation, residual), rows);
    cases.push_back({name, 2.0 * rows * in * out, [=](int i) {
                       (*layers)[i % kLayers].run(x->data(), rows, y->data(), activation,
                                                  residual ? add->data() : nullptr, threads);
                     }});
  }
}

void add_attention(int heads, int head_dim, int tokens, int rows, int threads,
                   std::vector<Case>& cases) {
  const std::size_t hidden = std::size_t(heads) * head_dim;
  auto qkv = std::make_shared<std::vector<float>>(random_values(3 * hidden * tokens * rows));
  auto y = std::make_shared<std::vector<float>>(hidden * tokens * rows);
  auto offsets = std::make_shared<std::vector<std::int64_t>>();
  for (int r = 0; r <= rows; ++r) offsets->push_back(std::int64_t(r) * tokens);
  const std::size_t bytes = cpu::self_attention_scratch_bytes(tokens, heads, head_dim, threads);
  std::shared_ptr<std::byte> scratch(static_cast<std::byte*>(std::aligned_alloc(64, bytes)),
                                     std::free);
  const float scale = 1 / std::sqrt(static_cast<float>(head_dim));
  char name[80];
  std::snprintf(name, sizeof name, "attention %d x %4d tokens, %d x %d", rows, tokens, heads,
                head_dim);
  cases.push_back({name, 4.0 * rows * tokens * tokens * static_cast<double>(hidden), [=](int) {
                     cpu::self_attention(qkv->data(), offsets->data(), rows, heads, head_dim, scale,
                                         y->data(), scratch.get(), threads);
                   }});
}

}  // namespace

int main(int count, char** arguments) {
  const int threads = count > 1 ? std::atoi(arguments[1]) : 1;
  const double seconds = count > 2 ? std::atof(arguments[2]) : 20;
  std::vector<Case> cases;
  for (const int hidden : {768, 384}) {
    add_gemms(hidden, 3 * hidden, Activation::none, false, threads, cases);
    add_gemms(hidden, hidden, Activation::none, true, threads, cases);
    add_gemms(hidden, 4 * hidden, Activation::none, false, threads, cases);
    add_gemms(hidden, 4 * hidden, Activation::gelu, false, threads, cases);
    add_gemms(4 * hidden, hidden, Activation::none, true, threads, cases);
  }
  for (const int head_dim : {64, 32}) {
    for (const int tokens : {32, 128, 512}) add_attention(12, head_dim, tokens, 1, threads, cases);
    add_attention(12, head_dim, 128, 8, threads, cases);
  }
  std::vector<double> peaks;
  for (const auto end = Clock::now() + std::chrono::duration<double>(seconds);
       Clock::now() < end;) {
    peaks.push_back(sidenet::measure_peak_gflops(threads));
    for (Case& c : cases) {
      for (int i = -1; i < kLayers; ++i) {
        const auto begin = Clock::now();
        c.run(i + kLayers);
        // The first run warms up: what the case before it left in the caches is not its business.
        if (i >= 0)
          c.seconds.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
      }
    }
  }
  const double peak = quantile(peaks, 0.5);
  utsname system{};
  uname(&system);
  std::printf("%s, %d threads, peak %.1f GFLOP/s, %zu rounds\n", system.machine, threads, peak,
              peaks.size());
  std::printf("%-48s %10s %9s %7s %7s\n", "", "median us", "GFLOP/s", "share", "best");
  for (const Case& c : cases) {
    const double median = quantile(c.seconds, 0.5), best = quantile(c.seconds, 0.1);
    std::printf("%-48s %10.1f %9.1f %6.1f%% %6.1f%%\n", c.name.c_str(), median * 1e6,
                c.operations / median * 1e-9, c.operations / median * 1e-7 / peak,
                c.operations / best * 1e-7 / peak);
  }
  return 0;
}
