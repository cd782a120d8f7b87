#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <cmath>

#include "image_files.h"
#include "image_resize.h"
#include "sidenet/image.h"

using namespace sidenet;
using namespace files;

namespace {

Tensor image_of(std::int64_t height, std::int64_t width, std::int64_t channels) {
  Tensor image(DType::u8, {height, width, channels});
  for (std::int64_t i = 0; i < image.size(); ++i) {
    image.mutable_data<std::uint8_t>()[i] = static_cast<std::uint8_t>((i * i * 7 + i * 131) % 251);
  }
  return image;
}

Preprocessing plain(int resize, int crop, int channels) {
  Preprocessing preprocessing;
  preprocessing.resize = resize;
  preprocessing.crop = crop;
  preprocessing.channels = channels;
  return preprocessing;
}

}  // namespace

TEST_CASE("resize and crop equal Pillow and torchvision, to the byte") {
  struct Case {
    const char* file;
    int resize, crop;
    const char* mode;
  };
  for (const Case& c : std::vector<Case>{{"rgb.png", 16, 14, "rgb"},
                                         {"rgb.png", 16, 14, "l"},
                                         {"rgb.png", 15, 12, "rgb"},
                                         {"rgb.png", 32, 28, "rgb"},
                                         {"rgb.png", 12, 20, "rgb"},
                                         {"rgb.png", 20, 0, "rgb"},
                                         {"rgb.png", 0, 17, "rgb"},
                                         {"rgb.png", 0, 30, "rgb"},
                                         {"rgb.png", 1, 1, "rgb"},
                                         {"grey.png", 8, 7, "l"},
                                         {"grey.png", 8, 7, "rgb"},
                                         {"grey.png", 28, 0, "l"},
                                         {"tall.png", 16, 14, "rgb"},
                                         {"tall.png", 5, 9, "l"},
                                         {"photo.png", 24, 21, "rgb"},
                                         {"bmp24.bmp", 11, 10, "rgb"}}) {
    const std::string name = std::filesystem::path(c.file).stem().string() + "." +
                             std::to_string(c.resize) + "." + std::to_string(c.crop) + "." +
                             c.mode + ".idx";
    CAPTURE(name);
    const Bytes expected = read(golden_image(name)).substr(16);  // (size, size, C)
    const int channels = c.mode == std::string("l") ? 1 : 3, size = c.crop > 0 ? c.crop : c.resize;
    const auto preprocessing = plain(c.resize, c.crop, channels);
    // From the file's own channels and from the wanted ones: the conversion may come before or
    // inside.
    for (const int read_channels : {channels, 3}) {
      const Tensor input =
          preprocess_image(read_image(golden_image(c.file), read_channels), preprocessing);
      REQUIRE(input.shape() == Shape{channels, size, size});
      std::int64_t wrong = 0;
      for (int i = 0; i < size * size * channels; ++i) {
        const float value = input.data<float>()[i % channels * size * size + i / channels];
        wrong += value != static_cast<float>(
                              static_cast<unsigned char>(expected[static_cast<std::size_t>(i)])) /
                              255.0f;
      }
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("filters, crop modes and roundings equal Pillow, torchvision and transformers") {
  struct Case {
    const char* file;
    int resize, crop;
    Interpolation filter;
    CropMode mode;
    CropRounding rounding;
  };
  std::vector<Case> cases{
      {"photo", 24, 21, Interpolation::bicubic, CropMode::center, CropRounding::down},
      {"tall", 16, 13, Interpolation::bicubic, CropMode::squash, CropRounding::even},
      {"rgb", 18, 15, Interpolation::bilinear, CropMode::center, CropRounding::down},
      {"rgb", 15, 18, Interpolation::bilinear, CropMode::squash, CropRounding::down},
      {"rgb", 15, 18, Interpolation::bicubic, CropMode::squash, CropRounding::even},
      {"rgb", 20, 0, Interpolation::bicubic, CropMode::center, CropRounding::even}};
  for (const auto& [filter, name] : kEnumNames<Interpolation>) {
    cases.push_back({"rgb", 16, 13, filter, CropMode::center, CropRounding::even});
    if (filter != Interpolation::bilinear)
      cases.push_back({"rgb", 41, 38, filter, CropMode::center, CropRounding::even});
  }
  for (const Case& c : cases) {
    const std::string name = std::string(c.file) + "." + std::to_string(c.resize) + "." +
                             std::to_string(c.crop) + "." + name_of(c.filter) + "." +
                             name_of(c.mode) + "." + name_of(c.rounding) + ".idx";
    CAPTURE(name);
    const Bytes expected = read(golden_image(name)).substr(16);  // (size, size, 3)
    Preprocessing preprocessing = plain(c.resize, c.crop, 3);
    preprocessing.interpolation = c.filter;
    preprocessing.crop_mode = c.mode;
    preprocessing.crop_rounding = c.rounding;
    const Tensor input = preprocess_image(
        read_image(golden_image(std::string(c.file) + ".png"), preprocessing), preprocessing);
    const int size = preprocessing.size();
    REQUIRE(input.shape() == Shape{3, size, size});
    std::int64_t wrong = 0;
    for (int i = 0; i < size * size * 3; ++i) {
      const auto byte = static_cast<unsigned char>(expected[static_cast<std::size_t>(i)]);
      wrong += input.data<float>()[i % 3 * size * size + i / 3] != static_cast<float>(byte) / 255;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("a window equals that part of the whole result") {
  for (const auto& [filter, name] : kEnumNames<Interpolation>) {
    const std::int64_t channels = filter == Interpolation::bilinear ? 1 : 3;
    CAPTURE(name);
    const Tensor image = image_of(23, 31, channels);
    for (const auto& [height, width] :
         {std::pair<std::int64_t, std::int64_t>{9, 12}, {23, 12}, {40, 31}, {51, 70}, {1, 1}}) {
      const Tensor whole = resize_image(image, height, width, {0, 0, width, height}, filter);
      const Window window{width / 3, height / 4, (width + 1) / 2, (height + 1) / 2};
      const Tensor part = resize_image(image, height, width, window, filter);
      std::int64_t wrong = 0;
      for (std::int64_t i = 0; i < part.size(); ++i) {
        const std::int64_t y = i / (window.width * channels) + window.y,
                           x = i % (window.width * channels) + window.x * channels;
        wrong +=
            part.data<std::uint8_t>()[i] != whole.data<std::uint8_t>()[y * width * channels + x];
      }
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("bytes become (byte / 255 - mean) / std in float32, channel first") {
  const Tensor image = image_of(5, 4, 3);
  Preprocessing preprocessing = plain(0, 0, 3);
  preprocessing.mean = {0.485f, 0.456f, 0.406f};
  preprocessing.std = {0.229f, 0.224f, 0.225f};
  const Tensor input = preprocess_image(image, preprocessing);
  REQUIRE(input.shape() == Shape{3, 5, 4});
  for (std::int64_t i = 0; i < 20; ++i) {
    for (std::int64_t c = 0; c < 3; ++c) {
      const auto k = static_cast<std::size_t>(c);
      const float unit = static_cast<float>(image.data<std::uint8_t>()[3 * i + c]) / 255.0f;
      CHECK(input.data<float>()[20 * c + i] ==
            (unit - preprocessing.mean[k]) / preprocessing.std[k]);
    }
  }
}

TEST_CASE("BGR: the first channel is blue; mean and std keep their places; grey is the same") {
  const Tensor image = image_of(5, 4, 3);
  Preprocessing rgb = plain(8, 6, 3), bgr = rgb;
  rgb.mean = {0.485f, 0.456f, 0.406f};
  bgr.mean = {0.406f, 0.456f, 0.485f};
  bgr.channel_order = ChannelOrder::bgr;
  const Tensor straight = preprocess_image(image, rgb), reversed = preprocess_image(image, bgr);
  for (std::int64_t i = 0; i < 36; ++i) {
    for (std::int64_t c = 0; c < 3; ++c)
      CHECK(reversed.data<float>()[36 * c + i] == straight.data<float>()[36 * (2 - c) + i]);
  }
  const Tensor grey = image_of(5, 4, 1);
  bgr.mean = rgb.mean;
  const Tensor a = preprocess_image(grey, rgb), b = preprocess_image(grey, bgr);
  CHECK(std::equal(a.data<float>(), a.data<float>() + a.size(), b.data<float>()));
}

TEST_CASE("padding is black before normalisation; grey is repeated") {
  Preprocessing preprocessing = plain(0, 6, 3);
  preprocessing.mean = {0.5f, 0.25f, 0.0f};
  const Tensor input = preprocess_image(image_of(3, 6, 1), preprocessing);
  REQUIRE(input.shape() == Shape{3, 6, 6});
  // 3 rows missing: 1 above, 2 below.
  for (const std::int64_t row : {0, 4, 5}) CHECK(input.data<float>()[36 + row * 6 + 2] == -0.25f);
  const float pixel = input.data<float>()[6];
  CHECK(input.data<float>()[36 + 6] == pixel + 0.25f);
  CHECK(input.data<float>()[72 + 6] == pixel + 0.5f);
}

TEST_CASE("an extreme image needs no more memory than its crop") {
  const Tensor image = image_of(1, 32768, 3);  // resized whole: 256 x 8,388,608
  CHECK(preprocess_image(image, plain(256, 224, 3)).shape() == Shape{3, 224, 224});
}

TEST_CASE("what does not fit is refused in one line") {
  const Tensor image = image_of(4, 4, 3);
  const auto refuses = [](const Tensor& tensor, const Preprocessing& preprocessing,
                          const char* part) {
    const auto message = error_of([&] { preprocess_image(tensor, preprocessing); });
    CAPTURE(message);
    CHECK(is_one_line(message));
    CHECK(message.find(part) != std::string::npos);
  };
  refuses(Tensor(DType::f32, {4, 4, 3}), plain(0, 0, 3), "expected bytes");
  refuses(Tensor(DType::u8, {4, 4}), plain(0, 0, 3), "expected bytes");
  refuses(Tensor(DType::u8, {4, 4, 2}), plain(0, 0, 3), "(4, 4, 2)");
  refuses(Tensor(DType::u8, {0, 4, 3}), plain(0, 0, 3), "sides of 1");
  refuses(Tensor(DType::u8, {1, 40000, 3}), plain(0, 0, 3), "sides of 1");
  refuses(image, plain(0, 0, 2), "channels");
  refuses(image, plain(-1, 0, 3), "got -1");
  refuses(image, plain(0, 1 << 20, 3), "resize and crop");
  Preprocessing wrong = plain(0, 0, 3);
  wrong.mean = {0.5f};
  refuses(image, wrong, "expected 3 values");
  wrong.mean = {0.5f, NAN, 0.5f};
  refuses(image, wrong, "finite");
  wrong.mean = {};
  wrong.std = {1, 0, 1};
  refuses(image, wrong, "other than 0");
  Preprocessing grey = plain(0, 0, 1);
  grey.channel_order = ChannelOrder::bgr;
  refuses(image, grey, "expected 3 channels with bgr");
}
