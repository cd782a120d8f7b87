#include "network_names.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <initializer_list>
#include <string_view>

namespace sidenet::models {
namespace {

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

// In lower case, without an organisation in front ("timm/"), a tag behind ("resnet50.a1_in1k") or
// what is neither letter nor digit.
std::string plain(const std::string& name) {
  std::string text = name.substr(name.rfind('/') + 1);
  text = text.substr(0, text.find('.'));
  std::string result;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return result;
}

template <std::size_t kSize>
bool take_one(std::string_view& text, const std::array<std::string_view, kSize>& words) {
  for (const std::string_view word : words) {
    if (!text.starts_with(word)) continue;
    text.remove_prefix(word.size());
    return true;
  }
  return false;
}

// Trained elsewhere or on other data, and wired alike.
constexpr std::array<std::string_view, 12> kBefore{"cifar100", "cifar10",     "cifar",   "imagenet",
                                                   "gluon",    "swsl",        "ssl",     "tv",
                                                   "ig",       "torchvision", "pytorch", "my"};
// 50_32x4d, 50_2, 18_cifar10, 50_v1, …
constexpr std::array<std::string_view, 18> kBehind{
    "cifar100", "cifar10", "cifar", "imagenet1k", "imagenet", "in1k",
    "in21k",    "tiny",    "v15",   "v1b",        "v1",       "pretrained",
    "baseline", "best",    "final", "teacher",    "student",  "fp16"};
constexpr std::array<std::string_view, 6> kPlainBases{"wideresnet", "wrn",         "resnext",
                                                      "resnet",     "basicresnet", "cifarresnet"};

// "32x4d", "2", "10".
void take_sizes(std::string_view& text) {
  while (!text.empty() && is_digit(text.front())) text.remove_prefix(1);
  if (text.size() > 1 && text.front() == 'x' && is_digit(text[1])) {
    text.remove_prefix(1);
    while (!text.empty() && is_digit(text.front())) text.remove_prefix(1);
    if (text.starts_with("d")) text.remove_prefix(1);
  }
}

// Networks that share names of tensors with a ResNet, or stand beside it in collections.
constexpr std::array<std::string_view, 44> kOthers{
    "preact",   "resnetv2",   "resnetrs",   "resnest", "resnetaa",  "resnetblur", "seresne",
    "sebottle", "senet",      "ecares",     "cecares", "skresne",   "gcres",      "gernet",
    "res2net",  "regnet",     "densenet",   "vgg",     "alexnet",   "mobilenet",  "efficientnet",
    "convnext", "vit",        "swin",       "deit",    "inception", "googlenet",  "xception",
    "dpn",      "dla",        "hrnet",      "iresnet", "botnet",    "nfnet",      "batresnext",
    "ghostnet", "shufflenet", "squeezenet", "mnasnet", "bit",       "cspres",     "revresnet",
    "frn",      "irresnet"};

void erase_at(std::string& text, std::size_t at, std::initializer_list<std::string_view> words) {
  for (const std::string_view word : words) {
    if (text.compare(at, word.size(), word) != 0) continue;
    text.erase(at, word.size());
    return;
  }
}

// Behind "resnet" or "resnext", and behind the depth that follows there.
std::size_t behind_base(const std::string& text) {
  const std::size_t at = text.find("resn");
  if (at == std::string::npos) return text.size();
  return std::min(text.find('t', at), text.size() - 1) + 1;
}
std::size_t behind_depth(const std::string& text) {
  std::size_t at = behind_base(text);
  while (at < text.size() && is_digit(text[at])) ++at;
  return at;
}

// `text` without what says of a network that it is wired as `network` is.
std::string without_wiring(std::string text, const std::string& network,
                           const std::string& smoothing, bool groups) {
  const auto has = [&](const char* word) { return network.find(word) != std::string::npos; };
  if (has("preact")) erase_at(text, 0, {"preact", "pre"});
  if (has("seres") && text.starts_with("senet")) text.replace(0, 5, "resnext");
  if (has("seres") || has("sewide")) erase_at(text, 0, {"se"});
  if (has("ecares")) erase_at(text, 0, {"eca"});
  if (has("resnetrs")) erase_at(text, behind_base(text), {"rs"});
  if (smoothing == "average") erase_at(text, behind_base(text), {"aa"});
  if (smoothing == "blur") erase_at(text, behind_base(text), {"blur"});
  if (groups) erase_at(text, behind_depth(text), {"gn"});
  const std::size_t letter = behind_depth(network);
  if (letter < network.size() && network[letter] == 'd')
    erase_at(text, behind_depth(text), {"tn", "t", "d", "e"});
  if (letter < network.size() && network[letter] == 'c')
    erase_at(text, behind_depth(text), {"c", "s"});
  return text;
}

}  // namespace

std::string smoothing_of_resnet(const std::string& name) {
  const std::string text = plain(name);
  const std::string_view rest = std::string_view(text).substr(behind_base(text));
  return rest.starts_with("blur") ? "blur" : rest.starts_with("aa") ? "average" : "";
}

std::string other_than_resnet(const std::string& name, const Architecture& recognised) {
  std::string_view named;
  const std::string whole = plain(name);
  for (named = whole; take_one(named, kBefore);) {
  }
  const auto smoothing = recognised.settings.find("antialias");
  const std::string text =
      without_wiring(std::string(named), plain(recognised.name),
                     smoothing == recognised.settings.end() ? "" : smoothing->second,
                     recognised.settings.contains("norm_groups"));
  std::string_view rest = text;
  if (std::any_of(kOthers.begin(), kOthers.end(),
                  [&](std::string_view other) { return rest.starts_with(other); }))
    return name;
  if (!take_one(rest, kPlainBases)) return "";  // somebody's own name
  for (std::size_t before = rest.size() + 1; rest.size() < before;) {
    before = rest.size();
    take_sizes(rest);
    while (take_one(rest, kBehind)) {
    }
  }
  return rest.empty() ? "" : name;
}

std::string other_than_bert(const std::string& name) {
  constexpr std::array<std::string_view, 20> kOtherTexts{
      "roberta", "xlmroberta", "camembert",  "xlm",         "xlnet",     "albert",     "electra",
      "deberta", "mpnet",      "mobilebert", "modernbert",  "bigbird",   "longformer", "funnel",
      "bart",    "gpt",        "t5",         "squeezebert", "nomicbert", "ernie"};
  const std::string text = plain(name);
  const bool other = std::any_of(kOtherTexts.begin(), kOtherTexts.end(),
                                 [&](std::string_view each) { return text.starts_with(each); });
  return other ? name : "";
}

}  // namespace sidenet::models
