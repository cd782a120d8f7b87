#include "weight_cache.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include "folder_secret.h"
#include "sidenet/error.h"
#include "weight_cache_file.h"

namespace sidenet {
namespace {

// Fewer are reordered sooner than a file is opened.
constexpr std::size_t kFewFloats = 4096;
constexpr std::int64_t kHour = 3600, kOldest = 30 * 24 * kHour;
// Looking through the folder takes a microsecond or two for each.
constexpr std::size_t kMostFiles = 4096;

std::optional<SecretKey> key_of(const OwnFolder& folder) {
  try {
    return SecretKey(secret_of(folder));
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::int64_t now() { return static_cast<std::int64_t>(std::time(nullptr)); }

// The time of a file is that of its last use, to the hour: most starts write nothing.
void note_use(int descriptor) {
  struct stat file {};
  if (::fstat(descriptor, &file) != 0 ||
      std::abs(now() - static_cast<std::int64_t>(file.st_mtim.tv_sec)) < kHour)
    return;
  ::futimens(descriptor, nullptr);  // where it cannot be noted the file counts as older than it is
}

}  // namespace

class WeightCache::Room {
 public:
  explicit Room(const WeightCache& weights) : weights_(weights), others_(weights.others()) {
    std::sort(others_.begin(), others_.end(),
              [](const File& a, const File& b) { return a.used < b.used; });
    const std::lock_guard lock(weights.mutex_);
    used_files_ = weights.used_.size();
    for (const auto& [name, bytes] : weights.used_) used_bytes_ += bytes;
    files_ = used_files_ + others_.size();
    bytes_ = used_bytes_;
    for (const File& file : others_) bytes_ += file.bytes;
    while (next_ < others_.size() && now() - others_[next_].used > kOldest) drop();
  }
  /// Removes others until `files` of `bytes` fit. False, and none removed, where they never will.
  bool make(std::uint64_t bytes, std::size_t files) {
    const auto fit = [&](std::uint64_t beside, std::size_t files_beside) {
      return bytes <= weights_.limit_ && beside <= weights_.limit_ - bytes &&
             files_beside + files <= kMostFiles;
    };
    if (!fit(used_bytes_, used_files_)) return false;
    while (!fit(bytes_, files_)) drop();
    return true;
  }
  void take(std::uint64_t bytes) {
    bytes_ += bytes, used_bytes_ += bytes;
    ++files_, ++used_files_;
  }

 private:
  // What only has a name as ours have does not count.
  void drop() {
    const File& file = others_[next_++];
    if (begins_as_cached(weights_.folder_, file.name)) weights_.folder_.remove(file.name);
    bytes_ -= file.bytes;
    --files_;
  }

  const WeightCache& weights_;
  std::vector<File> others_;
  std::size_t next_ = 0, files_ = 0, used_files_ = 0;  // of all, of this process
  std::uint64_t bytes_ = 0, used_bytes_ = 0;
};

WeightCache::WeightCache(const std::string& folder, std::int64_t limit)
    : folder_(folder), key_(key_of(folder_)), limit_(static_cast<std::uint64_t>(limit)) {
  if (limit < 0)
    throw Error("weight_cache_limit: expected 0 bytes or more, got " + std::to_string(limit));
  Room(*this).make(0, 0);
}

std::vector<WeightCache::File> WeightCache::others() const {
  std::vector<File> files;
  for (std::string& name : folder_.names()) {
    const bool is_unfinished = is_unfinished_name(name);
    if (!is_unfinished && !is_cached_name(name)) continue;
    if (is_used(name)) continue;
    const auto status = folder_.status(name);
    if (!status) continue;
    std::int64_t used = status->st_mtim.tv_sec;
    if (is_unfinished && now() - used > kHour) used = 0;  // nobody writes it any more
    files.push_back({std::move(name), static_cast<std::uint64_t>(status->st_size), used});
  }
  return files;
}

void WeightCache::mark_used(const std::string& file, std::optional<std::uint64_t> bytes) {
  const std::lock_guard lock(mutex_);
  if (bytes) {
    used_[file] = *bytes;
  } else {
    used_.erase(file);
  }
}

bool WeightCache::is_used(const std::string& file) const {
  const std::lock_guard lock(mutex_);
  return used_.contains(file);
}

std::shared_ptr<float> WeightCache::find(const std::string& name, std::size_t floats) {
  const std::string file_name = cached_file_name(name);
  try {
    if (const Descriptor file = folder_.open(file_name, O_RDONLY)) {
      const std::string path = folder_.path_of(file_name);
      std::shared_ptr<const MappedFile> mapped = MappedFile::of(file.get(), path);
      auto* data = const_cast<float*>(
          read_cached_weights(mapped->bytes(), name, floats, path).data());  // kernels only read it
      note_use(file.get());
      mark_used(file_name, mapped->bytes().size());
      return {std::move(mapped), data};
    }
  } catch (const Error&) {
    // It is made anew.
  }
  mark_used(file_name, std::nullopt);
  return nullptr;
}

void WeightCache::save(const std::vector<Piece>& pieces) {
  if (pieces.empty()) return;
  const std::lock_guard lock(saving_);
  Room room(*this);
  for (const auto& [name, data, floats] : pieces) {
    const std::string file = cached_file_name(name);
    const std::uint64_t bytes = cached_bytes(floats);
    if (is_used(file) || !room.make(bytes, 1)) continue;  // two layers may have the same weights
    try {
      write_cached_weights(folder_, name, {data.get(), floats});
    } catch (const Error&) {
      return;  // the answer does not depend on it, and the next process tries again
    }
    mark_used(file, bytes);
    room.take(bytes);
  }
}

bool WeightCache::keeps(std::size_t floats) const { return key_ && floats >= kFewFloats; }

void WeightCachePart::keep(const std::string& name, std::shared_ptr<float> data,
                           std::size_t floats) {
  const std::lock_guard lock(mutex_);
  made_.push_back({name, std::move(data), floats});
}

void WeightCachePart::save() {
  weights_.save(made_);
  made_.clear();
}

}  // namespace sidenet
