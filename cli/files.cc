#include "files.h"

#include <algorithm>

#include "lines.h"
#include "sidenet/error.h"
#include "text.h"

namespace sidenet::tools {
namespace {

constexpr std::size_t kMostLabels = 1'000'000;

}  // namespace

std::vector<std::string> read_labels(const std::string& path) {
  Lines lines = Lines::of_file(path, "a file with one label a line", Lines::Kind::names);
  std::vector<std::string> labels;
  while (lines.next()) {
    std::string label;
    try {
      label = lines.line();
    } catch (const Error& error) {
      throw Error(path + ": line " + std::to_string(lines.number()) + ": " + error.what());
    }
    if (labels.empty() && label.starts_with("\xEF\xBB\xBF")) label.erase(0, 3);  // byte order mark
    if (!is_utf8(label))
      throw Error(path + ": line " + std::to_string(lines.number()) + ": not UTF-8");
    labels.push_back(std::move(label));
    if (labels.size() > kMostLabels) throw Error(path + ": more than 1,000,000 labels");
  }
  while (!labels.empty() && labels.back().empty()) labels.pop_back();
  if (labels.empty()) throw Error(path + ": no labels; expected one a line");
  const auto blank = std::find(labels.begin(), labels.end(), "");
  if (blank != labels.end()) {
    throw Error(path + ": line " + std::to_string(blank - labels.begin() + 1) +
                " is blank; expected a label");
  }
  return labels;
}

}  // namespace sidenet::tools
