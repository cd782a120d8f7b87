#include "preprocessing_json.h"

#include <nlohmann/json.hpp>

#include "model_metadata.h"

namespace sidenet {

Preprocessing read_preprocessing(const JsonField& field) {
  Preprocessing p;
  p.mean = field.at("mean").floats(-kMostMean, kMostMean);
  p.std = field.at("std").floats(kLeastStd, kMostStd);
  p.resize = field.at("resize").integer(0, Preprocessing::kMaxPixels);
  p.crop = field.at("crop").integer(0, Preprocessing::kMaxPixels);
  p.channels = field.at("channels").integer(1, 3);
  if (field.has("channel_order"))
    p.channel_order = read_named<ChannelOrder>(field.at("channel_order"));
  if (field.has("interpolation"))
    p.interpolation = read_named<Interpolation>(field.at("interpolation"));
  if (field.has("crop_mode")) p.crop_mode = read_named<CropMode>(field.at("crop_mode"));
  if (field.has("crop_rounding"))
    p.crop_rounding = read_named<CropRounding>(field.at("crop_rounding"));
  if (field.has("exif_orientation")) p.exif_orientation = field.at("exif_orientation").boolean();
  return p;
}

std::string preprocessing_json(const Preprocessing& p) {
  nlohmann::json fields = {{"mean", p.mean},
                           {"std", p.std},
                           {"resize", p.resize},
                           {"crop", p.crop},
                           {"channels", p.channels}};
  // Left out, the usual ones leave the bytes of older files, and their digests, as they are.
  const Preprocessing usual;
  const auto add = [&fields](const char* name, auto value, auto usually) {
    if (value != usually) fields[name] = name_of(value);
  };
  add("channel_order", p.channel_order, usual.channel_order);
  add("interpolation", p.interpolation, usual.interpolation);
  add("crop_mode", p.crop_mode, usual.crop_mode);
  add("crop_rounding", p.crop_rounding, usual.crop_rounding);
  if (p.exif_orientation) fields["exif_orientation"] = true;
  return fields.dump();
}

}  // namespace sidenet
