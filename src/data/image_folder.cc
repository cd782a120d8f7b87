#include "image_folder.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "file_bytes.h"
#include "image_decode.h"
#include "picture_decoders.h"
#include "sidenet/dataset.h"
#include "sidenet/error.h"
#include "text_encoding.h"

namespace sidenet {
namespace {

namespace fs = std::filesystem;

template <std::size_t count>
bool is_one_of(const std::string& text, const std::array<const char*, count>& known) {
  return std::find(known.begin(), known.end(), text) != known.end();
}

// Hidden, or left behind by Windows, macOS, a NAS or an archiver.
bool is_junk(const std::string& name) {
  constexpr std::array<const char*, 8> known{
      "thumbs.db", "ehthumbs.db", "desktop.ini",  "icon\r",
      "__macosx",  "@eadir",      "$recycle.bin", "system volume information"};
  return name[0] == '.' || is_one_of(lower_ascii(name), known);
}

std::string extension_of(const std::string& name) {
  return lower_ascii(fs::path(name).extension().string());
}

struct Walk {
  const std::string& root;
  bool (*is_wanted)(const std::string& name);
  const char* wanted;  // for messages
  bool any_file;
  SkippedFiles& skipped;
  std::vector<std::string> paths = {};
  std::set<std::pair<dev_t, ino_t>> seen = {};  // ends loops of links

  // `folder` is relative to the root.
  void add(const std::string& folder) {
    const std::string path = folder.empty() ? root : root + "/" + folder;
    const std::string prefix = folder.empty() ? "" : folder + "/";
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0 && !seen.emplace(status.st_dev, status.st_ino).second)
      return;
    std::vector<std::string> folders;
    const auto number = static_cast<std::int64_t>(seen.size());
    for (const auto& entry : sorted_entries(path)) {
      const std::string name = entry.path().filename().string();
      if (is_folder(entry)) {
        folders.push_back(prefix + name);
      } else if (!is_wanted(name)) {
        skipped.add(name, number);
      } else if (std::error_code error; any_file || (entry.is_regular_file(error) && !error)) {
        paths.push_back(prefix + name);
      } else {
        throw Error(printable(path + "/" + name) + ": expected " + wanted +
                    ", got a broken link or a special file");
      }
    }
    for (const std::string& each : folders) add(each);
  }
};

FolderFiles with_root(const std::string& folder, const std::vector<std::string>& paths,
                      const SkippedFiles& skipped, const char* wanted) {
  if (paths.empty()) {
    throw Error(folder + ": a folder without " + wanted + " files" +
                (skipped.empty() ? "" : "; it has " + skipped.str()));
  }
  FolderFiles files;
  const std::string root = without_end_slashes(folder);
  for (const std::string& path : paths) files.paths.push_back(root + "/" + path);
  if (!skipped.empty()) files.notes.push_back(folder + ": skipped " + skipped.str());
  return files;
}

}  // namespace

bool is_text_name(const std::string& name) { return extension_of(name) == ".txt"; }

bool is_image_name(const std::string& name) {
  constexpr std::array<const char*, 4> known{".png", ".jpg", ".jpeg", ".bmp"};
  const std::string extension = extension_of(name);
  return is_one_of(extension, known) || (webp_library() != nullptr && extension == ".webp");
}

bool is_folder(const fs::directory_entry& entry) {
  std::error_code error;
  return entry.is_directory(error) && !error;
}

std::string without_end_slashes(std::string folder) {
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  return folder;
}

std::string counted(std::int64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::vector<fs::directory_entry> sorted_entries(const std::string& folder) {
  std::error_code error;
  std::vector<fs::directory_entry> entries;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (!is_junk(it->path().filename().string())) entries.push_back(*it);
  }
  if (error) throw Error(printable(folder) + ": the folder cannot be read: " + error.message());
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return a.path().filename().string() < b.path().filename().string();
  });
  return entries;
}

void SkippedFiles::add(const std::string& name, std::int64_t folder) {
  constexpr std::size_t kLongest = 12;  // longer ones are parts of names
  const std::string kind = extension_of(name);
  Count& count = kinds_[kind.size() > kLongest ? "" : kind];
  ++count.files;
  if (count.last_folder != folder) ++count.folders;
  count.last_folder = folder;
}

std::int64_t SkippedFiles::files() const {
  std::int64_t files = 0;
  for (const auto& [kind, count] : kinds_) files += count.files;
  return files;
}

std::string SkippedFiles::str() const {
  constexpr std::size_t kShown = 5;
  std::vector<std::pair<std::string, Count>> kinds(kinds_.begin(), kinds_.end());
  std::stable_sort(kinds.begin(), kinds.end(),
                   [](const auto& a, const auto& b) { return a.second.files > b.second.files; });
  std::string text;
  std::int64_t others = 0;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    const auto& [kind, count] = kinds[i];
    if (i >= kShown) {
      others += count.files;
      continue;
    }
    text += (i == 0 ? "" : ", ") + (kind.empty() ? "without a known extension" : printable(kind)) +
            " (" + counted(count.files, "file") + " in " + counted(count.folders, "folder") + ")";
  }
  if (others > 0) {
    text += ", and " + counted(others, "file") + " of " +
            counted(static_cast<std::int64_t>(kinds.size() - kShown), "other kind");
  }
  return text;
}

void SkippedFiles::add(const SkippedFiles& others) {
  for (const auto& [kind, count] : others.kinds_) {
    kinds_[kind].files += count.files;
    kinds_[kind].folders += count.folders;
  }
}

std::vector<std::string> image_files(const std::string& root, const std::string& folder,
                                     SkippedFiles& skipped, bool any_file) {
  Walk walk{root, is_image_name, "an image file", any_file, skipped};
  walk.add(folder);
  std::sort(walk.paths.begin(), walk.paths.end());
  return std::move(walk.paths);
}

std::vector<std::string> text_files(const std::string& root, const std::string& folder,
                                    SkippedFiles& skipped) {
  Walk walk{root, is_text_name, "a text file", false, skipped};
  walk.add(folder);
  std::sort(walk.paths.begin(), walk.paths.end());
  return std::move(walk.paths);
}

FolderFiles images_below(const std::string& folder) {
  const std::string root = without_end_slashes(folder);
  SkippedFiles skipped;
  return with_root(folder, image_files(root, "", skipped, true), skipped, picture_formats());
}

FolderFiles texts_below(const std::string& folder) {
  const std::string root = without_end_slashes(folder);
  SkippedFiles skipped;
  return with_root(folder, text_files(root, "", skipped), skipped, ".txt");
}

}  // namespace sidenet
