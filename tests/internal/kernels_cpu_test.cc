#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "cpu_activation.h"
#include "cpu_channels.h"
#include "cpu_elementwise.h"
#include "cpu_group_norm.h"
#include "cpu_layout.h"
#include "cpu_pooling.h"
#include "cpu_softmax.h"
#include "kernels_test_support.h"

// Element-wise kernels, softmax, pooling and layout against their plain twins, on every instruction
// set of this machine.
using namespace kernels_test;
using sidenet::kernels::Activation;

TEST_CASE("relu, add: as the reference, to the bit, in place too") {
  const std::size_t counts[] = {0, 1, 3, 15, 16, 17, 63, 100, 70001};
  for (const std::size_t count : counts) {
    CAPTURE(count);
    Values a = random_values(count);
    const Values b = random_values(count);
    if (count > 3) a[0] = std::nanf(""), a[1] = -0.0f, a[2] = -kInfinity, a[3] = kInfinity;
    Values relu(count), sum(count), relu_sum(count);
    reference::activate(Activation::relu, a.data(), relu.data(), count);
    reference::add(a.data(), b.data(), sum.data(), count, false);
    reference::add(a.data(), b.data(), relu_sum.data(), count, true);
    on_every_target([&] {
      for (const int threads : {1, 2}) {
        Values y = a;
        cpu::activate(Activation::relu, y.data(), y.data(), count, threads);
        CHECK(same_bits(y, relu));
        y = a;
        cpu::add(y.data(), b.data(), y.data(), count, false, threads);
        CHECK(same_bits(y, sum));
        y = b;
        cpu::add(a.data(), y.data(), y.data(), count, true, threads);
        CHECK(same_bits(y, relu_sum));
      }
    });
  }
}

TEST_CASE("scale_shift: near the reference; a pixel does not depend on its place or on threads") {
  for (const int channels : kChannels) {
    for (const std::size_t pixels : {std::size_t{1}, std::size_t{9}, std::size_t{2000}}) {
      CAPTURE(channels);
      CAPTURE(pixels);
      const Values x = random_values(pixels * channels), scale = random_values(channels),
                   shift = random_values(channels);
      Values expected(x.size());
      for (const bool relu : {false, true}) {
        reference::scale_shift(x.data(), scale.data(), shift.data(), expected.data(), pixels,
                               channels, relu);
        on_every_target([&] {
          Values one(x.size()), two = x;
          cpu::scale_shift(x.data(), scale.data(), shift.data(), one.data(), pixels, channels, relu,
                           1);
          CHECK(difference(one, expected) < 1e-6);
          cpu::scale_shift(two.data(), scale.data(), shift.data(), two.data(), pixels, channels,
                           relu, 2);
          CHECK(same_bits(one, two));
          Values last(channels);
          cpu::scale_shift(x.data() + (pixels - 1) * channels, scale.data(), shift.data(),
                           last.data(), 1, channels, relu, 1);
          CHECK(same_bits(last, Values(one.end() - channels, one.end())));
        });
      }
    }
  }
}

TEST_CASE("gate_channels: as the reference, with a residual and ReLU, in place, on any threads") {
  for (const int channels : kChannels) {
    for (const std::size_t pixels : {std::size_t{1}, std::size_t{9}, std::size_t{2000}}) {
      CAPTURE(channels);
      CAPTURE(pixels);
      const Values x = random_values(pixels * channels), residual = random_values(x.size()),
                   logits = random_values(channels);
      Values gates(channels), same(channels), expected(x.size());
      reference::sigmoid(logits.data(), gates.data(), channels);
      cpu::sigmoid(logits.data(), same.data(), channels);
      CHECK(same_bits(same, gates));
      for (const float gate : gates) CHECK((gate > 0 && gate < 1));
      for (const bool relu : {false, true}) {
        for (const float* added : {static_cast<const float*>(nullptr), residual.data()}) {
          reference::gate_channels(x.data(), gates.data(), added, expected.data(), pixels, channels,
                                   relu);
          on_every_target([&] {
            Values one(x.size()), two = x;
            cpu::gate_channels(x.data(), gates.data(), added, one.data(), pixels, channels, relu,
                               1);
            CHECK(difference(one, expected) < 1e-6);
            cpu::gate_channels(two.data(), gates.data(), added, two.data(), pixels, channels, relu,
                               2);
            CHECK(same_bits(one, two));
          });
        }
      }
    }
  }
}

TEST_CASE(
    "group_norm: near the reference, where the mean is far from 0 too; in place, on any threads") {
  for (const auto& [channels, groups] :
       {std::pair{1, 1}, std::pair{6, 3}, std::pair{16, 16}, std::pair{33, 1}, std::pair{64, 32}}) {
    for (const std::size_t pixels : {std::size_t{1}, std::size_t{9}, std::size_t{2000}}) {
      CAPTURE(channels);
      CAPTURE(pixels);
      Values x = random_values(pixels * channels);
      for (float& value : x) value += 3;
      const Values gamma = random_values(channels), beta = random_values(channels);
      std::vector<double> scratch(cpu::group_norm_scratch_bytes(channels) / sizeof(double) + 1);
      Values expected(x.size());
      for (const bool relu : {false, true}) {
        reference::group_norm(x.data(), pixels, channels, groups, gamma.data(), beta.data(), 1e-5,
                              relu, expected.data());
        on_every_target([&] {
          Values one(x.size()), two = x;
          auto* bytes = reinterpret_cast<std::byte*>(scratch.data());
          cpu::group_norm(x.data(), pixels, channels, groups, gamma.data(), beta.data(), 1e-5, relu,
                          one.data(), bytes, 1);
          CHECK(difference(one, expected) < 3e-4);  // of one value the deviation is 0
          cpu::group_norm(two.data(), pixels, channels, groups, gamma.data(), beta.data(), 1e-5,
                          relu, two.data(), bytes, 2);
          CHECK(same_bits(one, two));
        });
      }
    }
  }
}

TEST_CASE("channel_conv: near the reference, narrower than its kernel too") {
  for (const int channels : {1, 2, 3, 16, 100}) {
    for (const int kernel : {1, 3, 5, 9}) {
      CAPTURE(channels);
      CAPTURE(kernel);
      const Values x = random_values(channels), weight = random_values(kernel);
      Values expected(channels), y(channels);
      reference::channel_conv(x.data(), channels, weight.data(), kernel, expected.data());
      cpu::channel_conv(x.data(), channels, weight.data(), kernel, y.data());
      CHECK(difference(y, expected) < 1e-6);
    }
  }
}

TEST_CASE("blur_pool: near the reference, of odd sizes, the same on any threads") {
  for (const int channels : kChannels) {
    for (const int size : {2, 3, 7, 12, 33}) {
      for (const int stride : {1, 2, 3}) {
        CAPTURE(channels);
        CAPTURE(size);
        CAPTURE(stride);
        const int h = size, w = size + 1;
        const Values x = random_values(std::size_t(h) * w * channels);
        const std::size_t pixels =
            std::size_t((h + stride - 1) / stride) * ((w + stride - 1) / stride);
        Values expected(pixels * channels), one(expected.size()), two(expected.size());
        reference::blur_pool(x.data(), h, w, channels, stride, expected.data());
        cpu::blur_pool(x.data(), h, w, channels, stride, one.data(), 1);
        cpu::blur_pool(x.data(), h, w, channels, stride, two.data(), 2);
        CHECK(difference(one, expected) < 1e-6);
        CHECK(same_bits(one, two));
      }
    }
  }
  const Values ones(16, 1.0f);
  Values y(4);
  cpu::blur_pool(ones.data(), 4, 4, 1, 2, y.data(), 1);
  CHECK(same_bits(y, Values(4, 1.0f)));
}

TEST_CASE("batch_norm folds into scale_shift") {
  const int channels = 17;
  const std::size_t pixels = 11;
  const Values x = random_values(pixels * channels), mean = random_values(channels),
               gamma = random_values(channels);
  const Values beta = random_values(channels);
  Values variance = random_values(channels), scale(channels), shift(channels), expected(x.size()),
         got(x.size());
  for (int c = 0; c < channels; ++c) {
    variance[c] = std::abs(variance[c]) + 0.1f;
    scale[c] = gamma[c] / std::sqrt(variance[c] + 1e-5f);
    shift[c] = beta[c] - mean[c] * scale[c];
  }
  reference::batch_norm(x.data(), mean.data(), variance.data(), gamma.data(), beta.data(), 1e-5f,
                        expected.data(), pixels, channels);
  cpu::scale_shift(x.data(), scale.data(), shift.data(), got.data(), pixels, channels, false, 1);
  CHECK(difference(got, expected) < 1e-5);
}

TEST_CASE("softmax: near the reference, sums to one, rows independent, in place") {
  for (const int classes : {1, 2, 3, 10, 16, 17, 33, 100, 1000}) {
    CAPTURE(classes);
    const int rows = 3;
    Values x = random_values(std::size_t(rows) * classes), expected(x.size());
    for (int i = 0; i < classes; ++i) x[classes + i] *= 30;  // spans denormal results
    reference::softmax(x.data(), expected.data(), rows, classes);
    on_every_target([&] {
      Values p(x.size()), in_place = x;
      cpu::softmax(x.data(), p.data(), rows, classes);
      double worst = 0;
      for (int r = 0; r < rows; ++r) {
        double sum = 0;
        for (int i = 0; i < classes; ++i) sum += p[r * classes + i];
        CHECK(std::abs(sum - 1) < 1e-5);
        Values alone(classes);
        cpu::softmax(x.data() + r * classes, alone.data(), 1, classes);
        CHECK(same_bits(alone, Values(p.begin() + r * classes, p.begin() + (r + 1) * classes)));
      }
      for (std::size_t i = 0; i < p.size(); ++i) {
        worst =
            std::max<double>(worst, std::abs(p[i] - expected[i]) / std::max(expected[i], 1e-30f));
      }
      CHECK(worst < 2e-6);
      cpu::softmax(in_place.data(), in_place.data(), rows, classes);
      CHECK(same_bits(in_place, p));
    });
  }
}

TEST_CASE("softmax of extreme logits") {
  on_every_target([] {
    for (const int classes : {5, 40}) {
      Values x(classes, -3e38f), p(classes);
      x[2] = 3e38f;
      x[3] = -kInfinity;
      cpu::softmax(x.data(), p.data(), 1, classes);
      for (int i = 0; i < classes; ++i) CHECK(p[i] == (i == 2 ? 1.0f : 0.0f));
      for (const float odd : {std::nanf(""), kInfinity}) {
        x[4] = odd;
        cpu::softmax(x.data(), p.data(), 1, classes);
        CHECK(std::isnan(p[4]));
      }
      std::fill(x.begin(), x.end(), 1e30f);
      cpu::softmax(x.data(), p.data(), 1, classes);
      for (const float value : p) CHECK(std::abs(value * classes - 1) < 1e-6f);
    }
  });
}

TEST_CASE("pooling: as the reference, to the bit, for any number of threads") {
  struct Window {
    int kernel, stride, pad;
  };
  for (const int channels : kChannels) {
    for (const int size : {1, 2, 7, 12, 33}) {
      for (const Window w : {Window{1, 1, 0}, Window{2, 2, 0}, Window{3, 2, 1}, Window{5, 3, 2}}) {
        Pool2dShape shape{.channels = channels, .in_h = size, .in_w = size + 1};
        shape.kernel_h = shape.kernel_w = w.kernel;
        shape.stride_h = shape.stride_w = w.stride;
        shape.pad_h = shape.pad_w = w.pad;
        if (size + 2 * w.pad < w.kernel) continue;
        // One cell more than fits, as with ceil_mode, where that window still begins inside.
        shape.out_h = (size + 2 * w.pad - w.kernel) / w.stride + 1;
        shape.out_w = (size + 1 + 2 * w.pad - w.kernel + w.stride - 1) / w.stride + 1;
        if ((shape.out_w - 1) * w.stride >= size + 1 + w.pad) --shape.out_w;
        CAPTURE(channels);
        CAPTURE(size);
        CAPTURE(w.kernel);
        const Values x = random_values(std::size_t(size) * (size + 1) * channels);
        const std::size_t outputs = std::size_t(shape.out_h) * shape.out_w * channels;
        Values largest(outputs), mean(outputs), padded_mean(outputs);
        reference::max_pool(shape, x.data(), largest.data());
        reference::avg_pool(shape, x.data(), padded_mean.data());
        shape.count_include_pad = false;
        reference::avg_pool(shape, x.data(), mean.data());
        on_every_target([&] {
          for (const int threads : {1, 2}) {
            Values y(outputs);
            cpu::max_pool(shape, x.data(), y.data(), threads);
            CHECK(same_bits(y, largest));
            shape.count_include_pad = true;
            cpu::avg_pool(shape, x.data(), y.data(), threads);
            CHECK(same_bits(y, padded_mean));
            shape.count_include_pad = false;
            cpu::avg_pool(shape, x.data(), y.data(), threads);
            CHECK(same_bits(y, mean));
          }
        });
      }
    }
  }
}

TEST_CASE("adaptive_avg_pool: as the reference, to the bit; up, down and uneven") {
  for (const int channels : kChannels) {
    for (const int size : {1, 2, 5, 7, 8, 33}) {
      for (const int out : {1, 2, 3, 7}) {
        CAPTURE(channels);
        CAPTURE(size);
        CAPTURE(out);
        const Values x = random_values(std::size_t(size) * (size + 2) * channels);
        Values expected(std::size_t(out) * (out + 1) * channels);
        reference::adaptive_avg_pool(x.data(), size, size + 2, channels, expected.data(), out,
                                     out + 1);
        on_every_target([&] {
          for (const int threads : {1, 2}) {
            Values y(expected.size());
            cpu::adaptive_avg_pool(x.data(), size, size + 2, channels, y.data(), out, out + 1,
                                   threads);
            CHECK(same_bits(y, expected));
          }
        });
      }
    }
  }
}

TEST_CASE("layout: pad_shortcut and transposes") {
  for (const int channels : kChannels) {
    for (const int size : {1, 4, 5, 33}) {
      CAPTURE(channels);
      CAPTURE(size);
      const int h = size, w = size + 1, pixels = h * w;
      const Values x = random_values(std::size_t(pixels) * channels);
      Values expected(x.size()), y(x.size());
      reference::chw_to_hwc(x.data(), channels, pixels, expected.data());
      cpu::chw_to_hwc(x.data(), channels, pixels, y.data());
      CHECK(same_bits(y, expected));
      Values back(x.size());
      cpu::hwc_to_chw(y.data(), channels, pixels, back.data());
      CHECK(same_bits(back, x));
      reference::hwc_to_chw(y.data(), channels, pixels, back.data());
      CHECK(same_bits(back, x));
      for (const int stride : {1, 2, 3}) {
        const int out_channels = 2 * channels + 1, before = channels / 2;
        const int out_pixels = ((h + stride - 1) / stride) * ((w + stride - 1) / stride);
        expected.assign(std::size_t(out_pixels) * out_channels, 7);
        y.assign(expected.size(), 8);
        reference::pad_shortcut(x.data(), h, w, channels, stride, before, expected.data(),
                                out_channels);
        cpu::pad_shortcut(x.data(), h, w, channels, stride, before, y.data(), out_channels);
        CHECK(same_bits(y, expected));
      }
    }
  }
}
