#include "config_labels.h"

#include <algorithm>
#include <map>

namespace sidenet {
namespace {

using Labels = std::vector<std::string>;

// A text, or a number as Python prints it.
std::string label_of(const JsonField& field) {
  const std::string text = field.dump();
  const bool is_integer = text.find_first_not_of("-0123456789") == std::string::npos;
  return is_integer ? text : field.string();
}

// "id2label": {"0": "negative", "1": "positive"}
Labels read_id2label(const JsonField& field, int classes) {
  if (!field.is_object()) field.refuse("an object of ids and names");
  Labels labels;
  for (int id = 0; id < classes; ++id) {
    const std::string key = std::to_string(id);
    if (!field.has(key.c_str())) field.refuse("a name for class " + key);
    labels.push_back(label_of(field.at(key.c_str())));
  }
  if (const std::string more = std::to_string(classes); field.has(more.c_str()))
    field.at(more.c_str()).refuse("no more than " + more + " classes, the weights' own");
  if (field.members().size() != labels.size())
    field.refuse("the ids 0 to " + std::to_string(classes - 1) + " alone");
  return labels;
}

// "label_names": ["negative", "positive"], as timm has it
Labels read_names(const JsonField& field, int classes) {
  Labels labels;
  for (const JsonField& name : field.items()) labels.push_back(name.string());
  if (labels.size() != static_cast<std::size_t>(classes))
    field.refuse(std::to_string(classes) + " names, the weights' own classes");
  return labels;
}

// "label2id": {"negative": 0, "positive": 1}
Labels read_label2id(const JsonField& field, int classes) {
  Labels labels(static_cast<std::size_t>(classes));
  std::vector<bool> named(labels.size());
  for (const auto& [label, id] : field.members()) {
    const auto at = static_cast<std::size_t>(id.integer(0, classes - 1));
    if (named[at]) id.refuse("an id that no other class has");
    named[at] = true;
    labels[at] = label;
  }
  const auto gap = std::find(named.begin(), named.end(), false);
  if (gap != named.end()) field.refuse("a name for class " + std::to_string(gap - named.begin()));
  return labels;
}

// Names that both have must have one id, unless id2label has them twice.
void check_label2id(const JsonField& field, const Labels& labels) {
  std::map<std::string, int> ids;
  for (std::size_t id = 0; id < labels.size(); ++id) {
    const auto [found, is_new] = ids.emplace(labels[id], static_cast<int>(id));
    if (!is_new) return;
  }
  for (const auto& [label, id] : field.members()) {
    const auto found = ids.find(label);
    if (found != ids.end() && id.integer(0, 1 << 30) != found->second)
      id.refuse(std::to_string(found->second) + ", as id2label says");
  }
}

// "LABEL_2" at 2, as transformers calls a class that nobody has named.
bool nobody_chose(const Labels& labels) {
  for (std::size_t id = 0; id < labels.size(); ++id) {
    if (labels[id] != "LABEL_" + std::to_string(id)) return false;
  }
  return true;
}

// "O", "B-PER", "I-PER": of a network that labels each token.
bool are_tags(const Labels& labels) {
  const auto is_tag = [](const std::string& label) {
    return label.size() > 2 && label[1] == '-' &&
           std::string("BIESLU").find(label[0]) != std::string::npos;
  };
  const auto tags = std::count_if(labels.begin(), labels.end(), is_tag);
  const auto others = std::count(labels.begin(), labels.end(), "O");
  return tags > 0 && others == 1 && static_cast<std::size_t>(tags + others) == labels.size();
}

}  // namespace

std::vector<std::string> read_config_labels(const JsonField& config, int classes) {
  if (classes == 0) return {};
  if (!config.has("id2label")) {
    if (config.has("num_labels") && config.at("num_labels").integer(0, 1 << 30) != classes)
      config.at("num_labels").refuse(std::to_string(classes) + ", the weights' own");
    if (config.has("label_names")) return read_names(config.at("label_names"), classes);
    if (!config.has("label2id")) return {};
  }
  const bool by_id = config.has("id2label");
  const JsonField field = config.at(by_id ? "id2label" : "label2id");
  const Labels labels = by_id ? read_id2label(field, classes) : read_label2id(field, classes);
  if (by_id && config.has("label2id")) check_label2id(config.at("label2id"), labels);
  if (are_tags(labels)) field.refuse("names of texts' classes, not of tokens' (O, B-PER, …)");
  return nobody_chose(labels) ? Labels() : labels;
}

}  // namespace sidenet
