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
  return {{"resize", p.resize > 0 ? std::to_string(p.resize) : "no"},
          {"crop", p.crop > 0 ? std::to_string(p.crop) : "no"},
          {"mean", values(p.mean, "0")},
          {"std", values(p.std, "1")},
          {"channels", p.channels == 1 ? "grey"
                       : rgb           ? "RGB"
                                       : "BGR"}};
}

}  // namespace sidenet
