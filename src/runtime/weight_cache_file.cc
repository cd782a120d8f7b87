#include "weight_cache_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "atomic_file.h"
#include "digest.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

constexpr std::string_view kMagic = "SNKEPT02", kAnyMagic = "SNKEPT", kEnding = ".weights",
                           kPartial = ".partial-";
constexpr std::size_t kNameDigits = 32, kHead = 64;

struct Head {
  std::array<char, 8> magic;
  std::array<char, kNameDigits> name;
  std::uint64_t floats;
  Hash128 hash;
};
static_assert(sizeof(Head) == kHead);

// Takes them off the front; false where there are not so many.
bool take_digits(std::string_view& text, std::size_t count) {
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (text.size() < count ||
      !std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(count), is_digit))
    return false;
  text.remove_prefix(count);
  return true;
}

// DIGITS.weights, or of the first version DIGITS-PART.weights.
bool take_name(std::string_view& file) {
  if (!take_digits(file, kNameDigits)) return false;
  if (file.starts_with('-'))
    file.remove_prefix(std::min(file.find_first_not_of("0123456789", 1), file.size()));
  if (!file.starts_with(kEnding)) return false;
  file.remove_prefix(kEnding.size());
  return true;
}

}  // namespace

std::span<const float> read_cached_weights(std::span<const std::byte> file, std::string_view name,
                                           std::size_t floats, const std::string& source) {
  Head head{};
  if (file.size() >= kHead) std::memcpy(&head, file.data(), kHead);
  const auto is = [](const auto& field, std::string_view text) {
    return std::equal(field.begin(), field.end(), text.begin(), text.end());
  };
  const bool fits = file.size() >= kHead && is(head.magic, kMagic) && is(head.name, name) &&
                    head.floats == floats && floats <= file.size() / sizeof(float) &&
                    file.size() == cached_bytes(floats);
  if (!fits || hash128(file.subspan(kHead)) != head.hash)
    throw Error(source + ": not the weights that were kept");
  return {reinterpret_cast<const float*>(file.data() + kHead), floats};
}

void write_cached_weights(const OwnFolder& folder, const std::string& name,
                          std::span<const float> floats) {
  Head head{{}, {}, floats.size(), hash128(std::as_bytes(floats))};
  std::copy(kMagic.begin(), kMagic.end(), head.magic.begin());
  name.copy(head.name.data(), head.name.size());
  AtomicFile file(folder, cached_file_name(name),
                  false);  // its hash tells, and flushing is half of the time
  file.write(std::as_bytes(std::span(&head, 1)));
  file.write(std::as_bytes(floats));
  file.commit();
}

std::size_t cached_bytes(std::size_t floats) { return kHead + floats * sizeof(float); }

std::string cached_file_name(const std::string& name) { return name + std::string(kEnding); }

bool is_cached_name(std::string_view file) { return take_name(file) && file.empty(); }

bool is_unfinished_name(std::string_view file) {
  if (!take_name(file) || !file.starts_with(kPartial)) return false;
  file.remove_prefix(kPartial.size());
  return take_digits(file, 8) && file.empty();
}

bool begins_as_cached(const OwnFolder& folder, const std::string& name) {
  try {
    const Descriptor file = folder.open(name, O_RDONLY);
    std::array<char, kAnyMagic.size()> start{};
    const ssize_t got = file ? ::pread(file.get(), start.data(), start.size(), 0) : -1;
    // One that was not finished may end before.
    return got >= 0 &&
           kAnyMagic.starts_with(std::string_view(start.data(), static_cast<std::size_t>(got)));
  } catch (const Error&) {
    return false;
  }
}

}  // namespace sidenet
