#include "missing_classes.h"

#include <iostream>
#include <set>
#include <string>

#include "text.h"

namespace sidenet::tools {
namespace {

// As classes are matched to labels.
std::string lower_case(std::string name) {
  for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return name;
}

std::string missing_classes_note(const Model& model, const std::vector<NamedData>& data) {
  constexpr std::size_t kShown = 5, kColumns = 30;
  std::set<std::string> labels, found;
  for (const std::string& label : model.labels()) labels.insert(lower_case(label));
  for (const auto& [name, rows] : data) {
    if (rows->kind() != Dataset::Kind::images || rows->class_names().empty()) return "";
    for (const std::string& label : rows->class_names()) {
      found.insert(lower_case(label));
      if (!labels.contains(lower_case(label))) return "";
    }
  }
  std::string names;
  std::size_t missing = 0;
  for (const std::string& label : model.labels()) {
    if (found.contains(lower_case(label)) || ++missing > kShown) continue;
    names += (names.empty() ? "'" : ", '") + shorten_end(label, kColumns) + "'";
  }
  if (missing == 0) return "";
  if (missing > kShown) names += ", …";
  return data.front().first + (data.size() > 1 ? " and the others" : "") +
         ": no class folder for " + std::to_string(missing) + " of the model's " +
         std::to_string(model.labels().size()) + " classes: " + names;
}

}  // namespace

void tell_missing_classes(const Model& model, const std::vector<NamedData>& data, bool quiet) {
  if (quiet) return;
  const std::string note = missing_classes_note(model, data);
  if (!note.empty()) std::cerr << printable(note) << '\n';
}

}  // namespace sidenet::tools
