#include "class_folder.h"

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "digest.h"
#include "file_bytes.h"
#include "image_decode.h"
#include "image_folder.h"
#include "mapped_file.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

/// The beginning of a name, as it can be shown.
std::string short_name(std::string_view name) {
  constexpr std::size_t kMostBytes = 30;
  std::string shown;
  while (!name.empty() && shown.size() < kMostBytes) shown += detail::take_shown(name);
  return "'" + shown + (name.empty() ? "'" : "…'");
}

/// "'a', 'b', …, and 7 others".
std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(kShown, names.size()); ++i)
    text += (i == 0 ? "" : ", ") + short_name(names[i]);
  if (names.size() > kShown)
    text += ", and " + counted(static_cast<std::int64_t>(names.size() - kShown), "other");
  return text;
}

class ClassFolderDataset : public Dataset {
 public:
  ClassFolderDataset(const std::string& root, bool labelled) : root_(without_end_slashes(root)) {
    if (labelled) {
      read_classes();
    } else {
      files_ = image_files(root_, "", skipped_);
      labels_.resize(files_.size());
      if (files_.empty()) {
        throw Error(root_ + ": expected " + picture_formats() +
                    ", or CIFAR .bin files, got a folder without any" +
                    (skipped_.empty() ? "" : "; it has " + skipped_.str()));
      }
    }
    if (!skipped_.empty()) notes_.insert(notes_.begin(), root_ + ": skipped " + skipped_.str());
  }

  const std::vector<std::string>& notes() const override { return notes_; }
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
  PictureFacts picture_facts(std::int64_t row) const override {
    return sidenet::picture_facts(open(row)->bytes());
  }
  std::vector<std::string> paths() const {
    std::vector<std::string> paths;
    for (const std::string& file : files_) paths.push_back(path_of(file));
    return paths;
  }

 private:
  void read_classes() {
    std::vector<std::string> beside, empty;
    for (const auto& entry : sorted_entries(root_)) {
      const std::string name = entry.path().filename().string();
      if (is_folder(entry)) {
        if (!read_class(name)) empty.push_back(name);
      } else if (is_image_name(name)) {
        beside.push_back(name);
      }
    }
    const std::string loose =
        counted(static_cast<std::int64_t>(beside.size()), "picture") + " beside the class folders";
    if (files_.empty()) {
      throw Error(root_ + ": expected class folders with " + picture_formats() +
                  " files (FOLDER/CLASS/IMAGE) or CIFAR .bin files, got " +
                  std::to_string(class_names_.size()) + " folders without images" +
                  (beside.empty() ? "" : " and " + loose));
    }
    if (!beside.empty())
      notes_.push_back(root_ + ": left out, as they have no class: " + loose + ", such as " +
                       short_name(beside.front()));
    if (!empty.empty())
      notes_.push_back(root_ +
                       ": classes without a row, as their folders are empty: " + listed(empty));
  }

  /// False where the folder is empty. What it has instead of pictures must not go unseen: measured
  /// without a class, a model may look good.
  bool read_class(const std::string& name) {
    SkippedFiles others;
    const std::vector<std::string> files = image_files(root_, name, others);
    if (files.empty() && !others.empty()) {
      throw Error(printable(root_ + "/" + name) + ": expected " + picture_formats() +
                  " files in a class folder, got others alone: " + others.str() +
                  "; convert them, or move the folder away");
    }
    skipped_.add(others);
    files_.insert(files_.end(), files.begin(), files.end());
    labels_.resize(files_.size(), static_cast<int>(class_names_.size()));
    class_names_.push_back(name);
    return !files.empty();
  }

  std::shared_ptr<const MappedFile> open(std::int64_t row) const {
    return MappedFile::open(path_of(files_[static_cast<std::size_t>(row)]));
  }
  static Tensor decode(const MappedFile& file) {
    return decode_image(file.bytes(), 0, printable(file.path()));
  }
  std::string path_of(const std::string& file) const { return root_ + "/" + file; }

  std::string root_;
  std::vector<std::string> files_;  // relative to the root
  std::vector<int> labels_;         // one a file
  std::vector<std::string> class_names_, notes_;
  SkippedFiles skipped_;
};

}  // namespace

std::shared_ptr<const Dataset> class_folder_dataset(const std::string& root, bool labelled) {
  return std::make_shared<ClassFolderDataset>(root, labelled);
}

std::vector<std::string> class_folder_files(const std::string& root, bool labelled) {
  return ClassFolderDataset(root, labelled).paths();
}

}  // namespace sidenet
