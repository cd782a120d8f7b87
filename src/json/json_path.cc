#include "json_path.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace sidenet {

std::string quoted_json(std::string_view text) {
  constexpr std::size_t kMost = 60;
  // A character that the cut splits is left out.
  std::string quoted = nlohmann::json(text.substr(0, kMost))
                           .dump(-1, ' ', false, nlohmann::json::error_handler_t::ignore);
  if (text.size() > kMost) quoted.insert(quoted.size() - 1, "…");
  std::replace(quoted.begin(), quoted.end(), '\x7f', '?');
  return quoted;
}

void append_json_key(std::string& path, std::string_view key) {
  const bool plain =
      !key.empty() && key.size() <= 60 &&
      std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  path += '.';
  path += plain ? std::string(key) : quoted_json(key);
}

void append_json_index(std::string& path, std::size_t index) {
  path += "[" + std::to_string(index) + "]";
}

std::string JsonName::place(const std::string& path) const {
  constexpr std::size_t kMost = 200;
  std::string text = part + path;
  if (part.empty() && text.starts_with('.')) text.erase(0, 1);
  if (text.size() > kMost) {
    std::size_t cut = text.size() - kMost;
    while (cut < text.size() && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) ++cut;
    text = "…" + text.substr(cut);
  }
  return file + ": " + (text.empty() ? "" : text + ": ");
}

void JsonPath::open(bool is_list) {
  if (depth_ == levels_.size()) levels_.emplace_back();
  Level& level = levels_[depth_++];
  level.is_list = is_list;
  level.started = false;
}

void JsonPath::set_key(const std::string& key) {
  Level& level = levels_[depth_ - 1];
  level.started = true;
  level.key = key;
}

void JsonPath::next_value() {
  if (depth_ == 0 || !levels_[depth_ - 1].is_list) return;
  Level& level = levels_[depth_ - 1];
  level.index = level.started ? level.index + 1 : 0;
  level.started = true;
}

std::string JsonPath::str() const {
  std::string path;
  for (std::size_t i = 0; i < depth_ && levels_[i].started; ++i) {
    if (levels_[i].is_list) {
      append_json_index(path, levels_[i].index);
    } else {
      append_json_key(path, levels_[i].key);
    }
  }
  return path;
}

}  // namespace sidenet
