#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sidenet {

/// `text` in quotes on one line, for messages, cut after 60 bytes.
std::string quoted_json(std::string_view text);
/// ".key", the key in quotes where it is not plain; "[3]".
void append_json_key(std::string& path, std::string_view key);
void append_json_index(std::string& path, std::size_t index);

/// What messages call a document: "FILE: " or, of a part, "FILE: metadata 'sidenet.exits'".
struct JsonName {
  std::string file, part;
  /// The beginning of a message about the value at `path`: "FILE: PATH: ", "FILE: PART[1].tap: ".
  std::string place(const std::string& path) const;
};

/// Where a reader stands in a document. Nothing is put together before it is asked for.
class JsonPath {
 public:
  std::size_t depth() const { return depth_; }
  void open(bool is_list);
  void close() { --depth_; }
  void set_key(const std::string& key);
  /// Before every value: a list counts it.
  void next_value();
  std::string str() const;

 private:
  struct Level {
    bool is_list = false, started = false;
    std::size_t index = 0;
    std::string key;
  };
  std::vector<Level> levels_;  // those from depth_ on only keep their memory
  std::size_t depth_ = 0;
};

}  // namespace sidenet
