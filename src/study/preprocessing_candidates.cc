#include "preprocessing_candidates.h"

#include <algorithm>

#include "architecture.h"

namespace sidenet {
namespace {

struct Size {
  int resize = 0, crop = 0;
  bool operator==(const Size&) const = default;
  int side() const { return crop > 0 ? crop : resize; }
};

struct Normalisation {
  std::string name;
  std::vector<float> mean, std;
};

// Larger pictures are photos, of which no network takes all.
constexpr int kLargestPicture = 400;
// Sizes that cost this many times the usual one's square are not tried: of the pictures' own, and
// of others.
constexpr int kLargestOwn = 8, kLargest = 4;

std::vector<Size> sizes(const Preprocessing& assumed, int assumed_side,
                        const PictureSizes& pictures) {
  const Size own{assumed.resize, assumed.crop};
  std::vector<Size> result{own};
  const auto add = [&](const Size& size) {
    if (std::find(result.begin(), result.end(), size) == result.end()) result.push_back(size);
  };
  if (pictures.square && pictures.height > 0 && pictures.height <= kLargestOwn * assumed_side &&
      pictures.height <= kLargestPicture)
    add({static_cast<int>(pictures.height), 0});
  for (const int side : {32, 64, 96, 128, 160, 224}) {
    if (side > kLargest * assumed_side) continue;
    // Of pictures that are not square: cut, as Resize(N) and CenterCrop(N) do.
    add(pictures.square ? Size{side, 0} : Size{side, side});
  }
  if (224 <= kLargest * assumed_side) {
    add({256, 224});
    if (!pictures.square) add({224, 0});
  }
  return result;
}

std::vector<float> bytes_as_they_are(std::size_t channels) {
  return std::vector<float>(channels, 1 / 255.0f);
}

std::vector<Normalisation> colour_normalisations() {
  const std::vector<float> half(3, 0.5f);
  const Preprocessing imagenet = models::imagenet_preprocessing(3);
  return {{"imagenet", imagenet.mean, imagenet.std},
          {"cifar10", {0.4914f, 0.4822f, 0.4465f}, {0.2470f, 0.2435f, 0.2616f}},
          {"0.5", half, half},
          {"0…1", {}, {}},
          {"0…255", {}, bytes_as_they_are(3)},
          {"0…255 less imagenet's mean", imagenet.mean, bytes_as_they_are(3)}};
}

std::vector<Normalisation> grey_normalisations() {
  const Preprocessing imagenet = models::imagenet_preprocessing(1);
  return {{"imagenet", imagenet.mean, imagenet.std},
          {"mnist", {0.1307f}, {0.3081f}},
          {"fashion-mnist", {0.2860f}, {0.3530f}},
          {"0.5", {0.5f}, {0.5f}},
          {"0…1", {}, {}},
          {"0…255", {}, bytes_as_they_are(1)}};
}

/// The assumed one first.
std::vector<Normalisation> normalisations(const Preprocessing& assumed) {
  std::vector<Normalisation> usual =
      assumed.channels == 1 ? grey_normalisations() : colour_normalisations();
  const auto own = std::find_if(usual.begin(), usual.end(), [&](const Normalisation& each) {
    return each.mean == assumed.mean && each.std == assumed.std;
  });
  if (own == usual.end()) {
    usual.insert(usual.begin(), {"as assumed", assumed.mean, assumed.std});
  } else {
    std::rotate(usual.begin(), own, own + 1);
  }
  return usual;
}

ChannelOrder other(ChannelOrder order) {
  return order == ChannelOrder::rgb ? ChannelOrder::bgr : ChannelOrder::rgb;
}

bool depends_on_order(const Normalisation& each) {
  const auto reversed = [](const std::vector<float>& v) {
    return std::vector<float>(v.rbegin(), v.rend());
  };
  return reversed(each.mean) != each.mean || reversed(each.std) != each.std;
}

}  // namespace

std::vector<Candidate> preprocessing_candidates(const Preprocessing& assumed, int assumed_side,
                                                const PictureSizes& pictures,
                                                const TryOptions& options) {
  std::vector<Size> all_sizes = sizes(assumed, assumed_side, pictures);
  std::vector<Normalisation> all_normalisations = normalisations(assumed);
  if (!options.sizes) all_sizes.resize(1);
  if (!options.normalisations) all_normalisations.resize(1);
  const bool orders = options.channel_orders && assumed.channels == 3;
  std::vector<Candidate> result;
  for (const Size& size : all_sizes) {
    for (const Normalisation& each : all_normalisations) {
      Candidate candidate{assumed, each.name};
      Preprocessing& p = candidate.preprocessing;
      p.resize = size.resize, p.crop = size.crop;
      p.mean = each.mean, p.std = each.std;
      candidate.other_size = size != all_sizes.front();
      candidate.other_normalisation = &each != &all_normalisations.front();
      result.push_back(candidate);
      if (!orders) continue;
      candidate.other_order = true;
      p.channel_order = other(assumed.channel_order);
      result.push_back(candidate);
      // Either the numbers stay with their places, or with their colours.
      if (!options.normalisations || !depends_on_order(each)) continue;
      std::reverse(p.mean.begin(), p.mean.end());
      std::reverse(p.std.begin(), p.std.end());
      candidate.normalisation += ", reversed";
      result.push_back(candidate);
    }
  }
  return result;
}

}  // namespace sidenet
