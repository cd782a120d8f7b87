#include "preprocessing_assumptions.h"

#include <sstream>
#include <string>

namespace sidenet {

std::vector<Assumption> assumptions_of(const Preprocessing& p) {
  const auto values = [](const std::vector<float>& channels, const char* none) {
    std::ostringstream text;
    for (const float value : channels) text << (text.tellp() > 0 ? "," : "") << value;
    return channels.empty() ? none : text.str();
  };
  const bool rgb = p.channel_order == ChannelOrder::rgb;
  std::string resize = p.resize > 0 ? std::to_string(p.resize) : "no";
  if (p.resize > 0 && p.crop > 0 && p.crop_mode == CropMode::squash) resize += " (squash)";
  return {{"resize", resize},
          {"crop", p.crop > 0 ? std::to_string(p.crop) : "no"},
          {"interpolation", name_of(p.interpolation)},
          {"EXIF orientation", p.exif_orientation ? "applied" : "not applied"},
          {"mean", values(p.mean, "0")},
          {"std", values(p.std, "1")},
          {"channels", p.channels == 1 ? "grey"
                       : rgb           ? "RGB"
                                       : "BGR"}};
}

}  // namespace sidenet
