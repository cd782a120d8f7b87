#include "model_summary.h"

#include <sstream>

#include "certificate_words.h"
#include "table.h"
#include "text.h"

namespace sidenet::tools {
namespace {

std::string values(const std::vector<float>& channels) {
  std::ostringstream text;
  for (const float value : channels) text << ' ' << value;
  return text.str();
}

/// The beginning of a list, and how many there are.
std::string classes(const std::vector<std::string>& labels) {
  std::string text = grouped(static_cast<std::int64_t>(labels.size())) + " (";
  constexpr std::size_t shown = 4, width = 44;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::string next = (i > 0 ? ", " : "") + printable(labels[i]);
    if (i >= shown || display_width(text) + display_width(next) > width) return text + ", …)";
    text += next;
  }
  return text + ")";
}

/// What a call must name beside the thresholds.
std::string options_of(const Certificate& c) {
  std::string text = c.winograd ? "" : " and --no-winograd";
  if (c.kernels != Kernels::automatic) text += std::string(" and --kernels ") + name_of(c.kernels);
  return text;
}

}  // namespace

std::string extents(const Shape& shape) {
  std::string text;
  for (const auto extent : shape)
    text += (text.empty() ? "" : " x ") + (extent < 0 ? "tokens" : std::to_string(extent));
  return text;
}

std::string describe(const Preprocessing& preprocessing) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  const Preprocessing usual;
  if (preprocessing.exif_orientation) add("EXIF orientation");
  if (preprocessing.resize > 0) {
    const bool squash = preprocessing.crop > 0 && preprocessing.crop_mode == CropMode::squash;
    add(std::string(squash ? "squash " : "resize ") + std::to_string(preprocessing.resize));
    if (preprocessing.interpolation != usual.interpolation)
      text += std::string(" ") + name_of(preprocessing.interpolation);
  }
  if (preprocessing.crop > 0) add("crop " + std::to_string(preprocessing.crop));
  if (!preprocessing.mean.empty()) add("mean" + values(preprocessing.mean));
  if (!preprocessing.std.empty()) add("std" + values(preprocessing.std));
  const bool rgb = preprocessing.channel_order == ChannelOrder::rgb;
  add(preprocessing.channels == 1 ? "grey" : rgb ? "RGB" : "BGR");
  return text;
}

std::int64_t total_parameters(const std::vector<NodeInfo>& nodes) {
  std::int64_t total = 0;
  for (const NodeInfo& node : nodes) total += node.parameters;
  return total;
}

std::string describe(const Tokenizer& tokenizer) {
  const TokenizerOptions& options = tokenizer.options();
  return "WordPiece, " + grouped(static_cast<std::int64_t>(tokenizer.vocabulary().size())) +
         " pieces, " + (options.lower_case ? "lower case" : "case kept") + ", at most " +
         std::to_string(options.max_tokens) + " tokens";
}

void print_summary(std::ostream& out, const Model& model) {
  const Shape input = model.input_shape();
  out << "architecture   " << printable(model.architecture()) << '\n'
      << "classes        "
      << (model.has_head() ? classes(model.labels())
                           : "none yet: `sidenet train --head` fits a head")
      << '\n';
  if (!model.data_labels().empty() && model.data_labels() != model.labels())
    out << "  in the data  " << classes(model.data_labels()) << '\n';
  if (model.is_text()) {
    out << "input          texts\n"
        << "tokenizer      "
        << (model.has_tokenizer() ? describe(model.tokenizer()) : "none: token ids only") << '\n';
  } else {
    out << "input          " << extents(input)
        << (model.preprocessing().size() == 0 ? " or other sizes" : "") << '\n'
        << "preprocessing  " << describe(model.preprocessing()) << '\n';
  }
  out << "parameters     " << scaled(static_cast<double>(total_parameters(model.nodes()))) << '\n'
      << "compute        " << scaled(static_cast<double>(model.mainnet_multiply_adds()))
      << " multiply-adds a row"
      << (model.is_text() ? " of " + std::to_string(input[0]) + " tokens" : "") << '\n';
}

void print_exits(std::ostream& out, const Model& model) {
  Table table({{"exit"},
               {"tap"},
               {"pool", true},
               {"hidden", true},
               {"temperature", true},
               {"threshold", true},
               {"compute", true}});
  for (const ExitInfo& exit : model.exits()) {
    const bool head = exit.hidden == 0;
    table.add({exit.name, exit.tap,
               head              ? "-"
               : model.is_text() ? name_of(exit.token_pool.value())
                                 : std::to_string(exit.pool),
               head ? "-" : std::to_string(exit.hidden), fixed(exit.temperature, 3),
               head                 ? "-"
               : exit.threshold > 1 ? "shut"
                                    : fixed(exit.threshold, 4),
               percent(exit.compute_share, 1)});
  }
  table.print(out);
}

void print_certificate(std::ostream& out, const Model& model) {
  if (!model.certificate()) return;
  const Certificate& c = *model.certificate();
  print_promise(out, c, "Certificate: ");
  out << "  " << percent(1 - c.compute, 1) << " of compute saved on those rows.\n  ";
  const std::string problem = model.certificate_problem();
  out << (problem.empty() ? "it holds for this file, at its thresholds" + options_of(c)
                          : "it no longer holds: " + printable(problem))
      << '\n';
}

}  // namespace sidenet::tools
