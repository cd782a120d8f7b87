#include "data_labels.h"

#include <set>

#include "model_metadata.h"
#include "sidenet/error.h"
#include "string_list.h"

namespace sidenet {

std::vector<std::string> read_data_labels(std::string_view text, std::size_t classes,
                                          const JsonName& name) {
  std::vector<std::string> labels = read_string_list(text, kMaxLabels, name);
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
