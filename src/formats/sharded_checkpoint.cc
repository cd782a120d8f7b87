#include "sharded_checkpoint.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "byte_reader.h"
#include "json_field.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostShards = 1000;

// Of each tensor its file's name.
std::map<std::string, std::string> read_index(const std::string& path) {
  const JsonField document = JsonField::read_file(path);
  document.expect_object();
  std::map<std::string, std::string> files;
  for (const auto& [tensor, field] : document.at("weight_map").members()) {
    const std::string& file = field.string();
    if (file.empty() || file == "." || file == ".." ||
        file.find_first_of(std::string_view("/\\\0", 3)) != std::string::npos)
      field.refuse("the name of a file beside the index");
    files.emplace(tensor, file);
  }
  if (files.empty()) document.at("weight_map").refuse("tensors and their files");
  return files;
}

std::set<std::string> names_of(const std::map<std::string, std::string>& files,
                               const std::string& index) {
  std::set<std::string> names;
  for (const auto& [tensor, file] : files) names.insert(file);
  if (names.size() > kMostShards)
    throw Error(index + ": weight_map: expected at most " + std::to_string(kMostShards) +
                " files, got " + std::to_string(names.size()));
  return names;
}

std::string beside(const std::string& index, const std::string& file) {
  return (fs::path(index).parent_path() / file).string();
}

}  // namespace

bool is_checkpoint_index(const std::string& path) { return path.ends_with(".index.json"); }

std::vector<std::string> checkpoint_shards(const std::string& index) {
  std::vector<std::string> paths;
  for (const std::string& name : names_of(read_index(index), index))
    paths.push_back(beside(index, name));
  return paths;
}

Checkpoint read_sharded(const std::string& index,
                        const std::function<Checkpoint(const std::string& path)>& read_file) {
  const std::map<std::string, std::string> files = read_index(index);
  Checkpoint all;
  for (const std::string& name : names_of(files, index)) {
    const std::string path = beside(index, name);
    std::error_code ignored;
    if (!fs::is_regular_file(path, ignored))
      throw Error(index + ": expected the file " + quote(name) + " beside it, found none");
    Checkpoint shard = read_file(path);
    if (all.format.empty()) {
      all.format = shard.format;
      all.metadata = std::move(shard.metadata);
    }
    for (auto& [tensor, value] : shard.tensors) {
      const auto told = files.find(tensor);
      if (told == files.end() || told->second != name)
        throw Error(index + ": tensor " + quote(tensor) + ": expected " +
                    (told == files.end() ? "none of that name" : "it in " + quote(told->second)) +
                    ", got it in " + quote(name));
      all.tensors.emplace(tensor, std::move(value));
    }
  }
  const auto missing = std::find_if(files.begin(), files.end(), [&](const auto& told) {
    return !all.tensors.contains(told.first);
  });
  if (missing != files.end())
    throw Error(index + ": tensor " + quote(missing->first) + ": expected it in " +
                quote(missing->second) + ", which has none of that name");
  return all;
}

}  // namespace sidenet
