#include "class_folder.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include "digest.h"
#include "file_bytes.h"
#include "image_decode.h"
#include "mapped_file.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

namespace fs = std::filesystem;

// Entries of a folder by name, in byte order, which is also Python's order for UTF-8 names.
std::vector<fs::directory_entry> sorted_entries(const std::string& folder) {
  std::error_code error;
  std::vector<fs::directory_entry> entries;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().filename().string()[0] != '.') entries.push_back(*it);
  }
  if (error) throw Error(printable(folder) + ": the folder cannot be read: " + error.message());
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return a.path().filename().string() < b.path().filename().string();
  });
  return entries;
}

bool is_folder(const fs::directory_entry& entry) {
  std::error_code error;
  return entry.is_directory(error) && !error;
}

bool has_image_extension(const std::string& name) {
  std::string extension = fs::path(name).extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  });
  constexpr std::array<const char*, 4> known{".png", ".jpg", ".jpeg", ".bmp"};
  return std::find(known.begin(), known.end(), extension) != known.end();
}

class ClassFolderDataset : public Dataset {
 public:
  ClassFolderDataset(const std::string& root, bool labelled) : root_(root) {
    while (root_.size() > 1 && root_.back() == '/') root_.pop_back();
    if (!labelled) {
      std::set<FolderId> seen;
      add_images("", seen);
      std::sort(files_.begin(), files_.end());
      labels_.resize(files_.size());
      if (files_.empty())
        throw Error(root_ +
                    ": expected PNG, JPEG, BMP or CIFAR .bin files, got a folder without any");
      return;
    }
    for (const auto& entry : sorted_entries(root_)) {
      if (!is_folder(entry)) continue;
      const auto first = static_cast<std::ptrdiff_t>(files_.size());
      std::set<FolderId> seen;
      add_images(entry.path().filename().string(), seen);
      std::sort(files_.begin() + first, files_.end());
      labels_.resize(files_.size(), static_cast<int>(class_names_.size()));
      class_names_.push_back(entry.path().filename().string());
    }
    if (files_.empty()) {
      throw Error(root_ +
                  ": expected class folders with PNG, JPEG or BMP files (FOLDER/CLASS/IMAGE) or "
                  "CIFAR .bin files, got " +
                  std::to_string(class_names_.size()) + " folders without images");
    }
  }

  std::int64_t rows() const override { return static_cast<std::int64_t>(files_.size()); }
  int label(std::int64_t row) const override { return labels_[static_cast<std::size_t>(row)]; }
  const std::vector<std::string>& class_names() const override { return class_names_; }
  std::string name(std::int64_t row) const override {
    return printable(files_[static_cast<std::size_t>(row)]);
  }
  Tensor image(std::int64_t row) const override { return decode(*open(row)); }
  std::uint64_t digest(std::int64_t row) const override { return hash128(open(row)->bytes()).high; }
  std::pair<Tensor, std::uint64_t> digested_image(std::int64_t row) const override {
    const auto file = open(row);
    return {decode(*file), hash128(file->bytes()).high};
  }
  std::vector<std::string> paths() const {
    std::vector<std::string> paths;
    for (const std::string& file : files_) paths.push_back(path_of(file));
    return paths;
  }

 private:
  std::shared_ptr<const MappedFile> open(std::int64_t row) const {
    return MappedFile::open(path_of(files_[static_cast<std::size_t>(row)]));
  }
  static Tensor decode(const MappedFile& file) {
    return decode_image(file.bytes(), 0, printable(file.path()));
  }

  using FolderId = std::pair<dev_t, ino_t>;

  std::string path_of(const std::string& file) const { return root_ + "/" + file; }

  // `folder` is relative to the root. `seen` ends loops of links.
  void add_images(const std::string& folder, std::set<FolderId>& seen) {
    const std::string path = folder.empty() ? root_ : root_ + "/" + folder;
    const std::string prefix = folder.empty() ? "" : folder + "/";
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0 && !seen.emplace(status.st_dev, status.st_ino).second)
      return;
    for (const auto& entry : sorted_entries(path)) {
      const std::string name = entry.path().filename().string();
      if (is_folder(entry)) {
        add_images(prefix + name, seen);
      } else if (has_image_extension(name)) {
        std::error_code error;
        if (!entry.is_regular_file(error) || error) {
          throw Error(printable(path + "/" + name) +
                      ": expected an image file, got a broken link or a special file");
        }
        files_.push_back(prefix + name);
      }
    }
  }

  std::string root_;
  std::vector<std::string> files_;  // relative to the root
  std::vector<int> labels_;         // one a file
  std::vector<std::string> class_names_;
};

}  // namespace

std::shared_ptr<const Dataset> class_folder_dataset(const std::string& root, bool labelled) {
  return std::make_shared<ClassFolderDataset>(root, labelled);
}

std::vector<std::string> class_folder_files(const std::string& root, bool labelled) {
  return ClassFolderDataset(root, labelled).paths();
}

}  // namespace sidenet
