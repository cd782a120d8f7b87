// Our convolutions against oneDNN's direct one, on layers of ResNet-18 and -50 at 224 x 224, of
// ResNet-56 and of wide ResNet-18 on CIFAR, and one of VGG, one image:
//
//   bench_conv [THREADS [SECONDS [all [SIZE]]]]
//
// `cold`: weights as a network finds them. The large layers' come from memory: before a run, 64 MiB
// of other things go through the caches, and then the activations, which the layer before has just
// written, and the scratch, which it has used. The small layers' come from the third-level cache:
// runs cycle over 18 different ones, as many as ResNet-56 has. `warm`: the same weights over and
// over. Rounds go through everything, so that what else the machine does hits all alike. Medians
// over all runs; `ratio` to the direct one, `best` that of the fastest tenth; the share of the
// multiply-add peak counts the operations of the direct sum. `error`: largest error over the
// largest output. With `all` every tile, panel and way to part the work is tried, not only what
// winograd_plan() says (`*`); with SIZE on the layers of that height only.
#include <omp.h>
#include <sys/utsname.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "direct_conv2d.h"
#include "large_buffer.h"
#include "onednn_conv2d.h"
#include "onednn_version.h"
#include "quantile.h"
#include "reference_kernels.h"
#include "sidenet/machine.h"
#include "winograd_conv2d.h"

namespace {

namespace kernels = sidenet::kernels;
using Clock = std::chrono::steady_clock;
using kernels::Conv2dShape;
using kernels::cpu::WinogradPlan;
using sidenet::bench::quantile;
using Kernels = std::vector<std::unique_ptr<kernels::Conv2dKernel>>;

constexpr kernels::Conv2dPost kPost{false, true};
constexpr int kCifarLayers = 18;
struct LayerSize {
  int size, in_channels, out_channels, kernel = 3, stride = 1;  // size: of the outputs
};
constexpr LayerSize kLayers[] = {
    {56, 64, 64},         {28, 128, 128},       {14, 256, 256},       {7, 512, 512},
    {32, 16, 16},         {16, 32, 32},         {8, 64, 64},          {32, 64, 64},
    {16, 128, 128},       {8, 256, 256},        {4, 512, 512},        {112, 128, 128},
    {112, 3, 64, 7, 2},   {28, 64, 128, 3, 2},  {14, 128, 256, 3, 2}, {28, 128, 128, 3, 2},
    {14, 256, 256, 3, 2}, {7, 512, 512, 3, 2},  {28, 64, 128, 1, 2},  {28, 256, 512, 1, 2},
    {56, 64, 256, 1},     {56, 256, 64, 1},     {28, 128, 512, 1},    {14, 1024, 256, 1},
    {14, 256, 1024, 1},   {7, 512, 2048, 1},    {32, 3, 16},          {16, 16, 32, 3, 2},
    {8, 32, 64, 3, 2},    {32, 3, 64},          {16, 64, 128, 3, 2},  {8, 128, 256, 3, 2},
    {16, 16, 32, 1, 2},   {8, 32, 64, 1, 2},    {4, 256, 512, 3, 2},  {7, 256, 512, 3, 2},
    {7, 256, 512, 1, 2},  {14, 128, 256, 1, 2}, {7, 160, 960, 1},     {7, 960, 160, 1},
    {7, 512, 512, 1},     {14, 96, 576, 1},     {14, 576, 96, 1},     {28, 32, 192, 1},
    {28, 192, 32, 1},     {56, 24, 144, 1},     {56, 144, 24, 1},     {112, 3, 32, 3, 2},
    {112, 32, 16, 1}};
constexpr std::size_t kOther = std::size_t{64} << 20;

std::vector<float> random_values(std::size_t count) {
  static std::minstd_rand generator(20);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(generator);
  return values;
}

struct Layer {
  Conv2dShape shape;
  std::vector<float> weight, bias, expected;
  std::shared_ptr<std::byte> src, dst;  // floats
  bool from_memory = false;
};

struct Case {
  const Layer* layer;
  std::string name;
  Kernels copies;
  std::shared_ptr<std::byte> scratch;
  double error = 0;
  std::vector<double> cold = {}, warm = {};  // seconds
};

Layer make_layer(const LayerSize& size) {
  Layer layer;
  Conv2dShape& s = layer.shape;
  s.in_channels = size.in_channels;
  s.out_channels = size.out_channels;
  s.kernel_h = s.kernel_w = size.kernel;
  s.stride_h = s.stride_w = size.stride;
  s.pad_h = s.pad_w = size.kernel / 2;
  s.in_h = s.in_w = size.size * size.stride;
  s.out_h = s.out_w = size.size;
  const std::size_t inputs = std::size_t(s.in_h) * s.in_w * s.in_channels;
  const std::size_t outputs = std::size_t(s.out_h) * s.out_w * s.out_channels;
  const std::size_t weights = std::size_t(s.in_channels) * s.out_channels * s.kernel_h * s.kernel_w;
  layer.from_memory = std::max(inputs, outputs) > 32 * 512 || weights > 64 * 64 * 9;
  layer.src = sidenet::allocate_large(inputs * sizeof(float));
  layer.dst = sidenet::allocate_large(outputs * sizeof(float));
  float* src = reinterpret_cast<float*>(layer.src.get());
  std::ranges::transform(random_values(inputs), src,
                         [](float value) { return std::max(value, 0.0f); });
  layer.weight = random_values(weights);
  layer.bias = random_values(s.out_channels);
  layer.expected.resize(outputs);
  kernels::reference::conv2d(s, src, layer.weight.data(), layer.bias.data(), kPost,
                             layer.expected.data());
  return layer;
}

void run(const Case& c, std::size_t copy, int threads) {
  c.copies[copy]->run(reinterpret_cast<const float*>(c.layer->src.get()),
                      reinterpret_cast<float*>(c.layer->dst.get()), c.scratch.get(), threads);
}

double error_of(const Case& c) {
  const float* dst = reinterpret_cast<const float*>(c.layer->dst.get());
  double largest = 0, error = 0;
  for (std::size_t i = 0; i < c.layer->expected.size(); ++i) {
    largest = std::max(largest, std::abs(double(c.layer->expected[i])));
    error = std::max(error, std::abs(double(dst[i]) - c.layer->expected[i]));
  }
  return error / largest;
}

using Maker = std::function<std::unique_ptr<kernels::Conv2dKernel>(const Layer&)>;

void add_case(const Layer& layer, const std::string& name, int threads, const Maker& make,
              std::vector<Case>& cases) {
  Case c{.layer = &layer, .name = name, .copies = {}, .scratch = nullptr};
  for (int i = 0; i < (layer.from_memory ? 1 : kCifarLayers); ++i) c.copies.push_back(make(layer));
  c.scratch = sidenet::allocate_large(std::max<std::size_t>(c.copies[0]->scratch_bytes(), 64));
  run(c, 0, threads);
  c.error = error_of(c);
  cases.push_back(std::move(c));
}

void add_winograd(const Layer& layer, const WinogradPlan& plan, const char* note, int threads,
                  std::vector<Case>& cases) {
  char name[64];
  std::snprintf(name, sizeof name, "F(%dx%d) panels of %3d by %s%s%s", plan.tile, plan.tile,
                plan.panel, plan.split_outputs ? "outputs" : "tiles",
                plan.plain_weights ? ", plain" : "", note);
  add_case(
      layer, name, threads,
      [&](const Layer& l) {
        return kernels::cpu::make_winograd_conv2d(l.shape, l.weight.data(), nullptr, l.bias.data(),
                                                  kPost, plan);
      },
      cases);
}

std::atomic<long> sink;  // read by nobody, but the sum must be computed

// Every thread reads its share, so that all of them stay awake and no second-level cache keeps
// anything.
void touch(const std::byte* data, std::size_t bytes, int threads) {
  long total = 0;
#pragma omp parallel for num_threads(threads) reduction(+ : total)
  for (std::size_t i = 0; i < bytes; i += 64) total += static_cast<long>(data[i]);
  sink.store(total, std::memory_order_relaxed);
}

void measure(Case& c, const std::byte* other, int threads) {
  constexpr int kRuns = 6;
  const Layer& layer = *c.layer;
  const int runs = layer.from_memory ? kRuns : kCifarLayers;
  const auto timed = [&](std::size_t copy, std::vector<double>& seconds) {
    const auto begin = Clock::now();
    run(c, copy, threads);
    seconds.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
  };
  if (!layer.from_memory) run(c, kCifarLayers - 1, threads);  // what ran before is not its business
  for (int i = 0; i < runs; ++i) {
    if (layer.from_memory) {
      touch(other, kOther, threads);
      const Conv2dShape& s = layer.shape;
      touch(layer.src.get(), std::size_t(s.in_h) * s.in_w * s.in_channels * sizeof(float), threads);
      touch(layer.dst.get(), layer.expected.size() * sizeof(float), threads);
      touch(c.scratch.get(), c.copies[0]->scratch_bytes(), threads);
    }
    timed(layer.from_memory ? 0 : i, c.cold);
  }
  run(c, 0, threads);
  for (int i = 0; i < runs; ++i) timed(0, c.warm);
}

}  // namespace

int main(int count, char** arguments) {
  const int threads = count > 1 ? std::atoi(arguments[1]) : 1;
  const double seconds = count > 2 ? std::atof(arguments[2]) : 20;
  const bool all = count > 3 && std::strcmp(arguments[3], "all") == 0;
  const int only = count > 4 ? std::atoi(arguments[4]) : 0;
  omp_set_num_threads(threads);
  const auto other = sidenet::allocate_large(kOther);
  std::memset(other.get(), 1, kOther);
  std::vector<Layer> layers;
  for (const LayerSize& size : kLayers) {
    if (only == 0 || only == size.size) layers.push_back(make_layer(size));
  }
  std::vector<Case> cases;
  for (const Layer& layer : layers) {
    add_case(
        layer, "direct (oneDNN " + kernels::onednn::version() + ")", threads,
        [](const Layer& l) {
          return kernels::onednn::make_conv2d(l.shape, l.weight.data(), nullptr, l.bias.data(),
                                              kPost);
        },
        cases);
    if (kernels::cpu::direct_supports(layer.shape)) {
      add_case(
          layer, "direct", threads,
          [](const Layer& l) {
            return kernels::cpu::make_direct_conv2d(l.shape, l.weight.data(), nullptr,
                                                    l.bias.data(), kPost);
          },
          cases);
    }
    if (!kernels::cpu::winograd_supports(layer.shape)) continue;
    add_winograd(layer, kernels::cpu::winograd_plan(layer.shape), "*", threads, cases);
    for (const int tile : {2, 4}) {
      const int across = (layer.shape.out_w + tile - 1) / tile, tiles = across * across;
      for (const int panel : {4, 8, 14, 16, 25, 32, 49, 98, 196}) {
        if (!all || panel > tiles) continue;
        for (const bool split : {false, true}) {
          for (const bool plain : {false, true}) {
            add_winograd(layer, {tile, std::min(panel, tiles), split, plain}, "", threads, cases);
          }
        }
      }
    }
  }
  std::vector<double> peaks;
  for (const auto end = Clock::now() + std::chrono::duration<double>(seconds);
       Clock::now() < end;) {
    peaks.push_back(sidenet::measure_peak_gflops(threads));
    for (Case& c : cases) measure(c, other.get(), threads);
  }
  const double peak = quantile(peaks, 0.5);
  utsname system{};
  uname(&system);
  std::printf("%s, %d threads, peak %.1f GFLOP/s, %zu rounds\n", system.machine, threads, peak,
              peaks.size());
  std::printf("%-46s %9s %6s %6s   %9s %6s %6s   %8s\n", "", "cold ms", "ratio", "share", "warm ms",
              "ratio", "share", "error");
  const Case* direct = nullptr;
  for (const Case& c : cases) {
    const Conv2dShape& s = c.layer->shape;
    if (!direct || direct->layer != c.layer) {
      direct = &c;
      std::printf("%d x %d, stride %d, %d x %d x %d to %d\n", s.kernel_h, s.kernel_w, s.stride_h,
                  s.in_h, s.in_w, s.in_channels, s.out_channels);
    }
    const double operations =
        2.0 * s.kernel_h * s.kernel_w * s.out_h * s.out_w * s.in_channels * s.out_channels;
    std::printf("  %-44s", c.name.c_str());
    for (const auto times : {&Case::cold, &Case::warm}) {
      const double median = quantile(c.*times, 0.5),
                   best = quantile(direct->*times, 0.1) / quantile(c.*times, 0.1);
      std::printf(" %9.4f %6.2f %6.2f %5.0f%%  ", median * 1e3,
                  quantile(direct->*times, 0.5) / median, best, operations / median * 1e-7 / peak);
    }
    std::printf(" %8.1e\n", c.error);
  }
  return 0;
}
