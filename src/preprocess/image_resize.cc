#include "image_resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <vector>

namespace sidenet {
namespace {

constexpr int kPrecisionBits = 32 - 8 - 2;  // 8 bits of sample and 2 of headroom beside them in 32
constexpr std::int32_t kHalf = 1 << (kPrecisionBits - 1);

// For each result along one axis: which sources it reads, and with what fixed-point weights.
struct Filter {
  std::vector<std::int64_t> first, count;  // (results)
  std::vector<std::int32_t> weights;       // (results, taps), zero after `count`
  std::int64_t taps = 0;
  const std::int32_t* row(std::int64_t i) const { return weights.data() + i * taps; }
};

// A kernel of Pillow's (Resample.c), and how far it reaches at the scale 1.
struct Kernel {
  double support;
  double (*at)(double);
};

double triangle(double x) {
  x = std::abs(x);
  return x < 1 ? 1 - x : 0;
}
// Keys' cubic with a = -0.5.
double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}
double sinc(double x) {
  x *= std::numbers::pi;
  return x == 0 ? 1 : std::sin(x) / x;
}
double lanczos(double x) { return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0; }
double hamming(double x) {
  x = std::abs(x);
  if (x == 0) return 1;
  if (x >= 1) return 0;
  x *= std::numbers::pi;
  return std::sin(x) / x * (0.54 + 0.46 * std::cos(x));
}
double box(double x) { return x > -0.5 && x <= 0.5 ? 1 : 0; }

Kernel kernel_of(Interpolation interpolation) {
  switch (interpolation) {
    case Interpolation::bilinear: return {1, triangle};
    case Interpolation::bicubic: return {2, cubic};
    case Interpolation::lanczos: return {3, lanczos};
    case Interpolation::hamming: return {1, hamming};
    case Interpolation::box:
    case Interpolation::nearest: break;
  }
  return {0.5, box};
}

// Results `begin` … `begin + results` of an axis resized from `from` to `to`. Result i lies at (i +
// 0.5) * from / to; weight(source j) = kernel((j + 0.5 - centre) / max(1, from / to)), normalised
// to sum 1.
Filter filter_of(const Kernel& kernel, std::int64_t from, std::int64_t to, std::int64_t begin,
                 std::int64_t results) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double stretch = std::max(1.0, scale), inverse = 1.0 / stretch;
  const double support = kernel.support * stretch;
  Filter filter;
  filter.taps = static_cast<std::int64_t>(std::ceil(support)) * 2 + 1;
  filter.weights.resize(static_cast<std::size_t>(results * filter.taps));
  std::vector<double> exact(static_cast<std::size_t>(filter.taps));
  for (std::int64_t i = 0; i < results; ++i) {
    const double centre = (static_cast<double>(begin + i) + 0.5) * scale;
    // Pillow rounds by adding a half and cutting off, and so must this.
    // NOLINTBEGIN(bugprone-incorrect-roundings)
    const auto first = std::max<std::int64_t>(0, static_cast<std::int64_t>(centre - support + 0.5));
    const auto count = std::min(from, static_cast<std::int64_t>(centre + support + 0.5)) - first;
    double sum = 0;
    for (std::int64_t j = 0; j < count; ++j) {
      double& weight = exact[static_cast<std::size_t>(j)];
      weight = kernel.at((static_cast<double>(j + first) - centre + 0.5) * inverse);
      sum += weight;
    }
    std::int32_t* weights = filter.weights.data() + i * filter.taps;
    for (std::int64_t j = 0; j < count; ++j) {
      const double weight = exact[static_cast<std::size_t>(j)] / (sum == 0 ? 1 : sum);
      weights[j] =
          static_cast<std::int32_t>((weight < 0 ? -0.5 : 0.5) + weight * (1 << kPrecisionBits));
    }
    // NOLINTEND(bugprone-incorrect-roundings)
    filter.first.push_back(first);
    filter.count.push_back(count);
  }
  return filter;
}

std::uint8_t to_byte(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kPrecisionBits, 0, 255));
}

template <int C>
void resize_row(const std::uint8_t* from, const Filter& filter, std::uint8_t* to) {
  for (std::size_t x = 0; x < filter.first.size(); ++x) {
    const std::uint8_t* source = from + filter.first[x] * C;
    const std::int32_t* weights = filter.row(static_cast<std::int64_t>(x));
    std::int32_t sum[C];
    std::fill_n(sum, C, kHalf);
    for (std::int64_t j = 0; j < filter.count[x]; ++j, source += C) {
      for (int c = 0; c < C; ++c) sum[c] += source[c] * weights[j];
    }
    for (int c = 0; c < C; ++c) *to++ = to_byte(sum[c]);
  }
}

// Rows `first` … of `image`, `rows` of them, resized along x to the window's columns.
Tensor resize_columns(const Tensor& image, std::int64_t first, std::int64_t rows,
                      std::int64_t width, const Window& window, const Kernel& kernel) {
  const std::int64_t from_width = image.dim(1), channels = image.dim(2);
  Tensor result(DType::u8, {rows, window.width, channels});
  const std::uint8_t* from = image.data<std::uint8_t>() + first * from_width * channels;
  std::uint8_t* to = result.mutable_data<std::uint8_t>();
  const std::int64_t from_stride = from_width * channels, to_stride = window.width * channels;
  if (width == from_width) {
    for (std::int64_t y = 0; y < rows; ++y) {
      std::memcpy(to + y * to_stride, from + y * from_stride + window.x * channels,
                  static_cast<std::size_t>(to_stride));
    }
    return result;
  }
  const Filter filter = filter_of(kernel, from_width, width, window.x, window.width);
  for (std::int64_t y = 0; y < rows; ++y) {
    if (channels == 1) {
      resize_row<1>(from + y * from_stride, filter, to + y * to_stride);
    } else {
      resize_row<3>(from + y * from_stride, filter, to + y * to_stride);
    }
  }
  return result;
}

// `strip` holds the source rows from `strip_first` on.
Tensor resize_rows(const Tensor& strip, std::int64_t strip_first, const Filter& filter) {
  const std::int64_t stride = strip.dim(1) * strip.dim(2);
  const auto results = static_cast<std::int64_t>(filter.first.size());
  Tensor result(DType::u8, {results, strip.dim(1), strip.dim(2)});
  std::vector<std::int32_t> sums(static_cast<std::size_t>(stride));
  std::uint8_t* to = result.mutable_data<std::uint8_t>();
  for (std::int64_t y = 0; y < results; ++y) {
    const auto index = static_cast<std::size_t>(y);
    const std::uint8_t* from =
        strip.data<std::uint8_t>() + (filter.first[index] - strip_first) * stride;
    std::fill(sums.begin(), sums.end(), kHalf);
    for (std::int64_t j = 0; j < filter.count[index]; ++j, from += stride) {
      const std::int32_t weight = filter.row(y)[j];
      for (std::int64_t i = 0; i < stride; ++i)
        sums[static_cast<std::size_t>(i)] += from[i] * weight;
    }
    std::transform(sums.begin(), sums.end(), to + y * stride, to_byte);
  }
  return result;
}

// Where Pillow's ImagingScaleAffine takes each result of an axis from; it adds up, so does this.
std::vector<std::int64_t> nearest_sources(std::int64_t from, std::int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  std::vector<std::int64_t> sources;
  double at = scale * 0.5;
  for (std::int64_t i = 0; i < to; ++i, at += scale)
    sources.push_back(std::min(static_cast<std::int64_t>(at), from - 1));
  return sources;
}

Tensor take_nearest(const Tensor& image, std::int64_t height, std::int64_t width,
                    const Window& window) {
  const std::int64_t channels = image.dim(2);
  const auto rows = nearest_sources(image.dim(0), height),
             columns = nearest_sources(image.dim(1), width);
  Tensor result(DType::u8, {window.height, window.width, channels});
  std::uint8_t* to = result.mutable_data<std::uint8_t>();
  for (std::int64_t y = 0; y < window.height; ++y) {
    const std::uint8_t* row =
        image.data<std::uint8_t>() +
        rows[static_cast<std::size_t>(window.y + y)] * image.dim(1) * channels;
    for (std::int64_t x = 0; x < window.width; ++x, to += channels)
      std::copy_n(row + columns[static_cast<std::size_t>(window.x + x)] * channels, channels, to);
  }
  return result;
}

}  // namespace

Tensor resize_image(const Tensor& image, std::int64_t height, std::int64_t width,
                    const Window& window, Interpolation interpolation) {
  if (interpolation == Interpolation::nearest) return take_nearest(image, height, width, window);
  const Kernel kernel = kernel_of(interpolation);
  if (height == image.dim(0))
    return resize_columns(image, window.y, window.height, width, window, kernel);
  const Filter filter = filter_of(kernel, image.dim(0), height, window.y, window.height);
  const std::int64_t first = filter.first.front(), end = filter.first.back() + filter.count.back();
  return resize_rows(resize_columns(image, first, end - first, width, window, kernel), first,
                     filter);
}

}  // namespace sidenet
