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
  return p;
}

std::string preprocessing_json(const Preprocessing& p) {
  nlohmann::json fields = {{"mean", p.mean},
                           {"std", p.std},
                           {"resize", p.resize},
                           {"crop", p.crop},
                           {"channels", p.channels}};
  // Left out, `rgb` leaves the bytes of older files, and their digests, as they are.
  if (p.channel_order != ChannelOrder::rgb) fields["channel_order"] = name_of(p.channel_order);
  return fields.dump();
}

}  // namespace sidenet
