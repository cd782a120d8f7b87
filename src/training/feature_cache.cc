#include "feature_cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <span>
#include <sstream>

#include "atomic_file.h"
#include "checked.h"
#include "digest.h"
#include "folder_secret.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

constexpr int format_version = 2;
constexpr std::chrono::seconds checkpoint_interval{5};
constexpr std::size_t progress_limit = 1 << 20;  // bytes; it has a short line a column

[[noreturn]] void fail(const std::string& path, const char* what) {
  const int error = errno;
  throw Error(path + ": " + what + ": " + std::strerror(error));
}

// Columns are cut and written in place.
Descriptor open_file(const OwnFolder& folder, const std::string& name) {
  try {
    return folder.open(name, O_RDWR | O_CREAT);
  } catch (const Error& error) {
    throw Error(std::string(error.what()) + "; the feature cache cannot be written");
  }
}

// Null where there is none, or what has the name is not ours.
std::shared_ptr<const MappedFile> map_file(const OwnFolder& folder, const std::string& name) {
  try {
    return folder.map(name);
  } catch (const Error&) {
    return nullptr;
  }
}

std::uint64_t rows_checksum(std::span<const std::byte> bytes, std::uint64_t row_bytes,
                            std::int64_t first_row) {
  std::uint64_t sum = 0;
  for (std::size_t at = 0; at < bytes.size(); at += row_bytes) {
    sum += hash64(bytes.subspan(at, row_bytes), static_cast<std::uint64_t>(first_row++));
  }
  return sum;
}

}  // namespace

FeatureCache::FeatureCache(const std::string& folder, const std::string& key, std::int64_t rows,
                           std::vector<std::string> columns, const Proof& proof)
    : folder_(OwnFolder::inside(folder, key)), key_(key), rows_(rows) {
  lock_ = open_file(folder_, "lock");
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      throw Error(folder_.path() + ": the feature cache is in use by another process");
    fail(folder_.path(), "the feature cache cannot be locked");
  }
  if (proof) proof_ = proof(SecretKey(secret_of(folder_)));
  for (std::string& name : columns) {
    Column& column = columns_.emplace_back();
    column.file = "column" + std::to_string(columns_.size() - 1) + ".f32";
    column.name = std::move(name);
    column.descriptor = open_file(folder_, column.file);
  }
  if (!resume()) start_over();
}

FeatureCache::~FeatureCache() {
  try {
    if (rows_done_ > rows_recorded_) checkpoint();
  } catch (const Error&) {
    // The last recorded progress stands: the newest rows will be computed again.
  }
}

/// The text of `progress`. Its last line is a checksum of those before it.
std::string FeatureCache::describe() const {
  std::ostringstream text;
  text << "sidenet feature cache " << format_version << "\nkey " << key_ << ' ' << proof_
       << "\nrows " << rows_done_ << " of " << rows_ << '\n';
  for (const Column& column : columns_) {
    text << "column " << column.width << ' ' << to_hex(column.checksum) << ' ' << column.name
         << '\n';
  }
  const std::string body = text.str();
  return body + "checksum " + Digest().add(body).hex() + '\n';
}

/// Takes up the recorded progress. False where there is none, or where it or the data is damaged.
bool FeatureCache::resume() {
  const auto file = map_file(folder_, "progress");
  if (!file || file->bytes().size() > progress_limit) return false;
  const std::string text(reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size());

  // Only the numbers are read; everything else is right if writing them again gives the same text.
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  std::getline(lines, line);
  std::string word;
  lines >> word >> rows_done_;
  std::getline(lines, line);
  for (Column& column : columns_) {
    std::string checksum;
    lines >> word >> column.width >> checksum;
    std::getline(lines, line);
    column.checksum = 0;
    std::from_chars(checksum.data(), checksum.data() + checksum.size(), column.checksum, 16);
  }
  if (!lines || describe() != text || rows_done_ < 0 || rows_done_ > rows_) return false;

  for (Column& column : columns_) {
    if (column.width <= 0) return false;
    const std::uint64_t row_bytes =
        checked_mul(static_cast<std::uint64_t>(column.width), sizeof(float), "feature cache");
    const std::uint64_t bytes =
        checked_mul(row_bytes, static_cast<std::uint64_t>(rows_done_), "feature cache");
    const auto data = MappedFile::of(column.descriptor.get(), folder_.path_of(column.file));
    if (data->bytes().size() < bytes) return false;
    if (rows_checksum(data->bytes().first(bytes), row_bytes, 0) != column.checksum) return false;
    // Rows that were written but not recorded are cut off.
    if (::ftruncate(column.descriptor.get(), static_cast<off_t>(bytes)) != 0)
      fail(folder_.path_of(column.file), "cannot be written");
  }
  rows_recorded_ = rows_done_;
  return true;
}

void FeatureCache::start_over() {
  // First the record, so that a crash here leaves nothing that looks valid.
  if (!folder_.remove("progress")) fail(folder_.path_of("progress"), "cannot be replaced");
  rows_done_ = rows_recorded_ = 0;
  for (Column& column : columns_) {
    column.width = 0;
    column.checksum = 0;
    if (::ftruncate(column.descriptor.get(), 0) != 0)
      fail(folder_.path_of(column.file), "cannot be written");
  }
}

void FeatureCache::write(Column& column, const Tensor& values) {
  const std::byte* from = values.raw();
  std::size_t left = values.bytes();
  off_t at =
      static_cast<off_t>(rows_done_ * column.width * static_cast<std::int64_t>(sizeof(float)));
  while (left > 0) {
    const ssize_t written = ::pwrite(column.descriptor.get(), from, left, at);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      const std::string reason = written < 0 ? std::strerror(errno) : "nothing more is taken";
      throw Error(folder_.path_of(column.file) + ": the feature cache cannot grow: " + reason +
                  "; " + std::to_string(rows_done_) + " of " + std::to_string(rows_) +
                  " rows are kept, and the next run goes on from there");
    }
    from += written;
    at += written;
    left -= static_cast<std::size_t>(written);
  }
}

void FeatureCache::append(const std::vector<Tensor>& values) {
  if (values.size() != columns_.size()) {
    throw Error("feature cache: expected " + std::to_string(columns_.size()) + " columns, got " +
                std::to_string(values.size()));
  }
  const std::int64_t count = values.empty() || values[0].rank() == 0 ? 0 : values[0].dim(0);
  if (count > rows_ - rows_done_) {
    throw Error("feature cache: expected " + std::to_string(rows_) + " rows, got " +
                std::to_string(rows_done_ + count));
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    Column& column = columns_[i];
    const Tensor& value = values[i];
    const bool fits = value.dtype() == DType::f32 && value.rank() == 2 && value.dim(0) == count &&
                      value.dim(1) > 0 && (column.width == 0 || column.width == value.dim(1));
    if (!fits) {
      throw Error("feature cache: column " + column.name + ": expected f32 (" +
                  std::to_string(count) + ", " +
                  (column.width == 0 ? "n" : std::to_string(column.width)) + "), got " +
                  dtype_name(value.dtype()) + " " + to_string(value.shape()));
    }
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    columns_[i].width = values[i].dim(1);
    write(columns_[i], values[i]);
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint64_t row_bytes = static_cast<std::uint64_t>(columns_[i].width) * sizeof(float);
    columns_[i].checksum +=
        rows_checksum({values[i].raw(), values[i].bytes()}, row_bytes, rows_done_);
  }
  rows_done_ += count;
  if (std::chrono::steady_clock::now() - last_checkpoint_ >= checkpoint_interval) checkpoint();
}

void FeatureCache::checkpoint() {
  for (const Column& column : columns_) {
    if (::fdatasync(column.descriptor.get()) != 0)
      fail(folder_.path_of(column.file), "cannot be flushed");
  }
  AtomicFile progress(folder_, "progress");
  progress.write(describe());
  progress.commit();
  rows_recorded_ = rows_done_;
  last_checkpoint_ = std::chrono::steady_clock::now();
}

void FeatureCache::cut(std::int64_t rows) {
  if (rows < 0 || rows > rows_done_)
    throw Error("feature cache: expected 0 to " + std::to_string(rows_done_) + " rows, got " +
                std::to_string(rows));
  if (rows == rows_done_) return;
  if (rows == 0) return start_over();
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const Tensor values = rows_of(i);
    const std::uint64_t row_bytes = static_cast<std::uint64_t>(columns_[i].width) * sizeof(float);
    const std::span<const std::byte> bytes(values.raw(), values.bytes());
    columns_[i].checksum -=
        rows_checksum(bytes.subspan(static_cast<std::uint64_t>(rows) * row_bytes), row_bytes, rows);
  }
  rows_done_ = rows;
  checkpoint();  // what lies behind is not recorded, and will be written over
}

Tensor FeatureCache::column(std::size_t index) const {
  if (rows_done_ < rows_) {
    throw Error("feature cache: " + std::to_string(rows_done_) + " of " + std::to_string(rows_) +
                " rows are there");
  }
  return rows_of(index);
}

Tensor FeatureCache::rows_of(std::size_t index) const {
  const Column& column = columns_.at(index);
  auto file = MappedFile::of(column.descriptor.get(), folder_.path_of(column.file));
  Tensor tensor(DType::f32, {rows_done_, column.width}, file->bytes().data(), file);
  if (file->bytes().size() < tensor.bytes()) {
    throw Error(file->path() + ": expected " + std::to_string(tensor.bytes()) + " bytes, got " +
                std::to_string(file->bytes().size()));
  }
  return tensor;
}

void FeatureCache::remove() {
  rows_recorded_ = rows_done_;  // nothing to record any more
  std::vector<std::string> ours{"progress", "secret", "lock"};
  for (const Column& column : columns_) ours.push_back(column.file);
  for (const std::string& name : folder_.names()) {
    if (name.starts_with("progress.partial-") || name.starts_with("secret.partial-"))
      ours.push_back(name);
  }
  for (const std::string& name : ours) {
    if (!folder_.remove(name)) fail(folder_.path_of(name), "cannot be removed");
  }
  ::rmdir(folder_.path().c_str());  // what others have put there stays
}

}  // namespace sidenet
