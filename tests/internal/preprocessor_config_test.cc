#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "preprocessor_config.h"

#include <doctest/doctest.h>

#include "image_files.h"

using namespace sidenet;
using files::error_of;

namespace {

JsonField json(const std::string& text) {
  return JsonField::parse(text, {"preprocessor_config.json", ""});
}

/// "224/0 bicubic squash down", of resize/crop.
std::string geometry(const std::string& text) {
  const ImageConfig config = read_preprocessor_config(json(text));
  return std::to_string(config.resize.value()) + "/" + std::to_string(config.crop.value()) + " " +
         name_of(config.interpolation.value()) + " " + name_of(config.crop_mode) + " " +
         name_of(config.crop_rounding);
}

std::string refusal(const std::string& text) {
  return error_of([&] { read_preprocessor_config(json(text)); });
}

void check_refused(const std::string& text, const std::string& part) {
  CAPTURE(text);
  const std::string message = refusal(text);
  CAPTURE(message);
  CHECK(message.starts_with("preprocessor_config.json: "));
  CHECK(message.find(part) != std::string::npos);
  CHECK(message.size() < 200);
}

void check_close(const std::vector<float>& values, double expected) {
  REQUIRE(values.size() == 3);
  for (const float value : values) CHECK(value == doctest::Approx(expected));
}

}  // namespace

// What transformers' processors with backend="pil" do.
TEST_CASE("sizes, crops and filters of each type") {
  // The hub's ResNets.
  CHECK(geometry(R"({"crop_pct": 0.875, "do_normalize": true, "do_resize": true,
                     "feature_extractor_type": "ConvNextFeatureExtractor", "resample": 3,
                     "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
                     "size": 224})") == "256/224 bicubic center down");
  const std::string convnext = R"({"image_processor_type": "ConvNextImageProcessor", )";
  CHECK(
      geometry(convnext + R"("size": {"shortest_edge": 160}, "crop_pct": 0.95, "resample": 2})") ==
      "168/160 bilinear center down");
  CHECK(geometry(convnext + R"("size": {"shortest_edge": 384}})") == "384/0 bicubic center down");
  CHECK(geometry(convnext + R"("do_resize": false})") == "0/0 bicubic center down");
  CHECK(geometry("{}") == "384/0 bicubic center down");
  const std::string vit = R"({"image_processor_type": "ViTImageProcessor", )";
  CHECK(geometry(vit + R"("size": 224})") == "224/0 bilinear squash down");
  CHECK(geometry(vit + R"("size": {"height": 96, "width": 96}, "resample": 0})") ==
        "96/0 nearest squash down");
  CHECK(geometry(vit + R"("size": 256, "do_center_crop": true, "crop_size": 224})") ==
        "256/224 bilinear squash down");
  CHECK(geometry(R"({"image_processor_type": "BitImageProcessor"})") ==
        "224/224 bicubic center down");
  CHECK(geometry(R"({"image_processor_type": "CLIPImageProcessorFast", "size": 256,
                     "crop_size": {"height": 224, "width": 224}, "resample": 1})") ==
        "256/224 lanczos center down");
  CHECK(geometry(R"({"feature_extractor_type": "DeiTFeatureExtractor", "resample": 5})") ==
        "256/224 hamming squash down");
  CHECK(geometry(R"({"image_processor_type": "BitImageProcessor", "do_resize": false})") ==
        "0/224 bicubic center down");
}

TEST_CASE("values: another scale goes into mean and std") {
  const auto read = [](const std::string& more) {
    return read_preprocessor_config(json(R"({"size": {"shortest_edge": 224})" + more + "}"));
  };
  check_close(*read("").mean, 0.5);
  check_close(*read(R"(, "image_mean": 0.25, "image_std": [0.1, 0.1, 0.1])").mean, 0.25);
  const ImageConfig plain = read(R"(, "do_normalize": false)");
  CHECK(plain.mean->empty());
  CHECK(plain.std->empty());
  // x / 127.5 - 1, written with a mean of 1.
  const ImageConfig wide = read(R"(, "rescale_factor": 0.00784313725490196, "image_mean": [1, 1, 1],
               "image_std": [1, 1, 1])");
  check_close(*wide.mean, 0.5);
  check_close(*wide.std, 0.5);
  const ImageConfig bytes = read(R"(, "do_rescale": false, "do_normalize": false)");
  CHECK(bytes.mean->empty());
  check_close(*bytes.std, 1 / 255.0);
  CHECK(read(R"(, "rescale_factor": 0.00392156862745098)").mean == std::vector<float>(3, 0.5f));
}

TEST_CASE("transparent pictures that a processor puts on white are told of") {
  const auto notes = [](const std::string& fields) {
    return read_preprocessor_config(json("{" + fields + "}")).notes;
  };
  CHECK(notes(R"("image_processor_type": "ViTImageProcessor")").empty());
  CHECK(notes(R"("image_processor_type": "CLIPImageProcessor", "do_convert_rgb": false)").empty());
  REQUIRE(notes(R"("image_processor_type": "CLIPImageProcessor")").size() == 1);
  CHECK(notes(R"("image_processor_type": "ViTImageProcessor", "do_convert_rgb": true)")[0].find(
            "puts transparent pictures on white") != std::string::npos);
}

TEST_CASE("what is not done here is refused by its name") {
  check_refused(R"({"image_processor_type": "LevitImageProcessor"})", "image_processor_type");
  check_refused(R"({"size": {"height": 224, "width": 224}})", "shortest_edge");
  check_refused(R"({"image_processor_type": "ViTImageProcessor",
                    "size": {"height": 224, "width": 192}})",
                "height = width");
  check_refused(R"({"image_processor_type": "ViTImageProcessor",
                    "size": {"shortest_edge": 224, "longest_edge": 300}})",
                "longest_edge");
  check_refused(R"({"image_processor_type": "CLIPImageProcessor", "do_center_crop": false})",
                "a centre crop");
  check_refused(R"({"image_processor_type": "ViTImageProcessor", "crop_pct": 0.9})", "crop_pct");
  check_refused(R"({"size": 224, "do_center_crop": true, "crop_size": 200})", "crop_size");
  check_refused(R"({"do_pad": true})", "do_pad");
  check_refused(R"({"do_reduce_labels": true})", "do_reduce_labels");
  check_refused(R"({"resample": 6})", "resample");
  check_refused(R"({"size": 0})", "size");
  CHECK(refusal(R"({"do_pad": false, "pad_size": null, "_valid_processor_keys": ["x"]})") == "");
}
