#include "data_labels.h"

#include <set>

#include "sidenet/error.h"
#include "string_list.h"

namespace sidenet {

std::vector<std::string> read_data_labels(const std::string& path, const ModelMetadata& metadata,
                                          std::size_t classes) {
  const auto found = metadata.find(kDataLabels);
  if (found == metadata.end()) return {};
  const JsonName name{path, std::string("metadata '") + kDataLabels + "'"};
  std::vector<std::string> labels = read_string_list(found->second, kMaxLabels, name);
  if (labels.size() != classes) {
    throw Error(name.place("") + "expected " + std::to_string(classes) + ", one a label, got " +
                std::to_string(labels.size()));
  }
  std::set<std::string> seen;
  for (const std::string& label : labels) {
    if (!label.empty() && !seen.insert(label).second)
      throw Error(name.place("") + "expected different labels, got one twice");
  }
  return labels;
}

}  // namespace sidenet
