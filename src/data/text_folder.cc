#include "text_folder.h"

#include <algorithm>

#include "file_bytes.h"
#include "image_folder.h"
#include "sidenet/error.h"
#include "text_encoding.h"
#include "text_row.h"
#include "utf16.h"

namespace sidenet {
namespace {

constexpr const char* kWithoutLabels = "unsup";

class TextFolderDataset : public Dataset {
 public:
  TextFolderDataset(const std::string& root, TextEncoding encoding, bool labelled)
      : root_(without_end_slashes(root)), encoding_(encoding) {
    if (labelled) {
      read_classes();
    } else {
      files_ = text_files(root_, "", skipped_);
      labels_.resize(files_.size());
    }
    if (files_.empty()) throw Error(root_ + ": expected class folders with .txt files, got none");
    if (!skipped_.empty()) notes_.insert(notes_.begin(), root_ + ": skipped " + skipped_.str());
  }

  Kind kind() const override { return Kind::texts; }
  const std::vector<std::string>& notes() const override { return notes_; }
  std::int64_t rows() const override { return static_cast<std::int64_t>(files_.size()); }
  int label(std::int64_t row) const override { return labels_[static_cast<std::size_t>(row)]; }
  const std::vector<std::string>& class_names() const override { return class_names_; }
  std::string name(std::int64_t row) const override {
    return printable(files_[static_cast<std::size_t>(row)]);
  }
  Text text(std::int64_t row) const override {
    return {read_text(root_ + "/" + files_[static_cast<std::size_t>(row)], encoding_), {}};
  }
  std::vector<std::string> paths() const {
    std::vector<std::string> paths;
    for (const std::string& file : files_) paths.push_back(root_ + "/" + file);
    return paths;
  }

 private:
  void read_classes() {
    std::int64_t beside = 0;
    for (const auto& entry : sorted_entries(root_)) {
      const std::string name = entry.path().filename().string();
      if (is_folder(entry)) {
        read_class(name);
      } else if (is_text_name(name)) {
        ++beside;
      }
    }
    if (beside > 0)
      notes_.push_back(root_ + ": left out, as they have no class: " + counted(beside, "text") +
                       " beside the class folders");
  }

  void read_class(const std::string& name) {
    SkippedFiles others;
    const std::vector<std::string> files = text_files(root_, name, others);
    const auto count = static_cast<std::int64_t>(files.size());
    if (name == kWithoutLabels) {
      notes_.push_back(root_ + "/" + name + ": left out, as texts of this name have no label: " +
                       counted(count, "text"));
      return;
    }
    if (files.empty() && !others.empty()) {
      throw Error(printable(root_ + "/" + name) +
                  ": expected .txt files in a class folder, got others alone: " + others.str() +
                  "; convert them, or move the folder away");
    }
    if (files.empty())
      notes_.push_back(root_ + ": a class without a row, as its folder is empty: " + name);
    skipped_.add(others);
    files_.insert(files_.end(), files.begin(), files.end());
    labels_.resize(files_.size(), static_cast<int>(class_names_.size()));
    class_names_.push_back(name);
  }

  std::string root_;
  TextEncoding encoding_;
  std::vector<std::string> files_;  // relative to the root
  std::vector<int> labels_;         // one a file
  std::vector<std::string> class_names_, notes_;
  SkippedFiles skipped_;
};

}  // namespace

bool is_text_folder(const std::string& root, bool labelled) {
  const std::string folder = without_end_slashes(root);
  std::int64_t texts = 0, others = 0;
  const auto look = [&](const std::string& below) {
    SkippedFiles not_pictures, not_texts;
    if (!image_files(folder, below, not_pictures, true).empty()) return false;
    texts += static_cast<std::int64_t>(text_files(folder, below, not_texts).size());
    others += not_texts.files();
    return true;
  };
  if (labelled) {
    for (const auto& entry : sorted_entries(folder)) {
      if (is_folder(entry) && !look(entry.path().filename().string())) return false;
    }
  } else if (!look("")) {
    return false;
  }
  return texts > others;
}

std::shared_ptr<const Dataset> text_folder_dataset(const std::string& root, TextEncoding encoding,
                                                   bool labelled) {
  return std::make_shared<TextFolderDataset>(root, encoding, labelled);
}

std::vector<std::string> text_folder_files(const std::string& root, bool labelled) {
  return TextFolderDataset(root, TextEncoding::utf8, labelled).paths();
}

std::string read_text(const std::string& path, TextEncoding encoding) {
  TextFile text;
  text.file = read_file_bytes(path);
  if (text.bytes().size() > 2 * kMaxCellBytes + 2) {
    throw Error(printable(path) + ": expected a text of at most 1 MiB, got " +
                std::to_string(text.bytes().size()) + " bytes");
  }
  if (has_utf16_mark(text.file)) {
    text.file = utf8_of_utf16(text.file);
  } else {
    text.encoding = encoding;
  }
  check_encoding(text);
  std::string decoded;
  append_decoded(without_mark(text.bytes()), text.encoding, decoded);
  if (decoded.size() > kMaxCellBytes) {
    throw Error(printable(path) + ": expected a text of at most 1 MiB, got " +
                std::to_string(decoded.size()) + " bytes");
  }
  return decoded;
}

}  // namespace sidenet
