#include "zip_archive.h"

#include <algorithm>

#include "byte_reader.h"
#include "checked.h"
#include "sidenet/error.h"
#include "zip_source.h"

namespace sidenet {
namespace {

// A deflate block cannot expand further (zlib's technical notes, "Maximum Compression Factor").
constexpr std::uint64_t kMaxExpansion = 1032;

[[noreturn]] void fail(const std::string& where, const std::string& what) { throw Error(where + ": " + what); }

struct CloseEntry {
  void operator()(zip_file_t* entry) const { zip_fclose(entry); }
};
using EntryHandle = std::unique_ptr<zip_file_t, CloseEntry>;

}  // namespace

struct ZipArchive::Handle {
  SpanSource source;
  zip_t* archive = nullptr;
  Handle() { zip_error_init(&source.error); }
  ~Handle() {
    if (archive != nullptr) zip_discard(archive);
    zip_error_fini(&source.error);
  }
};

ZipArchive::ZipArchive(std::span<const std::byte> bytes, std::shared_ptr<const Storage> keep_alive, std::string where)
    : bytes_(bytes), keep_alive_(std::move(keep_alive)), where_(std::move(where)), handle_(std::make_unique<Handle>()) {
  handle_->source.bytes = bytes;
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_function_create(SpanSource::callback, &handle_->source, &error);
  if (source != nullptr) {
    handle_->archive = zip_open_from_source(source, ZIP_RDONLY, &error);
    if (handle_->archive == nullptr) zip_source_free(source);
  }
  const std::string problem = handle_->archive == nullptr ? zip_error_strerror(&error) : "";
  zip_error_fini(&error);
  if (!problem.empty()) throw Error(where_ + ": expected a whole zip archive: " + problem);

  const zip_int64_t count = zip_get_num_entries(handle_->archive, 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    const auto index = static_cast<std::uint64_t>(i);
    const char* name = zip_get_name(handle_->archive, index, ZIP_FL_ENC_RAW);
    if (name == nullptr) throw Error(where_ + ": zip entry " + std::to_string(i) + " has no name");
    if (!entries_.emplace(name, index).second) fail(where_, "zip entry " + quote(name) + " occurs twice");
  }
}

ZipArchive::~ZipArchive() = default;

std::vector<std::string> ZipArchive::names() const {
  std::vector<std::string> result;
  for (const auto& [name, index] : entries_) result.push_back(name);
  return result;
}

StorageBytes ZipArchive::read(const std::string& name, const std::string& caller) {
  const std::string where = caller + ": zip entry " + quote(name);
  const auto found = entries_.find(name);
  if (found == entries_.end()) fail(where, "missing");
  if (const auto cached = inflated_.find(name); cached != inflated_.end()) return cached->second;

  zip_stat_t status;
  zip_stat_init(&status);
  constexpr zip_uint64_t kNeeded = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
  if (zip_stat_index(handle_->archive, found->second, 0, &status) != 0 || (status.valid & kNeeded) != kNeeded) {
    fail(where, "its directory record cannot be read");
  }
  if (status.encryption_method != ZIP_EM_NONE) fail(where, "encrypted, which is not read");
  if (status.comp_method == ZIP_CM_STORE) {
    if (status.comp_size != status.size) {
      fail(where, "stored, but " + std::to_string(status.comp_size) + " bytes are to give " + std::to_string(status.size));
    }
    return view_stored(where, found->second, status.size);
  }
  if (status.comp_method != ZIP_CM_DEFLATE) {
    fail(where, "expected stored or deflated, got compression method " + std::to_string(status.comp_method));
  }
  return inflated_[name] = inflate(where, found->second, status.size, status.comp_size);
}

StorageBytes ZipArchive::view_stored(const std::string& where, std::uint64_t index, std::uint64_t size) {
  if (size > bytes_.size()) fail(where, "its " + std::to_string(size) + " bytes reach past the end of the file");
  const EntryHandle entry(zip_fopen_index(handle_->archive, index, 0));
  if (!entry) fail(where, zip_strerror(handle_->archive));
  if (size == 0) return {{}, keep_alive_};

  SpanSource& source = handle_->source;
  const std::uint64_t reads_before = source.reads;
  std::byte first{};
  if (zip_fread(entry.get(), &first, 1) != 1) fail(where, zip_file_strerror(entry.get()));
  if (source.reads != reads_before + 1 || source.last_read_size != 1) fail(where, "its place in the file is unclear");
  const std::uint64_t offset = source.last_read_offset;
  if (offset > bytes_.size() - size) fail(where, "its " + std::to_string(size) + " bytes reach past the end of the file");
  return {bytes_.subspan(offset, size), keep_alive_};
}

StorageBytes ZipArchive::inflate(const std::string& where, std::uint64_t index, std::uint64_t size,
                                 std::uint64_t compressed) {
  if (compressed > bytes_.size()) fail(where, "its compressed bytes reach past the end of the file");
  if (size > compressed * kMaxExpansion) {
    fail(where, std::to_string(compressed) + " deflated bytes cannot give " + std::to_string(size));
  }
  // Entries may overlap, so that each keeps the limit above and all together still do not.
  inflated_total_ = checked_add(inflated_total_, size, "zip archive");
  if (inflated_total_ > bytes_.size() * kMaxExpansion) fail(where, "the entries together expand beyond what deflate can");

  const EntryHandle entry(zip_fopen_index(handle_->archive, index, 0));
  if (!entry) fail(where, zip_strerror(handle_->archive));
  const auto owned = std::make_shared<OwnedBytes>(size);
  std::uint64_t done = 0;
  while (done < size) {
    const zip_int64_t count = zip_fread(entry.get(), owned->bytes().data() + done, size - done);
    if (count < 0) fail(where, zip_file_strerror(entry.get()));
    if (count == 0) fail(where, "expected " + std::to_string(size) + " bytes, got " + std::to_string(done));
    done += static_cast<std::uint64_t>(count);
  }
  // libzip compares the checksum only once the end is read.
  std::byte more{};
  const zip_int64_t rest = zip_fread(entry.get(), &more, 1);
  if (rest < 0) fail(where, zip_file_strerror(entry.get()));
  if (rest > 0) fail(where, "holds more than the " + std::to_string(size) + " bytes that it announces");
  return {owned->bytes(), owned};
}

}  // namespace sidenet
