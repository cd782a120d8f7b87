#include "zip_archive.h"

#include <zlib.h>

#include <algorithm>

#include "byte_reader.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

constexpr std::uint16_t kStored = 0, kDeflated = 8;
constexpr std::uint16_t kEncrypted = 1 << 0 | 1 << 6 | 1 << 13;
// A deflate block cannot expand further (zlib's technical notes, "Maximum Compression Factor").
constexpr std::uint64_t kMaxExpansion = 1032;
constexpr std::size_t kMapNode = 128;

[[noreturn]] void fail(const std::string& where, const std::string& what) {
  throw Error(where + ": " + what);
}

class Inflater {
 public:
  explicit Inflater(const std::string& where) : where_(where) {
    constexpr int kRaw = -MAX_WBITS;
    if (::inflateInit2(&stream_, kRaw) != Z_OK) fail(where_, "out of memory");
  }
  ~Inflater() { ::inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  void run(std::span<const std::byte> from, std::span<std::byte> to) {
    std::size_t used = 0, made = 0;
    std::byte beyond{};
    for (int status = Z_OK; status != Z_STREAM_END;) {
      const bool full = made == to.size();
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(from.data() + used));
      stream_.avail_in = chunk(from.size() - used);
      stream_.next_out = reinterpret_cast<Bytef*>(full ? &beyond : to.data() + made);
      stream_.avail_out = full ? 1 : chunk(to.size() - made);
      const auto in = stream_.avail_in, out = stream_.avail_out;
      status = ::inflate(&stream_, Z_NO_FLUSH);
      used += in - stream_.avail_in;
      const std::size_t more = out - stream_.avail_out;
      if (status != Z_OK && status != Z_STREAM_END) {
        const std::string reason = status == Z_BUF_ERROR    ? "its deflated bytes end too early"
                                   : stream_.msg != nullptr ? stream_.msg
                                                            : "broken deflated bytes";
        fail(where_, reason + ", after " + std::to_string(made) + " of " +
                         std::to_string(to.size()) + " bytes");
      }
      if (full && more > 0)
        fail(where_,
             "holds more than the " + std::to_string(to.size()) + " bytes that it announces");
      made += more;
    }
    if (made != to.size())
      fail(where_, "expected " + std::to_string(to.size()) + " bytes, got " + std::to_string(made));
    if (used != from.size()) {
      fail(where_, "expected " + std::to_string(from.size()) +
                       " deflated bytes, got an end behind " + std::to_string(used));
    }
  }

 private:
  static uInt chunk(std::size_t bytes) {
    return static_cast<uInt>(std::min(bytes, std::size_t{1} << 30));
  }

  const std::string& where_;
  z_stream stream_{};
};

}  // namespace

ZipArchive::ZipArchive(std::span<const std::byte> bytes, std::shared_ptr<const Storage> keep_alive,
                       std::string where, std::shared_ptr<ReadBudget> budget)
    : bytes_(bytes),
      keep_alive_(std::move(keep_alive)),
      budget_(budget != nullptr ? std::move(budget) : std::make_shared<ReadBudget>(bytes.size())),
      records_(read_zip_directory(bytes, where)) {
  budget_->take(records_.capacity() * sizeof(ZipRecord), where, "the zip directory");
}

std::vector<std::string> ZipArchive::names() const {
  std::vector<std::string> result;
  for (const ZipRecord& record : records_) result.emplace_back(record.name);
  return result;
}

const ZipRecord* ZipArchive::find(std::string_view name) const {
  const auto found = std::lower_bound(
      records_.begin(), records_.end(), name,
      [](const ZipRecord& record, std::string_view key) { return record.name < key; });
  return found == records_.end() || found->name != name ? nullptr : &*found;
}

StorageBytes ZipArchive::read(std::string_view name, const std::string& caller) {
  const std::string where = caller + ": zip entry " + quote(name);
  const ZipRecord* record = find(name);
  if (record == nullptr) fail(where, "missing");
  if (const auto cached = inflated_.find(record); cached != inflated_.end()) return cached->second;
  if ((record->flags & kEncrypted) != 0)
    fail(where, "expected a plain entry, got an encrypted one, which is not read");
  if (record->method != kStored && record->method != kDeflated) {
    fail(where,
         "expected stored or deflated, got compression method " + std::to_string(record->method));
  }
  const auto found = zip_entry_bytes(bytes_, *record, where);
  if (record->method == kDeflated) return inflated_[record] = inflate(where, *record, found);
  if (record->compressed != record->size) {
    fail(where, "stored, but " + std::to_string(record->compressed) + " bytes are to give " +
                    std::to_string(record->size));
  }
  return {found, keep_alive_};
}

StorageBytes ZipArchive::inflate(const std::string& where, const ZipRecord& record,
                                 std::span<const std::byte> deflated) {
  if (record.size / kMaxExpansion > deflated.size()) {
    fail(where, std::to_string(deflated.size()) + " deflated bytes cannot give " +
                    std::to_string(record.size));
  }
  budget_->take(record.size + kMapNode, where, "inflating it");
  const auto owned = std::make_shared<OwnedBytes>(record.size);
  Inflater(where).run(deflated, owned->bytes());
  const auto checksum = static_cast<std::uint32_t>(
      ::crc32_z(0, reinterpret_cast<const Bytef*>(owned->bytes().data()), owned->bytes().size()));
  if (checksum != record.checksum) {
    fail(where, "its checksum: expected " + std::to_string(record.checksum) + ", got " +
                    std::to_string(checksum));
  }
  return {owned->bytes(), owned};
}

}  // namespace sidenet
