#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace sidenet {

/// Files that were skipped, by their kind: ".webp", or "" without an extension.
class SkippedFiles {
 public:
  /// folder: a number that tells folders apart.
  void add(const std::string& name, std::int64_t folder);
  void add(const SkippedFiles& others);
  bool empty() const { return kinds_.empty(); }
  std::int64_t files() const;
  /// ".webp (6 files in 1 folder), .txt (1 file in 1 folder)": five kinds, then a count.
  std::string str() const;

 private:
  struct Count {
    std::int64_t files = 0, folders = 0, last_folder = -1;
  };
  std::map<std::string, Count> kinds_;
};

/// The picture files of ROOT/FOLDER and the folders below it, as paths from the root,
/// sorted. Links are followed, each folder is read once. root: without a slash at its end. Throws
/// Error: an unreadable folder; an image that is a broken link or a special file, unless
/// `any_file`.
std::vector<std::string> image_files(const std::string& root, const std::string& folder,
                                     SkippedFiles& skipped, bool any_file = false);

/// The same of its .txt files.
std::vector<std::string> text_files(const std::string& root, const std::string& folder,
                                    SkippedFiles& skipped);

/// Entries of a folder by name, in byte order, which is also Python's order for UTF-8 names. Hidden
/// ones, and what systems and archivers leave behind, are left out. Throws Error where it cannot be
/// read.
std::vector<std::filesystem::directory_entry> sorted_entries(const std::string& folder);
bool is_folder(const std::filesystem::directory_entry& entry);
bool is_image_name(const std::string& name);
bool is_text_name(const std::string& name);
std::string without_end_slashes(std::string folder);
/// "1 file", "2 files".
std::string counted(std::int64_t count, const std::string& what);

}  // namespace sidenet
