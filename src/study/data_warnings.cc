#include "data_warnings.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <set>

#include "metrics.h"
#include "model_data.h"
#include "picture_sizes.h"

namespace sidenet {
namespace {

// Below this nothing is told of MainNet.
constexpr std::int64_t kFewestRows = 30;
// Levels of the tests: that MainNet is above chance, and how good it may be at most.
constexpr double kAboveChance = 0.01, kAtMost = 0.001;
// Of the way from chance to all right: what a MainNet that fits its data exceeds, and what hardly
// counts.
constexpr double kWorks = 0.5, kHardly = 0.1;
// So many rows of a class without one such answer have a chance of 1 in 1,000 where MainNet knows a
// quarter of them.
constexpr std::int64_t kRowsOfClass = 25;
// Rows for each class of the model from which a class without any is worth a line.
constexpr std::int64_t kRowsPerClass = 20;
// How far a picture may be from what it is resized to: ImageNet's networks take pictures of 160.
constexpr std::int64_t kFar = 2;

constexpr const char* kTryIt = "`sidenet import --try DATA` tries other preprocessings";

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * share);
  return text;
}

std::string grouped(std::int64_t count) {
  std::string text = std::to_string(count);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), ",");
  return text;
}

/// The beginning of a label, which may be as long as a file likes.
std::string short_name(const std::string& label) {
  constexpr std::size_t kMostBytes = 20;
  std::string_view left = label;
  std::string shown;
  while (!left.empty() && shown.size() < kMostBytes) shown += detail::take_shown(left);
  return shown + (left.empty() ? "" : "…");
}

/// "class cat", "12 classes: a, b, c, d, e, …"; "" of none.
std::string name_classes(const Model& model, const std::vector<std::size_t>& classes) {
  constexpr std::size_t kMostNames = 5;
  std::string names;
  for (std::size_t i = 0; i < std::min(classes.size(), kMostNames); ++i)
    names += (i == 0 ? "" : ", ") + short_name(model.labels()[classes[i]]);
  if (classes.size() <= 1) return names.empty() ? "" : "class " + names;
  return std::to_string(classes.size()) + " classes: " + names +
         (classes.size() > kMostNames ? ", …" : "");
}

std::string near_chance(const Model& model, const ClassCounts& counts) {
  const BalancedAccuracy seen = balanced_accuracy(counts);
  if (counts.rows < kFewestRows || seen.classes < 2) return "";
  const auto reaches = [&](double part) {
    return seen.upper(kAtMost) >= seen.chance + part * (1 - seen.chance);
  };
  const bool no_more = !seen.above_chance(kAboveChance) && !reaches(kWorks);
  if (!no_more && reaches(kHardly)) return "";
  return "MainNet is right on " + percent(seen.value) + " of a class's rows (mean of " +
         std::to_string(seen.classes) + " classes), " + (no_more ? "no" : "hardly") +
         " more than by chance, " + percent(seen.chance) + ": are the labels in its order?" +
         (model.is_text() ? " is the tokenizer its own?" : std::string(" ") + kTryIt);
}

std::string never_answered(const Model& model, const ClassCounts& counts) {
  std::vector<std::size_t> classes;
  std::int64_t rows = 0;
  for (std::size_t label = 0; label < counts.labelled.size(); ++label) {
    if (counts.labelled[label] < kRowsOfClass || counts.answered[label] > 0) continue;
    classes.push_back(label);
    rows += counts.labelled[label];
  }
  if (classes.empty()) return "";
  return "MainNet never answers " + name_classes(model, classes) + " (" + grouped(rows) +
         " rows): are the labels in its order, and the inputs as in its training?";
}

/// Whether nobody chose it, as far as is known.
bool size_is_assumed(const Model& model) {
  for (const Assumption& each : model.assumptions()) {
    if (each.what == "resize") return each.source == AssumptionSource::default_value;
  }
  return true;
}

std::string size_text(const PictureSizes& sizes) {
  if (sizes.height > 0)
    return std::to_string(sizes.width) + " x " + std::to_string(sizes.height) + " pixels";
  return "some " + std::to_string(sizes.shorter) + " pixels (shorter side)";
}

}  // namespace

ClassCounts count_answers(const Tensor& logits, std::span<const int> labels) {
  const std::int64_t classes = logits.dim(1);
  ClassCounts counts(static_cast<std::size_t>(classes));
  for (std::size_t row = 0; row < labels.size(); ++row) {
    const float* of_row = logits.data<float>() + static_cast<std::int64_t>(row) * classes;
    counts.add(labels[row], static_cast<int>(argmax(of_row, classes)));
  }
  return counts;
}

std::vector<std::string> warnings_of_answers(const Model& model, const ClassCounts& counts) {
  std::vector<std::string> warnings{near_chance(model, counts), never_answered(model, counts)};
  std::erase(warnings, "");
  return warnings;
}

std::vector<std::string> warnings_of_pictures(const Model& model, const Dataset& data) {
  if (model.is_text() || !size_is_assumed(model)) return {};
  const Preprocessing& p = model.preprocessing();
  const std::int64_t wanted = p.resize > 0 ? p.resize : p.crop;
  if (wanted == 0) return {};
  const PictureSizes sizes = picture_sizes(data);
  const bool small = sizes.shorter * kFar <= wanted;
  // Photos are larger than any input; pictures of one small square size were made for training.
  const bool large = sizes.square && sizes.height > 0 && sizes.height >= wanted * kFar;
  if (!small && !large) return {};
  return {"pictures of " + size_text(sizes) + (small ? " are enlarged to " : " shrink to ") +
          std::to_string(wanted) + ", an assumption: if MainNet was trained at another size, " +
          "import it with --size, or let `sidenet import --try DATA` find it"};
}

std::vector<std::string> warnings_of_missing_classes(const Model& model, const ClassCounts& counts,
                                                     bool all) {
  std::vector<std::size_t> classes;
  for (std::size_t label = 0; label < counts.labelled.size(); ++label) {
    if (counts.labelled[label] == 0) classes.push_back(label);
  }
  const auto enough = kRowsPerClass * static_cast<std::int64_t>(counts.labelled.size());
  if (classes.empty() || (!all && counts.rows < enough)) return {};
  return {"no row of " + name_classes(model, classes) +
          ": what is told here says nothing about rows of " +
          (classes.size() == 1 ? "it" : "them")};
}

std::size_t class_folders(const Dataset& data) {
  return data.kind() == Dataset::Kind::images ? data.class_names().size() : 0;
}

std::size_t class_folders(const std::vector<std::shared_ptr<const Dataset>>& parts) {
  std::set<std::string> names;
  for (const auto& part : parts) {
    if (class_folders(*part) == 0) return 0;
    names.insert(part->class_names().begin(), part->class_names().end());
  }
  return names.size();
}

std::vector<std::string> data_warnings(const Model& model, const Dataset& data,
                                       const ClassCounts& counts, std::size_t folders) {
  std::vector<std::string> warnings = warnings_of_pictures(model, data);
  const auto add = [&](const std::vector<std::string>& more) {
    warnings.insert(warnings.end(), more.begin(), more.end());
  };
  add(warnings_of_answers(model, counts));
  // A folder that is not there is worth a line, however few rows there are. An empty one has been
  // told of when the data was opened.
  if (folders < model.labels().size()) add(warnings_of_missing_classes(model, counts, folders > 0));
  return warnings;
}

}  // namespace sidenet
