#include "sidenet/dataset.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>

#include "chosen_rows.h"
#include "cifar.h"
#include "class_folder.h"
#include "digest.h"
#include "file_bytes.h"
#include "idx.h"
#include "image_folder.h"
#include "readable_rows.h"
#include "sidenet/error.h"
#include "split.h"
#include "tar.h"
#include "text_dataset.h"
#include "text_encoding.h"
#include "text_folder.h"
#include "text_format.h"

namespace sidenet {
namespace {

namespace fs = std::filesystem;

// A path that exists may itself have commas.
std::vector<std::string> paths_of(const std::string& spec) {
  std::error_code error;
  return fs::exists(spec, error) ? std::vector{spec} : split(spec, ',');
}

bool is_cifar_name(const std::string& name) {
  return name[0] != '.' && fs::path(name).extension() == ".bin";
}

bool by_name(const FileBytes& a, const FileBytes& b) { return a.name < b.name; }

// A folder's own .bin files, sorted.
std::vector<std::string> cifar_files(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (is_cifar_name(it->path().filename().string()) && it->is_regular_file(ignored))
      paths.push_back(it->path().string());
  }
  if (error) throw Error(folder + ": the folder cannot be read: " + error.message());
  std::sort(paths.begin(), paths.end());
  return paths;
}

// A tar's members come in any order; sorted, they have the order of the unpacked folder.
std::vector<FileBytes> cifar_members(const FileBytes& archive) {
  std::vector<FileBytes> members = read_tar(archive);
  std::erase_if(members,
                [](const FileBytes& member) { return !is_cifar_name(base_name(member.name)); });
  if (members.empty())
    throw Error(archive.name + ": expected CIFAR's binary version, got a tar without .bin files");
  std::sort(members.begin(), members.end(), by_name);
  return members;
}

// CIFAR pixels can look like an IDX header; then the length tells.
bool is_idx_file(const FileBytes& file) {
  if (!is_idx(file.bytes)) return false;
  try {
    parse_idx(file);
    return true;
  } catch (const Error&) {
    return file.bytes.size() % 3073 != 0 && file.bytes.size() % 3074 != 0;
  }
}

struct Opened {
  std::shared_ptr<const Dataset> data;
  RowOrder order = RowOrder::as_it_stands;
  bool is_looked_at = false;  ///< each row that is chosen, whether it can be read
};

/// Where train/ and test/ lie, each with class folders, they would be the classes.
void refuse_splits(const std::string& path) {
  constexpr std::array kSplits{"train", "test", "val", "valid", "validation", "dev"};
  std::string first;
  for (const auto& entry : sorted_entries(path)) {
    if (!is_folder(entry)) continue;
    const std::string name = entry.path().filename().string();
    const auto entries = sorted_entries(entry.path().string());
    const bool has_folders = std::any_of(entries.begin(), entries.end(), is_folder);
    if (!has_folders ||
        std::find(kSplits.begin(), kSplits.end(), lower_ascii(name)) == kSplits.end())
      return;
    if (first.empty()) first = name;
  }
  if (first.empty()) return;
  throw Error(path + ": expected class folders, got splits with class folders in them: give one, " +
              without_end_slashes(path) + "/" + first);
}

Opened open_folder(const std::string& path, const DatasetOptions& options) {
  const bool labelled = options.labelled;
  std::vector<FileBytes> files;
  for (const std::string& file : cifar_files(path)) files.push_back(read_file_bytes(file));
  if (!files.empty()) return {cifar_dataset(files)};
  if (labelled) refuse_splits(path);
  const RowOrder order = labelled ? RowOrder::classes_in_turn : RowOrder::as_it_stands;
  if (is_text_folder(path, labelled))
    return {text_folder_dataset(path, options.columns.encoding, labelled), order, true};
  return {class_folder_dataset(path, labelled), order, options.skip_broken};
}

std::shared_ptr<const Dataset> open_images(const std::vector<FileBytes>& files, bool labelled) {
  const auto idx_count = std::count_if(files.begin(), files.end(), is_idx_file);
  if (idx_count == 0) return cifar_dataset(files);
  if (!labelled && files.size() == 1) return idx_images(files[0]);
  if (idx_count != 2 || files.size() != 2) {
    throw Error(files.front().name + ": expected an IDX pair IMAGES,LABELS, got " +
                std::to_string(files.size()) +
                " files, IDX among them: " + std::to_string(idx_count));
  }
  const bool swapped = parse_idx(files[0]).shape.size() == 1;
  return idx_dataset(files[swapped ? 1 : 0], files[swapped ? 0 : 1]);
}

std::shared_ptr<const Dataset> open_files(const std::vector<std::string>& paths,
                                          const DatasetOptions& options) {
  std::vector<FileBytes> images;
  std::vector<TextFile> texts;
  for (const std::string& path : paths) {
    if (path.empty()) throw Error("data: expected a path on either side of each comma");
    FileBytes file = read_file_bytes(path);
    if (is_tar(file.bytes)) {
      for (FileBytes& member : cifar_members(file)) images.push_back(std::move(member));
    } else if (std::optional<TextFile> text = text_file(file, options.labelled)) {
      texts.push_back(std::move(*text));
    } else {
      images.push_back(std::move(file));
    }
  }
  if (!texts.empty() && !images.empty()) {
    throw Error(images[0].name + ": expected texts, as in " + texts[0].file.name +
                ", got other bytes");
  }
  return texts.empty() ? open_images(images, options.labelled)
                       : text_dataset(std::move(texts), options.columns, options.labelled,
                                      options.skip_broken);
}

Opened open_spec(const std::string& spec, const DatasetOptions& options) {
  if (spec.empty()) throw Error("data: expected a path, got an empty one");
  std::error_code error;
  if (fs::is_directory(spec, error)) return open_folder(spec, options);
  return {open_files(paths_of(spec), options)};
}

/// CIFAR files and IDX pairs have labels that nobody may look at.
class WithoutLabels : public Dataset {
 public:
  explicit WithoutLabels(std::shared_ptr<const Dataset> data) : data_(std::move(data)) {}
  Kind kind() const override { return data_->kind(); }
  const std::vector<std::string>& notes() const override { return data_->notes(); }
  std::int64_t rows() const override { return data_->rows(); }
  std::int64_t rows_in_all() const override { return data_->rows_in_all(); }
  std::int64_t left_out() const override { return data_->left_out(); }
  int label(std::int64_t) const override { return 0; }
  const std::vector<std::string>& class_names() const override { return none_; }
  std::string name(std::int64_t row) const override { return data_->name(row); }
  Tensor image(std::int64_t row) const override { return data_->image(row); }
  PictureFacts picture_facts(std::int64_t row) const override { return data_->picture_facts(row); }
  Text text(std::int64_t row) const override { return data_->text(row); }

 private:
  std::shared_ptr<const Dataset> data_;
  std::vector<std::string> none_;
};

std::shared_ptr<const Dataset> without_labels(std::shared_ptr<const Dataset> data) {
  return std::make_shared<WithoutLabels>(std::move(data));
}

}  // namespace

std::shared_ptr<const Dataset> Dataset::open(const std::string& spec,
                                             const DatasetOptions& options) {
  Opened opened = open_spec(spec, options);
  auto data = chosen_rows(std::move(opened.data), opened.order, options, spec);
  if (opened.is_looked_at) data = readable_rows(std::move(data), options);
  return options.labelled ? data : without_labels(std::move(data));
}

std::vector<std::string> Dataset::files(const std::string& spec, bool labelled) {
  std::error_code error;
  if (!fs::is_directory(spec, error)) return paths_of(spec);
  std::vector<std::string> cifar = cifar_files(spec);
  if (!cifar.empty()) return cifar;
  return is_text_folder(spec, labelled) ? text_folder_files(spec, labelled)
                                        : class_folder_files(spec, labelled);
}

const std::vector<std::string>& Dataset::notes() const {
  static const std::vector<std::string> none;
  return none;
}

Tensor Dataset::image(std::int64_t row) const {
  throw Error(name(row) + ": expected an image, got a text");
}

PictureFacts Dataset::picture_facts(std::int64_t) const { return {}; }

std::uint64_t Dataset::digest(std::int64_t row) const {
  if (kind() == Kind::images) return digested_image(row).second;
  const Text whole = text(row);
  const std::uint64_t first = hash64(std::as_bytes(std::span(whole.first)), whole.second ? 1 : 0);
  return whole.second ? hash64(std::as_bytes(std::span(*whole.second)), first) : first;
}

std::pair<Tensor, std::uint64_t> Dataset::digested_image(std::int64_t row) const {
  Tensor pixels = image(row);
  const std::uint64_t digest = hash128({pixels.raw(), pixels.bytes()}).high;
  return {pixels, hash64(std::as_bytes(std::span(pixels.shape())), digest)};
}

Text Dataset::text(std::int64_t row) const {
  throw Error(name(row) + ": expected a text, got an image");
}

}  // namespace sidenet
